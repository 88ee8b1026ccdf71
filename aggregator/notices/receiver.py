"""The receiver of notices: one post each, bounded in time, and what its answer means.

Redirects are not followed: one would carry the token and the users' names to another place.
"""

import hmac
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from requests import PreparedRequest, Request, Response
from requests.exceptions import RequestException, Timeout
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from aggregator.config_sections import NotifyConfig
from aggregator.forge.answers import http_date
from aggregator.forge.deadline import Deadline, WatchedAdapter
from aggregator.notices.retries import Answer, Outcome
from aggregator.watch.secret_file import read_secret
from git_remote.remote import Remote, ca_file, read_token

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
        self._trusted = _trusted()
        self._deadline = Deadline()
        self._adapter = WatchedAdapter(self._deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._adapter.close()
        self._deadline.close()

    def post(self, delivery: str, event: str, body: bytes) -> Answer:
        """Post one notice; whatever comes of it is the answer."""
        request = Request("POST", self._url, headers=self._headers(delivery, event, body))
        request.data = body
        status, words = None, ""
        headers: Mapping[str, str] = {}
        try:
            with self._deadline.limit(self._timeout_s):
                response = self._send(request.prepare())
                status, headers = response.status_code, response.headers
                with suppress(RequestException, HTTPError, OSError):  # the status says it all
                    words = _words(response)
        except (RequestException, HTTPError, OSError) as error:
            if self._deadline.passed or isinstance(error, Timeout):
                return Answer(Outcome.TROUBLE, f"no answer in {self._timeout_s} s")
            return Answer(Outcome.TROUBLE, _deepest(error))
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

    def _send(self, request: PreparedRequest) -> Response:
        """By the adapter itself: a `requests.Session` would use `.netrc`, cookies and redirects."""
        return self._adapter.send(
            request,
            stream=True,
            timeout=self._timeout_s,
            verify=self._trusted,
            proxies=get_environ_proxies(str(request.url)),
        )


def of_status(status: int, words: str, asked_s: int | None) -> Answer:
    """What a status means: taken, not wanted, or that the receiver takes none for now."""
    if status in _SUCCESS:
        return Answer(Outcome.TAKEN, str(status))
    detail = f"{status} {words}".rstrip()
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(Outcome.TROUBLE, detail, asked_s)
    return Answer(Outcome.REFUSED, detail, asked_s)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> int | None:
    """Seconds of `Retry-After`; a date in it is compared with the receiver's own clock, or ours."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    until = http_date(text)
    if until is None:
        return None
    at = http_date(headers.get("Date", "")) or now
    return max(0, round((until - at).total_seconds()))


def _words(response: Response) -> str:
    """The beginning of what the receiver said; reading it all lets the connection be used again."""
    body: bytes = response.raw.read(_ANSWER_BYTES_MAX)
    if len(body) == _ANSWER_BYTES_MAX:
        response.close()
    if response.status_code in _SUCCESS:
        return ""
    return " ".join(body.decode(errors="replace").split())[:_WORDS_MAX]


def _deepest(error: BaseException) -> str:
    """What the operating system or TLS said, without the names of the layers above."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error) or type(error).__name__


def _trusted() -> str | bool:
    """As git trusts: this machine's authorities, or those of `SSL_CERT_FILE`."""
    paths = ssl.get_default_verify_paths()
    return ca_file() or paths.cafile or paths.capath or True
