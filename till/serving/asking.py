"""Asking about an object at most once in two seconds, however many events name it.

An event that comes while the question before is still to be asked shares its answer. One that
comes later has a question of its own, after two seconds: what is true may have changed since.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool

COALESCE_S: Final = 2
"""An object is asked about at most once in this interval."""
WAITING_MAX: Final = 256
"""Objects that may wait to be asked about; the provider sends further ones again."""
AT_ONCE_MAX: Final = 3
"""Questions at one time: fewer than the server has threads."""

Key = tuple[str, str]
"""The account, and the object."""


class FullError(Exception):
    """Too many objects wait already."""


class Asking:
    """Asks; belongs to one event loop.

    Args:
        work: asks about an object of an account and writes what is missing; called in threads.
    """

    def __init__(self, work: Callable[[Key], object]) -> None:
        self._work = work
        self._waiting: dict[Key, asyncio.Task[None]] = {}
        self._asked_s: dict[Key, float] = {}
        self._room = asyncio.Semaphore(AT_ONCE_MAX)

    async def ask(self, key: Key) -> None:
        """Ask soon, and return once it is done; raises what the work raises.

        Raises:
            FullError: too many objects wait already.
        """
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= WAITING_MAX:
                raise FullError
            waiting = self._waiting[key] = asyncio.create_task(self._ask_soon(key))
        await asyncio.shield(waiting)

    async def _ask_soon(self, key: Key) -> None:
        self._forget(time.monotonic())
        asked_s = self._asked_s.get(key)
        if asked_s is not None:
            await asyncio.sleep(max(asked_s + COALESCE_S - time.monotonic(), 0))
        async with self._room:
            del self._waiting[key]  # whoever comes from here on asks again
            self._asked_s[key] = time.monotonic()
            await run_in_threadpool(self._work, key)

    def _forget(self, now_s: float) -> None:
        """Drop the times that no longer delay anything."""
        for key, then_s in list(self._asked_s.items()):
            if then_s + COALESCE_S <= now_s:
                del self._asked_s[key]
