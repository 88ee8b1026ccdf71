"""One exchange with a forge's API: bounded in time and bytes, and every fault a typed error.

Redirects are never followed: one would carry the token to another place. Cookies, `.netrc` and
compressed answers are not used.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import orjson
from requests import PreparedRequest, Request, Response
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from aggregator.forge.answers import Access, Answer, bad_answer, of_error, of_status
from aggregator.forge.interface import RateLimitedError, UnavailableError
from gitmeter.git_remote.remote import read_token
from gitmeter.http_edge.client import HttpExchange

CONNECT_TIMEOUT_S: Final = 10
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of one answer: fifty repos with their owners and rights take a quarter of a megabyte."""

WAIT_MAX_S: Final = 60
"""A command waits this long at most when the forge asks it to."""

WAITS_MAX: Final = 5
_READ_BYTES: Final = 64 * 1024
_SUCCESS: Final = range(200, 300)


class Session:
    """Connections for one question or a few; a context manager.

    Args:
        access: whom to ask, and how.

    Raises:
        RemoteConfigError: the token or the file of authorities cannot be used.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token = read_token(access.remote)
        self._exchange = HttpExchange()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exchange.close()

    def ask(
        self,
        method: str,
        url: str,
        values: Mapping[str, Any] | None = None,
        *,
        accept: frozenset[HTTPStatus] = frozenset(),
    ) -> Answer:
        """Send a request and read the whole answer.

        Args:
            method: of HTTP.
            url: the whole address; below the root of the API.
            values: sent as JSON.
            accept: statuses that are answers here though HTTP calls them errors.

        Raises:
            ForgeError: as precise as can be told.
        """
        for _ in range(WAITS_MAX):
            try:
                return self._ask(method, url, values, accept)
            except RateLimitedError as error:
                wait, pause_s = self._access.wait, error.retry_after_s
                if wait is None or pause_s is None or pause_s > WAIT_MAX_S:
                    raise
                wait(pause_s)
        return self._ask(method, url, values, accept)

    def _ask(
        self,
        method: str,
        url: str,
        values: Mapping[str, Any] | None,
        accept: frozenset[HTTPStatus],
    ) -> Answer:
        request = self._request(method, url, values)
        timeout_s = self._access.timeout_s
        try:
            with self._exchange.limit(timeout_s):
                answer = self._answer(request)
        except (RequestException, HTTPError, OSError) as error:
            if self._exchange.is_late:
                raise _too_late(url, timeout_s) from None
            raise of_error(url, error) from error
        if self._exchange.is_late:  # an answer without a length looks whole wherever it is cut
            raise _too_late(url, timeout_s)
        if answer.status in accept or answer.status in _SUCCESS:
            return answer
        raise of_status(self._access, method, url, answer)

    def _request(self, method: str, url: str, values: Mapping[str, Any] | None) -> PreparedRequest:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "gitmeter",
        }
        if self._token is not None:
            headers["Authorization"] = f"token {self._token}"
        if values is not None:
            headers["Content-Type"] = "application/json"
        body = None if values is None else orjson.dumps(values)
        return Request(method, url, headers=headers, data=body).prepare()

    def _answer(self, request: PreparedRequest) -> Answer:
        url = str(request.url)
        response = self._exchange.send(request, (CONNECT_TIMEOUT_S, self._access.timeout_s))
        try:
            return Answer(response.status_code, response.headers, _body(url, response))
        except BaseException:
            response.close()
            raise


def _body(url: str, response: Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise bad_answer(url, "a compressed answer, which was not asked for")
    parts, left = [], ANSWER_BYTES_MAX
    while part := response.raw.read1(_READ_BYTES):
        left -= len(part)
        if left < 0:
            raise bad_answer(url, f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


def _too_late(url: str, timeout_s: float) -> UnavailableError:
    return UnavailableError(f"{url}: no whole answer in {timeout_s:g} s")
