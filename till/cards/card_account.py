"""The account at a provider whose cards are charged."""

from collections.abc import Iterator
from contextlib import contextmanager

from gitmeter.support.errors import GitmeterError
from providers.cards import CardProvider
from till.config.accounts import TillAccount


class NoCardsError(GitmeterError):
    """The provider of an account keeps no cards."""


@contextmanager
def cards_of(account: TillAccount) -> Iterator[CardProvider]:
    """The provider, for this thread alone.

    Raises:
        NoCardsError: it keeps no cards.
        WordFileError, ProviderSettingsError: its key cannot be used.
    """
    with account.provider() as provider:
        if not isinstance(provider, CardProvider):
            raise NoCardsError(
                f"the provider of {account.name} keeps no cards", hint="[charge] needs Stripe"
            )
        yield provider
