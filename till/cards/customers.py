"""The customer under whose name a provider keeps the cards of an account.

A customer belongs to one account for ever, because this till made it and signed so on it. It is
never looked for by a name or an address, which anybody could enter.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from gitmeter.money.topups.attempts import is_automatic
from providers.cards import CardProvider
from providers.tag import make_customer_tag, read_customer_tag
from till.config.accounts import TillAccount
from till.intake.till import Till

PAYMENTS_MAX: Final = 10
"""So many payments are asked about for the customer that made them."""


def customer_of(till: Till, account: TillAccount, provider: CardProvider, user: str) -> str | None:
    """The customer of an account; None without one.

    Args:
        till: the till.
        account: whose customer it is at the provider.
        provider: the provider of that account.
        user: the account of ours.

    Raises:
        UnreachableProviderError, RefusedByProviderError: the provider does not say.
        SpoolError, MemoryFileError, HomeError, RemoteError: the lines cannot be looked through.
    """
    remembered = till.customers.of(account.name, user)
    if remembered is not None and _is_of(account, provider, user, remembered):
        return remembered
    wrong = {remembered}
    for payment in islice(_payments_by_card(till, account.name, user), PAYMENTS_MAX):
        truth = provider.truth(payment)
        customer = truth.card.customer if truth is not None and truth.card is not None else None
        if customer is None or customer in wrong:
            continue
        if _is_of(account, provider, user, customer):
            till.customers.remember(account.name, user, customer)
            return customer
        wrong.add(customer)
    return None


def customer_for(till: Till, account: TillAccount, provider: CardProvider, user: str) -> str:
    """The customer of an account; made where there is none. Arguments and errors as above."""
    found = customer_of(till, account, provider, user)
    if found is None:
        tag = make_customer_tag(account.tag_key, account.name, user)
        found = provider.new_customer(user, tag)
        till.customers.remember(account.name, user, found)
    return found


def _is_of(account: TillAccount, provider: CardProvider, user: str, customer: str) -> bool:
    """Whether this till made a customer for this account, and it is still there."""
    tag = provider.customer_tag(customer)
    return tag is not None and read_customer_tag(account.tag_key, account.name, tag) == user


def _payments_by_card(till: Till, provider: str, user: str) -> Iterator[str]:
    """Payments of an account with which a card was saved, then those by it; the latest first."""
    with till.spool.store.exclusive():
        till.lines.follow(till.spool)
    yield from (line.of_ref for line in till.lines.consents_of(provider, user))
    for line in reversed(till.lines.payments_of(user)):
        if line.key.provider == provider and is_automatic(line.attempt):
            yield line.key.ref
