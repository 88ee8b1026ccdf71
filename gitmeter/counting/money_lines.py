"""The books' money lines: which of them move a balance, and by how much. Pure.

Only `succeeded` lines move money. Lines with the same provider, reference and kind are one
movement, of which the earliest line counts. A refund counts if it names a payment that counts for
the same user; it may name any line of that payment's movement.

What all refunds together take of a payment is their sum, but at most what the payment gave. So
their order does not matter, and neither does how a sum is split; what lies beyond is reported by
`beyond` and moves nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from wire_format.instants import to_us
from wire_format.lines import Money
from wire_format.money import parse_nano


class MoneyState(StrEnum):
    """Whether an admitted money line counts, and if not, why."""

    COUNTED = "counted"
    NOT_SUCCEEDED = "not_succeeded"
    CONTRADICTS = "contradicts"
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


class Judged(NamedTuple):
    """A money line, and whether it counts.

    Attributes:
        record: the line.
        state: whether it counts, and if not, why.
        payment: of a refund that counts the payment that it takes from; None otherwise.
    """

    record: Money
    state: MoneyState
    payment: Money | None = None


def movement(record: Money) -> tuple[str, str, str] | None:
    """Provider, reference and kind: what a line is about; None where it has no reference."""
    if record.external_ref is None:
        return None
    return record.provider, record.external_ref, record.kind


def judge(records: Iterable[Money]) -> list[Judged]:
    """Decide which money lines count.

    Args:
        records: all admitted lines of the users in question, and every other line that belongs to
            a movement of one of them.

    Returns:
        Each record, judged.
    """
    ordered = sorted(records, key=lambda record: (record.ts, record.node, record.seq))
    standing: dict[tuple[str, str, str], Money] = {}
    payments: dict[tuple[str, int, str], Money] = {}
    judged: list[Judged] = []
    refunds: list[Money] = []
    for record in ordered:
        key = movement(record)
        first = None if key is None else standing.get(key)
        if record.status != "succeeded":
            contradicts = record.status == "failed" and first is not None
            state = MoneyState.CONTRADICTS if contradicts else MoneyState.NOT_SUCCEEDED
            judged.append(Judged(record, state))
            continue
        if key is not None:
            standing.setdefault(key, record)
        if record.kind == "payment":
            counted = first or record
            payments.setdefault((record.node, record.seq, counted.user), counted)
        if first is not None:
            judged.append(Judged(record, MoneyState.SAME_MOVEMENT))
        elif record.kind == "refund":
            refunds.append(record)
        else:
            judged.append(Judged(record, MoneyState.COUNTED))
    for record in refunds:
        payment = payments.get((record.node, record.refers_to or 0, record.user))
        state = MoneyState.NO_PAYMENT if payment is None else MoneyState.COUNTED
        judged.append(Judged(record, state, payment))
    return judged


def refunded_nano(lines: Iterable[Judged]) -> Mapping[Money, int]:
    """For each payment that has refunds their sum, in nano-dollars, whatever the payment gave."""
    sums: dict[Money, int] = defaultdict(int)
    for line in lines:
        if line.payment is not None:
            sums[line.payment] += credited_nano(line.record)
    return sums


def beyond(lines: Iterable[Judged]) -> dict[Money, int]:
    """For each payment whose refunds exceed what it gave by how much they do, in nano-dollars."""
    return {
        payment: sum_nano - credited_nano(payment)
        for payment, sum_nano in refunded_nano(lines).items()
        if sum_nano > credited_nano(payment)
    }


def credit(lines: Iterable[Judged]) -> Credit:
    """Add up the lines of one user."""
    listed = list(lines)
    credit_nano = lifetime_paid_nano = 0
    first_paid_us: int | None = None
    for record, state, _ in listed:
        if state is not MoneyState.COUNTED or record.kind == "refund":
            continue
        amount_nano = credited_nano(record)
        credit_nano += amount_nano
        if record.kind == "payment":
            lifetime_paid_nano += amount_nano
            at_us = to_us(record.ts)
            first_paid_us = at_us if first_paid_us is None else min(first_paid_us, at_us)
    for payment, sum_nano in refunded_nano(listed).items():
        credit_nano -= min(sum_nano, credited_nano(payment))
    return Credit(credit_nano, lifetime_paid_nano, first_paid_us)
