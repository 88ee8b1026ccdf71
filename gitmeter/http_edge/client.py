"""One request and its response, limited in time and bytes as a whole.

It follows no redirects, does not retry, and uses neither cookies nor `.netrc`: any of them could
carry a token elsewhere. Libraries are imported with the first request, since most commands that
import this module send none.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from gitmeter.http_edge.proxies import HINT, shown
from gitmeter.support.errors import GitmeterError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import BaseHTTPResponse

    from gitmeter.http_edge.connections import Connections, Deadline

SUCCESS: Final = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
_DEFAULTS: Final = {"Accept-Encoding": "identity", "User-Agent": "gitmeter"}
_RETRY_AFTER_DIGITS_MAX: Final = 9


class ExchangeError(GitmeterError):
    """No complete response; the message is that of the operating system or of TLS.

    Attributes:
        is_http: False when what answered does not speak HTTP.
    """

    retry = True
    is_http = True


class LateError(ExchangeError):
    """The exchange exceeded its time limit."""


class UntrustedError(ExchangeError):
    """The server's certificate is not one that this machine trusts."""


class UnwantedBodyError(ExchangeError):
    """The body is compressed, which was not requested, or exceeds its limit."""


class Request(NamedTuple):
    """A request to send.

    Attributes:
        method: of HTTP.
        url: absolute, http or https.
        headers: in addition to `Accept-Encoding: identity` and `User-Agent`, or in their place.
        body: the content; None for no body.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class Response(NamedTuple):
    """The head of a response, and its body as a stream.

    Attributes:
        status: of HTTP.
        headers: by name, in any letter case.
        body: reading it may raise `ExchangeError`.
    """

    status: int
    headers: Mapping[str, str]
    body: io.BufferedIOBase

    def read_all(self, bytes_max: int) -> bytes:
        """Read the whole body.

        Raises:
            UnwantedBodyError: it is compressed, or longer than `bytes_max`.
            ExchangeError: it is incomplete.
        """
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise UnwantedBodyError("a compressed answer, which was not asked for")
        found = self.body.read(bytes_max + 1)
        if len(found) > bytes_max:
            raise UnwantedBodyError(f"an answer of more than {bytes_max} bytes")
        return found


class HttpClient:
    """Sends one request after the other, to one server at a time; a context manager.

    The connection is kept for the next request when a response was read to its end.
    """

    def __init__(self) -> None:
        from gitmeter.http_edge.connections import Connections, Deadline

        self._deadline = Deadline()
        self._connections = Connections(self._deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection that is kept."""
        self._connections.close()
        self._deadline.close()

    @contextmanager
    def exchange(
        self, request: Request, timeout_s: float, connect_timeout_s: float | None = None
    ) -> Iterator[Response]:
        """Send a request; the response must be read inside the context.

        Args:
            request: the request.
            timeout_s: limit for the whole exchange, to the end of the body.
            connect_timeout_s: limit for connecting to one address; None for `timeout_s`.

        Raises:
            LateError: the exchange exceeded its time limit.
            UntrustedError: the server's certificate is not trusted.
            ExchangeError: any other failure of the network or the server.
            AuthoritiesError: the file of authorities cannot be used.
        """
        from urllib3 import Timeout

        with self._deadline.limit(timeout_s):
            with _typed_errors(self._deadline, self._connections):
                raw = self._connections.to(request.url).urlopen(
                    request.method,
                    request.url,
                    body=request.body,
                    headers=_DEFAULTS | dict(request.headers),
                    timeout=Timeout(connect=connect_timeout_s or timeout_s, read=timeout_s),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
            try:
                body = io.BufferedReader(_BodyStream(raw, self._deadline, self._connections))
                yield Response(raw.status, raw.headers, body)
            finally:
                if not raw.closed:  # the rest would be taken for the next response
                    raw.close()
                    self._deadline.close()


class _BodyStream(io.RawIOBase):
    def __init__(
        self, raw: "BaseHTTPResponse", deadline: "Deadline", connections: "Connections"
    ) -> None:
        self._raw = raw
        self._deadline = deadline
        self._connections = connections

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        with _typed_errors(self._deadline, self._connections):
            block = self._raw.read1(len(room))
        if not block and self._deadline.is_over:
            # without a length a body ends with its connection, even with one that we cut
            raise _late(self._deadline, self._connections.proxy)
        room[: len(block)] = block
        return len(block)


@contextmanager
def _typed_errors(deadline: "Deadline", connections: "Connections") -> Iterator[None]:
    from http.client import HTTPException

    from urllib3.exceptions import HTTPError

    try:
        yield
    except (HTTPError, HTTPException, OSError) as error:
        if deadline.is_over:
            raise _late(deadline, connections.proxy) from error
        raise _typed(_deepest(error), connections.proxy) from error


def _late(deadline: "Deadline", proxy: str | None) -> LateError:
    words = f"no whole answer in {deadline.timeout_s:g} s{_through(proxy)}"
    return LateError(words, hint=HINT if proxy else "")


def _through(proxy: str | None) -> str:
    return "" if proxy is None else f" through the proxy {shown(proxy)}"


def _typed(cause: BaseException, proxy: str | None) -> ExchangeError:
    from http.client import HTTPException, IncompleteRead
    from ssl import SSLCertVerificationError

    words = (str(cause) or type(cause).__name__) + _through(proxy)
    if isinstance(cause, SSLCertVerificationError):
        return UntrustedError(words)
    if isinstance(cause, IncompleteRead):
        words = f"unexpected EOF: the answer is not whole{_through(proxy)}"
    found = ExchangeError(words, hint=HINT if proxy else "")
    found.is_http = not isinstance(cause, HTTPException)
    return found


def _deepest(error: BaseException) -> BaseException:
    """The error of the operating system or of TLS, below those of the libraries."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def http_date(text: str) -> datetime | None:
    """Parse a date of HTTP, to UTC; None for anything else."""
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, IndexError, OverflowError):
        return None


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> int | None:
    """Seconds of `Retry-After`; None without one that can be parsed.

    Args:
        headers: of the response, by name in any letter case.
        now: our own time; a date is compared with the server's clock, and with ours where the
            response has no date.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:_RETRY_AFTER_DIGITS_MAX])
    until, at = http_date(text), http_date(headers.get("Date", "")) or now
    if until is None or at is None:
        return None
    return max(0, round((until - at).total_seconds()))
