"""Which card may be charged: that of the payment at which its owner consented. Pure.

What a post says is not believed. The payment must be this account's own, by a promise that a till
signed, made by a customer himself, and its consent must cover what is to be charged; and the
provider's customer must be this account's, by a tag that a till signed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from gitmeter.counting.effects import TAKES
from gitmeter.money.topups.attempts import is_automatic
from gitmeter.money.topups.judging import PAUSE_US
from gitmeter.money.topups.settled import AutoTopup
from providers.cards import CardCharge, ChargeStatus
from providers.interface import Mode, Truth
from providers.tag import Promise
from till.charging.steps import CAN_BE_CANCELED
from wire_format.money import parse_nano

_PAUSE: Final = timedelta(microseconds=PAUSE_US)


class CardCase(NamedTuple):
    """What is known of the card of an account that is due.

    Attributes:
        user: the account.
        wanted: what the customer settled.
        mode: of the till.
        payment: the payment at which he consented, by the provider's name.
        truth: what the provider says of it; None where it knows none.
        promise: what is promised in its tag; None where no till signed that.
        owner: the account in the tag of the provider's customer; None where no till signed that.
    """

    user: str
    wanted: AutoTopup
    mode: Mode
    payment: str
    truth: Truth | None
    promise: Promise | None
    owner: str | None


def card_fault(case: CardCase) -> str:
    """Why the card may not be charged; empty if it may."""
    truth, promise = case.truth, case.promise
    if truth is None or truth.mode != case.mode or truth.object_id != case.payment:
        return "the provider knows no such payment"
    paid = [fact for fact in truth.facts if fact.kind == "payment"]
    if len(paid) != 1:
        return "its payment has not succeeded"
    if promise is None or promise.user != case.user:
        return "no till promised this account its payment"
    is_as_promised = parse_nano(paid[0].amount) == parse_nano(promise.amount)
    if not is_as_promised or paid[0].currency != promise.currency:
        return "its payment is not what was promised"
    if any(fact.kind in TAKES for fact in truth.facts):
        return "money of its payment was taken back"
    if not truth.is_by_customer:
        return "its payment was not made by the customer himself"
    if truth.consent is None or truth.card is None:
        return "no card was saved with its payment"
    if not AutoTopup.of_texts(*truth.consent).covers(case.wanted):
        return "its consent does not cover what is settled"
    if case.owner != case.user:
        return "the provider's customer is not this account's"
    return ""


class AtProvider(NamedTuple):
    """What the provider's charges of a customer have against another one.

    Attributes:
        is_in_question: whether none may begin now.
        strays: automatic charges that nobody waits for, which are canceled.
    """

    is_in_question: bool
    strays: tuple[CardCharge, ...]


def look_at(charges: Iterable[CardCharge], paid: Sequence[str]) -> AtProvider:
    """Judge the charges of a customer, none of whose attempts is open by our lines.

    Args:
        charges: of the last 35 days, whoever made them.
        paid: those that the ledger has.
    """
    found = list(charges)
    strays = tuple(
        each for each in found if is_automatic(each.attempt) and each.status in CAN_BE_CANCELED
    )
    undecided = {ChargeStatus.PROCESSING, ChargeStatus.NEEDS_CUSTOMER}
    is_in_question = any(
        each.status in undecided
        or (each.status is ChargeStatus.PAID and each.is_tagged and each.object_id not in paid)
        for each in found
    )
    return AtProvider(is_in_question or bool(strays), strays)


def rivals(others: Iterable[CardCharge], now: datetime) -> bool:
    """Whether charges of a customer stand in the way of one that was created beside them.

    Two tills may have been told of the same need, and neither has the other's lines. Each creates
    its charge before it asks this, so one of them at least sees the other's.

    Args:
        others: the charges of other attempts.
        now: the time.
    """
    return any(
        each.status is not ChargeStatus.CANCELED
        and (each.status is not ChargeStatus.PAID or now - each.created_at < _PAUSE)
        for each in others
        if is_automatic(each.attempt)
    )
