"""Fetching the keys of an issuer: as its own description says where they are, within limits.

They are asked for again when an hour has passed, and at most once a minute when a token names a key
that nobody knows: a stranger can name as many as they like. An issuer that does not answer is
believed as before for a day, so that its outage is not one of the portal.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from anyio import CapacityLimiter, to_thread

from gitmeter.http_edge.client import HttpClient
from gitmeter.support.errors import GitmeterError
from portal.issuers.description import keys_of
from portal.issuers.jwk import VerifyingKey, key_named

AGAIN_S: Final = 60
FRESH_S: Final = 3_600
BELIEVED_S: Final = 86_400
_log = structlog.get_logger()


class KeySet:
    """The keys of one issuer; belongs to one event loop.

    Args:
        issuer: its address.
        monotonic_s: a clock that never goes back.
    """

    def __init__(self, issuer: str, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._monotonic_s = monotonic_s
        self._keys: dict[str, VerifyingKey] = {}
        self._read_s = self._asked_s = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._thread = CapacityLimiter(1)

    async def key(self, name: str | None) -> VerifyingKey | None:
        """A key by its name, or the only one; None where the issuer has none of that name.

        Nobody whose key is known waits for an issuer that is slow.
        """
        known = self._find(name)
        if known is not None and self._monotonic_s() - self._read_s <= FRESH_S:
            return known
        asking = self._refresh()
        if known is None and asking is not None:
            await asyncio.shield(asking)
        return known or self._find(name)

    def _find(self, name: str | None) -> VerifyingKey | None:
        if self._monotonic_s() - self._read_s > BELIEVED_S:
            return None
        return key_named(self._keys, name)

    def _refresh(self) -> "asyncio.Task[None] | None":
        """Ask the issuer, unless it was asked a moment ago; all who wait, wait for one answer."""
        if self._asking is None and self._monotonic_s() - self._asked_s >= AGAIN_S:
            self._asked_s = self._monotonic_s()
            self._asking = asyncio.create_task(self._ask())
        return self._asking

    async def _ask(self) -> None:
        try:
            asked = partial(_fetched, self._issuer)
            self._keys = await to_thread.run_sync(asked, limiter=self._thread)
            self._read_s = self._monotonic_s()
        except GitmeterError as error:
            _log.warning("no keys of an issuer", issuer=self._issuer, why=str(error))
        finally:
            self._asking = None


def _fetched(issuer: str) -> dict[str, VerifyingKey]:
    with HttpClient() as client:
        return keys_of(client, issuer)
