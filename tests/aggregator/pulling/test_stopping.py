"""A pass that is interrupted ends, whichever fetches have begun."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from aggregator.pulling.fetching import Fetched, stop_fetching

ROUNDS_MAX = 100


def test_fetches_that_no_thread_has_taken_yet_are_not_waited_for() -> None:
    """One thread has the first; the others are cancelled before they begin."""
    begun, released = threading.Event(), threading.Event()
    rounds = 0

    def fetch() -> Fetched:
        begun.set()
        released.wait()
        return Fetched(None)

    def on_wait() -> None:
        nonlocal rounds
        rounds += 1
        released.set()
        if rounds > ROUNDS_MAX:
            pytest.fail("it waits for a fetch that never begins")

    with ThreadPoolExecutor(1) as pool:
        fetches: list[Future[Fetched]] = [pool.submit(fetch) for _ in range(3)]
        begun.wait()
        pool.shutdown(wait=False, cancel_futures=True)
        stop_fetching(fetches, on_wait)
    assert [future.cancelled() for future in fetches] == [False, True, True]
