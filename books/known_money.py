"""The money lines of the books that concern a new one, judged as the aggregator judges them."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from books.earlier_lines import recorded_decisions, recorded_lines
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.grounds import Grounds, NoLimit
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from node_pusher.home.home import Home
from node_pusher.spool.api import Spool
from wire_format.lines import Decision, Folder, Money
from wire_format.segment import decode_segment

_HERE: Final = Place("", "", 0)
_KEYS: Final = re.compile(
    rb'\{"v":\d+,"node":"[^"]*","seq":(\d+),.*?"user":"([^"]*)"(?:.*?"external_ref":"([^"]*)")?'
)
"""Seq, user and reference of a money line; decoding every line of the books would take longer."""


class KnownMoney(NamedTuple):
    """The money lines of the books that concern a new one.

    Attributes:
        admitted: those that no decision or rival keeps out; `gitmeter.counting.money_lines.judge`
            says which of them count.
        left_out: the others by seq, each with the reason and the decision that excludes it.
        users: every user whom a line of the books names.
    """

    admitted: list[Money]
    left_out: dict[int, tuple[Money, HeldReason, Decision | None]]
    users: frozenset[str]


class _Keys(NamedTuple):
    line: bytes
    seq: bytes
    user: bytes
    external_ref: bytes | None


def known_money(
    home: Home, spool: Spool, user: str, external_ref: str | None, seq: int | None
) -> KnownMoney:
    """Every money line that a line can depend on: of the user, reference or seq, and their ties.

    Args:
        home: of the books.
        spool: of the books.
        user: the user of the new line.
        external_ref: its reference.
        seq: the payment that it refunds.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
    """
    every = list(_keys(recorded_lines(home, spool, Folder.PAYMENTS, fetch=True)))
    lines = _tied(every, user, external_ref, seq)
    decisions = Decisions(recorded_decisions(home, spool, fetch=True)).of_node(home.node)
    claims = [
        Claim(record, line, _HERE)
        for line in lines
        for record in decode_segment(line, Folder.PAYMENTS).records
    ]
    known = KnownMoney([], {}, frozenset(keys.user.decode() for keys in every))
    for claim, reason in verdicts(claims, Grounds(decisions, NoLimit())).values():
        record = claim.record
        if not isinstance(record, Money):
            continue
        if reason is None:
            known.admitted.append(record)
        else:
            excluding = decisions.excluding(record.seq, record.ts)
            known.left_out[record.seq] = (record, reason, excluding)
    return known


def _keys(lines: Iterable[bytes]) -> Iterable[_Keys]:
    for line in lines:
        if (found := _KEYS.match(line)) is not None:
            yield _Keys(line, *found.groups())


def _tied(every: list[_Keys], user: str, external_ref: str | None, seq: int | None) -> set[bytes]:
    """The lines that have one of these, or share a seq or a reference with such a line."""
    refs = set() if external_ref is None else {external_ref.encode()}
    seqs = set() if seq is None else {b"%d" % seq}
    lines: set[bytes] = set()
    while True:
        found = [
            keys
            for keys in every
            if keys.user == user.encode() or keys.seq in seqs or keys.external_ref in refs
        ]
        if len(found) == len(lines):
            return lines
        lines = {keys.line for keys in found}
        seqs.update(keys.seq for keys in found)
        refs.update(keys.external_ref for keys in found if keys.external_ref is not None)
