"""Whether the forge's webhooks arrive, judged by the pushes that were found without one. Pure.

Nothing reports a webhook that a forge does not send: an address that is not on its
`ALLOWED_HOST_LIST` is never called, and a post with a wrong secret is lost.
"""

import threading
from datetime import datetime
from typing import Final, NamedTuple

PUSHES_MIN: Final = 3
"""A single webhook may be lost: a forge that is killed sends none for what it had just taken."""

LATE_S: Final = 120.0
"""A webhook may be on its way while a pass finds its push; later than this it counts as missing."""


class Missing(NamedTuple):
    """Pushes that were found without a webhook, and no webhook since the first of them.

    Attributes:
        pushes: how many.
        since: when the first was found, in UTC.
    """

    pushes: int
    since: datetime


class HookWatch:
    """Compares pushes that were found with webhooks that arrived. Each method is thread-safe.

    A webhook explains one push of its repo, whenever it arrives: before the push is found it is
    kept, and afterwards it ends all doubt.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._announced: set[str] = set()
        self._unexplained: set[str] = set()
        self._missing: Missing | None = None
        self._first_s = 0.0
        self._is_known = False

    def arrived(self, repo: str) -> None:
        """Note a webhook that was accepted for a configured repo."""
        with self._lock:
            if repo in self._unexplained:  # its push was found first
                self._unexplained.discard(repo)
            else:
                self._announced.add(repo)
            self._missing, self._is_known = None, True

    def found(self, repo: str, now: datetime, now_s: float) -> None:
        """Note that a repo had new commits.

        Args:
            repo: a registered repo that was read before, so that the push was made meanwhile.
            now: the time.
            now_s: monotonic time, by the same clock at every call.
        """
        with self._lock:
            if repo in self._announced:
                self._announced.discard(repo)
                return
            self._unexplained.add(repo)
            if self._missing is None:
                self._missing, self._first_s = Missing(0, now), now_s
            self._missing = self._missing._replace(pushes=self._missing.pushes + 1)

    def judge(self, now_s: float) -> Missing | bool | None:
        """Whether webhooks arrive.

        Returns:
            What is missing; True if one arrived and nothing is missing; None if it is not known.
        """
        with self._lock:
            missing = self._missing
            is_late = now_s - self._first_s >= LATE_S
            if missing is not None and missing.pushes >= PUSHES_MIN and is_late:
                return missing
            return self._is_known or None
