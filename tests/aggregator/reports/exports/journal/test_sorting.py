"""Lines come out in order, however many there are and however little memory they are given."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.reports.exports.journal.sorting import SortedLines

_LINES = st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=9))


@given(_LINES, st.integers(1, 40))
def test_lines_are_in_the_order_of_their_bytes(lines: list[str], run_bytes: int) -> None:
    """Also where they are sorted in many parts, and those that are equal are all there."""
    found = SortedLines(run_bytes)
    for line in lines:
        found.add(line)
    assert list(found) == sorted(lines, key=lambda line: f"{line}\n".encode())
