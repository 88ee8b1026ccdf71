"""The benchmark of starting programs measures commands that work. No test here asserts a time."""

import sys
from pathlib import Path

import pytest

from benchmarks import startup

PROGRAMS = Path(sys.executable).parent


def test_every_command_has_a_row_and_each_run_a_figure(tmp_path: Path) -> None:
    """A command that fails would stop the benchmark."""
    found = startup.measure(tmp_path, [PROGRAMS], 1)
    assert [len(figures) for measured in found for figures in measured.cpu_s] == [1] * len(found)
    rows = startup.table(found).splitlines()[2:]
    assert [row.count("|") for row in rows] == [6] * len(found)


def test_a_command_that_fails_stops_the_benchmark() -> None:
    """There are no figures for programs that do not work."""
    command = startup.Command("`false`", ("false",))
    with pytest.raises(RuntimeError, match="ended with 1"):
        startup.cpu_s(command, Path("/bin"))
