"""Movements at accounts that `rules/writers.toml` names: lines of version 2. Pure.

A till writes them; the books write what no till can, and what a person decides. The payment of a
refund may be a till's line, which the books do not see: then only the aggregator can say whether it
is there, and how much of it is left.
"""

from collections.abc import Sequence
from typing import Final

from books.errors import MoneyError
from gitmeter.money.names import name_fault
from wire_format.lines import Money
from wire_format.money import format_usd, parse_nano
from wire_format.writers import ProviderAccount, Writers

_OF_VERSION_1: Final = ("stripe", "clickpesa", "manual")


def account_of(provider: str, writers: Writers) -> ProviderAccount | None:
    """The account that a provider's name means; None for what lines of version 1 name.

    Raises:
        MoneyError: nothing has that name.
    """
    account = writers.providers.get(provider)
    if account is None and provider not in _OF_VERSION_1:
        known = ", ".join([*_OF_VERSION_1, *sorted(set(writers.providers) - set(_OF_VERSION_1))])
        raise MoneyError(
            f"provider: must be one of {known}",
            hint="`books rules edit writers.toml` names accounts at providers",
        )
    return account


def refuse_till_s(provider: str, writers: Writers, *, is_by_hand: bool) -> None:
    """Refuse what a till records, unless a person means to.

    Raises:
        MoneyError: it is refused.
    """
    if writers.has_till(provider) and not is_by_hand:
        raise MoneyError(
            f"a till records what moves at {provider}",
            hint="--by-hand records it all the same: what no till can record, or whose an undecided"
            " payment is",
        )


def refuse_wrong_line(line: Money, account: ProviderAccount, admitted: Sequence[Money]) -> None:
    """Refuse a line about an account that would not count.

    Args:
        line: the new line.
        account: which it names.
        admitted: the lines of the books that concern it.

    Raises:
        MoneyError: it is refused.
    """
    if line.status != "succeeded":
        raise MoneyError(
            f"status: what moves at {line.provider} is recorded once it has succeeded",
            hint="nothing was recorded",
        )
    ref = line.external_ref
    fault = None if ref is None else name_fault(account.kind, line.kind, ref, line.of_ref)
    if fault is not None:
        raise MoneyError(fault, hint="a movement has one name, or it would count twice")
    if line.kind != "refund":
        return
    for payment in admitted:
        key = (payment.provider, payment.external_ref, payment.kind, payment.status)
        if key == (line.provider, line.of_ref, "payment", "succeeded"):
            _refuse_unlike(line, payment)
            _refuse_too_much(line, payment, admitted)


def _refuse_unlike(line: Money, payment: Money) -> None:
    if payment.user != line.user:
        raise MoneyError(f"seq {payment.seq} is a payment of {payment.user}, not of {line.user}")
    if payment.currency != line.currency:
        raise MoneyError(
            f"currency: seq {payment.seq} is a payment in {payment.currency}, as its refunds are"
        )


def _refuse_too_much(line: Money, payment: Money, admitted: Sequence[Money]) -> None:
    earlier_nano = sum(
        parse_nano(each.amount)
        for each in admitted
        if each.kind == "refund"
        and each.currency == payment.currency
        and (
            (each.provider, each.of_ref) == (line.provider, line.of_ref)
            or each.refers_to == payment.seq
        )
    )
    asked_nano, paid_nano = parse_nano(line.amount), parse_nano(payment.amount)
    if earlier_nano + asked_nano > paid_nano:
        raise too_much(asked_nano, earlier_nano, paid_nano, line.currency)


def too_much(asked_nano: int, before_nano: int, paid_nano: int, currency: str) -> MoneyError:
    """A refund of more than what is left of its payment."""
    before = f" after {format_usd(before_nano)} given back before" if before_nano else ""
    return MoneyError(
        f"the refund of {format_usd(asked_nano)} {currency}{before} is more than the payment of"
        f" {format_usd(paid_nano)}"
    )
