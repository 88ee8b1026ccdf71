"""The money lines of the books that concern a new one, judged as the aggregator judges them."""

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from books.earlier_lines import recorded_decisions, recorded_lines
from books.known.refunds import AMOUNT_MAX_NANO, ManyLines, money_in
from gitmeter.counting.decisions import Decisions, NodeDecisions
from gitmeter.counting.grounds import Grounds, NoLimit
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from node_pusher.home.home import Home
from node_pusher.spool.api import Spool
from wire_format.lines import Decision, Folder, Line, Money
from wire_format.money import parse_nano
from wire_format.segment import decode_segment

_HERE: Final = Place("", "", 0)
_KEYS: Final = re.compile(
    rb'\{"v":\d+,"node":"[^"]*","seq":(\d+),"ts":"[^"]*"(?:,"user":"([^"]*)")?,"kind":"[^"]*"'
    rb'(?:,"provider":"[^"]*")?(?:,"external_ref":"([^"]*)")?(?:,"refers_to":(\d+))?'
    rb'(?:,"of_provider":"[^"]*")?(?:,"of_ref":"([^"]*)")?,"(?:amount|from)"'
)
"""Of a money line its seq, user and reference, and seq or reference of the payment or grant that it
is about; decoding every line of the books would take longer."""
_SUMMED_FROM: Final = 16
"""So many lines of one payment are worth adding up the refunds among them."""


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

    An answer costs what is in it, however many other lines there are. Where one payment has many
    refunds, most are in it as one line that takes as much: those that share neither number nor
    reference with any other line, and that no decision excludes.

    Args:
        decisions: those in force about lines of the books.
        lines: canonical, each with its newline.
    """

    def __init__(self, decisions: NodeDecisions, lines: Iterable[bytes] = ()) -> None:
        self._grounds = Grounds(decisions, NoLimit())
        self._first: dict[int | bytes, bytes] = {}
        self._further: dict[int | bytes, list[bytes]] = {}
        self._many: dict[int | bytes, ManyLines] = {}
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
        for key in (int(seq), reference):
            if key is not None:
                self._many.pop(key, None)  # a payment that comes after its refunds
                self._put(key, line)
        if refunded is not None:
            self._put(int(refunded), line)
        if refunded_reference is not None:
            self._put(refunded_reference, line)

    def _put(self, key: int | bytes, line: bytes) -> None:
        # nearly every key has one line, and a list for each would take as much memory as the lines
        first = self._first.setdefault(key, line)
        if first is line:
            return
        further = self._further.setdefault(key, [])
        if not further:
            self._share(first)
        further.append(line)

    def _share(self, line: bytes) -> None:
        """Look at a line by itself from now on, whose number or reference is another's too."""
        keys = _KEYS.match(line)
        for key in () if keys is None else _refunded_by(keys):
            if key in self._many:
                self._many[key].take_out(line)

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
        found, many = self._tied(references, seq)
        known = judged_money(found, self._grounds)
        sums = [refunds.as_one(found.keys()) for each in many for refunds in each.sums()]
        known.admitted.extend(record for record in sums if record is not None)
        known.admitted.sort(key=lambda record: (record.seq, record.ts))
        return known

    def _tied(
        self, references: Iterable[str | None], seq: int | None
    ) -> tuple[dict[bytes, None], list[ManyLines]]:
        """The lines with these references or seq, those that refund them, and the ties of those.

        Refunds that are added up are not among them, but where they are tied in another way.
        """
        found: dict[bytes, None] = {}
        many: list[ManyLines] = []
        keys: set[int | bytes] = set()
        ahead: list[int | bytes] = [] if seq is None else [seq]
        ahead += [reference.encode() for reference in references if reference is not None]
        while ahead:
            key = ahead.pop()
            if key in keys or key not in self._first:
                continue
            keys.add(key)
            further: Collection[bytes] = self._further.get(key, ())
            if len(further) >= _SUMMED_FROM:
                many.append(self._added_up(key))
                further = many[-1].others
            for line in (self._first[key], *further):
                match = _KEYS.match(line)
                if line in found or match is None:
                    continue
                found[line] = None
                ahead.append(int(match[1]))
                if match[3] is not None:
                    ahead.append(match[3])
        return found, many

    def _added_up(self, key: int | bytes) -> ManyLines:
        """The lines under a key but the first one, the newest too."""
        further = self._further[key]
        if key not in self._many:
            self._many[key] = ManyLines(self._most_nano(key))
        many = self._many[key]
        for line in further[many.read :]:
            refund = self._refund_apart(key, line)
            if refund is None:
                many.others.append(line)
            else:
                many.add_up(line, refund)
        many.read = len(further)
        return many

    def _most_nano(self, key: int | bytes) -> int:
        """The most that refunds under a key may take as one line.

        No refund of version 2 takes more than there was, so a line for many must not state more.
        """
        lines = (self._first[key], *self._further[key])
        own = (line for line in lines if (keys := _KEYS.match(line)) and keys[3] == key)
        paid = (parse_nano(each.amount) for each in money_in(own) if each.kind == "payment")
        return min((AMOUNT_MAX_NANO, *paid))

    def _refund_apart(self, key: int | bytes, line: bytes) -> Money | None:
        """An admitted refund of what is under a key that touches nothing else; None for others."""
        keys = _KEYS.match(line)
        if keys is None or [*_refunded_by(keys)] != [key]:
            return None
        own = [int(keys[1])] if keys[3] is None else [int(keys[1]), keys[3]]
        if any(self._first[each] is not line or each in self._further for each in own):
            return None
        for record in money_in([line]):
            if record.kind == "refund" and not self._is_excluded(record):
                return record
        return None

    def _is_excluded(self, record: Money) -> bool:
        return self._grounds.decisions.excluding(record.seq, record.ts) is not None


def _refunded_by(keys: re.Match[bytes]) -> Iterator[int | bytes]:
    """Seq or reference of what a line is about."""
    if keys[4] is not None:
        yield int(keys[4])
    if keys[5] is not None:
        yield keys[5]


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
