"""A line of a commit: its record, its bytes and its place."""

from typing import Generic, NamedTuple, TypeVar

from wire_format.lines import Line

L = TypeVar("L", bound=Line, covariant=True)  # noqa: PLC0105 - read-only in a tuple


class Place(NamedTuple):
    """Where a line is: line `line_no` (from 1) of `git show <commit>:<path>`; 0 is the file."""

    commit: str
    path: str
    line_no: int


class Claim(NamedTuple, Generic[L]):
    """A line that claims its key.

    Attributes:
        record: the decoded line.
        line: its bytes, newline included.
        place: where it is.
    """

    record: L
    line: bytes
    place: Place
