"""One request and its response, limited in time and bytes as a whole.

Nothing is done that was not asked for: no redirects, retries, cookies or `.netrc`, any of which
could carry a token to another place. urllib3 is imported with the first request: most commands
that import this module send none.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from ssl import SSLCertVerificationError
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from gitmeter.support.errors import GitmeterError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import BaseHTTPResponse

    from gitmeter.http_edge.connections import Deadline

SUCCESS: Final = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
_DEFAULTS: Final = {"Accept-Encoding": "identity", "User-Agent": "gitmeter"}
_RETRY_AFTER_DIGITS_MAX: Final = 9


class ExchangeError(GitmeterError):
    """No whole response; the message says why, in the words of the operating system or of TLS.

    Attributes:
        is_http: False when what answered does not speak HTTP.
    """

    retry = True
    is_http = True


class LateError(ExchangeError):
    """The time of the exchange was up."""


class UntrustedError(ExchangeError):
    """The server's certificate is not one that this machine trusts."""


class UnwantedBodyError(ExchangeError):
    """The body is compressed though that was not asked for, or longer than it may be."""


class Request(NamedTuple):
    """What to send.

    Attributes:
        method: of HTTP.
        url: the whole address, http or https.
        headers: beside `Accept-Encoding: identity` and `User-Agent`, or in their place.
        body: as it is; None for none.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class Response(NamedTuple):
    """The head of a response, and its body as far as it was read.

    Attributes:
        status: of HTTP.
        headers: by name, in any case.
        body: what comes after them; reading it raises `ExchangeError`.
    """

    status: int
    headers: Mapping[str, str]
    body: io.BufferedIOBase

    def read_all(self, bytes_max: int) -> bytes:
        """The whole body.

        Raises:
            UnwantedBodyError: it is compressed, or has more than this many bytes.
            ExchangeError: it does not come to its end.
        """
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise UnwantedBodyError("a compressed answer, which was not asked for")
        found = self.body.read(bytes_max + 1)
        if len(found) > bytes_max:
            raise UnwantedBodyError(f"an answer of more than {bytes_max} bytes")
        return found


class HttpClient:
    """Sends one request after the other, to one server at a time; a context manager.

    A connection is kept for the next request when the response was read to its end.
    """

    def __init__(self) -> None:
        from gitmeter.http_edge.connections import Connections, Deadline

        self._deadline = Deadline()
        self._connections = Connections(self._deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection that was kept."""
        self._connections.close()
        self._deadline.close()

    @contextmanager
    def exchange(
        self, request: Request, timeout_s: float, connect_timeout_s: float | None = None
    ) -> Iterator[Response]:
        """Send a request; its response is read within.

        Args:
            request: what to send.
            timeout_s: for all of it, to the end of the body.
            connect_timeout_s: for connecting to one address; None for as long as all of it.

        Raises:
            LateError: the time was up.
            UntrustedError: the server's certificate is not trusted.
            ExchangeError: anything else that the network or the server did.
            AuthoritiesError: the file of authorities cannot be used.
        """
        from urllib3 import Timeout

        with self._deadline.limit(timeout_s):
            with _typed_errors(self._deadline):
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
                body = io.BufferedReader(_BodyStream(raw, self._deadline))
                yield Response(raw.status, raw.headers, body)
            finally:
                if not raw.closed:  # what is left would be taken for the next response
                    raw.close()
                    self._deadline.close()


class _BodyStream(io.RawIOBase):
    def __init__(self, raw: "BaseHTTPResponse", deadline: "Deadline") -> None:
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        with _typed_errors(self._deadline):
            block = self._raw.read1(len(room))
        if not block and self._deadline.is_over:
            # without a length a body ends with its connection, also with one that we cut
            raise _late(self._deadline)
        room[: len(block)] = block
        return len(block)


@contextmanager
def _typed_errors(deadline: "Deadline") -> Iterator[None]:
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (HTTPError, HTTPException, OSError) as error:
        if deadline.is_over:
            raise _late(deadline) from error
        raise _typed(_deepest(error)) from error


def _late(deadline: "Deadline") -> LateError:
    return LateError(f"no whole answer in {deadline.timeout_s:g} s")


def _typed(cause: BaseException) -> ExchangeError:
    words = str(cause) or type(cause).__name__
    if isinstance(cause, SSLCertVerificationError):
        return UntrustedError(words)
    if isinstance(cause, IncompleteRead):
        words = "unexpected EOF: the answer is not whole"
    found = ExchangeError(words)
    found.is_http = not isinstance(cause, HTTPException)
    return found


def _deepest(error: BaseException) -> BaseException:
    """What the operating system or TLS said, below the names of all layers."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def http_date(text: str) -> datetime | None:
    """A date as HTTP writes it, in UTC; None for anything else."""
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, IndexError, OverflowError):
        return None


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> int | None:
    """Seconds of `Retry-After`; None when it says none that can be understood.

    Args:
        headers: of the response, by name in any case.
        now: our own time; a date is compared with the server's clock, and with ours where it tells
            none.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:_RETRY_AFTER_DIGITS_MAX])
    until, at = http_date(text), http_date(headers.get("Date", "")) or now
    if until is None or at is None:
        return None
    return max(0, round((until - at).total_seconds()))
