"""Which repos somebody says have something new, handed out at most every two seconds each.

A hint is no more than that: what is fetched because of it is checked and billed as ever, and a hint
that never comes costs time alone, because every repo is polled all the same.
"""

import threading
import time
from typing import Final

COALESCE_S: Final = 2.0
"""A repo is handed out at most once in this time."""


class Hints:
    """Names of repos to look at soon; one thread takes what others put in.

    The first hint for a repo is handed out at once, those after it together when its time has come.
    A hint that arrives while the repo is being fetched stays for the next time, so none is lost.
    It holds no more than the names that were hinted, whose number the caller bounds.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._hinted: set[str] = set()
        self._handed_out_s: dict[str, float] = {}

    def hint(self, name: str) -> None:
        """Say that a repo has something new."""
        with self._changed:
            self._hinted.add(name)
            self._changed.notify()

    def due(self, now_s: float) -> frozenset[str]:
        """Take the repos to look at now.

        Args:
            now_s: monotonic time, the same clock at every call.
        """
        with self._changed:
            self._forget(now_s)
            names = frozenset(self._hinted - self._handed_out_s.keys())
            self._hinted -= names
            self._handed_out_s.update(dict.fromkeys(names, now_s))
            return names

    def wait(self, timeout_s: float) -> bool:
        """Sleep until `due(time.monotonic())` would have something, or the time is over.

        Returns:
            Whether it has.
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
        """When the first hinted repo is due; None while nothing is hinted."""
        return min(
            (
                self._handed_out_s.get(name, now_s - COALESCE_S) + COALESCE_S
                for name in self._hinted
            ),
            default=None,
        )

    def _forget(self, now_s: float) -> None:
        """Drop the times that no longer hold anything back."""
        for name, then_s in list(self._handed_out_s.items()):
            if then_s + COALESCE_S <= now_s:
                del self._handed_out_s[name]
