"""Giving money back once for each request, whenever the process dies.

1. before the request is written down: nothing happened.
2. after it: the same command finds the request, looks at the provider for a refund that carries
   its name, and asks only where there is none.
3. after the provider has it: as 2; the refund is found.
4. after its name is noted: the same command says so, and writes the line if it is missing.

The name of a request is made of what was asked for, so it is the same even where the file of
requests is lost.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.support.errors import GitmeterError
from gitmeter.support.locks import LockedError, locked
from node_pusher.home.errors import BusyError
from providers.interface import Fact, RefusedByProviderError, Truth
from till.config.accounts import TillAccount
from till.intake.intake import NotRecordedError, ask
from till.intake.till import Till
from till.records.requests import RefundKey, RefundRequest
from till.refunds.left import left_nano
from wire_format.money import InvalidAmountError, format_usd, parse_nano

REST: Final = "rest"
_LOCK_WAIT_S: Final = 60
_NAME_DIGITS: Final = 32


class RefundError(GitmeterError):
    """A refund is refused, by this program or by the provider."""


class Wish(NamedTuple):
    """What a person wants to give back.

    Attributes:
        payment: the provider's name of the payment.
        amount: in its currency; None for all that is left.
        reason: why.
        number: 2 for another one of the same amount of the same payment, and so on.
        is_beyond: more than is left is asked for on purpose.
    """

    payment: str
    amount: str | None
    reason: str
    number: int = 1
    is_beyond: bool = False


class Refunded(NamedTuple):
    """A refund that the provider has.

    Attributes:
        account: the account.
        payment: the payment.
        refund: the provider's name of the refund.
        amount: in the payment's currency.
        currency: of the payment.
        is_new: whether this command asked for it.
        is_recorded: whether its line is written; else the next sweep writes it.
    """

    account: str
    payment: str
    refund: str
    amount: str
    currency: str
    is_new: bool
    is_recorded: bool


def refund(till: Till, account: TillAccount, wish: Wish, key_file: Path | None) -> Refunded:
    """Give money back, unless the same was given back before.

    Args:
        till: the till.
        account: whose payment it is.
        wish: what is wanted.
        key_file: another key than the configuration names for refunds.

    Raises:
        RefundError: it is refused.
        BusyError: another refund is being asked for.
        UnreachableProviderError: nobody knows whether the provider has it; the same command finds
            out.
        WordFileError: the file of the key cannot be used.
    """
    key_file = key_file or account.table.refund_key_file
    if key_file is None:
        raise RefundError(
            f"no key for refunds of {account.name} is named",
            hint="set refund_key_file of that account, or give --account-key-file",
        )
    with _alone(till), closing(till.accounts.with_key(account.name, key_file)) as refunding:
        request, is_new = _request(till, account, wish), False
        if request.refund is None:
            fact, is_new = _at_provider(till, refunding, request)
            till.requests.done(request, fact.external_ref)
            request = request._replace(refund=fact.external_ref)
        is_recorded = _record(till, account, request)
    refund_ref = request.refund or ""
    return Refunded(
        account.name,
        request.key.payment,
        refund_ref,
        request.amount,
        request.currency,
        is_new,
        is_recorded,
    )


@contextmanager
def _alone(till: Till) -> Iterator[None]:
    """Let one refund at a time be asked for from this home."""
    try:
        with locked(till.home.path / "refund.lock", wait_s=_LOCK_WAIT_S):
            yield
    except LockedError:
        raise BusyError("another refund is being asked for", hint="try again") from None


def _request(till: Till, account: TillAccount, wish: Wish) -> RefundRequest:
    """The request that is on disk already, or a new one, which is then."""
    asked = REST if wish.amount is None else format_usd(_nano(wish.amount))
    key = RefundKey(account.name, wish.payment, asked, wish.number)
    earlier = till.requests.of_payment(account.name, wish.payment)
    for each in earlier:
        if each.key == key:
            return each
    if wish.number > 1 and key._replace(number=wish.number - 1) not in {e.key for e in earlier}:
        raise RefundError(
            f"there was no refund {wish.number - 1} of {asked} of {wish.payment}",
            hint="--another is for a second refund of the same amount",
        )
    truth = _truth(account, wish.payment)
    left = left_nano(truth.facts, earlier)
    amount = left if wish.amount is None else _nano(wish.amount)
    currency = truth.facts[0].currency
    if amount <= 0 or (amount > left and not wish.is_beyond):
        raise RefundError(
            f"{format_usd(max(left, 0))} {currency} of {wish.payment} is left, and"
            f" {'nothing' if wish.amount is None else wish.amount} can be given back of that",
            hint="--below-zero asks the provider for more nevertheless",
        )
    with account.provider() as provider:  # in the form that the provider writes
        text = provider.from_minor(provider.to_minor(format_usd(amount), currency), currency)
    request = RefundRequest(key, _name(till, key), text, currency, wish.reason)
    till.requests.add(request, till.clock())
    return request


def _nano(amount: str) -> int:
    try:
        found = parse_nano(amount)
    except InvalidAmountError as error:
        raise RefundError(f"the amount {error}") from None
    if found <= 0:
        raise RefundError("the amount must be above zero")
    return found


def _truth(account: TillAccount, payment: str) -> Truth:
    with account.provider() as provider:
        truth = provider.truth(payment)
    if truth is None or not any(
        fact.kind == "payment" and fact.external_ref == payment for fact in truth.facts
    ):
        raise RefundError(f"{account.name} knows no payment {payment}")
    if truth.is_tagged and truth.tag is None:
        raise RefundError(f"{payment} was made by another program than a till")
    of_it = tuple(fact for fact in truth.facts if payment in {fact.external_ref, fact.of_ref})
    return truth._replace(facts=of_it)


def _name(till: Till, key: RefundKey) -> str:
    """The name of a request: the same for the same words, and no other till's."""
    text = "|".join((till.home.node, *map(str, key)))
    return hashlib.sha256(text.encode()).hexdigest()[:_NAME_DIGITS]


def _at_provider(till: Till, account: TillAccount, request: RefundRequest) -> tuple[Fact, bool]:
    """The refund as the provider has it, and whether it was asked for only now."""
    key = request.key
    try:
        with account.provider() as provider:
            found = provider.find_refund(key.payment, request.request)
            if found is not None:
                return found, False
            asked = (key.payment, request.amount, request.currency, request.request)
            return provider.refund(*asked, request.reason), True
    except RefusedByProviderError as error:
        till.requests.forget(request)
        raise RefundError(f"{account.name} refuses it: {error}", hint=error.hint) from error


def _record(till: Till, account: TillAccount, request: RefundRequest) -> bool:
    """Write the line of the refund, as an event of it would."""
    try:
        ask(till, account, request.key.payment)
    except NotRecordedError:
        return False
    return True
