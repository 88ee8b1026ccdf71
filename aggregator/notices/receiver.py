"""The receiver of notices: one post for each, bounded in time, and what its response means.

Redirects are not followed: they would carry the token and the names of users elsewhere.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Final, Self

from aggregator.config.sections import NotifyConfig
from aggregator.notices.retries import PostOutcome, PostResult
from gitmeter.git_remote.remote import Remote, read_token
from gitmeter.http_edge.authorities import AuthoritiesError
from gitmeter.http_edge.client import (
    SUCCESS,
    ExchangeError,
    HttpClient,
    LateError,
    Request,
    Response,
    retry_after_s,
)
from gitmeter.http_edge.secret_file import read_secret
from gitmeter.http_edge.signature import SIGNATURE_HEADER, signature
from gitmeter.support.errors import with_hint

ANSWER_TIMEOUT_S: Final = 10
"""For one exchange as a whole, connecting included."""

DELIVERY_HEADER: Final = "X-Gitmeter-Delivery"
EVENT_HEADER: Final = "X-Gitmeter-Event"
_ANSWER_BYTES_MAX: Final = 4096
_WORDS_MAX: Final = 200
_PASSING: Final = frozenset(
    (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
)


class Receiver:
    """A connection to the receiver for one run; a context manager.

    Args:
        config: the address, and the files of secret and token.
        clock: the current time.
        timeout_s: limit for one exchange as a whole.

    Raises:
        GitmeterError: the secret or the token cannot be used.
    """

    def __init__(
        self,
        config: NotifyConfig,
        clock: Callable[[], datetime],
        timeout_s: int = ANSWER_TIMEOUT_S,
    ) -> None:
        self._url = config.url
        self._clock = clock
        self._timeout_s = timeout_s
        self._token = read_token(Remote(config.url, config.token_file))
        self._secret = None if config.secret_file is None else read_secret(config.secret_file)
        self._client = HttpClient()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, delivery: str, event: str, body: bytes) -> PostResult:
        """Post one notice; failures are results too."""
        request = Request("POST", self._url, self._headers(delivery, event, body), body)
        words = ""
        try:
            with (
                self._client.exchange(request, self._timeout_s) as response,
                suppress(ExchangeError),  # of the body: the status is enough
            ):
                words = _words(response)
        except LateError:
            return PostResult(PostOutcome.TROUBLE, f"no answer in {self._timeout_s} s")
        except (ExchangeError, AuthoritiesError) as error:
            return PostResult(PostOutcome.TROUBLE, with_hint(error))
        asked_s = retry_after_s(response.headers, self._clock())
        return of_status(response.status, words, asked_s)

    def _headers(self, delivery: str, event: str, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            DELIVERY_HEADER: delivery,
            EVENT_HEADER: event,
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._secret is not None:
            headers[SIGNATURE_HEADER] = signature(self._secret, body)
        return headers


def of_status(status: int, words: str, asked_s: int | None) -> PostResult:
    """The meaning of a status: accepted, refused, or trouble at the receiver."""
    if status in SUCCESS:
        return PostResult(PostOutcome.TAKEN, str(status))
    detail = f"{status} {words}".rstrip()
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PostResult(PostOutcome.TROUBLE, detail, asked_s)
    return PostResult(PostOutcome.REFUSED, detail, asked_s)


def _words(response: Response) -> str:
    """The start of the receiver's message; a body that is read to its end keeps the connection."""
    body = response.body.read(_ANSWER_BYTES_MAX)
    if response.status in SUCCESS:
        return ""
    return " ".join(body.decode(errors="replace").split())[:_WORDS_MAX]
