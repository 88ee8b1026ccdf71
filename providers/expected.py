"""The lines of money that must exist, given what a provider says and what was promised; pure.

The till writes those that are missing; the books compare them with those that are there. Both ask
this module, so they cannot disagree about what a payment is worth.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from providers.interface import Fact, FactKind, Truth
from providers.tag import Promise
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.money import InvalidAmountError, parse_nano

CLOCKS_APART_MAX: Final = timedelta(seconds=300)
"""Between ours and the provider's: as much as a signature of a webhook may be old."""


class Remark(StrEnum):
    """Why a movement became no line, or one that counts nothing; in the order of precedence."""

    NOT_OURS = "not ours"
    """The payment has no tag: another program of that account made it."""
    FORGED = "forged tag"
    """It has one that no till of this account signed."""
    TAG_USED = "tag of another payment"
    """It has the tag of a payment that is there already."""
    NO_PROMISE = "no promise"
    """No `pending` line names the attempt."""
    OTHER_AMOUNT = "other amount"
    """What was paid is not what was promised for."""
    OUT_OF_TIME = "out of time"
    """It was paid before the promise was made, or too long after."""

    @property
    def is_incident(self) -> bool:
        """Whether a person has to look at it."""
        return self is not Remark.NOT_OURS


class ExpectedLine(NamedTuple):
    """A line of money, without its node, number, time and provider; None is an absent key.

    Attributes:
        kind: what moved.
        user: empty only where a payment is undecided because nothing was promised.
        external_ref: the provider's name of the movement.
        of_ref: the payment; None for a payment.
        amount: in `currency`.
        currency: in upper case.
        credited_usd: of a succeeded payment in another currency than USD.
        status: `undecided` counts nothing until a person decides.
        attempt: which attempt a payment ends.
        at: when the provider says that it was.
    """

    kind: FactKind
    user: str
    external_ref: str
    of_ref: str | None
    amount: str
    currency: str
    credited_usd: str | None
    status: Literal["succeeded", "undecided"]
    attempt: str | None
    at: datetime


class Expectation(NamedTuple):
    """What must be there.

    Attributes:
        lines: in the order of `Truth.facts`, so that a payment comes before what takes from it.
        remark: the first thing that is not as it should be; None where nothing moved or all is.
    """

    lines: tuple[ExpectedLine, ...]
    remark: Remark | None


def expected(
    truth: Truth, promise: Promise | None, *, payer: str | None = None, is_tag_used: bool = False
) -> Expectation:
    """The lines that must exist.

    A refund that fell through has two: the refund, and its reversal. So the lines do not depend on
    whether anybody saw it while it counted.

    Args:
        truth: what the provider says.
        promise: from the tag, if its signature is right; where the provider keeps no tags, that of
            the first `pending` line of the attempt, `at` being the time of that line's commit.
        payer: the user of a line of this payment that is there already. Its refunds and disputes
            are expected even if somebody has changed the tag since.
        is_tag_used: whether another payment has a tag with the same nonce.
    """
    lines: list[ExpectedLine] = []
    remark = _of_tag(truth, promise, is_tag_used=is_tag_used)
    remarks = [remark] if truth.facts and remark else []
    user = payer or ("" if remark or promise is None else promise.user)
    for fact in truth.facts:
        if fact.kind != "payment":
            if user:
                lines.append(_line(fact, user, None, "succeeded"))
        elif remark is None or remark is Remark.NO_PROMISE:
            wrong = remark or _of_payment(fact, promise, truth)
            lines.append(_payment(fact, promise, is_as_promised=wrong is None))
            remarks += [wrong] if wrong else []
    order = list(Remark)
    return Expectation(tuple(lines), min(remarks, key=order.index, default=None))


def _of_tag(truth: Truth, promise: Promise | None, *, is_tag_used: bool) -> Remark | None:
    if not truth.is_tagged:
        return Remark.NO_PROMISE if promise is None else None
    if truth.tag is None:
        return Remark.NOT_OURS
    if promise is None:
        return Remark.FORGED
    return Remark.TAG_USED if is_tag_used else None


def _of_payment(fact: Fact, promise: Promise | None, truth: Truth) -> Remark | None:
    if promise is None:
        return Remark.NO_PROMISE
    if fact.currency != promise.currency or not _same(fact.amount, promise.amount):
        return Remark.OTHER_AMOUNT
    # A pending line is pushed before anything is given out. A tag is made in the same moment, by
    # another clock than the provider's.
    before = CLOCKS_APART_MAX if truth.is_tagged else timedelta()
    after = timedelta(seconds=truth.in_time_s) + before
    is_in_time = promise.at - before <= fact.at <= promise.at + after
    return None if is_in_time else Remark.OUT_OF_TIME


def _same(amount: str, other: str) -> bool:
    try:
        return parse_nano(amount) == parse_nano(other)
    except InvalidAmountError:
        return False


def _payment(fact: Fact, promise: Promise | None, *, is_as_promised: bool) -> ExpectedLine:
    user = "" if promise is None else promise.user
    if promise is None or not is_as_promised:
        return _line(fact, user, None, "undecided")
    credit = None if fact.currency == CURRENCY_DEFAULT else promise.credited_usd
    return _line(fact, user, credit, "succeeded")


def _line(
    fact: Fact, user: str, credit: str | None, status: Literal["succeeded", "undecided"]
) -> ExpectedLine:
    return ExpectedLine(
        kind=fact.kind,
        user=user,
        external_ref=fact.external_ref,
        of_ref=fact.of_ref,
        amount=fact.amount,
        currency=fact.currency,
        credited_usd=credit,
        status=status,
        attempt=fact.attempt if fact.kind == "payment" else None,
        at=fact.at,
    )
