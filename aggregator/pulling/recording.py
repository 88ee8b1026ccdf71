"""Recording in the mirrors what was billed, beside the thread that bills.

Setting a ref is synced to disk, which takes longer than billing a commit.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Final

from aggregator.config.known_repo import KnownRepo
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State

_THREADS: Final = 4
_WAIT_S: Final = 1.0


class Recording:
    """Moves `refs/aggregator/applied` of mirrors, in threads of its own; used by one thread.

    Args:
        state: has the mirrors.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._pool: ThreadPoolExecutor | None = None
        self._last: dict[str, Future[None]] = {}

    def start(self, repo: KnownRepo, cursor: str) -> None:
        """Let the mirror of a repo record a cursor, after those that it was given before."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS)
        before = self._last.get(repo.name)
        self._last[repo.name] = self._pool.submit(self._record, before, repo, cursor)

    def of_repo(self, name: str) -> Future[None] | None:
        """The last recording in the mirror of a repo; None if there was none.

        It is done before anything else writes refs of that mirror.
        """
        return self._last.get(name)

    def finish(self, on_wait: Callable[[], object]) -> None:
        """Wait until all is recorded, calling `on_wait` about once a second."""
        last, self._last = self._last, {}
        while wait(last.values(), timeout=_WAIT_S).not_done:
            on_wait()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        for each in last.values():
            each.result()

    def _record(self, before: Future[None] | None, repo: KnownRepo, cursor: str) -> None:
        if before is not None:
            before.result()
        with suppress(MirrorError):  # set again before the next fetch, which files it
            self._state.mirrors.open(repo).advance_applied(cursor)
