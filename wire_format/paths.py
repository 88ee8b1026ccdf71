"""The path of a segment in its repo: `usage/2026/11/21/0000000000000017.jsonl`.

The day is the UTC day on which the segment was sealed, the name the seq of its first record.
"""

import re
from datetime import date
from typing import Final, NamedTuple

from wire_format.fields import INT_MAX, YEAR_MAX, YEAR_MIN
from wire_format.lines import Folder

_PATH: Final = re.compile(r"([a-z]+)/([0-9]{4})/([0-9]{2})/([0-9]{2})/([0-9]{16})\.jsonl")


class InvalidPathError(ValueError):
    """A path inside a segment folder is not a segment's path."""


class SegmentPath(NamedTuple):
    """A segment's path in its repo.

    Attributes:
        folder: what kind of lines it holds.
        day: the UTC day of sealing.
        first_seq: the seq of its first record.
    """

    folder: Folder
    day: date
    first_seq: int

    def __str__(self) -> str:
        day = self.day.isoformat().replace("-", "/")
        return f"{self.folder}/{day}/{self.first_seq:016d}.jsonl"


def folder_of(path: str) -> Folder | None:
    """The segment folder that a path is in, or None for any other path of the repo."""
    top, slash, _ = path.partition("/")
    return Folder(top) if slash and top in set(Folder) else None


def parse_path(path: str) -> SegmentPath:
    """Read a segment's path.

    Raises:
        InvalidPathError: when it is not the path of a segment.
    """
    match = _PATH.fullmatch(path)
    if match is None or match[1] not in set(Folder):
        raise InvalidPathError("is not <folder>/YYYY/MM/DD/<first seq, 16 digits>.jsonl")
    try:
        day = date(int(match[2]), int(match[3]), int(match[4]))
    except ValueError:
        raise InvalidPathError("names a day that does not exist") from None
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise InvalidPathError(f"names a day outside the years {YEAR_MIN} to {YEAR_MAX}")
    first_seq = int(match[5])
    if not 1 <= first_seq <= INT_MAX:
        raise InvalidPathError(f"names a first seq outside 1 to {INT_MAX}")
    return SegmentPath(Folder(match[1]), day, first_seq)
