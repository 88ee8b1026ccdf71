"""The next step of an attempt, given what is on disk of it and what the provider says. Pure.

    row -> line, on disk -> pushed -> charge created -> its name on disk -> confirmed

A process may die between any two of them. Whoever goes on looks at the provider before it does
anything there: a charge is created only where there is none, and confirmed only while the need that
it is for is known to be there.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from gitmeter.money.topups.attempts import NOT_TRIED
from providers.cards import ASKS_CUSTOMER, CardCharge, ChargeStatus
from till.charging.deciding import is_recent

CUSTOMER_MAX: Final = timedelta(days=3)
"""So long may a customer take to answer his bank."""


class AttemptStep(StrEnum):
    """What is done next about an attempt."""

    FORGET = "forget the row: it has no line"
    PUSH = "push its line"
    LOOK = "ask the provider about it"
    CREATE = "create the charge"
    NAME = "note the name of the charge"
    CONFIRM = "charge the card"
    ASK = "have the customer asked"
    CANCEL = "let nothing come of it"
    END = "write that it has ended"
    PAID = "note that it is paid"
    WAIT = "wait"


class NextStep(NamedTuple):
    """What is done next, and why.

    Attributes:
        step: what.
        reason: where it is given up, why; empty elsewhere.
    """

    step: AttemptStep
    reason: str = ""


class Held(NamedTuple):
    """What is on disk of an attempt; times in microseconds since 1970.

    Attributes:
        posted_us: when the ledger said that it is due; 0 where that was lost.
        made_us: when it was made.
        is_written: whether its `pending` line is.
        is_pushed: whether the remote was seen to have that line.
        payment: the provider's name of the charge; None where none is noted.
        is_asked: whether the customer was asked.
        reason: why it is being given up; None while it is not.
    """

    posted_us: int
    made_us: int
    is_written: bool
    is_pushed: bool
    payment: str | None
    is_asked: bool
    reason: str | None


_BY_PROGRESS: Final = (
    ChargeStatus.PAID,
    ChargeStatus.PROCESSING,
    ChargeStatus.NEEDS_CUSTOMER,
    ChargeStatus.DECLINED,
    ChargeStatus.NEW,
    ChargeStatus.CANCELED,
)
CAN_BE_CANCELED: Final = frozenset(
    {ChargeStatus.NEW, ChargeStatus.DECLINED, ChargeStatus.NEEDS_CUSTOMER}
)
"""Of these nothing has come yet, and something may."""


def the_charge(found: Sequence[CardCharge]) -> CardCharge | None:
    """The charge of an attempt, of all that state its name: the one that has come furthest.

    There is one, unless somebody else made another with a stolen key.
    """
    return min(found, key=lambda each: _BY_PROGRESS.index(each.status), default=None)


def next_step(
    held: Held, found: Sequence[CardCharge] | None, now_us: int, *, is_stopped: bool
) -> NextStep:
    """What is done next.

    Args:
        held: what is on disk.
        found: the charges of the attempt that the provider has, just now; None where it was not
            asked yet.
        now_us: the time, in microseconds since 1970.
        is_stopped: whether nothing is charged: until a person starts it again, or before everything
            was settled.
    """
    if not held.is_written:
        return NextStep(AttemptStep.FORGET)
    is_wanted = not is_stopped and held.reason is None and is_recent(held.posted_us, now_us)
    if is_wanted and not held.is_pushed:
        return NextStep(AttemptStep.PUSH)
    if found is None:
        return NextStep(AttemptStep.LOOK)
    charge = the_charge(found)
    if charge is None:
        if held.payment is not None:  # a key of another account finds nothing: that ends nothing
            return NextStep(AttemptStep.WAIT)
        return NextStep(AttemptStep.CREATE) if is_wanted else _end(held, NOT_TRIED)
    if charge.object_id != held.payment:
        return NextStep(AttemptStep.NAME)
    return _of_charge(held, charge, now_us, is_wanted=is_wanted)


def _of_charge(held: Held, charge: CardCharge, now_us: int, *, is_wanted: bool) -> NextStep:
    match charge.status:
        case ChargeStatus.PAID:
            return NextStep(AttemptStep.PAID)
        case ChargeStatus.CANCELED:
            return _end(held, charge.reason or "canceled")
        case ChargeStatus.PROCESSING:
            return NextStep(AttemptStep.WAIT)
        case ChargeStatus.NEW:
            return NextStep(AttemptStep.CONFIRM) if is_wanted else _cancel(held, NOT_TRIED)
        case ChargeStatus.NEEDS_CUSTOMER if charge.url is not None:
            waited = timedelta(microseconds=now_us - held.made_us)
            is_over = held.reason is not None or waited >= CUSTOMER_MAX
            return _cancel(held, ASKS_CUSTOMER) if is_over else NextStep(AttemptStep.WAIT)
        case ChargeStatus.NEEDS_CUSTOMER | ChargeStatus.DECLINED:
            needs_him = charge.status is ChargeStatus.NEEDS_CUSTOMER
            reason = charge.reason or (ASKS_CUSTOMER if needs_him else "declined")
            can_ask = reason == ASKS_CUSTOMER and is_wanted and not held.is_asked
            return NextStep(AttemptStep.ASK) if can_ask else _cancel(held, reason)


def _cancel(held: Held, reason: str) -> NextStep:
    return NextStep(AttemptStep.CANCEL, held.reason or reason)


def _end(held: Held, reason: str) -> NextStep:
    return NextStep(AttemptStep.END, held.reason or reason)
