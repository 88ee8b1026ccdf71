"""What an issuer says of itself, and fetching that (OpenID Connect Discovery 1.0)."""

from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson

from front.tables import https_url
from gitmeter.http_edge.client import ExchangeError, HttpClient, Request
from gitmeter.support.errors import GitmeterError
from portal.issuers.jwk import VerifyingKey, keys_in

DESCRIPTION: Final = "/.well-known/openid-configuration"
TIMEOUT_S: Final = 5
_BYTES_MAX: Final = 256 << 10


class IssuerError(GitmeterError):
    """An issuer does not answer as OpenID Connect has it."""

    retry = True


class Described(NamedTuple):
    """Where an issuer has what.

    Attributes:
        keys_url: its public keys.
        sign_in_url: where people sign in; None where it does not say.
        token_url: where a code is exchanged for a token; None where it does not say.
    """

    keys_url: str
    sign_in_url: str | None
    token_url: str | None


def described(client: HttpClient, issuer: str) -> Described:
    """Ask an issuer where it has what.

    Raises:
        IssuerError: it does not answer, or with something else.
    """
    said = asked(client, Request("GET", issuer.rstrip("/") + DESCRIPTION))
    if said.get("issuer") != issuer:
        raise IssuerError(f"it calls itself {said.get('issuer')!r}")
    keys_url = _address(said, "jwks_uri")
    if keys_url is None:
        raise IssuerError("it has no jwks_uri")
    sign_in_url, token_url = (
        _address(said, "authorization_endpoint"),
        _address(said, "token_endpoint"),
    )
    return Described(keys_url, sign_in_url, token_url)


def keys_of(client: HttpClient, issuer: str) -> dict[str, VerifyingKey]:
    """Ask an issuer for its keys.

    Raises:
        IssuerError: it does not answer, or with something else.
    """
    return keys_in(asked(client, Request("GET", described(client, issuer).keys_url)))


def asked(client: HttpClient, request: Request) -> dict[str, Any]:
    """Ask for a JSON object, within limits.

    Raises:
        IssuerError: something else is answered.
    """
    try:
        with client.exchange(request, TIMEOUT_S) as response:
            body = response.read_all(_BYTES_MAX)
            if response.status != HTTPStatus.OK:
                raise IssuerError(f"{request.url} answers {response.status}")
            found = orjson.loads(body)
    except (ExchangeError, orjson.JSONDecodeError) as error:
        raise IssuerError(f"{request.url}: {error}") from None
    if not isinstance(found, dict):
        raise IssuerError(f"{request.url} is no JSON object")
    return found


def _address(said: dict[str, Any], name: str) -> str | None:
    """An address that an issuer states, which must be a safe one.

    Raises:
        IssuerError: it is not.
    """
    stated = said.get(name)
    if stated is None:
        return None
    try:
        return https_url(str(stated))
    except ValueError as error:
        raise IssuerError(f"{name} {error}") from None
