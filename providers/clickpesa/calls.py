"""Requests to ClickPesa's API, with a token that is kept for most of its hour."""

import json
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from gitmeter.http_edge.client import SUCCESS, ExchangeError, HttpClient, Request
from providers.clickpesa.checksum import new_sum
from providers.interface import ProviderError, RefusedByProviderError, UnreachableProviderError

TIMEOUT_S: Final = 20
CONNECT_S: Final = 8
ANSWER_BYTES_MAX: Final = 4 << 20
_TOKEN_S: Final = 50 * 60
"""A token is good for an hour."""

_MESSAGE_CHARS_MAX: Final = 300
_PREFIX: Final = "Bearer "
_HEADER_VALUE: Final = re.compile(r"[!-~]+")
_JSON: Final = {"Content-Type": "application/json"}


class TokenAnswer(Struct, frozen=True):
    """A new token, with its word before it."""

    token: str


class ClickPesaMessage(Struct, frozen=True):
    """What an error says."""

    message: str = ""


class ClickPesaCalls:
    """The API of one account; for one thread at a time.

    Args:
        client_id: the account's.
        key: its API key.
        checksum_key: what bodies are summed with; None where the account does not ask for it.
        base_url: without a slash at the end.
    """

    def __init__(self, client_id: str, key: str, checksum_key: str | None, base_url: str) -> None:
        self._client_id = client_id
        self._key = key
        self._checksum_key = checksum_key
        self._base_url = base_url
        self._http = HttpClient()
        self._token = ""
        self._token_until_s = 0.0

    def close(self) -> None:
        """Close the connection that is kept."""
        self._http.close()

    def log_in(self) -> None:
        """Get a new token, which shows that the key is good.

        Raises:
            UnreachableProviderError: no answer that can be used.
            RefusedByProviderError: it is not.
        """
        headers = {"client-id": self._client_id, "api-key": self._key}
        body = self._answer("POST", "/generate-token", headers, None)
        try:
            token = msgspec.json.decode(body, type=TokenAnswer).token.removeprefix(_PREFIX)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise UnreachableProviderError("ClickPesa's answer has no token in it") from None
        if _HEADER_VALUE.fullmatch(token) is None:
            raise UnreachableProviderError("ClickPesa's token is not one word")
        self._token, self._token_until_s = token, time.monotonic() + _TOKEN_S

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        """The answer to a question; errors as above."""
        query = f"?{urlencode(params)}" if params else ""
        return self._with_token("GET", path + query, None)

    def post(self, path: str, fields: Mapping[str, str]) -> bytes:
        """The answer to an order, which is signed where the account asks for it; errors as above.

        It is sent once: a second time could ask a customer twice.
        """
        signed: dict[str, Any] = dict(fields)
        if self._checksum_key is not None:
            signed["checksum"] = new_sum(self._checksum_key, fields)
        return self._with_token("POST", path, json.dumps(signed, ensure_ascii=False).encode())

    def _with_token(self, method: str, path: str, body: bytes | None) -> bytes:
        is_kept = time.monotonic() < self._token_until_s
        if not is_kept:
            self.log_in()
        try:
            return self._answer(method, path, self._headers(body), body)
        except RefusedByProviderError as error:
            if not is_kept or error.status != HTTPStatus.UNAUTHORIZED:
                raise
        self.log_in()  # what was refused for its token was not done
        return self._answer(method, path, self._headers(body), body)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Authorization": _PREFIX + self._token}
        return headers if body is None else headers | _JSON

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        request = Request(method, self._base_url + path, headers, body)
        try:
            with self._http.exchange(request, TIMEOUT_S, CONNECT_S) as response:
                found = response.read_all(ANSWER_BYTES_MAX)
        except ExchangeError as error:
            raise UnreachableProviderError(
                f"ClickPesa, {path}: {error}", hint=error.hint or "it may work later"
            ) from None
        if response.status in SUCCESS:
            return found
        raise self._refused(path, response.status, found)

    def _refused(self, path: str, status: int, body: bytes) -> ProviderError:
        try:
            said = msgspec.json.decode(body, type=ClickPesaMessage).message
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = ""
        for secret in filter(None, (self._key, self._checksum_key, self._token)):
            said = said.replace(secret, "(key)")
        words = f"ClickPesa, {path}: {said[:_MESSAGE_CHARS_MAX] or f'status {status}'}"
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return UnreachableProviderError(words, hint="it may work later", status=status)
        return RefusedByProviderError(words, hint=_HINTS.get(status, ""), status=status)


_HINTS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "are client id and API key of this account, and still in use?",
    HTTPStatus.FORBIDDEN: "are client id and API key of this account, and still in use?",
    HTTPStatus.CONFLICT: "the attempt was given out already: ask what became of it",
}
