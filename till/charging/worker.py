"""The thread that charges, beside the server that is told who is due."""

import threading
import time
from typing import Final

import structlog

from gitmeter.support.errors import GitmeterError, with_hint
from till.charging.charger import CardCharger, Due
from till.charging.deciding import NotNow
from till.charging.pushing import Pushes
from till.charging.settling import settle_all
from till.charging.waiting_list import Resting, WaitingList
from till.config.charge import ChargeTable
from till.intake.till import Till
from wire_format.posts.topup_due import TopupDue

_log = structlog.get_logger()
RESUME_EVERY_S: Final = 30


class ChargeWorker:
    """Charges whoever is due, one after the other; one thread.

    Args:
        till: a till with `[charge]`.
        limits: what its configuration says of charging.
        pusher: pushes its lines.
    """

    def __init__(self, till: Till, limits: ChargeTable, pusher: Pushes) -> None:
        self._till = till
        self._pusher = pusher
        self._charger = CardCharger(till, limits, pusher, lambda: self._is_ending)
        self._waiting = WaitingList()
        self._resting = Resting()
        self._changed = threading.Condition()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="charger")

    def start(self) -> None:
        """Start the thread, which first goes on with what was begun."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing any more, and wait for what is being done."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join()

    def add(self, post: TopupDue) -> int:
        """Let the accounts of a post wait for their turn; how many there was no room for."""
        with self._changed:
            full = self._waiting.add(post)
            self._changed.notify_all()
        return full

    def _run(self) -> None:
        resume_at_s, is_start = time.monotonic(), True
        while not self._is_ending:
            if time.monotonic() >= resume_at_s:
                self._resume(is_start=is_start)
                resume_at_s, is_start = time.monotonic() + RESUME_EVERY_S, False
            with self._changed:
                due = self._waiting.next()
                if due is None and not self._is_ending:
                    self._changed.wait(max(resume_at_s - time.monotonic(), 0))
            if due is not None and not self._is_ending:
                self._take(due)

    def _resume(self, *, is_start: bool) -> None:
        try:
            # first, because what was lost is then asked for once, and not once for each attempt
            settle_all(self._till, self._pusher)
            self._charger.resume(is_start=is_start)
        except GitmeterError as error:
            _log.warning("attempts wait", why=with_hint(error))
        except Exception:  # noqa: BLE001 - whoever is due is still charged
            _log.exception("attempts wait")

    def _take(self, due: Due) -> None:
        user = due.account.user
        if self._resting.rests(due, time.monotonic()):
            return
        try:
            stop = self._charger.take(due)
        except GitmeterError as error:
            _log.warning("not charged", user=user, why=with_hint(error))
        except Exception:  # noqa: BLE001 - one bad account holds up no other
            _log.exception("not charged", user=user)
        else:
            if stop is not None:
                _log.info("not charged", user=user, why=stop.value)
            if stop in {NotNow.CARD, NotNow.AT_PROVIDER}:
                self._resting.begin(due, time.monotonic())
            if stop in {NotNow.FUSE, NotNow.STOPPED}:
                with self._changed:
                    self._waiting.clear()
