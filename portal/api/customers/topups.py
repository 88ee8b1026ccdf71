"""Beginning a payment: the till of this machine offers it, and this hands over."""

from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog

from gitmeter.http_edge.client import ExchangeError, HttpClient, Request
from portal.api.models.topups import TopUp, TopUpWanted
from portal.api.problems import ProblemError, not_now
from portal.api.request import Asked
from wire_format.money import format_usd, parse_nano

_TIMEOUT_S: Final = 20
"""A till may have to push a promise before it gives it out."""
_BYTES_MAX: Final = 64 << 10
_PASSED_ON: Final = frozenset(
    {
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
_log = structlog.get_logger()


def top_up(asked: Asked) -> TopUp:
    """Begin a payment: a page to send the customer to, or a prompt on a telephone.

    The credit is promised; it is in the balance once the provider says that it was paid. Limits are
    the till's: few open payments, little in the first week.
    """
    till, wanted = asked.portal.config.till, asked.body
    if till is None:
        detail = "payments cannot be begun here"
        raise ProblemError("not-offered", HTTPStatus.NOT_FOUND, detail)
    try:
        status, retry_after, said = _posted(till.url, _order(asked.holder.user, wanted))
    except (ExchangeError, orjson.JSONDecodeError) as error:
        _log.warning("the till does not answer", why=str(error))
        raise not_now("payments cannot be begun now", retry_after_s=30) from None
    if status != HTTPStatus.OK:
        raise _refused(status, retry_after, said)
    return TopUp(**{**said, "usd": format_usd(parse_nano(said["usd"]))})


def _order(user: str, wanted: TopUpWanted) -> bytes:
    stated = {name: value for name, value in dict(wanted).items() if value is not None}
    return orjson.dumps({"user": user, **stated})


def _posted(url: str, order: bytes) -> tuple[int, str | None, dict[str, Any]]:
    headers = {"Content-Type": "application/json"}
    with (
        HttpClient() as client,
        client.exchange(Request("POST", url, headers, order), _TIMEOUT_S) as response,
    ):
        body = response.read_all(_BYTES_MAX)
        return response.status, response.headers.get("Retry-After"), orjson.loads(body)


def _refused(status: int, retry_after: str | None, said: dict[str, Any]) -> ProblemError:
    """What the till refuses, in its words; whatever else it answers is a fault of this machine."""
    if status not in _PASSED_ON:
        _log.warning("the till refuses", status=status)
        return not_now("payments cannot be begun now", retry_after_s=30)
    name = str(said.get("type", "")).rpartition(":")[2]
    retry_after_s = int(retry_after) if retry_after is not None else None
    return ProblemError(name, HTTPStatus(status), str(said.get("detail", "")), retry_after_s)
