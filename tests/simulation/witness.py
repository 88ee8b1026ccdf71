"""What the clients of one node know: what they sent, and what was acknowledged."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from wire_format.fields import EPOCH_SIZE

ID_RETRIED_FOR: Final = timedelta(days=6)
"""Clients give up before the spool forgets their ids."""

_SEQ: Final = re.compile(rb'"seq":[0-9]+')
_CORRECTION: Final = re.compile(rb'"corrects":[0-9]+,"reason":"([^"]*)"')
_ID: Final = re.compile(rb'"id":"([^"]*)"')


class SeqReusedError(AssertionError):
    """A node gave a number that it had given before."""


@dataclass
class Sent:
    """A record that was sent under the client's own key.

    Attributes:
        values: what the client said.
        first_sent: the true time then; the node's clock may jump before it is sent again.
        seq: its number once that was acknowledged.
        home: which spool it went to.
    """

    values: dict[str, Any]
    first_sent: datetime
    home: int
    seq: int | None = None


@dataclass
class Witness:
    """The clients of one node.

    Attributes:
        acknowledged: the line of every record whose call returned, with its number.
        said: how often each content was sent, numbers aside.
        by_id: what was sent under a key.
        excused: acknowledged lines that went with a disk, or with an older copy put back.
    """

    acknowledged: dict[bytes, int] = field(default_factory=dict)
    said: Counter[bytes] = field(default_factory=Counter)
    by_id: dict[str, Sent] = field(default_factory=dict)
    excused: set[bytes] = field(default_factory=set)
    _by_seq: dict[int, bytes] = field(default_factory=dict)

    def acknowledge(self, seq: int, line: bytes) -> None:
        """A call returned: this line has this number.

        Raises:
            SeqReusedError: another line has it.
        """
        before = self._by_seq.setdefault(seq, line)
        if before != line:
            raise SeqReusedError(
                f"seq {seq} was acknowledged for {before.decode().strip()}"
                f" and again for {line.decode().strip()}"
            )
        self.acknowledged[line] = seq

    def excuse(self, left: Iterable[bytes]) -> int:
        """What was acknowledged and is not left went with a disk; returns how many records."""
        lost = set(self.acknowledged) - set(left) - self.excused
        self.excused |= lost
        return len(lost)

    def missing(self, left: set[bytes]) -> list[bytes]:
        """Acknowledged lines that are not among what is left."""
        return sorted(set(self.acknowledged) - left - self.excused)

    def strangers(self, lines: Iterable[bytes]) -> Iterator[str]:
        """Lines that nobody sent, or that stand there more often than they were sent."""
        distinct = set(lines)
        contents = Counter(content(line) for line in distinct if b'"corrects":' not in line)
        reasons = Counter(match[1] for line in distinct if (match := _CORRECTION.search(line)))
        yield from (f"corrected twice: {why.decode()}" for why, n in reasons.items() if n > 1)
        for found, times in contents.items():
            if times > self.said[found]:
                yield f"sent {self.said[found]} times and written {times} times: {found!r}"
        keys = Counter(match[1] for line in distinct if (match := _ID.search(line)))
        yield from (f"id {key.decode()} stands in {n} lines" for key, n in keys.items() if n > 1)


def content(line: bytes) -> bytes:
    """A line apart from its number."""
    return _SEQ.sub(b'"seq":0', line, count=1)


def epoch_of(seq: int) -> int:
    """The epoch of a number, from 0."""
    return (seq - 1) // EPOCH_SIZE
