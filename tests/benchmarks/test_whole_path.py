"""The benchmark of the whole path compares right balances only. No test asserts a time."""

from pathlib import Path

import pytest

from benchmarks import whole_path


def test_every_step_has_a_row(tmp_path: Path) -> None:
    walked = whole_path.compare(tmp_path, 30, 1)
    steps = {"record -", "push", "pull", "the whole path", "the sqlite3 script"}
    assert steps <= walked.rounds[0].keys()
    rows = whole_path.table([walked]).splitlines()[2:]
    assert [row.count("|") for row in rows] == [7] * len(walked.rounds[0])


def test_history_in_any_order_is_verified(tmp_path: Path) -> None:
    found = list(whole_path.history(tmp_path, 30, 1))
    assert [order for order, _ in found] == ["sorted", "unsorted"]
    assert all("verify" in walked.rounds[0] for _, walked in found)
    assert len(whole_path.history_table(found).splitlines()) == 2 + len(found)


def test_other_balances_than_those_of_the_script_stop_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_path.Site, "owed", lambda _: {"somebody": 1})
    with pytest.raises(RuntimeError, match="disagree"):
        whole_path.compare(tmp_path, 30, 1)
