"""What an account has: its payments less what was taken back, grants and adjustments. Pure.

What refunds and disputes take of a payment is computed from their sums, at most the payment; so
their order, repetition and pairing do not matter. Whoever a line names, it takes from the user of
its payment.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Final, NamedTuple

from gitmeter.counting.effects import GIVES_BACK, Movement, credited_nano, movement
from gitmeter.money.granted import Hours
from gitmeter.money.rivals import Judged, MoneyState
from gitmeter.money.tenure import BEFORE_ALL_HOURS, NO_TENURE, Tenure, TenureStep
from wire_format.instants import HOUR_US, to_us
from wire_format.lines import Money
from wire_format.money import divide_half_even, parse_nano

_EVER: Final = 2**63
"""After every hour and every instant."""


class Credit(NamedTuple):
    """The sums of one user's money lines that count.

    Attributes:
        credit_nano: payments, grants and adjustments less what was taken back, in nano-dollars.
        lifetime_paid_nano: payments alone, in nano-dollars.
        tenure: from which payment tenure counts, by hour, ascending; one step for most accounts.
    """

    credit_nano: int
    lifetime_paid_nano: int
    tenure: Tenure

    @property
    def first_paid_us(self) -> int | None:
        """The payment from which tenure counts in hours to come."""
        return self.tenure[-1].first_paid_us


NO_CREDIT: Final = Credit(0, 0, NO_TENURE)


class _Taken(NamedTuple):
    """What one line takes from a payment (or, below zero, gives back to it).

    Attributes:
        at_us: from when on, microseconds since 1970; never before the payment.
        pairs_with: `refund` or `dispute`; empty for a refund of version 1.
        nano: in the payment's currency; of a refund of version 1 the credit.
    """

    at_us: int
    pairs_with: str
    nano: int


class Payment:
    """A payment that counts, and what was taken of it.

    Args:
        record: the line that counts.
    """

    def __init__(self, record: Money) -> None:
        self.record = record
        self.at_us = to_us(record.ts)
        self.credit_nano = credited_nano(record)
        self._amount_nano = parse_nano(record.amount)
        self._taken: list[_Taken] = []

    def take(self, record: Money) -> None:
        """Note a refund, a dispute or a reversal of it that counts."""
        at_us = max(self.at_us, to_us(record.ts))
        if record.v == 1:
            self._taken.append(_Taken(at_us, "", credited_nano(record)))
            return
        nano = min(parse_nano(record.amount), self._amount_nano)
        pairs_with = GIVES_BACK.get(record.kind)
        if pairs_with is None:
            self._taken.append(_Taken(at_us, record.kind, nano))
        else:
            self._taken.append(_Taken(at_us, pairs_with, -nano))

    def left_nano(self, before_us: int = _EVER) -> int:
        """What is left of its credit by lines dated before an instant, in nano-dollars."""
        if not self._taken:
            return self.credit_nano
        sums = self._sums(before_us)
        left_nano = self._left_by_amounts_nano(sums)
        return left_nano - min(left_nano, sums[""])

    def left_share(self) -> Fraction:
        """Which part of it is not taken back, by all lines: from 0 to 1, exact."""
        sums = self._sums(_EVER)
        kept = Fraction(self._kept_nano(sums), self._amount_nano)
        return kept - min(kept, Fraction(sums[""], self.credit_nano))

    def beyond_nano(self) -> int:
        """What refunds and disputes state beyond what there was, in nano-dollars of credit."""
        if not self._taken:
            return 0
        sums = self._sums(_EVER)
        stated_nano = max(0, sums["refund"]) + max(0, sums["dispute"])
        beyond_nano = max(0, stated_nano - self._amount_nano)
        left_nano = self._left_by_amounts_nano(sums)
        in_credit_nano = divide_half_even(self.credit_nano * beyond_nano, self._amount_nano)
        return in_credit_nano + max(0, sums[""] - left_nano)

    def asked_nano(self) -> int:
        """What refunds and disputes ask for in all, in nano-dollars of credit."""
        return self.credit_nano - self.left_nano() + self.beyond_nano()

    def alive(self, least_nano: int) -> Iterator[Hours]:
        """The hours in which at least `least_nano` was left by lines dated before them."""
        borders = sorted({taken.at_us // HOUR_US + 1 for taken in self._taken})
        for first, end in zip([BEFORE_ALL_HOURS, *borders], [*borders, _EVER], strict=True):
            if self.left_nano(first * HOUR_US) >= least_nano:
                yield Hours(first, end)

    def _sums(self, before_us: int) -> Mapping[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for taken in self._taken:
            if taken.at_us < before_us:
                sums[taken.pairs_with] += taken.nano
        return sums

    def _left_by_amounts_nano(self, sums: Mapping[str, int]) -> int:
        return divide_half_even(self.credit_nano * self._kept_nano(sums), self._amount_nano)

    def _kept_nano(self, sums: Mapping[str, int]) -> int:
        """What refunds and disputes of version 2 leave, in the payment's currency."""
        stated_nano = max(0, sums["refund"]) + max(0, sums["dispute"])
        return self._amount_nano - min(self._amount_nano, stated_nano)


