"""A line of a commit: what it says, its bytes, and where it is."""

from typing import Generic, NamedTuple, TypeVar

from wire_format.lines import Line

L = TypeVar("L", bound=Line, covariant=True)  # noqa: PLC0105 - read-only in a tuple


class Place(NamedTuple):
    """Where a line stands: line `line_no` from 1 of `git show <commit>:<path>`; 0 is all of it."""

    commit: str
    path: str
    line_no: int


class Claim(NamedTuple, Generic[L]):
    """A line that claims its key.

    Attributes:
        record: what it says.
        line: its bytes.
        place: where it is.
    """

    record: L
    line: bytes
    place: Place
