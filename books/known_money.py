"""The money lines of the books that concern a new one, judged as the aggregator judges them."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from books.earlier_lines import recorded_decisions, recorded_lines
from gitmeter.counting.decisions import Decisions, NodeDecisions
from gitmeter.counting.grounds import Grounds, NoLimit
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from node_pusher.home.home import Home
from node_pusher.spool.api import Spool
from wire_format.lines import Decision, Folder, Line, Money
from wire_format.segment import decode_segment

_HERE: Final = Place("", "", 0)
_KEYS: Final = re.compile(
    rb'\{"v":\d+,"node":"[^"]*","seq":(\d+),"ts":"[^"]*"(?:,"user":"([^"]*)")?,"kind":"[^"]*"'
    rb'(?:,"provider":"[^"]*")?(?:,"external_ref":"([^"]*)")?(?:,"refers_to":(\d+))?'
    rb'(?:,"of_provider":"[^"]*")?(?:,"of_ref":"([^"]*)")?,"(?:amount|from)"'
)
"""Of a money line its seq, user and reference, and seq or reference of the payment or grant that it
is about; decoding every line of the books would take longer."""


class KnownMoney(NamedTuple):
    """The money lines of the books that concern a new one.

    Attributes:
        admitted: those that no decision or rival keeps out, by seq and time;
            `gitmeter.money.rivals.judge` says which of them count.
        left_out: the others by seq and time, each with the reason and the decision that excludes
            it.
    """

    admitted: list[Money]
    left_out: list[tuple[Money, HeldReason, Decision | None]]


class MoneyIndex:
    """Every money line of the books, to be asked for those that concern a new one.

    An answer costs what is in it, however many other lines there are.

    Args:
        decisions: those in force about lines of the books.
        lines: canonical, each with its newline.
    """

    def __init__(self, decisions: NodeDecisions, lines: Iterable[bytes] = ()) -> None:
        self._grounds = Grounds(decisions, NoLimit())
        self._first: dict[int | bytes, bytes] = {}
        self._further: dict[int | bytes, list[bytes]] = {}
        self._users: set[bytes] = set()
        for line in lines:
            self.add(line)

    def add(self, line: bytes) -> None:
        """Add a line; what is not a money line is left out."""
        keys = _KEYS.match(line)
        if keys is None:
            return
        seq, user, reference, refunded, refunded_reference = keys.groups()
        if user is not None:
            self._users.add(user)
        self._put(int(seq), line)
        if reference is not None:
            self._put(reference, line)
        if refunded is not None:
            self._put(int(refunded), line)
        if refunded_reference is not None:
            self._put(refunded_reference, line)

    def _put(self, key: int | bytes, line: bytes) -> None:
        # nearly every key has one line, and a list for each would take as much memory as the lines
        if self._first.setdefault(key, line) is not line:
            self._further.setdefault(key, []).append(line)

    def has_user(self, user: str) -> bool:
        """Whether any line names a user."""
        return user.encode() in self._users

    def users(self) -> Iterator[str]:
        """Every user whom a line names, each once."""
        return (user.decode() for user in self._users)

    def concerning(self, references: Iterable[str | None], seq: int | None) -> KnownMoney:
        """Every line that a new line can depend on.

        Args:
            references: that of the new line, and that of the payment that it refunds.
            seq: the payment that it refunds.
        """
        return judged_money(self._tied(references, seq), self._grounds)

    def _tied(self, references: Iterable[str | None], seq: int | None) -> Iterable[bytes]:
        """The lines with these references or seq, those that refund them, and the ties of those."""
        found: dict[bytes, None] = {}
        keys: set[int | bytes] = set()
        ahead: list[int | bytes] = [] if seq is None else [seq]
        ahead += [reference.encode() for reference in references if reference is not None]
        while ahead:
            key = ahead.pop()
            if key in keys or key not in self._first:
                continue
            keys.add(key)
            for line in (self._first[key], *self._further.get(key, ())):
                match = _KEYS.match(line)
                if line in found or match is None:
                    continue
                found[line] = None
                ahead.append(int(match[1]))
                if match[3] is not None:
                    ahead.append(match[3])
        return found


def judged_money(lines: Iterable[bytes], grounds: Grounds) -> KnownMoney:
    """Lines that concern a new one, judged against each other; in whatever order they are given."""
    claims = [
        Claim(record, line, _HERE)
        for line in lines
        for record in decode_segment(line, Folder.PAYMENTS).records
    ]
    known = KnownMoney([], [])
    for claim, reason in sorted(verdicts(claims, grounds).values(), key=_by_seq):
        record = claim.record
        if not isinstance(record, Money):
            continue
        if reason is None:
            known.admitted.append(record)
        else:
            excluding = grounds.decisions.excluding(record.seq, record.ts)
            known.left_out.append((record, reason, excluding))
    return known


def _by_seq(verdict: tuple[Claim[Line], HeldReason | None]) -> tuple[int, datetime, bytes]:
    claim, _ = verdict
    return claim.record.seq, claim.record.ts, claim.line


def read_money(home: Home, spool: Spool) -> MoneyIndex:
    """Read every money line of the books, and the decisions about them.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
    """
    decisions = Decisions(recorded_decisions(home, spool, fetch=True)).of_node(home.node)
    return MoneyIndex(decisions, recorded_lines(home, spool, Folder.PAYMENTS, fetch=True))
