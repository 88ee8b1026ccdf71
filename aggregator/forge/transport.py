"""Requests to a forge's API: bounded in time and bytes, and every fault is a typed error."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Self

import orjson

from aggregator.forge.answers import Access, ForgeResponse, of_error, of_status
from aggregator.forge.interface import RateLimitedError
from gitmeter.git_remote.remote import read_token
from gitmeter.http_edge.client import SUCCESS, ExchangeError, HttpClient, Request

CONNECT_TIMEOUT_S: Final = 10
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of one response: fifty repos with their owners and rights take a quarter of a megabyte."""

WAIT_MAX_S: Final = 60
"""The longest that a command waits when the forge asks it to."""

WAITS_MAX: Final = 5


class Session:
    """A connection for one or a few requests; a context manager.

    Args:
        access: the forge to ask, and how.

    Raises:
        RemoteConfigError: the token cannot be used.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token = read_token(access.remote)
        self._client = HttpClient()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        url: str,
        values: Mapping[str, Any] | None = None,
        *,
        accept: frozenset[HTTPStatus] = frozenset(),
    ) -> ForgeResponse:
        """Send a request and read the whole response.

        Args:
            method: of HTTP.
            url: absolute, below the root of the API.
            values: sent as JSON.
            accept: statuses to return instead of raising an error for them.

        Raises:
            ForgeError: of the most precise type that is known.
            AuthoritiesError: the file of authorities cannot be used.
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
    ) -> ForgeResponse:
        request = self._request(method, url, values)
        timeout_s = self._access.timeout_s
        try:
            with self._client.exchange(request, timeout_s, CONNECT_TIMEOUT_S) as response:
                body = response.read_all(ANSWER_BYTES_MAX)
        except ExchangeError as error:
            raise of_error(url, error) from error
        found = ForgeResponse(response.status, response.headers, body)
        if found.status in accept or found.status in SUCCESS:
            return found
        raise of_status(self._access, method, url, found)

    def _request(self, method: str, url: str, values: Mapping[str, Any] | None) -> Request:
        headers = {"Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"token {self._token}"
        if values is None:
            return Request(method, url, headers)
        headers["Content-Type"] = "application/json"
        return Request(method, url, headers, orjson.dumps(values))
