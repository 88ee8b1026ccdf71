"""Requests whose whole exchange is limited, for whoever speaks to the forge and to receivers.

Nothing is done that was not asked for: no redirects, retries, cookies or `.netrc`, any of which
could carry a token to another place.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from requests import PreparedRequest, Response
from requests.utils import get_environ_proxies

from gitmeter.git_remote.remote import ca_file
from gitmeter.http_edge.deadline import Deadline, WatchedAdapter


class HttpExchange:
    """Connections for one run; whoever makes it closes it.

    Raises:
        RemoteConfigError: the file of authorities cannot be used.
    """

    def __init__(self) -> None:
        paths = ssl.get_default_verify_paths()
        # as git trusts: this machine's authorities, or those of `SSL_CERT_FILE`
        self._trusted = ca_file() or paths.cafile or paths.capath or True
        self._deadline = Deadline()
        self._adapter = WatchedAdapter(self._deadline)

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()
        self._deadline.close()

    @property
    def is_late(self) -> bool:
        """Whether the time of the last `limit` was over before its exchange was."""
        return self._deadline.passed

    @contextmanager
    def limit(self, timeout_s: float) -> Iterator[None]:
        """Whatever is sent and read within ends after this long, as if the other side hung up."""
        with self._deadline.limit(timeout_s):
            yield

    def send(self, request: PreparedRequest, timeout_s: float | tuple[float, float]) -> Response:
        """Send a request and read the head of its answer.

        By the adapter itself: a `requests.Session` reads the whole body of a redirect first, and
        uses `.netrc` and cookies.

        Args:
            request: what to send.
            timeout_s: for each read, connecting too; or one for connecting and one for each read.
        """
        return self._adapter.send(
            request,
            stream=True,
            timeout=timeout_s,
            verify=self._trusted,
            proxies=get_environ_proxies(str(request.url)),
        )


def deepest(error: BaseException) -> str:
    """What the operating system or TLS said, without the names of the layers above."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error) or type(error).__name__


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
        headers: of the answer, by name in any case.
        now: our own time; a date is compared with the server's clock, and with ours where it tells
            none.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    until, at = http_date(text), http_date(headers.get("Date", "")) or now
    if until is None or at is None:
        return None
    return max(0, round((until - at).total_seconds()))
