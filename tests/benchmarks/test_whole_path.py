"""The benchmark of the whole path compares right balances only. No test asserts a time."""

from pathlib import Path

import pytest

from benchmarks import whole_path


class OtherSite:
    """A site without programs, whose balances are those of nobody."""

    def __init__(self, folder: Path, prices: Path) -> None:
        pass

    def walk(self, _usage: Path) -> whole_path.Steps:
        """Nothing has to be walked to find other balances."""
        return {"pull": whole_path.Spent(0, 0)}

    def owed(self) -> dict[str, int]:
        """What nobody in the file of usage owes."""
        return {"somebody": 1}


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
    monkeypatch.setattr(whole_path, "Site", OtherSite)
    with pytest.raises(RuntimeError, match="disagree"):
        whole_path.compare(tmp_path, 30, 1)
