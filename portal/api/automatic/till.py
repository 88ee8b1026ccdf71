"""Asking the till of this machine: one request, and its answer in a form or its refusal in words.

What a till refuses is passed on; whatever else goes wrong is this machine's, and not now.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
import structlog

from front.tables import is_local
from gitmeter.http_edge.client import ExchangeError, HttpClient, Request
from portal.api.problems import ProblemError, not_now
from portal.api.request import Portal

_ORDER_TIMEOUT_S: Final = 20
"""A till may have to push a promise before it gives it out."""
_QUESTION_TIMEOUT_S: Final = 10
_BYTES_MAX: Final = 64 << 10
_CARDS_NOT_OFFERED: Final = "cards-not-offered"
_PASSED_ON: Final = frozenset(
    {
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
_T = TypeVar("_T")
_log = structlog.get_logger()


class _TillRefusal(msgspec.Struct, frozen=True):
    type: str = ""
    detail: str = ""


class _TillAnswer(NamedTuple):
    status: int
    retry_after: str | None
    body: bytes


def ask_till(portal: Portal, path: str, form: type[_T], **query: str) -> _T:
    """What the till says.

    Args:
        portal: whose till it is.
        path: at its local address.
        form: of the answer.
        query: what is asked about.

    Raises:
        ProblemError: there is no till, it keeps no cards, or it does not answer as it should.
    """
    url = _address(portal, path)
    asked = f"{url}?{urlencode(query)}" if query else url
    return _said(Request("GET", asked), _QUESTION_TIMEOUT_S, form)


def tell_till(portal: Portal, path: str, order: Mapping[str, object], form: type[_T]) -> _T:
    """What the till says to something that it is to do.

    Args:
        portal: whose till it is.
        path: at its local address.
        order: what it is sent.
        form: of the answer.

    Raises:
        ProblemError: there is no till, it refuses, or it does not answer as it should.
    """
    headers = {"Content-Type": "application/json"}
    body = msgspec.json.encode(order)
    return _said(Request("POST", _address(portal, path), headers, body), _ORDER_TIMEOUT_S, form)


def leads_to_a_page(url: str) -> bool:
    """Whether an address that a till gave is one that somebody may be sent to."""
    scheme = urlsplit(url).scheme
    return scheme == "https" or (scheme == "http" and is_local(url))


def _address(portal: Portal, path: str) -> str:
    if portal.config.till is None:
        detail = "payments cannot be begun here"
        raise ProblemError("not-offered", HTTPStatus.NOT_FOUND, detail)
    parts = urlsplit(portal.config.till.url)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _said(request: Request, timeout_s: float, form: type[_T]) -> _T:
    try:
        answer = _sent(request, timeout_s)
        if answer.status == HTTPStatus.OK:
            return msgspec.json.decode(answer.body, type=form)
        refusal = msgspec.json.decode(answer.body, type=_TillRefusal)
    except (ExchangeError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        _log.warning("the till does not answer", why=str(error))
        raise not_begun() from None
    raise _refused(answer, refusal)


def _sent(request: Request, timeout_s: float) -> _TillAnswer:
    with HttpClient() as client, client.exchange(request, timeout_s) as response:
        body = response.read_all(_BYTES_MAX)
        return _TillAnswer(response.status, response.headers.get("Retry-After"), body)


def _refused(answer: _TillAnswer, refusal: _TillRefusal) -> ProblemError:
    """What the till refuses, in its words; whatever else it answers is a fault of this machine."""
    name = refusal.type.rpartition(":")[2]
    if answer.status == HTTPStatus.NOT_FOUND and name == _CARDS_NOT_OFFERED:
        detail = "no card can be saved here"
        return ProblemError("cards-not-offered", HTTPStatus.NOT_FOUND, detail)
    if answer.status not in _PASSED_ON:
        _log.warning("the till refuses", status=answer.status)
        return not_begun()
    retry_after_s = int(answer.retry_after) if answer.retry_after is not None else None
    return ProblemError(name, HTTPStatus(answer.status), refusal.detail, retry_after_s)


def not_begun() -> ProblemError:
    """The till does not say what it should."""
    return not_now("the payment provider cannot be asked now", retry_after_s=30)
