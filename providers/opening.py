"""Opening an account at a provider.

A test account must not look like a live one: the account's mode in the rule book, the key and the
address have to agree. The library of a provider is imported when an account of it is opened.
"""

from typing import Final
from urllib.parse import urlsplit

from gitmeter.http_edge.address_text import THIS_MACHINE
from gitmeter.support.errors import GitmeterError
from providers.interface import Mode, Provider
from wire_format.writers import ProviderAccount

STRIPE_URL: Final = "https://api.stripe.com"
CLICKPESA_URLS: Final[dict[Mode, str]] = {
    "live": "https://api.clickpesa.com/third-parties",
    "test": "https://api-sandbox.clickpesa.com/third-parties",
}
_STRIPE_KEYS: Final[dict[Mode, tuple[str, str]]] = {
    "live": ("sk_live_", "rk_live_"),
    "test": ("sk_test_", "rk_test_"),
}


class ProviderSettingsError(GitmeterError):
    """An account, its key and its address do not fit together."""


def open_provider(
    account: ProviderAccount,
    key: str,
    *,
    checksum_key: str | None = None,
    base_url: str | None = None,
) -> Provider:
    """An account at a provider; a context manager. No request is sent yet.

    Args:
        account: as the rule book has it; ClickPesa's `account` is the client id.
        key: Stripe's secret or restricted key, or ClickPesa's API key.
        checksum_key: ClickPesa's, where the account asks for checksums.
        base_url: in place of the provider's own; on this machine, unless it is a test account.

    Raises:
        ProviderSettingsError: they do not fit together, or the kind is unknown.
    """
    if account.kind == "stripe":
        if not key.startswith(_STRIPE_KEYS[account.mode]):
            raise ProviderSettingsError(
                f"the key of {account.name} is not one of {account.mode} mode",
                hint=f"it begins with {' or '.join(_STRIPE_KEYS[account.mode])}",
            )
        from providers.stripe.account import StripeAccount

        url = _address(account, base_url)
        return StripeAccount(account.name, account.mode, key, url)
    if account.kind == "clickpesa":
        from providers.clickpesa.account import ClickPesaAccount

        url = _address(account, base_url)
        return ClickPesaAccount(account.name, account.mode, account.account, key, checksum_key, url)
    raise ProviderSettingsError(
        f"{account.name} is of the kind {account.kind}, which this version does not know",
        hint="the kinds are stripe and clickpesa; payments of others are entered with `books pay`",
    )


def own_url(kind: str, mode: Mode) -> str:
    """The address of a provider's API."""
    return STRIPE_URL if kind == "stripe" else CLICKPESA_URLS[mode]


def _address(account: ProviderAccount, given: str | None) -> str:
    own = own_url(account.kind, account.mode)
    url = own if given is None else given.rstrip("/")
    parts = urlsplit(url)
    is_here = parts.hostname in THIS_MACHINE
    if parts.scheme != "https" and not (is_here and parts.scheme == "http"):
        raise ProviderSettingsError(f"the address of {account.name} must be https: {url}")
    is_of_other_mode = url in CLICKPESA_URLS.values() and url != own
    if is_of_other_mode or (account.mode == "live" and url != own and not is_here):
        raise ProviderSettingsError(
            f"{account.name} is a {account.mode} account, and {url} is not the address of one",
            hint=f"leave the address out: it is {own}",
        )
    return url
