"""The state of the daemon's loop, for the listener's threads to read."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum


class HookResult(StrEnum):
    """The result of a request to the webhook; all but the first two are refused."""

    ACCEPTED = "accepted"
    """A push to a repo that is read: it will be probed."""
    IGNORED = "ignored"
    """Signed, but about another event, another branch or a repo that is not read."""
    NO_SECRET = "no_secret"  # noqa: S105 - the name of a result
    """No secret is configured here, so that no post can be trusted."""
    UNSIGNED = "unsigned"
    """Without a signature."""
    WRONG_SIGNATURE = "wrong_signature"
    """Not signed with our secret."""
    FORM = "form"
    """Not signed with our secret as it is, because the JSON is packed into a form."""
    WRONG_METHOD = "wrong_method"
    """Not a post. One that a proxy redirected arrives as GET."""
    WRONG_PATH = "wrong_path"
    """An event of a forge at another path than the webhook's."""
    MALFORMED = "malformed"
    """Signed, but not the JSON of a push."""
    TOO_LARGE = "too_large"
    """Longer than any push of a node."""

    @property
    def is_refused(self) -> bool:
        """Whether the request is not what a forge that is set up rightly sends."""
        return self not in {HookResult.ACCEPTED, HookResult.IGNORED}


@dataclass(frozen=True, slots=True)
class Beat:
    """The state of the loop at one moment; times in UTC, ages and durations in seconds.

    Attributes:
        started_at: start of the daemon.
        loop_age_s: age of the last tick of the loop.
        pull_running_s: how long the current whole pull has run; None between pulls.
        pull_age_s, pulled_at: age and time of the last whole pull; None before the first.
        pull_duration_s: how long that pull took.
        pulls: number of whole pulls.
        pull_within_s: the longest interval from one whole pull to the start of the next.
        next_pull_at: start of the next whole pull; None if not known.
        listed_at: when the forge's repos were last listed; None when they never were.
        is_listing_failing: whether the last attempt to list them failed.
        pending, vanished: repos on the forge that are not registered yet, and ones gone from it.
        forge_checked_at: end of the last check of the forge that saw everything; None before.
        is_forge_check_failing: whether the last check did not see everything.
        hooks: requests to the webhook, by result; every result has a count.
        repos: names of the repos that are read; None if not known.
        tests_count: whether movements of providers' test accounts count here.
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
    forge_checked_at: datetime | None = None
    is_forge_check_failing: bool = False
    hooks: Mapping[HookResult, int] = field(default_factory=dict)
    repos: frozenset[str] | None = None
    tests_count: bool = False


class Pulse:
    """Written by the loop, read by the listener. Every method may be called from any thread.

    Ages are measured by the monotonic clock, so that setting the wall clock does not affect them.

    Args:
        clock: the current time.
        pull_within_s: the longest interval between two whole pulls that the configuration allows.
        monotonic_s: the monotonic clock, in seconds.
        tests_count: as in `Beat`.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        pull_within_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
        *,
        tests_count: bool = False,
    ) -> None:
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._beat = Beat(clock(), pull_within_s, tests_count=tests_count)
        self._ticked_s = monotonic_s()
        self._pull_started_s: float | None = None
        self._pull_finished_s: float | None = None
        self._hooks: Counter[HookResult] = Counter()
        self._accepted_s: float | None = None

    def tick(self) -> None:
        """Note that the loop is alive; also called during long work."""
        with self._lock:
            self._ticked_s = self._monotonic_s()

    def pull_started(self) -> None:
        """Note that a pull of all repos begins."""
        with self._lock:
            self._ticked_s = self._pull_started_s = self._monotonic_s()

    def pull_finished(self, *, whole: bool = True) -> None:
        """Note the end of the pull; an interrupted one is not whole and does not count."""
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
        """Note when the next whole pull begins."""
        self._change(next_pull_at=self._clock() + timedelta(seconds=seconds))

    def reading(self, repos: frozenset[str]) -> None:
        """Note which repos are read from now on; no lag is reported of others."""
        self._change(repos=repos)

    def listed(self, *, pending: int, vanished: int) -> None:
        """Note a listing of the forge: how many repos are not registered yet, how many gone."""
        self._change(
            listed_at=self._clock(), is_listing_failing=False, pending=pending, vanished=vanished
        )

    def listing_failed(self) -> None:
        """Note a failed listing; the counts of the last one stay."""
        self._change(is_listing_failing=True)

    def forge_checked(self, *, is_complete: bool) -> None:
        """Note the end of a check of the forge, and whether it saw everything."""
        if is_complete:
            self._change(forge_checked_at=self._clock(), is_forge_check_failing=False)
        else:
            self._change(is_forge_check_failing=True)

    def hook(self, result: HookResult) -> int:
        """Count a request to the webhook; returns how many had this result so far."""
        with self._lock:
            if result is HookResult.ACCEPTED:
                self._accepted_s = self._monotonic_s()
            self._hooks[result] += 1
            return self._hooks[result]

    @property
    def accepted_s(self) -> float | None:
        """When a push was accepted last, by the monotonic clock; None before the first."""
        return self._accepted_s

    def read(self) -> Beat:
        """The state now."""
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
