"""This machine's clock beside that of a server."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gitmeter.http_edge.client import HttpClient, Request, http_date
from node_pusher.doctor.findings import Finding, in_words, ok, problem, warning
from node_pusher.spool.drafts import AHEAD_MAX

SET_CLOCK: Final = "set the clock, and keep it synchronised: timedatectl set-ntp true"
_CLOCK_WARNING: Final = timedelta(seconds=30)


def date_of(url: str, timeout_s: int) -> datetime | None:
    """The time by a server's clock, to a second; None if it states none.

    No token or key is sent: a refusal or a redirect has a date too.

    Raises:
        GitmeterError: it does not answer; `ExchangeError`, unless this machine's certificates are
            the reason.
    """
    with HttpClient() as client, client.exchange(Request("GET", url), timeout_s) as response:
        return http_date(response.headers.get("Date", ""))


def compare_clocks(apart: timedelta, server: str, too_far: str, near: str) -> Iterator[Finding]:
    """What the distance of two clocks means.

    Args:
        apart: how far this machine's is ahead.
        server: whose the other one is.
        too_far: what comes of it beyond `AHEAD_MAX`.
        near: the other clock, in the sentence that all is well.
    """
    way = "ahead of" if apart > timedelta(0) else "behind"
    says = f"{in_words(apart)} {way} the clock of {server}"
    if abs(apart) > AHEAD_MAX:
        yield problem("clock", f"{says}{too_far}", SET_CLOCK)
    elif abs(apart) > _CLOCK_WARNING:
        yield warning("clock", says, SET_CLOCK)
    else:
        yield ok("clock", f"within {in_words(_CLOCK_WARNING)} of {near}")
