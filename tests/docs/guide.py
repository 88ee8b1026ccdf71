"""The operator's guide as data: its blocks in order, and what of an output is worth comparing.

The word after three back-ticks says what a block is:

    sh                      run on the aggregator's machine, as root
    sh on embedder-01       run on that node
    sh pasted               printed by the block before, and pasted
    sh pasted on NODE       the same, on that node
    sh fails                run here, and its exit code is not 0
    sh elsewhere            not run here: it needs apt, systemd's own files or another machine's web
    text                    what the block before shows
    ini, nginx, toml, yaml  a file that something else reads

A comment `<!-- here: ... -->` is what happens at that place.
"""

import re
from pathlib import Path
from typing import Final, NamedTuple

from tests.conftest import ROOT

GUIDE: Final = ROOT / "docs" / "operators-guide.md"
_BLOCK: Final = re.compile(
    r"^```(\S+)([^\n]*)\n(.*?)^```$|^<!-- (here): ([^\n]+) -->$", re.MULTILINE | re.DOTALL
)
_NODE: Final = re.compile(r"(?:^| )on ([a-z0-9-]+)$")
_VARIABLE: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?Z?)?"), "TIME"),
    (re.compile(r"\b\d{4}/\d\d/\d\d\b"), "DAY"),
    (re.compile(r"SHA256:[A-Za-z0-9+/]*"), "FINGERPRINT"),
    (re.compile(r"AAAA[A-Za-z0-9+/=]*"), "KEY"),
    (re.compile(r"\b[0-9a-f]{7,64}\b"), "HASH"),
    (re.compile(r"\d+ bytes"), "SIZE"),
    (re.compile(r"[─-╿-]{3,}|\s+"), " "),
)
"""What is another thing at each run."""

_ANYTHING: Final = re.compile(re.escape(re.escape("...")))


class Block(NamedTuple):
    """A block of the guide.

    Attributes:
        line_no: where it begins.
        language: `sh`, `text`, ...
        mark: what stands after the language.
        text: of it.
    """

    line_no: int
    language: str
    mark: str
    text: str

    @property
    def node(self) -> str | None:
        """The node it runs on; None for the aggregator's machine."""
        found = _NODE.search(self.mark)
        return None if found is None else found[1]

    @property
    def is_pasted(self) -> bool:
        """Whether it was printed before."""
        return self.mark.startswith("pasted")

    @property
    def fails(self) -> bool:
        """Whether its exit code is not 0, as the guide says."""
        return self.mark == "fails"

    @property
    def is_run(self) -> bool:
        """Whether something is done for it here."""
        return self.language == "here" or (self.language == "sh" and self.mark != "elsewhere")


class Step(NamedTuple):
    """Something to run and what it shows, where the guide says so."""

    block: Block
    shown: str | None


def blocks(path: Path = GUIDE) -> list[Block]:
    """All blocks."""
    text = path.read_text()
    return [
        Block(
            text.count("\n", 0, match.start()) + 1,
            match[1] or match[4],
            (match[2] or match[5] or "").strip(),
            match[3] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def steps(found: list[Block]) -> list[Step]:
    """What is to be run, in order."""
    after = [*found[1:], None]
    return [
        Step(block, following.text if following and following.language == "text" else None)
        for block, following in zip(found, after, strict=True)
        if block.is_run
    ]


def essence(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, name in _VARIABLE:
        line = pattern.sub(name, line)
    return line.strip()


def missing(shown: str, output: str) -> list[str]:
    """Lines that the guide shows and an output does not have, or not in this order.

    Args:
        shown: from the guide; `...` stands for anything, a line of it alone for any lines.
        output: in the words of the guide.
    """
    left = [essence(line) for line in output.splitlines()]
    lost = []
    for line in shown.splitlines():
        if line.strip() in {"", "..."}:
            continue
        pattern = re.compile(_ANYTHING.sub(".*", re.escape(essence(line))))
        at = next((i for i, other in enumerate(left) if pattern.fullmatch(other)), None)
        if at is None:
            lost.append(line)
        else:
            left = left[at + 1 :]
    return lost


def printed_line(pasted: str, output: str) -> str | None:
    """The line of an output that the guide shows as pasted; None where there is none.

    Args:
        pasted: the block; a backslash at the end of a line joins it to the next.
        output: what the block before printed.
    """
    wanted = essence(pasted.replace("\\\n", " ").strip())
    pattern = re.compile(_ANYTHING.sub(".*", re.escape(wanted)))
    for line in output.splitlines():
        if pattern.fullmatch(essence(line)):
            return line
    return None
