"""Pushes to repos that no registration names: one may be about to.

A node that is set up pushes at once, and its webhook may come before the file of its registration
is complete. The order of the two makes no difference: for a minute after such a push the
registrations are looked at again and again, and a repo that one of them names is pulled.
"""

import threading
from typing import Final

KEPT_S: Final = 60.0
LOOK_S: Final = 2.0
"""Between two looks at the registrations, however many pushes come: one reads a whole folder."""
LOOK_AGAIN_S: Final = 10.0
"""Between two looks while no other push comes."""


class UnknownPushes:
    """When to look at the registrations because of such pushes; they are noted by any thread.

    Times are those of the monotonic clock, by the same clock at every call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_s: float | None = None
        self._has_new = False
        self._looked_s: float | None = None

    def note(self, now_s: float) -> None:
        """Note a push to a repo that is not known."""
        with self._lock:
            self._last_s, self._has_new = now_s, True

    def is_look_due(self, now_s: float) -> bool:
        """Whether to look at the registrations now; notes that it is done."""
        with self._lock:
            if self._last_s is None or now_s >= self._last_s + KEPT_S:
                return False
            pause_s = LOOK_S if self._has_new else LOOK_AGAIN_S
            if self._looked_s is not None and now_s < self._looked_s + pause_s:
                return False
            self._has_new, self._looked_s = False, now_s
            return True
