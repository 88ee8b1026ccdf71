"""What systemd is told: that the daemon is ready, what it does, and that it is alive."""

import os
import time
from collections.abc import Callable
from typing import Final

import sdnotify

from aggregator.serving.pulse import Pulse

_BEAT_S: Final = 0.5
_ALIVE: Final = "WATCHDOG=1"


class Presence:
    """Tells systemd and `/healthz` about the daemon.

    Args:
        pulse: what `/healthz` answers from.
        is_draining: whether the daemon is told to stop.
    """

    def __init__(self, pulse: Pulse, is_draining: Callable[[], bool]) -> None:
        self._pulse = pulse
        self._is_draining = is_draining
        self._systemd = sdnotify.SystemdNotifier()
        self._beat_at_s = 0.0

    def notify(self, state: str) -> None:
        """Send systemd an assignment such as `READY=1`."""
        self._systemd.notify(state)

    def status(self, text: str) -> None:
        """Say in one line what the daemon does."""
        self.notify(f"STATUS={text}")

    def alive(self) -> None:
        """Give a sign of life; cheap enough to be called at every step."""
        now_s = time.monotonic()
        if now_s < self._beat_at_s:
            return
        self._beat_at_s = now_s + _BEAT_S
        self.notify(_ALIVE)
        self._pulse.tick()
        if self._is_draining():
            self.status("finishing the current transaction")


def alive_before_loop() -> Callable[[], object]:
    """What tells systemd, while the ledger is rebuilt at a start, that the daemon does not hang."""
    if "NOTIFY_SOCKET" not in os.environ:  # the notifier would leave a socket open
        return lambda: None
    systemd = sdnotify.SystemdNotifier()
    return lambda: systemd.notify(_ALIVE)
