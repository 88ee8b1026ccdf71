"""The benchmark of long answers measures answers with all of their rows. No test asserts a time."""

import sys
from pathlib import Path

import pytest

from benchmarks import tables

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data, which is made once and then used again."""
    return tmp_path_factory.mktemp("data")


def test_every_answer_has_a_row_and_figures_of_each_folder_of_programs(data: Path) -> None:
    """An answer with another number of rows would stop it."""
    found = list(tables.measure(data, [PROGRAMS, PROGRAMS], 1, 20, 50))
    assert [measured.answer.rows for measured in found] == [20, 20, 50, 50, 50, 50]
    figures = [used for measured in found for runs in measured.used for used in runs]
    assert len(figures) == 2 * len(found)
    assert all(used.cpu_s > 0 and used.memory_bytes > 1_000_000 for used in figures)
    rows = tables.table(found).splitlines()[2:]
    assert [row.count("|") for row in rows] == [9] * len(found)


def test_each_run_has_figures(data: Path) -> None:
    (runs,) = next(tables.measure(data, [PROGRAMS], 2, 20, 50)).used
    assert len(runs) == 2


def test_an_answer_without_some_of_its_rows_stops_the_benchmark(data: Path, tmp_path: Path) -> None:
    """There are no figures for an answer that is not whole, nor for one that fails."""
    answer = next(tables.answers(data, 20, 50))
    with pytest.raises(RuntimeError, match="20 of 21 rows were printed"):
        tables.ask(answer._replace(rows=21), PROGRAMS, tmp_path / "out")
    with pytest.raises(RuntimeError, match="ended with 2"):
        tables.ask(answer._replace(words=("no-such",)), PROGRAMS, tmp_path / "out")


def test_the_memory_of_the_benchmark_itself_is_in_no_figure(data: Path, tmp_path: Path) -> None:
    """The peak that a system states for a child is otherwise at least that of its parent."""
    held = bytearray(300_000_000)
    held[::4096] = b"x" * len(held[::4096])
    answer = next(tables.answers(data, 20, 50))
    assert tables.ask(answer, PROGRAMS, tmp_path / "out").memory_bytes < len(held)
