"""The benchmark of the listener measures records that are there. No test here asserts a time."""

from pathlib import Path

import pytest

from benchmarks import listening, report
from benchmarks.report import README
from node_pusher.spool.api import Spool


def test_the_table_has_every_row_and_its_counts_are_records_in_a_spool(tmp_path: Path) -> None:
    rows = [row.cells() for row in listening.measure(tmp_path, 20)]
    assert [int(row[1].replace(",", "")) for row in rows] == [200, 2, 5, 250, 5000, 5000, 10_000]
    for name, row in zip("abcdef", rows[1:], strict=True):
        with Spool.open(tmp_path / name) as spool:
            assert f"{spool.store.count():,}" == row[1]


def test_a_count_that_is_not_in_the_spool_stops_the_benchmark(tmp_path: Path) -> None:
    home = listening._new_home(tmp_path / "home")
    with pytest.raises(RuntimeError, match="1 records were acknowledged and 0 are in the spool"):
        listening._check(home, 1)


def test_the_readme_keeps_what_stands_around_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(README.read_text())
    monkeypatch.setattr(report, "README", copy)
    for text in ("row of one run", "row of the next"):
        report.keep(text, listening._BEGIN, listening._END)
    before, _, after = copy.read_text().partition("row of the next")
    assert before.startswith(README.read_text().partition("<!-- begin: written by `python -m b")[0])
    assert "row of one run" not in before + after
    assert "<!-- end -->" in before
