"""Work that is done again and again beside a server, whether anybody asks or not."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from gitmeter.support.errors import GitmeterError

_log = structlog.get_logger()


@contextmanager
def repeating(work: Callable[[], object], every_s: float, failed: str) -> Iterator[None]:
    """Do some work in a thread of its own until the block ends, for the first time after a while.

    Args:
        work: what is done; where it fails, it is done again the next time.
        every_s: how long there is nothing to do in between.
        failed: what the log says where it fails.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every_s):
            try:
                work()
            except GitmeterError as error:
                _log.warning(failed, why=str(error))

    thread = threading.Thread(target=run, name="repeating", daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()
