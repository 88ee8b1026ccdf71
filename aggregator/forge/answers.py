"""The errors that a forge's responses mean. Pure."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Final, NamedTuple

import orjson

from aggregator.forge.interface import (
    BadAnswerError,
    DeniedError,
    ForgeError,
    NotThereError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gitmeter.git_remote.remote import Remote
from gitmeter.http_edge.client import (
    ExchangeError,
    LateError,
    UntrustedError,
    UnwantedBodyError,
    http_date,
    retry_after_s,
)

ANSWER_TIMEOUT_S: Final = 30
"""For one exchange as a whole, connecting included."""

RETRY_AFTER_MAX_S: Final = 86_400
_WORDS_MAX: Final = 300
_ABOUT_ACCOUNT: Final = re.compile(
    r"\b(account|password|two-factor|sign(ing)? in|login)\b", re.IGNORECASE
)
_ABOUT_RIGHTS: Final = re.compile(
    r"\b(scopes?|rights?|permissions?|owners?|admins?|members?|collaborators?|allowed to)\b",
    re.IGNORECASE,
)

Wait = Callable[[int], None]
"""Waits that many seconds, and says so."""


class ForgeResponse(NamedTuple):
    """A whole response of a forge.

    Attributes:
        status: of HTTP.
        headers: by name, in any letter case.
        body: the content.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def at(self) -> datetime | None:
        """The time of the response by the forge's own clock; None if it does not say."""
        return http_date(self.headers.get("Date", ""))


class Access(NamedTuple):
    """The forge to ask, and how.

    Attributes:
        remote: the root of the API, with the token file.
        org: the organisation, for hints.
        wait: called when the forge asks to wait; None to give up at once.
        timeout_s: limit for one exchange as a whole.
    """

    remote: Remote
    org: str
    wait: Wait | None = None
    timeout_s: float = ANSWER_TIMEOUT_S


def of_error(url: str, error: ExchangeError) -> ForgeError:
    """The typed error for an exchange that failed."""
    match error:
        case LateError():
            return UnavailableError(f"{url}: {error}")
        case UnwantedBodyError():
            return bad_answer(url, str(error))
        case UntrustedError():
            return DeniedError(
                f"{url}: {error}",
                hint="the server's TLS certificate is not one that this machine trusts",
            )
    return UnavailableError(f"{url}: {error}", hint="is the forge up, and the address right?")


def bad_answer(url: str, words: str) -> BadAnswerError:
    """The error for a response that is not one of a forge's API."""
    return BadAnswerError(f"{url}: {words}", hint="is this the address of a forge?")


def of_status(access: Access, method: str, url: str, answer: ForgeResponse) -> ForgeError:
    """The typed error for a status other than success."""
    status, words = answer.status, _words(answer.body)
    said = f"{method} {url}: {status} {words}".rstrip()
    pause_s = retry_after_s(answer.headers)
    if pause_s is not None:
        pause_s = min(pause_s, RETRY_AFTER_MAX_S)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and pause_s is not None
    ):
        hint = "" if pause_s is None else f"the forge asks to wait {pause_s} s"
        return RateLimitedError(said, hint=hint, retry_after_s=pause_s)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        hint = "the forge's own log says more"
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and not words and _makes_repo(method, url):
            hint += "; a likely cause is that MAX_CREATION_LIMIT in its configuration is reached"
        return UnavailableError(said, hint=hint)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        place = answer.headers.get("Location", "nowhere")
        return BadAnswerError(
            f"{said}: it leads to {place}", hint="redirects are refused: state the address itself"
        )
    if status == HTTPStatus.UNAUTHORIZED:
        file = access.remote.token_file
        return DeniedError(
            said, hint=f"the forge does not know the token in {file}: make a new one"
        )
    if status == HTTPStatus.FORBIDDEN:
        return DeniedError(said, hint=_why_denied(access, words))
    if status == HTTPStatus.NOT_FOUND:
        return NotThereError(
            said, hint=f"does {access.org} exist, and may the token's user see what it owns?"
        )
    return RefusedError(said)


def _makes_repo(method: str, url: str) -> bool:
    return method == "POST" and re.search(r"/orgs/[^/?]+/repos$", url) is not None


def _why_denied(access: Access, words: str) -> str:
    """What to do about a refusal, where the forge's own words leave it open or name a right."""
    if _ABOUT_ACCOUNT.search(words):
        return f"look at the account of the token's user on the forge ({access.remote.token_file})"
    if words and not _ABOUT_RIGHTS.search(words):
        return ""
    return (
        "the token needs the scopes write:organization and write:repository, and its user must be"
        f" an owner of {access.org} (read:... is enough to pull)"
    )


def _words(body: bytes) -> str:
    """The forge's own message, if there is one."""
    with suppress(orjson.JSONDecodeError):
        document = orjson.loads(body)
        if isinstance(document, dict) and isinstance(document.get("message"), str):
            return " ".join(document["message"].split())[:_WORDS_MAX]
    return ""
