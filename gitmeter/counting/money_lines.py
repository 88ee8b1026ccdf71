"""The books' money lines: which of them move a balance, and by how much. Pure.

Only `succeeded` lines move money. Lines with the same provider, reference and kind are one
movement, of which the earliest line counts. A refund counts if the payment that it refunds counts
for the same user.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from wire_format.instants import to_us
from wire_format.lines import Money
from wire_format.money import parse_nano


class MoneyState(StrEnum):
    """Whether an admitted money line counts, and if not, why."""

    COUNTED = "counted"
    NOT_SUCCEEDED = "not_succeeded"
    SAME_MOVEMENT = "same_movement"
    NO_PAYMENT = "no_payment"


class Credit(NamedTuple):
    """The sums of one user's money lines that count.

    Attributes:
        credit_nano: payments, grants and adjustments minus refunds, in nano-dollars.
        lifetime_paid_nano: payments alone, in nano-dollars.
        first_paid_us: time of the first payment, microseconds since 1970; None without one.
    """

    credit_nano: int
    lifetime_paid_nano: int
    first_paid_us: int | None


def credited_nano(record: Money) -> int:
    """Nano-dollars that the line adds to a balance if it counts; a refund takes them away."""
    return parse_nano(record.credited_usd or record.amount)


def movement(record: Money) -> tuple[str, str, str] | None:
    """Provider, reference and kind of a line that moves money; None where it has no reference."""
    if record.status != "succeeded" or record.external_ref is None:
        return None
    return record.provider, record.external_ref, record.kind


def judge(records: Iterable[Money]) -> list[tuple[Money, MoneyState]]:
    """Decide which money lines count.

    Args:
        records: all admitted lines of the users in question, and every other line that belongs to
            a movement of one of them.

    Returns:
        Each record with its state.
    """
    ordered = sorted(records, key=lambda record: (record.ts, record.node, record.seq))
    taken: set[tuple[str, str, str]] = set()
    payments: set[tuple[str, int, str]] = set()
    states: list[tuple[Money, MoneyState]] = []
    refunds: list[Money] = []
    for record in ordered:
        key = movement(record)
        if record.status != "succeeded":
            states.append((record, MoneyState.NOT_SUCCEEDED))
        elif key in taken:
            states.append((record, MoneyState.SAME_MOVEMENT))
        else:
            if key is not None:
                taken.add(key)
            if record.kind == "refund":
                refunds.append(record)
                continue
            states.append((record, MoneyState.COUNTED))
            if record.kind == "payment":
                payments.add((record.node, record.seq, record.user))
    for record in refunds:
        known = (record.node, record.refers_to, record.user) in payments
        states.append((record, MoneyState.COUNTED if known else MoneyState.NO_PAYMENT))
    return states


def credit(records: Iterable[Money]) -> Credit:
    """Add up the lines of one user that count."""
    credit_nano = lifetime_paid_nano = 0
    first_paid_us: int | None = None
    for record in records:
        amount_nano = credited_nano(record)
        credit_nano += -amount_nano if record.kind == "refund" else amount_nano
        if record.kind == "payment":
            lifetime_paid_nano += amount_nano
            at_us = to_us(record.ts)
            first_paid_us = at_us if first_paid_us is None else min(first_paid_us, at_us)
    return Credit(credit_nano, lifetime_paid_nano, first_paid_us)