def payments_of(lines: Iterable[Judged]) -> dict[Money, Payment]:
    """The payments that count, by their line, with what was taken of each."""
    listed = list(lines)
    found = {
        line.record: Payment(line.record)
        for line in listed
        if line.state is MoneyState.COUNTED and line.record.kind == "payment"
    }
    for line in listed:
        if line.payment is not None:
            found[line.payment].take(line.record)
    return found


def credits_of(
    lines: Iterable[Judged], payments: Mapping[Money, Payment], tenure_min_nano: int = 0
) -> dict[str, Credit]:
    """What each user has by the lines that count.

    Args:
        lines: all lines of the users in question, and all that take from their payments.
        payments: those of these lines that count, as `payments_of` finds them.
        tenure_min_nano: how much of a payment must be left for tenure to count from it.

    Returns:
        for each user of a payment, grant or adjustment that counts the sums.
    """
    paid: dict[str, list[Payment]] = defaultdict(list)
    for payment in payments.values():
        paid[payment.record.user].append(payment)
    other_nano: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.state is MoneyState.COUNTED and is_pooled(line.record):
            other_nano[line.record.user] += credited_nano(line.record)
    return {
        user: Credit(
            other_nano[user] + sum(payment.left_nano() for payment in paid[user]),
            sum(payment.credit_nano for payment in paid[user]),
            _tenure(paid[user], max(1, tenure_min_nano)),
        )
        for user in {*paid, *other_nano}
    }


def credit_by(lines: Iterable[Judged], user: str, tenure_min_nano: int = 0) -> Credit:
    """What a user has by some of the lines that were judged together, the others left aside.

    What takes from a payment that is not among them, or gives back to it, is left aside too.

    Args:
        lines: some of the lines.
        user: the user.
        tenure_min_nano: as of `credits_of`.
    """
    listed = list(lines)
    paid = {
        line.record
        for line in listed
        if line.record.kind == "payment" and line.state is MoneyState.COUNTED
    }
    told = [line for line in listed if line.payment is None or line.payment in paid]
    return credits_of(told, payments_of(told), tenure_min_nano).get(user, NO_CREDIT)


def payments_by_name(payments: Iterable[Payment]) -> dict[Movement, Payment]:
    """Payments by what other lines name them by; without those that have no reference."""
    return {name: payment for payment in payments if (name := movement(payment.record)) is not None}


def is_pooled(record: Money) -> bool:
    """Whether a line that is about no payment adds to the pool if it counts.

    An adjustment or a grant of version 1 does; grants with terms lie beside the pool.
    """
    return record.kind == "adjustment" or (record.kind == "grant" and record.v == 1)


def _tenure(own: Iterable[Payment], least_nano: int) -> Tenure:
    """From which payment tenure counts, by hour: the first of which something was left by then."""
    open_hours = [Hours(BEFORE_ALL_HOURS, _EVER)]
    steps: list[TenureStep] = []
    for payment in sorted(own, key=lambda payment: payment.at_us):
        if not open_hours:
            break
        rest: list[Hours] = open_hours
        for alive in payment.alive(least_nano):
            steps += [
                TenureStep(max(alive.first, hours.first), payment.at_us)
                for hours in rest
                if alive.first < hours.end and hours.first < alive.end
            ]
            rest = [part for hours in rest for part in _without(hours, alive)]
        open_hours = rest
    steps += [TenureStep(hours.first, None) for hours in open_hours]
    steps.sort()
    return tuple(
        step
        for at, step in enumerate(steps)
        if at == 0 or step.first_paid_us != steps[at - 1].first_paid_us
    )


def _without(hours: Hours, taken: Hours) -> Iterator[Hours]:
    """What is left of some hours without others."""
    before = Hours(hours.first, min(hours.end, taken.first))
    after = Hours(max(hours.first, taken.end), hours.end)
    return (part for part in (before, after) if part.first < part.end)
