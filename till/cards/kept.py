"""What providers keep for an account of ours: its cards, and automatic payments by them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from gitmeter.money.topups.attempts import is_automatic
from providers.cards import CardCharge, CardProvider, SavedCard
from till.cards.card_account import cards_of as cards_of_account
from till.cards.customers import customer_of
from till.config.accounts import TillAccount
from till.intake.till import Till

ATTEMPTS_FOR: Final = timedelta(days=35)
"""How long an automatic payment is told of."""
_CHARGES_MAX: Final = 1000
"""Of one account of ours: far more than its limits let it begin in that time."""

T = TypeVar("T", SavedCard, CardCharge)


class ListedCard(NamedTuple):
    """A card, and the name of the account at a provider that keeps it."""

    account: str
    card: SavedCard


class Attempted(NamedTuple):
    """An automatic payment, and the name of the account at a provider."""

    account: str
    charge: CardCharge


def cards_of(till: Till, user: str) -> list[ListedCard]:
    """The cards that are kept for an account of ours, of each provider the newest first.

    Raises:
        UnreachableProviderError, RefusedByProviderError: a provider does not say.
        GitmeterError: the lines cannot be looked through.
    """
    found = _of_all(till, user, lambda provider, customer: provider.cards(customer))
    return [ListedCard(account, card) for account, card in found]


def remove_card(till: Till, account: TillAccount, user: str, method: str) -> bool:
    """Have a card kept no longer; whether it was kept for this account of ours.

    Raises:
        UnreachableProviderError, RefusedByProviderError: the provider does not do it.
        GitmeterError: the lines cannot be looked through.
    """
    if not account.keeps_cards:
        return False
    with cards_of_account(account) as provider:
        customer = customer_of(till, account, provider, user)
        return customer is not None and provider.remove_card(customer, method)


def attempts_of(till: Till, user: str) -> list[Attempted]:
    """The automatic payments of an account of ours as providers have them, the newest first.

    Raises:
        UnreachableProviderError, RefusedByProviderError: a provider does not say.
        GitmeterError: the lines cannot be looked through.
    """
    since = till.clock() - ATTEMPTS_FOR
    found = _of_all(till, user, lambda provider, customer: provider.charges(customer, since))
    attempts = [
        Attempted(account, charge)
        for account, charge in found
        if charge.is_tagged and is_automatic(charge.attempt)
    ]
    return sorted(attempts, key=lambda each: each.charge.created_at, reverse=True)


def _of_all(
    till: Till, user: str, ask: Callable[[CardProvider, str], Iterable[T]]
) -> Iterator[tuple[str, T]]:
    """What each provider keeps for an account of ours that is its customer."""
    for account in till.accounts.by_name.values():
        if not account.keeps_cards:
            continue
        with cards_of_account(account) as provider:
            customer = customer_of(till, account, provider, user)
            if customer is not None:
                for each in islice(ask(provider, customer), _CHARGES_MAX):
                    yield account.name, each
