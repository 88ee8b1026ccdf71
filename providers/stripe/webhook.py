"""What a webhook of Stripe is about: its signature, and the one id that is taken from it.

Nothing else in it is believed. It may come late, twice, or before what happened earlier, and the
form of its body depends on settings at Stripe; the object is asked for.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from providers.interface import Mode, SignatureError
from providers.stripe.facts import mode_of
from providers.stripe.shapes import Event

AGE_S_MAX: Final = 300
"""In both directions: a time in the future is not the provider's either."""

_HEADER: Final = "stripe-signature"
_HEADER_CHARS_MAX: Final = 4096
_UNIX: Final = re.compile(r"[0-9]{1,12}")
_OBJECT_ID: Final = re.compile(r"(?:pi|re|pyr|dp|du|cs|ch)_[A-Za-z0-9_]{1,200}")


def is_object_id(text: str) -> bool:
    """Whether it may be the id of an object that belongs to a payment, and so be part of a URL."""
    return _OBJECT_ID.fullmatch(text) is not None


def object_in(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime, mode: Mode
) -> str | None:
    """The object that a webhook is about; None where it is of no interest, or of another mode.

    Args:
        body: as it came.
        headers: by name, in any letter case.
        secrets: `whsec_...`; several while one is replaced.
        now: our own time.
        mode: of our account; an endpoint of Connect is told of both.

    Raises:
        SignatureError: none of the secrets signed this body, or not within five minutes of `now`.
    """
    _verify(body, headers, secrets, now)
    try:
        event = msgspec.json.decode(body, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SignatureError(f"a signed webhook that is not an event of Stripe: {error}") from error
    if mode_of(event.livemode) != mode or event.account is not None:
        return None  # an event with an account is about somebody else's payments
    about = event.data.object if event.data is not None else event.related_object
    return about.id if about is not None and is_object_id(about.id) else None


def _verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> None:
    times, signatures = _parts(headers)
    if len(times) != 1 or _UNIX.fullmatch(times[0]) is None or not signatures:
        raise SignatureError(
            "a webhook without the signature of Stripe", hint="does a proxy drop the header?"
        )
    if not any(
        hmac.compare_digest(_signature(secret, times[0], body), signature)
        for secret in secrets
        for signature in signatures
    ):
        raise SignatureError(
            "a webhook that none of our secrets signed",
            hint="is the secret that of this endpoint, and of this mode?",
        )
    if abs(int(now.timestamp()) - int(times[0])) > AGE_S_MAX:
        raise SignatureError(
            f"a webhook that was signed at {times[0]}, more than {AGE_S_MAX} s from now",
            hint="is this machine's clock right?",
        )


def _parts(headers: Mapping[str, str]) -> tuple[list[str], list[bytes]]:
    """The times and the signatures of version 1; any other version is left aside."""
    header = next((value for name, value in headers.items() if name.lower() == _HEADER), "")
    pairs = [part.strip().partition("=") for part in header[:_HEADER_CHARS_MAX].split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    return times, [value.encode() for name, _, value in pairs if name == "v1"]


def _signature(secret: str, unix: str, body: bytes) -> bytes:
    signed = unix.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
