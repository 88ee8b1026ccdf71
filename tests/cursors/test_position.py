"""What a new head means, as a table over abstract histories, in order of precedence."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursors.position import Advance, HeadOutcome, advance

LINE = {"a": None, "b": "a", "c": "b", "d": "c"}
"""Four commits in a row."""

FORKED = {**LINE, "x": "b", "y": "x"}
"""Another branch leaves the row at `b`."""

MERGED = {**FORKED, "m": "y"}
"""`m` merges `d` into the other branch: its first parent is `y`."""

UNRELATED = {**LINE, "r": None, "s": "r"}


def forward(*commits: str) -> Advance:
    return Advance(HeadOutcome.FAST_FORWARD, commits)


REWRITTEN = Advance(HeadOutcome.REWRITTEN)


@pytest.mark.parametrize(
    ("cursor", "head", "parents", "expected"),
    [
        pytest.param(None, None, {}, Advance(HeadOutcome.EMPTY), id="no commit yet"),
        pytest.param("b", None, LINE, Advance(HeadOutcome.BRANCH_MISSING), id="branch gone"),
        pytest.param("b", "b", LINE, Advance(HeadOutcome.UNCHANGED), id="unchanged"),
        pytest.param("b", "b", {}, Advance(HeadOutcome.UNCHANGED), id="unchanged, mirror lost"),
        pytest.param(None, "a", LINE, forward("a"), id="first commit"),
        pytest.param(None, "c", LINE, forward("a", "b", "c"), id="first look"),
        pytest.param("c", "d", LINE, forward("d"), id="one new commit"),
        pytest.param("a", "d", LINE, forward("b", "c", "d"), id="several, oldest first"),
        pytest.param("y", "m", MERGED, forward("m"), id="merge of a side branch"),
        pytest.param("b", "m", MERGED, forward("x", "y", "m"), id="first parents alone"),
        pytest.param("d", "b", LINE, REWRITTEN, id="head behind the cursor"),
        pytest.param("d", "y", FORKED, REWRITTEN, id="forced push"),
        pytest.param("d", "m", MERGED, REWRITTEN, id="cursor merged from a side branch"),
        pytest.param("d", "s", UNRELATED, REWRITTEN, id="unrelated history"),
        pytest.param("lost", "d", LINE, REWRITTEN, id="a cursor that is nowhere"),
    ],
)
def test_a_head_against_a_cursor(
    cursor: str | None, head: str | None, parents: Mapping[str, str | None], expected: Advance
) -> None:
    assert advance(cursor, head, parents.__getitem__) == expected


@given(st.integers(1, 30), st.data())
def test_a_history_in_any_parts_is_walked_once(length: int, data: st.DataObject) -> None:
    """Wherever it is looked at on the way, each commit comes once and in order."""
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
