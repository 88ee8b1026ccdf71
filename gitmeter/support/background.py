"""One piece of work in a thread, beside a loop that must not wait for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Runs one piece of work at a time; its result or error is for the loop to collect.

    The thread is a daemon thread: it never keeps the program from ending. Used by one thread alone.
    """

    def __init__(self) -> None:
        self._work: Future[T] | None = None

    @property
    def is_free(self) -> bool:
        """Whether work can be started: none is running or still to be collected."""
        return self._work is None

    def start(self, work: Callable[[], T]) -> None:
        """Start a piece of work.

        Raises:
            RuntimeError: the one before is running or was not collected.
        """
        if self._work is not None:
            raise RuntimeError("one piece of work at a time: collect the one before first")
        future = Future[T]()
        self._work = future
        threading.Thread(target=_run, args=(work, future), daemon=True).start()

    def collect(self, wait_s: float = 0) -> Future[T] | None:
        """The work that has ended, with its result or error; None while there is none.

        Args:
            wait_s: how long to wait for it.
        """
        work = self._work
        if work is None or wait([work], wait_s).not_done:
            return None
        self._work = None
        return work


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - the loop that collects it decides
        future.set_exception(error)
