"""What ClickPesa's payments mean; pure.

One order reference may have several payments, since a link can be paid more than once: each has an
id and is a movement of its own. What was collected counts, in the currency it was collected in, so
that a payment which was exchanged, or from which something was deducted, is not what was promised.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

from providers.interface import Fact, Mode, Open, Truth, UnreachableProviderError
from wire_format.fields import AMOUNT_PATTERN, CURRENCY_PATTERN, REFERENCE_PATTERN

IN_TIME_S: Final = 24 * 60 * 60
"""A link has no end of its own, so the promise has one."""

_PAID: Final = frozenset(["SUCCESS", "SETTLED"])
_FAILED: Final = "FAILED"
_ORDER: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_REFERENCE: Final = re.compile(REFERENCE_PATTERN)
_AMOUNT: Final = re.compile(AMOUNT_PATTERN)
_CURRENCY: Final = re.compile(CURRENCY_PATTERN)


class ClickPesaPayment(Struct, frozen=True, rename="camel"):
    """One payment; the amount is a text in some answers and a number in others."""

    id: str
    status: str
    order_reference: str
    created_at: datetime
    collected_amount: Decimal | None = None
    collected_currency: str | None = None


class PaymentPage(Struct, frozen=True, rename="camel"):
    """Some of all payments."""

    data: list[ClickPesaPayment]
    total_count: int


def is_order(text: str) -> bool:
    """Whether it may be an order reference, and so be part of a URL."""
    return _ORDER.fullmatch(text) is not None


def read_payments(body: bytes) -> list[ClickPesaPayment]:
    """The payments of one order.

    Raises:
        UnreachableProviderError: the answer has not its form.
    """
    try:
        return msgspec.json.decode(body, type=list[ClickPesaPayment])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(error) from None


def read_page(body: bytes) -> PaymentPage:
    """A page of all payments; errors as above."""
    try:
        return msgspec.json.decode(body, type=PaymentPage)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> UnreachableProviderError:
    return UnreachableProviderError(
        f"ClickPesa's answer is not of the form that it should have: {error}",
        hint="is the address ClickPesa's? A newer version of gitmeter may know the form",
    )


def of_order(order: str, payments: Sequence[ClickPesaPayment], mode: Mode) -> Truth:
    """Everything about the payments of one order.

    Args:
        order: its reference.
        payments: all of them; those of another order are left aside.
        mode: of the account.
    """
    ours = sorted(
        (payment for payment in payments if payment.order_reference == order),
        key=lambda payment: (payment.created_at, payment.id),
    )
    facts, opened = [], []
    for payment in ours:
        if payment.status in _PAID:
            fact = _fact(payment)
            if fact is not None:
                facts.append(fact)
            else:
                opened.append(
                    Open(order, f"payment {payment.id}: paid, with no amount that can be")
                )
        elif payment.status != _FAILED:
            opened.append(Open(order, f"payment {payment.status}"))
    if not ours:
        opened.append(Open(order, "nobody has begun to pay"))
    return Truth(
        object_id=order,
        facts=tuple(facts),
        open=tuple(opened),
        mode=mode,
        is_tagged=False,
        tag=None,
        attempt=order,
        in_time_s=IN_TIME_S,
        failed=None if facts or opened else "payment_failed",
    )


def _fact(payment: ClickPesaPayment) -> Fact | None:
    """The movement, if it can be one."""
    amount = _amount(payment.collected_amount)
    currency = payment.collected_currency or ""
    is_whole = amount and _CURRENCY.fullmatch(currency) and _REFERENCE.fullmatch(payment.id)
    if not is_whole:
        return None
    return Fact(
        kind="payment",
        external_ref=payment.id,
        of_ref=None,
        amount=amount,
        currency=currency,
        at=_utc(payment.created_at),
        tag=None,
        attempt=payment.order_reference,
        is_final=True,
    )


def _amount(collected: Decimal | None) -> str:
    """In decimal text: whole where it is whole, else with at least two decimals; else empty."""
    if collected is None or not collected.is_finite() or collected <= 0:
        return ""
    whole, _, fraction = f"{collected:f}".partition(".")
    fraction = fraction.rstrip("0")
    text = f"{whole}.{fraction.ljust(2, '0')}" if fraction else whole
    return text if _AMOUNT.fullmatch(text) else ""


def _utc(at: datetime) -> datetime:
    """Whole seconds of UTC; the API tells no zone but `Z`."""
    zoned = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).replace(microsecond=0)
