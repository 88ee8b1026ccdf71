"""One push, and the hint about it."""

import time
from datetime import datetime
from typing import Final

from front.hint import post_hint
from front.tables import HintTable
from gitmeter.support.errors import GitmeterError, with_hint
from node_pusher.home.errors import BusyError
from node_pusher.home.home import Home
from node_pusher.sending.push import PushReport, push

_BUSY_PAUSE_S: Final = 1
_BUSY_TRIES: Final = 30


def push_and_tell(home: Home, hint: HintTable | None, now: datetime) -> tuple[PushReport, str]:
    """Commit and push what is in the spool, and tell the aggregator.

    Args:
        home: whose lines.
        hint: whom to tell; None for nobody.
        now: the time of the commits.

    Returns:
        what the push did, and why the aggregator could not be told; empty if it was.

    Raises:
        BusyError: another process pushes for too long.
        GitmeterError: see `node_pusher.sending.push.push`; what was written waits here.
    """
    report = _push_when_free(home, now)
    if hint is None or not report.pushed or report.head is None:
        return report, ""
    try:
        post_hint(hint, home.repo, report.head)
    except GitmeterError as error:  # a hint saves time and nothing else
        return report, with_hint(error)
    return report, ""


def _push_when_free(home: Home, now: datetime) -> PushReport:
    for _ in range(_BUSY_TRIES):
        try:
            return push(home, now)
        except BusyError:
            time.sleep(_BUSY_PAUSE_S)
    return push(home, now)
