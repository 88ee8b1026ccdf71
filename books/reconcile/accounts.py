"""`reconcile.toml`: where the keys are that may ask the providers."""

import tomllib
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from gitmeter.http_edge.word_file import WordFileError, read_word
from gitmeter.support.errors import GitmeterError
from providers.interface import Provider
from wire_format.writers import ProviderAccount

FILE_NAME: Final = "reconcile.toml"
_BYTES_MAX: Final = 64 * 1024


class AccountsError(GitmeterError):
    """`reconcile.toml`, or a file of a key that it names, cannot be used."""


class AccountKeys(NamedTuple):
    """What is needed to ask about one account at a provider.

    Attributes:
        name: as in `rules/writers.toml`.
        key: the provider's, which should be allowed to read alone.
        base_url: of its API; None for its own.
        tag_key: the till's, to see whether a tag is one of ours; None to take its form for that.
    """

    name: str
    key: str
    base_url: str | None
    tag_key: bytes | None


class _Account(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    key_file: str
    base_url: str | None = None
    tag_key_file: str | None = None


class _Accounts(Struct, frozen=True, forbid_unknown_fields=True):
    account: list[_Account]


def read_accounts(place: Path) -> list[AccountKeys]:
    """Read the accounts, and the keys from their files.

    Args:
        place: `reconcile.toml`, or the folder that it is in. Paths in it that are not absolute are
            within that folder.

    Raises:
        AccountsError: a file is missing, cannot be used, or may be read by every user.
    """
    file = place / FILE_NAME if place.is_dir() else place
    try:
        with file.open("rb") as stream:
            text = stream.read(_BYTES_MAX + 1)
    except OSError as error:
        raise AccountsError(f"{file}: {error.strerror}") from error
    try:
        if len(text) > _BYTES_MAX:
            raise ValueError(f"more than {_BYTES_MAX >> 10} KiB")  # noqa: TRY301 - said once
        found = msgspec.convert(tomllib.loads(text.decode()), _Accounts).account
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise AccountsError(
            f"{file}: {error}",
            hint="it has a table [[account]] with name and key_file for each account, and if you"
            " like base_url and tag_key_file",
        ) from error
    named = Counter(account.name for account in found)
    if repeated := sorted(name for name, number in named.items() if number > 1):
        raise AccountsError(f"{file}: named more than once: {', '.join(repeated)}")
    return [_with_keys(file.parent, account) for account in found]


def _with_keys(folder: Path, account: _Account) -> AccountKeys:
    try:
        key = read_word(folder / account.key_file, "key")
        tag_key = None
        if account.tag_key_file is not None:
            tag_key = read_word(folder / account.tag_key_file, "tag key").encode()
    except WordFileError as error:
        raise AccountsError(f"account {account.name}: {error}", hint=error.hint) from error
    return AccountKeys(account.name, key, account.base_url, tag_key)


def open_account(account: ProviderAccount, keys: AccountKeys) -> AbstractContextManager[Provider]:
    """Open an account to ask about.

    Raises:
        AccountsError: what is needed to ask such a provider is not installed.
        ProviderSettingsError: account, key and address do not fit together.
    """
    from providers.opening import open_provider

    try:
        return open_provider(account, keys.key, base_url=keys.base_url)
    except ModuleNotFoundError as error:
        raise AccountsError(
            f"asking {account.kind} needs the package {error.name}, which is not installed",
            hint="pip install 'gitmeter[books,till]'",
        ) from error
