"""Checking that a refund fits the payment that it gives back.

The aggregator holds a refund that names no counted payment of the same user. It is better to notice
a wrong number while the person who typed it can still change it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from books.money import MoneyError, Movement
from wire_format.agreement import CURRENCY_DEFAULT
from wire_format.field_types import Provider
from wire_format.lines import Money
from wire_format.money import InvalidAmountError, format_usd, parse_nano

_HINT: Final = "`books log` and `git show` in the books' repo list payments with their seq"


def fit_payment(
    refund: Movement,
    payment: Money | None,
    provider: Provider | None,
    currency: str | None,
    earlier: Iterable[Money] = (),
) -> Movement:
    """The refund, with the payment's provider and currency if it states none.

    Args:
        refund: names the payment in `refers_to`.
        payment: the line with that number, or None if there is none.
        provider: the provider that the operator states, or None.
        currency: the currency that the operator states, or None.
        earlier: lines of the books, of which earlier refunds of this payment count too.

    Raises:
        MoneyError: there is no such payment of that user, or it is smaller than its refunds.
    """
    seq = refund.refers_to
    if payment is None:
        raise MoneyError(f"no line of these books has seq {seq}", hint=_HINT)
    if payment.kind != "payment":
        raise MoneyError(f"seq {seq} is not a payment but a {payment.kind}", hint=_HINT)
    if payment.user != refund.user:
        raise MoneyError(f"seq {seq} is a payment of {payment.user}, not of {refund.user}")
    if payment.status != "succeeded":
        raise MoneyError(f"seq {seq} is a payment that is {payment.status}: it moved no money")
    fitted = replace(
        refund,
        provider=provider or payment.provider,
        currency=currency or payment.currency,
    )
    counted = earlier if refund.status == "succeeded" else ()
    _refuse_too_much(fitted, payment, [line for line in counted if _gives_back(line, seq)])
    return fitted


def _gives_back(line: Money, seq: int | None) -> bool:
    return line.kind == "refund" and line.refers_to == seq and line.status == "succeeded"


def _refuse_too_much(refund: Movement, payment: Money, earlier: list[Money]) -> None:
    """Compare them in every currency that both the payment and this refund state."""
    given = _amounts_nano(payment)
    asked = _amounts_nano(refund)
    for currency in given.keys() & asked.keys():
        before_nano = sum(_amounts_nano(line).get(currency, 0) for line in earlier)
        if before_nano + asked[currency] > given[currency]:
            before = f" after {format_usd(before_nano)} given back before" if before_nano else ""
            raise MoneyError(
                f"the refund of {format_usd(asked[currency])} {currency}{before} is more than the"
                f" payment of {format_usd(given[currency])}"
            )


def _amounts_nano(movement: Movement | Money) -> dict[str, int]:
    """The amounts by currency; malformed ones are left out here and reported by `malformed`."""
    stated = {movement.currency: movement.amount}
    if movement.credited_usd is not None:
        stated[CURRENCY_DEFAULT] = movement.credited_usd
    return {currency: parse_nano(text) for currency, text in stated.items() if _is_amount(text)}


def _is_amount(text: str) -> bool:
    try:
        parse_nano(text)
    except InvalidAmountError:
        return False  # `malformed` reports it
    return True
