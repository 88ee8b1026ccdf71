"""The receiver of notices: one post each, bounded in time, and what its answer means.

Redirects are not followed: one would carry the token and the users' names to another place.
"""

import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from requests import Request, Response
from requests.exceptions import RequestException, Timeout
from urllib3.exceptions import HTTPError

from aggregator.config.sections import NotifyConfig
from aggregator.notices.retries import Answer, Outcome
from gitmeter.git_remote.remote import Remote, read_token
from gitmeter.http_edge.client import HttpExchange, deepest, retry_after_s
from gitmeter.http_edge.secret_file import read_secret

ANSWER_TIMEOUT_S: Final = 10
"""For the whole of one exchange, connecting included."""

DELIVERY_HEADER: Final = "X-Gitmeter-Delivery"
EVENT_HEADER: Final = "X-Gitmeter-Event"
SIGNATURE_HEADER: Final = "X-Gitmeter-Signature"
_ANSWER_BYTES_MAX: Final = 4096
_WORDS_MAX: Final = 200
_SUCCESS: Final = range(200, 300)
_PASSING: Final = frozenset(
    (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
)


class Receiver:
    """Connections to the receiver for one run; a context manager.

    Args:
        config: where it is, and the files of the secret and the token.
        clock: tells the time.
        timeout_s: for the whole of one exchange.

    Raises:
        GitmeterError: the secret, the token or the file of authorities cannot be used.
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

    def post(self, delivery: str, event: str, body: bytes) -> Answer:
        """Post one notice; whatever comes of it is the answer."""
        request = Request("POST", self._url, headers=self._headers(delivery, event, body))
        request.data = body
        status, words = None, ""
        headers: Mapping[str, str] = {}
        try:
            with self._exchange.limit(self._timeout_s):
                response = self._exchange.send(request.prepare(), self._timeout_s)
                status, headers = response.status_code, response.headers
                with suppress(RequestException, HTTPError, OSError):  # the status says it all
                    words = _words(response)
        except (RequestException, HTTPError, OSError) as error:
            if self._exchange.is_late or isinstance(error, Timeout):
                return Answer(Outcome.TROUBLE, f"no answer in {self._timeout_s} s")
            return Answer(Outcome.TROUBLE, deepest(error))
        return of_status(status, words, retry_after_s(headers, self._clock()))

    def _headers(self, delivery: str, event: str, body: bytes) -> dict[str, str]:
        headers = {
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "gitmeter",
            DELIVERY_HEADER: delivery,
            EVENT_HEADER: event,
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._secret is not None:
            headers[SIGNATURE_HEADER] = hmac.new(self._secret, body, "sha256").hexdigest()
        return headers


def of_status(status: int, words: str, asked_s: int | None) -> Answer:
    """What a status means: taken, not wanted, or that the receiver takes none for now."""
    if status in _SUCCESS:
        return Answer(Outcome.TAKEN, str(status))
    detail = f"{status} {words}".rstrip()
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(Outcome.TROUBLE, detail, asked_s)
    return Answer(Outcome.REFUSED, detail, asked_s)


def _words(response: Response) -> str:
    """The beginning of what the receiver said; reading it all lets the connection be used again."""
    body: bytes = response.raw.read(_ANSWER_BYTES_MAX)
    if len(body) == _ANSWER_BYTES_MAX:
        response.close()
    if response.status_code in _SUCCESS:
        return ""
    return " ".join(body.decode(errors="replace").split())[:_WORDS_MAX]
