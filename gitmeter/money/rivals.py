"""Which of several lines about one movement of money counts, whoever wrote them. Pure.

- What waits, is held or may not be there rivals nobody. A line that waited when it was committed
  gives way to every other writer's until it is reconciled itself.
- A reconciled line beats one that is not, the books' too: they can exclude it.
- Lines that agree are one; it stands with the earliest (`ts`, `node`, `seq`).
- Where writers disagree the books' line counts, with those that agree with it. Without one, refunds
  and disputes of different payments are apart, and of one payment the largest counts; of grants the
  one that begins first; of payments, adjustments and reversals none, until one is excluded.
- A grant that is a bonus on a payment is held, and so rivals nobody, until the payment counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gitmeter.counting.effects import (
    OF_A_PAYMENT,
    SILENT,
    TAKES,
    Movement,
    bonus_payment_of,
    credited_nano,
    movement,
    payment_of,
)
from wire_format.instants import to_us
from wire_format.lines import Money
from wire_format.money import parse_nano


class MoneyState(StrEnum):
    """Whether a money line counts, and if not, why."""

    COUNTED = "counted"
    NOT_SUCCEEDED = "not_succeeded"
    """It is never money itself, or did not succeed."""
    UNDECIDED = "undecided"
    CONTRADICTS = "contradicts"
    SAME_MOVEMENT = "same_movement"
    REPEATS = "repeats"
    """Another writer says the same, and its line stands for both."""
    RIVALS = "rivals"
    NO_PAYMENT = "no_payment"
    OTHER_CURRENCY = "other_currency"


class Contender(NamedTuple):
    """A line that stands within its writer.

    Attributes:
        record: the line.
        is_books: whether it is of the operator's books.
        is_reconciled: whether the provider was asked, and says the same.
        is_weak: whether it gives way to any other writer's line about its movement.
    """

    record: Money
    is_books: bool = True
    is_reconciled: bool = False
    is_weak: bool = False


class Judged(NamedTuple):
    """A money line, and whether it counts.

    Attributes:
        record: the line.
        state: whether it counts, and if not, why.
        payment: of a line that takes from a payment or gives back to it, and counts: the line of
            the payment that counts; None otherwise.
    """

    record: Money
    state: MoneyState
    payment: Money | None = None


_Order = tuple[object, str, int]
_States = dict[Contender, MoneyState]


def _order(entry: Contender) -> _Order:
    record = entry.record
    return record.ts, record.node, record.seq


def judge(entries: Iterable[Contender]) -> list[Judged]:
    """Decide which money lines count.

    Args:
        entries: all lines of the users in question that stand within their writers, with every
            other line of their movements, of the payments that they are about, and about theirs.

    Returns:
        each line, judged, in the order given.
    """
    listed = list(entries)
    ordered = sorted(listed, key=_order)
    states: _States = {}
    groups: dict[Movement, list[Contender]] = defaultdict(list)
    for entry in ordered:
        key = movement(entry.record)
        if key is not None:
            groups[key].append(entry)
        elif _claims(entry.record):
            states[entry] = MoneyState.COUNTED
        else:
            states[entry] = MoneyState.NOT_SUCCEEDED
    payments = _Payments(groups)
    for key, group in groups.items():
        if key[2] == "payment":
            _settle(group, states, payments)
    payments.settle(states)
    for key, group in groups.items():
        if key[2] != "payment":
            _settle(group, states, payments)
    return [payments.judged(entry.record, states[entry]) for entry in listed]


def _claims(record: Money) -> bool:
    return record.kind not in SILENT and record.status in {"succeeded", "undecided"}


class _Payments:
    """Which payment a line is about, once it is settled which payments count."""

    def __init__(self, groups: Mapping[Movement, Sequence[Contender]]) -> None:
        # one number of the books may have lines of several times
        self._named: dict[tuple[str, int], list[tuple[datetime, Movement]]] = defaultdict(list)
        self._counted: dict[Movement, Money] = {}
        for key, group in groups.items():
            if key[2] == "payment":
                for entry in group:
                    if entry.record.status == "succeeded":
                        self._name(entry.record, key)

    def settle(self, states: Mapping[Contender, MoneyState]) -> None:
        """Note the payments that count, one for each movement; those without a reference too."""
        for entry, state in states.items():
            record = entry.record
            if record.kind == "payment" and state is MoneyState.COUNTED:
                key = movement(record)
                if key is None:
                    key = "", f"{record.node}:{record.seq}:{to_us(record.ts)}", "payment"
                    self._name(record, key)
                self._counted[key] = record

    def _name(self, record: Money, key: Movement) -> None:
        self._named[record.node, record.seq].append((record.ts, key))

    def movement_of(self, record: Money) -> Movement | None:
        """The payment that a refund, dispute or reversal is about, of either version.

        Of several under one number it is the earliest that counts for the user of the refund.
        """
        if record.refers_to is None:
            return payment_of(record)
        named = [key for _, key in sorted(self._named.get((record.node, record.refers_to), ()))]
        counted = ((key, self._counted.get(key)) for key in named)
        own = (key for key, payment in counted if payment and payment.user == record.user)
        return next(own, next(iter(named), None))

    def of(self, record: Money) -> Money | None:
        """The line of that payment that counts; None without one."""
        key = self.movement_of(record)
        return None if key is None else self._counted.get(key)

    def fault_of(self, record: Money) -> MoneyState | None:
        """Why a line that claims something does not count whatever others say; None if it may."""
        if record.kind == "payment":
            return None
        payment = self.of(record) if payment_of(record) is not None else None
        if payment is not None and payment.currency != record.currency:
            return MoneyState.OTHER_CURRENCY
        bonus_on = bonus_payment_of(record)
        lacks_payment = bonus_on is not None and bonus_on not in self._counted
        return MoneyState.NO_PAYMENT if lacks_payment else None

    def judged(self, record: Money, state: MoneyState) -> Judged:
        """A line with its state, now that payments are settled."""
        if state is not MoneyState.COUNTED or record.kind not in OF_A_PAYMENT:
            return Judged(record, state)
        payment = self.of(record)
        if payment is None or (record.v == 1 and payment.user != record.user):
            return Judged(record, MoneyState.NO_PAYMENT)
        return Judged(record, state, payment)


def _settle(group: Sequence[Contender], states: _States, payments: _Payments) -> None:
    """Settle the lines of one movement, given in their order."""
    alone = group[0]
    if len(group) == 1 and _claims(alone.record):  # as below, for nearly all of them
        states[alone] = payments.fault_of(alone.record) or _state_of(alone.record)
        return
    claims: list[Contender] = []
    books: Contender | None = None
    for entry in group:
        record = entry.record
        if not _claims(record):
            contradicts = record.status == "failed" and bool(claims)
            states[entry] = MoneyState.CONTRADICTS if contradicts else MoneyState.NOT_SUCCEEDED
        elif (fault := payments.fault_of(record)) is not None:
            states[entry] = fault
        else:
            states[entry] = MoneyState.SAME_MOVEMENT
            if not (entry.is_books and books is not None):
                claims.append(entry)
            books = entry if entry.is_books and books is None else books
    # what is undecided counts nothing, so nobody can have confirmed it
    strongest = [e for e in claims if e.is_reconciled and e.record.status != "undecided"]
    strongest = strongest or [entry for entry in claims if not entry.is_weak] or claims
    stand = dict(_count(strongest, payments))
    agreed = {
        _content(entry.record, payments): entry.record.node
        for entry, state in stand.items()
        if state is not MoneyState.RIVALS
    }
    for entry in claims:
        if agreed.get(_content(entry.record, payments), entry.record.node) != entry.record.node:
            states[entry] = MoneyState.REPEATS
    states |= stand


def _count(
    claims: Sequence[Contender], payments: _Payments
) -> Iterable[tuple[Contender, MoneyState]]:
    """Those of several claims that do not merely repeat another, each with its state."""
    parties: dict[tuple[object, ...], list[Contender]] = defaultdict(list)
    for entry in claims:
        parties[_content(entry.record, payments)].append(entry)
    with_books = [party for party in parties.values() if any(e.is_books for e in party)]
    kind = claims[0].record.kind if claims else ""
    if len(parties) == 1 or with_books:
        chosen = with_books or list(parties.values())
    elif kind in TAKES:
        chosen = _largest_of_each(parties.values(), payments)
    elif kind == "grant":
        chosen = [min(parties.values(), key=lambda party: _begins(party[0].record))]
    else:
        return [(entry, MoneyState.RIVALS) for entry in claims]
    firsts = [party[0] for party in chosen]
    return [(entry, _state_of(entry.record)) for entry in firsts]


def _state_of(record: Money) -> MoneyState:
    return MoneyState.UNDECIDED if record.status == "undecided" else MoneyState.COUNTED


def _content(record: Money, payments: _Payments) -> tuple[object, ...]:
    """What lines about one movement must agree in to be one."""
    credit = None if record.kind in OF_A_PAYMENT else credited_nano(record)
    terms = (record.category, record.priority, record.from_, record.until, record.scope)
    payment = payments.movement_of(record) or (record.of_provider, record.of_ref)
    return (
        "" if record.kind in OF_A_PAYMENT else record.user,
        parse_nano(record.amount),
        record.currency,
        credit,
        payment,
        terms if record.scope is None else (*terms[:-1], tuple(record.scope)),
        record.status,
    )


def _largest_of_each(
    parties: Iterable[list[Contender]], payments: _Payments
) -> list[list[Contender]]:
    """Of the refunds or disputes of each payment the ones with the largest amount."""
    largest: dict[object, list[Contender]] = {}
    for party in parties:
        key = payments.movement_of(party[0].record)
        known = largest.get(key)
        if known is None or _amount_rank(party) > _amount_rank(known):
            largest[key] = party
    return list(largest.values())


def _amount_rank(party: Sequence[Contender]) -> tuple[int, str]:
    record = party[0].record
    return parse_nano(record.amount), record.currency  # the currency where no payment is known


def _begins(record: Money) -> tuple[object, str, int]:
    return record.from_, record.node, record.seq
