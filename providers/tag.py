"""The promise that a till signs and puts on a payment.

Metadata at a provider can be changed by whoever has a key or the dashboard, also later, and other
programs use it too. So only what a till has signed names a user and a credit:

    v1|<credit>|<currency>|<amount>|<unix>|<nonce>|<HMAC-SHA256>|<user in base64url, no padding>

The signature covers the account's name and every other field: a tag is worth nothing at another
account, for another user, or with another amount. It does not say which payment it is on: that one
tag counts for one payment is for the caller to see to, by `Promise.nonce`.
"""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from wire_format.fields import AMOUNT_PATTERN, CURRENCY_PATTERN, USER_PATTERN

TAG_CHARS_MAX: Final = 500
"""What Stripe keeps as one value of metadata."""

_VERSION: Final = "v1"
_FORM: Final = re.compile(
    rf"{_VERSION}\|(?P<credit>{AMOUNT_PATTERN})\|(?P<currency>{CURRENCY_PATTERN})"
    rf"\|(?P<amount>{AMOUNT_PATTERN})\|(?P<unix>0|[1-9][0-9]{{0,10}})\|(?P<nonce>[0-9a-f]{{16}})"
    r"\|(?P<mac>[0-9a-f]{64})\|(?P<user>[A-Za-z0-9_-]+)"
)
_USER: Final = re.compile(USER_PATTERN)
_CUSTOMER_PARTS: Final = 3


class Promise(NamedTuple):
    """What a till promised before it let a customer pay.

    Attributes:
        user: whose balance it is for.
        credited_usd: the credit, in decimal text.
        currency: of `amount`.
        amount: what must be paid for it, in decimal text.
        at: when, UTC; whole seconds in a tag.
        nonce: 16 random hex digits; one for each tag. Empty where a promise is a `pending` line.
    """

    user: str
    credited_usd: str
    currency: str
    amount: str
    at: datetime
    nonce: str


def make_tag(key: bytes, account_name: str, promise: Promise) -> str:
    """Sign a promise.

    Args:
        key: the till's tag key.
        account_name: ours for the account at the provider: `stripe-eu`.
        promise: `at` is cut to whole seconds.

    Raises:
        ValueError: a field does not have its form.
    """
    unix = int(promise.at.timestamp())
    user = base64.urlsafe_b64encode(promise.user.encode()).rstrip(b"=").decode()
    fields = (promise.credited_usd, promise.currency, promise.amount, str(unix), promise.nonce)
    mac = _mac(key, account_name, (*fields, user))
    text = "|".join((_VERSION, *fields, mac, user))
    if _FORM.fullmatch(text) is None or not _USER.fullmatch(promise.user):
        raise ValueError(f"a promise that no tag can hold: {promise}")
    return text


def read_tag(key: bytes | None, account_name: str, text: str) -> Promise | None:
    """The promise in a tag; None where it has not the form of one, or another signature.

    Args:
        key: the till's tag key; None to read what anybody could have written.
        account_name: ours for the account where the tag was found.
        text: whatever was found there.
    """
    found = _FORM.fullmatch(text) if len(text) <= TAG_CHARS_MAX else None
    if found is None:
        return None
    user = _user(found["user"])
    if user is None:
        return None
    fields = tuple(found[name] for name in ("credit", "currency", "amount", "unix", "nonce"))
    if key is not None:
        expected = _mac(key, account_name, (*fields, found["user"]))
        if not hmac.compare_digest(expected, found["mac"]):
            return None
    at = datetime.fromtimestamp(int(found["unix"]), UTC)
    return Promise(user, found["credit"], found["currency"], found["amount"], at, found["nonce"])


def make_customer_tag(key: bytes, account_name: str, user: str) -> str:
    """Sign whose customer it is that a provider keeps cards for.

    Args:
        key: the till's tag key.
        account_name: ours for the account at the provider.
        user: whose balance the cards of this customer are for.
    """
    encoded = base64.urlsafe_b64encode(user.encode()).rstrip(b"=").decode()
    return "|".join((_VERSION, _customer_mac(key, account_name, encoded), encoded))


def read_customer_tag(key: bytes, account_name: str, text: str) -> str | None:
    """The user in a customer's tag; None where it has not the form of one, or another signature."""
    parts = text.split("|") if len(text) <= TAG_CHARS_MAX else []
    if len(parts) != _CUSTOMER_PARTS or parts[0] != _VERSION:
        return None
    _, mac, encoded = parts
    expected = _customer_mac(key, account_name, encoded)
    if not mac.isascii() or not hmac.compare_digest(expected, mac):
        return None
    return _user(encoded)


def _customer_mac(key: bytes, account_name: str, encoded: str) -> str:
    signed = f"gitmeter|customer|{_VERSION}|{account_name}|{encoded}"
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()


def _user(text: str) -> str | None:
    """The user, if the text is the one that it is written as."""
    try:
        user = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    again = base64.urlsafe_b64encode(user.encode()).rstrip(b"=").decode()
    return user if again == text and _USER.fullmatch(user) else None


def _mac(key: bytes, account_name: str, fields: tuple[str, ...]) -> str:
    # no field has a `|` in it, so two different promises never give one text
    signed = "|".join(("gitmeter", _VERSION, account_name, *fields))
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
