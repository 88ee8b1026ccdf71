"""Which lines about accounts these books reckon with."""

from datetime import UTC, datetime

from books.accounts.known import _about, _admitted, _decoded
from gitmeter.counting.decisions import Decisions
from wire_format.lines import Account, Decision, encode_lines

AT = datetime(2026, 1, 1, tzinfo=UTC)


def suspended(seq: int, user: str) -> bytes:
    return encode_lines([Account(v=2, node="books", seq=seq, ts=AT, user=user, kind="suspend")])


def admitted(lines: list[bytes], *decisions: Decision) -> list[tuple[int, str]]:
    found = _admitted(lines, Decisions(decisions).of_node("books"))
    return [(record.seq, record.user) for record in found]


def test_lines_are_known_once_and_in_their_order() -> None:
    lines = [suspended(2, "bob"), suspended(1, "alice"), suspended(2, "bob")]
    assert admitted(lines) == [(1, "alice"), (2, "bob")]


def test_of_two_lines_under_one_number_one_counts_whoever_is_asked_about() -> None:
    """The one with the smaller bytes, as the aggregator has it."""
    lines = [suspended(1, "alice"), suspended(2, "alice"), suspended(1, "bob"), suspended(3, "bo")]
    assert _about(lines, "alice") == lines[:3]
    assert admitted(_about(lines, "alice")) == [(1, "alice"), (2, "alice")]
    assert _about(lines, "bob") == [lines[0], lines[2]]
    assert admitted(_about(lines, "bob")) == [(1, "alice")]


def test_an_excluded_line_is_left_out() -> None:
    exclude = Decision(
        v=1, node="books", seq=9, ts=AT, kind="exclude", of="books", of_seq=1, by="ada", reason="x"
    )
    assert admitted([suspended(1, "alice"), suspended(2, "bob")], exclude) == [(2, "bob")]


def test_a_line_that_is_not_valid_spoils_no_other() -> None:
    lines = [suspended(1, "alice"), b'{"v":2}\n', suspended(2, "bob")]
    assert [line for line, _ in _decoded(lines)] == [lines[0], lines[2]]
