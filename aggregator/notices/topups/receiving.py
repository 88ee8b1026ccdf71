"""The till that charges saved cards, as the aggregator reaches it: signed posts, bounded in time.

Redirects are not followed: they would carry the names of users elsewhere.
"""

from http import HTTPStatus
from typing import Final, NamedTuple, Self

from aggregator.config.sections import TopupConfig
from gitmeter.http_edge.authorities import AuthoritiesError
from gitmeter.http_edge.client import ExchangeError, HttpClient, LateError, Request
from gitmeter.http_edge.secret_file import read_secret
from gitmeter.http_edge.signature import SIGNATURE_HEADER, signature
from gitmeter.support.errors import with_hint
from wire_format.posts.topup_due import (
    DueAnswer,
    TopupDue,
    decode_answer,
    encode,
)

ANSWER_TIMEOUT_S: Final = 10
"""For one exchange as a whole, connecting included."""

_ANSWER_BYTES_MAX: Final = 65_536
_WORDS_MAX: Final = 200


class DuePosted(NamedTuple):
    """What became of a post.

    Attributes:
        answer: what the till says; None where it took nothing.
        error: why not; empty otherwise.
    """

    answer: DueAnswer | None
    error: str = ""


class DueReceiver:
    """A connection to the till for one round; a context manager.

    Args:
        config: its address, and the file of the secret.
        timeout_s: limit for one exchange as a whole.

    Raises:
        GitmeterError: the secret cannot be used.
    """

    def __init__(self, config: TopupConfig, timeout_s: int = ANSWER_TIMEOUT_S) -> None:
        self._url = config.url
        self._timeout_s = timeout_s
        self._secret = read_secret(config.secret_file)
        self._client = HttpClient()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, due: TopupDue) -> DuePosted:
        """Tell the till; failures are answers too."""
        body = encode(due)
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(self._secret, body),
        }
        request = Request("POST", self._url, headers, body)
        try:
            with self._client.exchange(request, self._timeout_s) as response:
                found = response.body.read(_ANSWER_BYTES_MAX)
        except LateError:
            return DuePosted(None, f"no answer in {self._timeout_s} s")
        except (ExchangeError, AuthoritiesError) as error:
            return DuePosted(None, with_hint(error))
        if response.status != HTTPStatus.OK:
            words = " ".join(found.decode(errors="replace").split())[:_WORDS_MAX]
            return DuePosted(None, f"{response.status} {words}".rstrip())
        try:
            return DuePosted(decode_answer(found))
        except ValueError as error:
            return DuePosted(None, f"not the answer of a till: {error}")
