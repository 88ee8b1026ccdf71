"""Repos reported to have new commits, each handed out at most every two seconds.

A hint moves no money: what is fetched because of it is checked and billed as always, and a missing
hint only costs time, because every repo is polled anyway.
"""

import threading
import time
from typing import Final

COALESCE_S: Final = 2.0
"""A repo is handed out at most once in this interval."""


class Hints:
    """Names of repos to probe soon; one thread takes what others put in.

    The first hint for a repo is handed out at once, later ones together after the interval. A hint
    that arrives while the repo is being fetched is kept for the next time, so none is lost. The
    names are all that is kept, and the caller bounds their number.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._hinted: set[str] = set()
        self._handed_out_s: dict[str, float] = {}

    def hint(self, name: str) -> None:
        """Report that a repo has new commits."""
        with self._changed:
            self._hinted.add(name)
            self._changed.notify()

    def due(self, now_s: float) -> frozenset[str]:
        """Take the repos to probe now.

        Args:
            now_s: monotonic time, by the same clock at every call.
        """
        with self._changed:
            self._forget(now_s)
            names = frozenset(self._hinted - self._handed_out_s.keys())
            self._hinted -= names
            self._handed_out_s.update(dict.fromkeys(names, now_s))
            return names

    def wait(self, timeout_s: float) -> bool:
        """Sleep until `due(time.monotonic())` would return a repo, or the time is up.

        Returns:
            Whether it would.
        """
        end_s = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now_s = time.monotonic()
                wake_s = self._next_s(now_s)
                if wake_s is not None and wake_s <= now_s:
                    return True
                if now_s >= end_s:
                    return False
                self._changed.wait((end_s if wake_s is None else min(end_s, wake_s)) - now_s)

    def _next_s(self, now_s: float) -> float | None:
        """When the first hinted repo is due; None without any."""
        return min(
            (
                self._handed_out_s.get(name, now_s - COALESCE_S) + COALESCE_S
                for name in self._hinted
            ),
            default=None,
        )

    def _forget(self, now_s: float) -> None:
        """Drop the times that no longer delay anything."""
        for name, then_s in list(self._handed_out_s.items()):
            if then_s + COALESCE_S <= now_s:
                del self._handed_out_s[name]
