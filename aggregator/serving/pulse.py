"""What the daemon's loop says of itself, for the listener's threads to read."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum


class HookResult(StrEnum):
    """What became of a post to the webhook."""

    ACCEPTED = "accepted"
    """A push to a repo that is read: it will be looked at."""
    IGNORED = "ignored"
    """Well signed, but about another event, another branch or a repo that is not read."""
    REFUSED = "refused"
    """Not signed with our secret, or no secret is configured."""
    MALFORMED = "malformed"
    """Well signed, but not the JSON of a push."""
    TOO_LARGE = "too_large"
    """Longer than any push of a node."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One moment of the loop; every time in UTC, every age and duration in seconds.

    Attributes:
        started_at: when the daemon began.
        loop_age_s: since the loop said that it is alive.
        pull_running_s: how long the whole pull at hand has run; None between pulls.
        pull_age_s, pulled_at: since and when the last whole pull was finished; None before it.
        pull_duration_s: how long that took.
        pulls: whole pulls finished.
        pull_within_s: how long after one whole pull the next one begins at the latest.
        next_pull_at: when the next one begins; None when that was not said.
        listed_at: when the forge's repos were last listed; None when they never were.
        is_listing_failing: whether the last try to list them failed.
        pending, vanished: repos on the forge that nobody accepted yet, and ones gone from it.
        hooks: posts to the webhook, by what became of them; all results.
        repos: names of the repos that are read; None when that was not said.
    """

    started_at: datetime
    pull_within_s: float
    loop_age_s: float = 0.0
    pull_running_s: float | None = None
    pull_age_s: float | None = None
    pulled_at: datetime | None = None
    pull_duration_s: float | None = None
    pulls: int = 0
    next_pull_at: datetime | None = None
    listed_at: datetime | None = None
    is_listing_failing: bool = False
    pending: int = 0
    vanished: int = 0
    hooks: Mapping[HookResult, int] = field(default_factory=dict)
    repos: frozenset[str] | None = None


class Pulse:
    """Written by the loop, read by the listener. Every method may be called from any thread.

    Ages are measured on the monotonic clock, so that setting the wall clock makes nobody ill.

    Args:
        clock: tells the time.
        pull_within_s: the longest pause between two whole pulls that the configuration allows.
        monotonic_s: seconds that only ever grow.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        pull_within_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._beat = Beat(clock(), pull_within_s)
        self._ticked_s = monotonic_s()
        self._pull_started_s: float | None = None
        self._pull_finished_s: float | None = None
        self._hooks: Counter[HookResult] = Counter()

    def tick(self) -> None:
        """The loop is alive; also told from inside long work."""
        with self._lock:
            self._ticked_s = self._monotonic_s()

    def pull_started(self) -> None:
        """A pull of all repos begins."""
        with self._lock:
            self._ticked_s = self._pull_started_s = self._monotonic_s()

    def pull_finished(self, *, whole: bool = True) -> None:
        """It is over; an interrupted one is not whole and counts for nothing."""
        with self._lock:
            now_s = self._ticked_s = self._monotonic_s()
            started_s, self._pull_started_s = self._pull_started_s, None
            if not whole or started_s is None:
                return
            self._pull_finished_s = now_s
            self._beat = replace(
                self._beat,
                pulled_at=self._clock(),
                pull_duration_s=now_s - started_s,
                pulls=self._beat.pulls + 1,
            )

    def next_pull_in(self, seconds: float) -> None:
        """When the next whole pull begins."""
        self._change(next_pull_at=self._clock() + timedelta(seconds=seconds))

    def reading(self, repos: frozenset[str]) -> None:
        """Which repos are read from now on; of others no lag is told."""
        self._change(repos=repos)

    def listed(self, *, pending: int, vanished: int) -> None:
        """The forge's repos were listed; how many nobody accepted yet, how many are gone."""
        self._change(
            listed_at=self._clock(), is_listing_failing=False, pending=pending, vanished=vanished
        )

    def listing_failed(self) -> None:
        """They could not be listed; what was known of them stays."""
        self._change(is_listing_failing=True)

    def hook(self, result: HookResult) -> int:
        """A post to the webhook was answered; returns how many were answered so by now."""
        with self._lock:
            self._hooks[result] += 1
            return self._hooks[result]

    def read(self) -> Beat:
        """This moment."""
        with self._lock:
            now_s = self._monotonic_s()
            return replace(
                self._beat,
                loop_age_s=now_s - self._ticked_s,
                pull_running_s=_since(self._pull_started_s, now_s),
                pull_age_s=_since(self._pull_finished_s, now_s),
                hooks={result: self._hooks[result] for result in HookResult},
            )

    def _change(self, **changed: object) -> None:
        with self._lock:
            self._beat = replace(self._beat, **changed)  # type: ignore[arg-type]  # own callers


def _since(then_s: float | None, now_s: float) -> float | None:
    return None if then_s is None else now_s - then_s
