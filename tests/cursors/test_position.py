"""What a new head means, as a table over abstract histories, in order of precedence."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursors import position
from cursors.position import Advance, HeadOutcome, advance

LINE = {"a": None, "b": "a", "c": "b", "d": "c"}
"""Four commits in a row."""

FORKED = {**LINE, "x": "b", "y": "x"}
"""Another branch forks off at `b`."""

MERGED = {**FORKED, "m": "y"}
"""`m` merges `d` into the other branch: its first parent is `y`."""

UNRELATED = {**LINE, "r": None, "s": "r"}


def forward(*commits: str) -> Advance:
    return Advance(HeadOutcome.FAST_FORWARD, commits)


REWRITTEN = Advance(HeadOutcome.REWRITTEN)


def set_back(missing: int) -> Advance:
    return Advance(HeadOutcome.SET_BACK, missing=missing)


@pytest.mark.parametrize(
    ("cursor", "head", "parents", "expected"),
    [
        pytest.param(None, None, {}, Advance(HeadOutcome.EMPTY), id="no commit yet"),
        pytest.param("b", None, LINE, Advance(HeadOutcome.BRANCH_MISSING), id="branch gone"),
        pytest.param("b", "b", LINE, Advance(HeadOutcome.UNCHANGED), id="unchanged"),
        pytest.param("b", "b", {}, Advance(HeadOutcome.UNCHANGED), id="unchanged, mirror lost"),
        pytest.param(None, "a", LINE, forward("a"), id="first commit"),
        pytest.param(None, "c", LINE, forward("a", "b", "c"), id="first fetch"),
        pytest.param("c", "d", LINE, forward("d"), id="one new commit"),
        pytest.param("a", "d", LINE, forward("b", "c", "d"), id="several, oldest first"),
        pytest.param("y", "m", MERGED, forward("m"), id="merge of a side branch"),
        pytest.param("b", "m", MERGED, forward("x", "y", "m"), id="first parents alone"),
        pytest.param("d", "c", LINE, set_back(1), id="set back by one commit"),
        pytest.param("d", "a", LINE, set_back(3), id="set back to the first commit"),
        pytest.param("m", "b", MERGED, set_back(3), id="set back below a merge"),
        pytest.param("d", "x", FORKED, REWRITTEN, id="a new commit where it was set back to"),
        pytest.param("d", "y", FORKED, REWRITTEN, id="forced push"),
        pytest.param("m", "d", MERGED, REWRITTEN, id="head on a side branch of the cursor"),
        pytest.param("d", "m", MERGED, REWRITTEN, id="cursor merged from a side branch"),
        pytest.param("d", "s", UNRELATED, REWRITTEN, id="unrelated history"),
    ],
)
def test_a_head_against_a_cursor(
    cursor: str | None, head: str | None, parents: Mapping[str, str | None], expected: Advance
) -> None:
    assert advance(cursor, head, parents.__getitem__) == expected


def accepted(*commits: str, count: int) -> Advance:
    return Advance(HeadOutcome.ACCEPTED, commits, count)


@pytest.mark.parametrize(
    ("cursor", "head", "parents", "tips", "billed", "expected"),
    [
        pytest.param("d", "y", FORKED, "y", "abcd", accepted("x", "y", count=2), id="the head"),
        pytest.param("d", "y", FORKED, "x", "abcd", accepted("x", "y", count=1), id="below it"),
        pytest.param("d", "y", FORKED, "xy", "abcd", accepted("x", "y", count=2), id="both"),
        pytest.param("d", "s", UNRELATED, "s", "abcd", accepted("r", "s", count=2), id="unrelated"),
        pytest.param("d", "m", MERGED, "m", "abcd", accepted("x", "y", "m", count=3), id="merge"),
        pytest.param("d", "y", FORKED, "b", "abcd", REWRITTEN, id="of the shared past"),
        pytest.param("d", "y", FORKED, "d", "abcd", REWRITTEN, id="the cursor itself"),
        pytest.param("d", "y", FORKED, "q", "abcd", REWRITTEN, id="of nowhere"),
        pytest.param("d", "b", LINE, "b", "abcd", set_back(2), id="set back, accepted or not"),
        pytest.param("d", "y", FORKED, "x", "abcdx", REWRITTEN, id="accepted and billed before"),
        pytest.param("x", "d", FORKED, "d", "abcx", accepted("d", count=1), id="back to the old"),
        pytest.param("x", "c", FORKED, "c", "abcx", REWRITTEN, id="back, and nothing is new"),
    ],
)
def test_a_rewritten_head_that_the_operator_may_have_accepted(
    cursor: str,
    head: str,
    parents: Mapping[str, str | None],
    tips: str,
    billed: str,
    expected: Advance,
) -> None:
    """It is read from where it leaves what was billed; a commit read before is not new.

    Each letter of `tips` and `billed` is a commit.
    """
    assert advance(cursor, head, parents.__getitem__, set(tips), lambda: set(billed)) == expected


@pytest.mark.parametrize(("tips", "count"), [("", 0), ("c", 1), ("d", 2), ("cd", 2), ("b", 0)])
def test_commits_accepted_by_name_in_a_history_that_goes_on(tips: str, count: int) -> None:
    """They may be edits; only those above the cursor matter."""
    expected = Advance(HeadOutcome.FAST_FORWARD, ("c", "d"), count)
    assert advance("b", "d", LINE.__getitem__, set(tips)) == expected


def test_what_was_billed_is_asked_for_only_when_a_history_was_rewritten() -> None:
    """It is the whole history."""

    def billed() -> set[str]:
        pytest.fail("asked")

    for head in ("b", "d"):
        advance("b", head, FORKED.__getitem__, {"d"}, billed)
    assert advance("d", "y", FORKED.__getitem__, {"q"}, billed) == REWRITTEN


@given(st.integers(1, 30), st.data())
def test_a_history_in_any_parts_is_walked_once(length: int, data: st.DataObject) -> None:
    """At whichever commits it is fetched on the way, each commit comes once and in order."""
    heads = [*sorted(data.draw(st.sets(st.integers(0, length - 1)))), length - 1]
    parents = {str(n): str(n - 1) if n else None for n in range(length)}
    cursor: str | None = None
    walked: list[str] = []
    for head in heads:
        position = advance(cursor, str(head), parents.__getitem__)
        walked += position.commits
        cursor = str(head)
    assert walked == [str(n) for n in range(length)]


def test_work_is_proportional_to_what_is_new() -> None:
    """Nothing below the cursor is asked for."""
    asked: list[str] = []

    def first_parent(commit: str) -> str:
        asked.append(commit)
        return str(int(commit) - 1)

    assert advance("1000000", "1000003", first_parent).outcome is HeadOutcome.FAST_FORWARD
    assert asked == ["1000003", "1000002", "1000001"]


def test_a_history_of_too_many_commits_is_not_walked_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One commit more than is held in memory is too many; that many are read."""
    monkeypatch.setattr(position, "COMMITS_AHEAD_MAX", 3)
    parents = {str(n): str(n - 1) if n else None for n in range(9)}
    found = advance("5", "8", parents.__getitem__)
    assert (found.outcome, found.commits) == (HeadOutcome.FAST_FORWARD, ("6", "7", "8"))
    asked: list[str] = []

    def first_parent(commit: str) -> str | None:
        asked.append(commit)
        return parents[commit]

    assert advance("4", "8", first_parent) == Advance(HeadOutcome.TOO_LONG)
    assert asked == ["8", "7", "6", *("4", "3", "2")], "nor is that of the cursor"


def test_a_branch_that_was_set_back_has_no_history_that_is_too_long() -> None:
    """Below its head is nothing but what was billed, however few commits may be walked there."""
    parents = {str(n): str(n - 1) if n else None for n in range(9)}
    assert advance("8", "6", parents.__getitem__, commits_max=1) == set_back(2)
