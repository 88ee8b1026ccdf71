"""What a JSON Web Token claims (RFC 7519), and whether it is genuine. Pure, with a clock given.

A token says which key signed it; which algorithms are taken, whose keys, and for whom it must be is
never the token's to say (RFC 8725).
"""

import re
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeGuard

import jwt
from jwt.types import Options

from portal.issuers.jwk import VerifyingKey
from portal.records.identities import is_name

LEEWAY_S: Final = 60
"""How far the clocks of an issuer and of this machine may be apart."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{2,4096}\.[A-Za-z0-9_-]{2,8192}\.[A-Za-z0-9_-]{2,2048}")
_NEVER_S: Final = 10**12
_UNCHECKED: Final[Options] = {"verify_signature": False}
_HERE: Final[Options] = {
    "require": ["iss", "sub", "aud", "exp"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
}
"""The signature is checked there; times and names here, with this portal's clock and words."""


class InvalidTokenError(Exception):
    """A token is not genuine, not for this portal, or not for now; says why, for the log."""


class Claimed(NamedTuple):
    """What a token says before anything of it is believed.

    Attributes:
        issuer: who claims to have signed it.
        key_name: with which of its keys; None where it does not say.
    """

    issuer: str
    key_name: str | None


class VouchedFor(NamedTuple):
    """Whom an issuer vouches for.

    Attributes:
        issuer: its address.
        subject: its name for the person, which it gives to nobody else.
        nonce: what the sign-in that it is of had stated; None where it is of none.
        signed_in_s: when the person signed in there, in seconds since 1970; None where it does not
            say.
    """

    issuer: str
    subject: str
    nonce: str | None = None
    signed_in_s: float | None = None


def is_token(text: str) -> bool:
    """Whether a text has the form of a token: anything else is not looked at."""
    return _TOKEN.fullmatch(text) is not None


def claimed_by(token: str) -> Claimed:
    """Whose key is to be asked for.

    Raises:
        InvalidTokenError: it does not say, or asks for what is not understood here.
    """
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options=_UNCHECKED)
    except jwt.PyJWTError as error:
        raise InvalidTokenError(str(error)) from None
    issuer, key_name = claims.get("iss"), header.get("kid")
    if not isinstance(issuer, str):
        raise InvalidTokenError("it does not say whose it is")
    if key_name is not None and not is_name(key_name):
        raise InvalidTokenError("its key has no name")
    return Claimed(issuer, key_name)


def subject_of(token: str, key: VerifyingKey, audience: str, now: datetime) -> VouchedFor:
    """Whom a token is of.

    Args:
        token: of the form of one.
        key: a key of the issuer that the token claims.
        audience: whom it must be for.
        now: the time.

    Raises:
        InvalidTokenError: it is not genuine, or not for this portal and moment.
    """
    try:
        claims = jwt.decode(token, key.key, algorithms=[key.algorithm], options=_HERE)
    except jwt.PyJWTError as error:
        raise InvalidTokenError(str(error)) from None
    _check_audience(claims, audience)
    _check_times(claims, now.timestamp())
    subject, nonce, signed_in_s = claims["sub"], claims.get("nonce"), claims.get("auth_time")
    if not is_name(subject):
        raise InvalidTokenError("it names nobody")
    return VouchedFor(
        claims["iss"],
        subject,
        nonce if isinstance(nonce, str) else None,
        signed_in_s if _is_time(signed_in_s) else None,
    )


def _check_audience(claims: dict[str, Any], audience: str) -> None:
    """Check whom a token is for.

    Raises:
        InvalidTokenError: for somebody else, or for several, of whom another one asked for it.
    """
    stated = claims["aud"]
    of = [stated] if isinstance(stated, str) else stated
    if not isinstance(of, list) or audience not in of:
        raise InvalidTokenError("it is for somebody else")
    if claims.get("azp", audience if len(of) == 1 else None) != audience:
        raise InvalidTokenError("somebody else asked for it")


def _check_times(claims: dict[str, Any], now_s: float) -> None:
    """Check when a token is in force: from `nbf`, or else `iat`, to `exp`.

    `nbf` is not in OpenID Connect, and hardly an issuer states it; `iat` must be there.

    Raises:
        InvalidTokenError: it is not.
    """
    begin_s, end_s = claims.get("nbf", claims.get("iat")), claims["exp"]
    if not _is_time(begin_s) or not _is_time(end_s):
        raise InvalidTokenError("it does not say from when to when it is in force")
    if now_s < begin_s - LEEWAY_S:
        raise InvalidTokenError("it is not in force yet")
    if now_s >= end_s + LEEWAY_S:
        raise InvalidTokenError("it has ended")


def _is_time(stated: object) -> TypeGuard[float]:
    # the decoder takes `NaN` and `Infinity`, with which nothing would ever have ended
    return isinstance(stated, int | float) and stated is not True and 0 <= stated < _NEVER_S
