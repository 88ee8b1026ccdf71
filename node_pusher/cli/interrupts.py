"""^C and SIGTERM as something to wait for, so that they interrupt nothing halfway."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts() -> Iterator[int]:
    """Within it, the first ^C or SIGTERM makes a file descriptor readable and does nothing else.

    A second one ends the program as it would by default. For the main thread alone.

    Yields:
        the descriptor.
    """
    reader, writer = os.pipe()
    before: dict[int, Any] = {}

    def take(_signal: int, _frame: object) -> None:
        os.write(writer, b"!")
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, take)
    try:
        yield reader
    finally:
        restore()
        os.close(reader)
        os.close(writer)


def serve_until(interrupted: int) -> None:
    """Tell systemd that a service is ready, wait for a signal, and tell it that it stops.

    Args:
        interrupted: of `interrupts`.
    """
    import sdnotify  # of services alone

    systemd = sdnotify.SystemdNotifier()
    systemd.notify("READY=1")
    select.select([interrupted], [], [])
    systemd.notify("STOPPING=1")
