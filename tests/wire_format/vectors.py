"""The test vectors of `fixtures/lines/`, as files and as its index states them."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from wire_format.lines import Folder

ROOT: Final = Path(__file__).parents[2] / "fixtures" / "lines"
INDEX: Final = ROOT / "README.md"
_ROW = re.compile(r"\| `([a-z0-9-]+\.jsonl)` \| ([^|]+) \| (.+) \|")
_FOLDERS: Final = {
    "usage": Folder.USAGE,
    "money": Folder.PAYMENTS,
    "decision": Folder.DECISIONS,
    "account": Folder.ACCOUNTS,
}
_LINE = re.compile(r"([0-9]+) `([a-z0-9_]+)`")


class Vector(NamedTuple):
    """One file of test lines.

    Attributes:
        name: file name; its first word says in which folder of a repo the segment would lie.
        data: its bytes.
        bad: what its index says: the code of each bad line by line number; empty for a valid file.
    """

    name: str
    data: bytes
    bad: dict[int, str]

    @property
    def folder(self) -> Folder:
        """The folder of a repo this segment would lie in."""
        return _FOLDERS[self.name.partition("-")[0]]

    @property
    def lines(self) -> list[bytes]:
        """The lines, each with its newline if it has one."""
        return re.findall(rb"[^\n]*\n|[^\n]+", self.data)


def _section(title: str) -> list[tuple[str, str]]:
    text = INDEX.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [(row[1], row[2]) for row in map(_ROW.fullmatch, text.splitlines()) if row]


def indexed(kind: str) -> list[str]:
    """File names the index lists under `valid` or `invalid`, in its order."""
    return [name for name, _ in _section(kind.capitalize())]


def valid() -> list[Vector]:
    """Every vector that is valid as a whole."""
    return [Vector(name, (ROOT / "valid" / name).read_bytes(), {}) for name in indexed("valid")]


def invalid() -> list[Vector]:
    """Every vector with at least one bad line."""
    return [
        Vector(
            name,
            (ROOT / "invalid" / name).read_bytes(),
            {int(line_no): code for line_no, code in _LINE.findall(cell)},
        )
        for name, cell in _section("Invalid")
    ]


VALID: Final = valid()
INVALID: Final = invalid()
EVERY: Final = [*VALID, *INVALID]


def name_of(vector: Vector) -> str:
    """A test's id."""
    return vector.name.removesuffix(".jsonl")
