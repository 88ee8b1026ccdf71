"""Signing in at an issuer: the code flow of OpenID Connect, with state, nonce and PKCE (RFC 7636).

What a browser has begun is derived from the secret id that it shows, and from when it began: so
nothing is kept here for people who never come back, and nobody else can end what they began.
"""

import hmac
import re
from base64 import b64encode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from gitmeter.http_edge.client import HttpClient, Request
from gitmeter.http_edge.word_file import read_word
from portal.config.tables import IssuerTable
from portal.issuers.description import IssuerError, asked, described, keys_of
from portal.issuers.jwk import key_named
from portal.issuers.tokens import (
    LEEWAY_S,
    InvalidTokenError,
    VouchedFor,
    claimed_by,
    is_token,
    subject_of,
)

LASTS_S: Final = 600
"""How long somebody may take to sign in at an issuer."""
CODE_MAX: Final = 2_000
STATE_MAX: Final = 100
_STATE: Final = re.compile(r"([0-9]{1,12})-[0-9a-f]{64}-([a-z-]{0,20})", re.ASCII)


class Attempt(NamedTuple):
    """Signing in at an issuer with a browser.

    Attributes:
        issuer: where.
        back_url: the address here to which the issuer sends people back.
        seal: the key of what this portal seals.
        browser_id: the secret that the browser shows.
        onward: where somebody goes on to who signed in long ago, and must do so anew; empty for
            whoever is not signed in.
    """

    issuer: IssuerTable
    back_url: str
    seal: bytes
    browser_id: str
    onward: str = ""

    def state(self, begun_s: int) -> str:
        """What the issuer sends back: nobody is signed in by a link that somebody else made."""
        return f"{begun_s}-{self._derived('state', begun_s).hex()}-{self.onward}"

    def nonce(self, begun_s: int) -> str:
        """What the token must say, so that it is of this attempt."""
        return self._derived("nonce", begun_s).hex()

    def verifier(self, begun_s: int) -> str:
        """What the exchange of the code shows, so that a code that leaked opens nothing."""
        return self._derived("verifier", begun_s).hex()

    def _derived(self, what: str, begun_s: int) -> bytes:
        stated = (what, self.issuer.url, self.browser_id, self.onward, str(begun_s))
        return hmac.digest(self.seal, "\n".join(("signing in", *stated)).encode(), "sha256")


def address_of(attempt: Attempt, now: datetime) -> str:
    """The address at the issuer where somebody signs in.

    Raises:
        IssuerError: it does not answer, or has no place to sign in.
    """
    with HttpClient() as client:
        sign_in_url = described(client, attempt.issuer.url).sign_in_url
    if sign_in_url is None:
        raise IssuerError("it has no authorization_endpoint")
    begun_s = int(now.timestamp())
    digest = sha256(attempt.verifier(begun_s).encode()).digest()
    stated = {
        "response_type": "code",
        "client_id": attempt.issuer.audience,
        "redirect_uri": attempt.back_url,
        "scope": "openid",
        "state": attempt.state(begun_s),
        "nonce": attempt.nonce(begun_s),
        "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if attempt.onward:
        stated |= {"prompt": "login", "max_age": "0"}
    return f"{sign_in_url}?{urlencode(stated)}"


def begun(attempt: Attempt, state: str, now: datetime) -> tuple[Attempt, int] | None:
    """The attempt of a state with where it goes on to, and when it began, in seconds since 1970.

    None where this browser did not begin it, or too long ago.
    """
    found = _STATE.fullmatch(state)
    if found is None:
        return None
    begun_s, stated = int(found[1]), attempt._replace(onward=found[2])
    is_ours = hmac.compare_digest(stated.state(begun_s).encode(), state.encode())
    return (stated, begun_s) if is_ours and 0 <= now.timestamp() - begun_s < LASTS_S else None


def finish(attempt: Attempt, begun_s: int, code: str, now: datetime) -> VouchedFor:
    """Exchange a code for a token, and say whom it is of.

    Args:
        attempt: what the browser had begun.
        begun_s: when, in seconds since 1970.
        code: what the issuer gave the browser.
        now: the time.

    Raises:
        IssuerError: the issuer does not answer, or refuses.
        WordFileError: the file of this portal's secret cannot be used.
        InvalidTokenError: the token is not genuine, or not of this attempt.
    """
    issuer = attempt.issuer
    with HttpClient() as client:
        token_url = described(client, issuer.url).token_url
        if token_url is None:
            raise IssuerError("it has no token_endpoint")
        said = asked(client, _exchange(attempt, begun_s, code, token_url))
        token = said.get("id_token")
        if not isinstance(token, str) or not is_token(token):
            raise IssuerError("it gives no id_token")
        claimed, keys = claimed_by(token), keys_of(client, issuer.url)
    key = key_named(keys, claimed.key_name)
    if claimed.issuer != issuer.url or key is None:
        raise InvalidTokenError("it is of another issuer, or of no key of this one")
    found = subject_of(token, key, issuer.audience, now)
    if found.nonce != attempt.nonce(begun_s):
        raise InvalidTokenError("it is of another attempt")
    if attempt.onward and (found.signed_in_s or 0) < begun_s - LEEWAY_S:
        raise InvalidTokenError("its subject did not sign in anew")
    return found


def _exchange(attempt: Attempt, begun_s: int, code: str, token_url: str) -> Request:
    issuer = attempt.issuer
    stated = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.back_url,
        "client_id": issuer.audience,
        "code_verifier": attempt.verifier(begun_s),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if issuer.secret_file is not None:
        shown = (issuer.audience, read_word(issuer.secret_file, "secret"))
        pair = ":".join(quote(each, safe="") for each in shown)
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return Request("POST", token_url, headers, urlencode(stated).encode())
