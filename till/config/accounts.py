"""The accounts of a till: their keys, read from files, and the providers behind them."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

from gitmeter.http_edge.secret_file import read_secret
from gitmeter.http_edge.word_file import read_word
from gitmeter.support.errors import GitmeterError
from providers.interface import Mode, Provider, SignatureError
from till.config.tables import KEEPS_CARDS, TAGGED, AccountTable, TillConfig
from wire_format.writers import ProviderAccount

_IDLE_MAX: Final = 8
"""Providers of an account that wait for their next question; each has a connection of its own."""

Opening = Callable[[AccountTable, Mode, str, Sequence[str]], Provider]
"""Opens the provider of an account, in a mode, with a key and with what signs its events."""


class UnknownAccountError(GitmeterError):
    """The configuration has no account of that name."""


class TillAccount:
    """An account, with its keys and secrets, which are read when they are first needed.

    Args:
        table: what the configuration says.
        mode: of the till.
        opening: opens its provider.
        key_file: another key than that of the configuration.

    Attributes:
        name: the `provider` of its lines.
        table: what the configuration says.
    """

    def __init__(
        self, table: AccountTable, mode: Mode, opening: Opening, key_file: Path | None = None
    ) -> None:
        self.name = table.name
        self.table = table
        self._key_file = key_file or table.key_file
        self._mode = mode
        self._opening = opening
        self._idle: list[Provider] = []
        self._lock = threading.Lock()

    @property
    def is_tagged(self) -> bool:
        """Whether its provider keeps what is written on a payment."""
        return self.table.kind in TAGGED

    @property
    def keeps_cards(self) -> bool:
        """Whether its provider keeps cards of customers."""
        return self.table.kind in KEEPS_CARDS

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """What may sign its events.

        Raises:
            WordFileError: a file of them cannot be used.
        """
        return tuple(read_word(file, "secret") for file in self.table.secret_files)

    @cached_property
    def tag_key(self) -> bytes:
        """What signs promises, where the provider keeps them.

        Raises:
            SecretFileError: its file cannot be used.
        """
        file = self.table.tag_key_file
        return b"" if file is None else read_secret(file)

    def check(self) -> None:
        """Read its keys and secrets, and see whether they are of its mode.

        Raises:
            WordFileError, SecretFileError: a file of them cannot be used.
            ProviderSettingsError: key, mode and address do not fit together.
        """
        _ = self.secrets, self.tag_key
        with self.provider():
            pass

    @contextmanager
    def provider(self) -> Iterator[Provider]:
        """The provider, for this thread alone.

        Raises:
            WordFileError: the file of its key cannot be used.
            ProviderSettingsError: key, mode and address do not fit together.
        """
        with self._lock:
            found = self._idle.pop() if self._idle else None
        with ExitStack() as in_use:
            if found is None:
                key = read_word(self._key_file, "key")
                found = self._opening(self.table, self._mode, key, self.secrets)
            in_use.push(found)
            try:
                yield found
            except SignatureError:  # strangers cause it, and nothing was sent
                self._keep(found, in_use)
                raise
            self._keep(found, in_use)  # after any other error its connection is not used again

    def _keep(self, found: Provider, in_use: ExitStack) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_MAX:
                self._idle.append(found)
                in_use.pop_all()

    def close(self) -> None:
        """Close the connections that wait."""
        with self._lock, ExitStack() as closed:
            while self._idle:
                closed.push(self._idle.pop())


class Accounts:
    """The accounts of a till, by name.

    Args:
        config: what the operator says.
        opening: opens their providers.
    """

    def __init__(self, config: TillConfig, opening: Opening) -> None:
        self._opening = opening
        self._mode: Mode = config.mode
        self.by_name: Mapping[str, TillAccount] = {
            table.name: TillAccount(table, config.mode, self._opening) for table in config.account
        }

    def close(self) -> None:
        """Close all connections."""
        for account in self.by_name.values():
            account.close()

    def named(self, name: str) -> TillAccount:
        """The account with this name.

        Raises:
            UnknownAccountError: there is none.
        """
        if name not in self.by_name:
            known = ", ".join(self.by_name)
            raise UnknownAccountError(f"there is no account {name}", hint=f"there are: {known}")
        return self.by_name[name]

    def with_key(self, name: str, key_file: Path) -> TillAccount:
        """The same account, with another key."""
        return TillAccount(self.named(name).table, self._mode, self._opening, key_file)


def account_url(table: AccountTable, mode: Mode) -> str:
    """The address of the API of an account's provider."""
    from providers.opening import own_url

    return table.base_url or own_url(table.kind, mode)


def open_account(table: AccountTable, mode: Mode, key: str, secrets: Sequence[str]) -> Provider:
    """Open the provider of an account; it is not asked yet.

    Raises:
        ProviderSettingsError: key, mode and address do not fit together.
    """
    from providers.opening import open_provider

    entry = ProviderAccount(table.name, table.kind, table.account, mode)
    checksum_key = None if table.kind in TAGGED else secrets[0]
    return open_provider(entry, key, checksum_key=checksum_key, base_url=table.base_url)
