"""Whether webhooks arrive, judged by pushes that were found without one (pure).

A push that is found in a repo was made since the repo was last read as a whole. It is one without a
webhook if none at all was accepted since that reading began, nor within a while after the push was
found. This does not depend on what arrives first: a webhook that is still on its way, one for a
repo that cannot be read yet, and those that a killed forge lost while others arrive make no push
count, and neither does what was pushed before the daemon had read the repo once.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from aggregator.serving.pulse import HookResult
from wire_format.instants import format_ts

PUSHES: Final = 3
"""So many pushes without a webhook are no coincidence."""
ON_ITS_WAY_S: Final = 120.0
"""How long after its push a webhook may come: the forge sends them one after the other."""

_ADVICE: Final = {
    HookResult.IGNORED: "signed, but about another event, branch or repo: `aggregator forge hook`",
    HookResult.NO_SECRET: "no webhook_secret_file under [listen]",
    HookResult.UNSIGNED: "no signature: `aggregator forge hook` sets the secret",
    HookResult.WRONG_SIGNATURE: "another secret: `aggregator forge hook` sets it again",
    HookResult.FORM: "sent as a form: the content type must be application/json",
    HookResult.WRONG_METHOD: "not POST: the webhook's method, or a redirect on the way",
    HookResult.WRONG_PATH: "another path than /webhook: the webhook's address, or the proxy",
    HookResult.MALFORMED: "not a push as Forgejo and Gitea send it: the webhook's type",
    HookResult.TOO_LARGE: "larger than any push of a node",
}
"""What posts with each result were, and what to look at."""


class FoundPush(NamedTuple):
    """A push without a webhook so far.

    Attributes:
        found_s: when it was found, by the monotonic clock.
        at: the same in UTC.
    """

    found_s: float
    at: datetime


class Missing(NamedTuple):
    """Webhooks do not arrive.

    Attributes:
        pushes: how many pushes were found without one.
        since: when the first of them was found, in UTC.
        others: how many requests had each result since a webhook was accepted last.
    """

    pushes: int
    since: datetime
    others: Mapping[HookResult, int]

    def sentence(self, url: str) -> str:
        """What is known, and what to look at.

        Args:
            url: the address at which the forge is to reach the daemon.
        """
        said = [f"{count} {_ADVICE[result]}" for result, count in self.others.items() if count]
        known = f"what arrived: {'; '.join(said)}"
        if not said:
            known = f"nothing arrived: ALLOWED_HOST_LIST of the forge may not allow {url},"
            known += " or that address does not lead to [listen]"
        return (
            f"{self.pushes} pushes were found since {format_ts(self.since)}, and no webhook was"
            f" accepted; {known}"
        )


class MissingHooks:
    """Remembers what was read and what was heard. Used by one thread.

    Times are those of the monotonic clock, by the same clock at every call.
    """

    def __init__(self) -> None:
        self._accepted_s: float | None = None
        self._counts_before: Mapping[HookResult, int] = {}
        self._begun_s: dict[str, float] = {}
        self._read_s: dict[str, float] = {}
        self._counted_s: dict[str, float] = {}
        self._recent: deque[FoundPush] = deque()
        self._first: FoundPush | None = None
        self._settled = 0

    @property
    def has_heard(self) -> bool:
        """Whether a webhook was ever accepted."""
        return self._accepted_s is not None

    def begin(self, names: Iterable[str], now_s: float) -> None:
        """Note that repos are about to be read."""
        for name in names:
            self._begun_s.setdefault(name, now_s)

    def heard(self, accepted_s: float | None, counts: Mapping[HookResult, int]) -> None:
        """Note when a webhook was accepted last, and how many requests had each result so far."""
        if accepted_s is None or accepted_s == self._accepted_s:
            return
        self._accepted_s, self._counts_before = accepted_s, counts
        self._recent.clear()
        self._first, self._settled = None, 0

    def read(self, name: str, found: FoundPush | None, *, is_whole: bool) -> None:
        """Note that the reading of a repo has ended.

        Args:
            name: the repo.
            found: when a push was found in it about which the forge sends a webhook; None if there
                was none.
            is_whole: whether nothing is left to read in it.
        """
        begun_s, before_s = self._begun_s.pop(name, None), self._read_s.get(name)
        if found is not None and before_s is not None:
            is_silent = self._accepted_s is None or self._accepted_s < before_s
            if is_silent and self._counted_s.get(name) != before_s:
                self._counted_s[name] = before_s
                self._recent.append(found)
                self._first = self._first or found
        if is_whole and begun_s is not None:
            self._read_s[name] = begun_s

    def judge(self, now_s: float, counts: Mapping[HookResult, int]) -> Missing | None:
        """Say whether webhooks do not arrive; None if that is not known.

        Args:
            now_s: the present time.
            counts: how many requests had each result so far.
        """
        while self._recent and now_s >= self._recent[0].found_s + ON_ITS_WAY_S:
            self._recent.popleft()
            self._settled += 1
        if self._settled < PUSHES or self._first is None:
            return None
        before = self._counts_before
        others = {result: counts.get(result, 0) - before.get(result, 0) for result in _ADVICE}
        return Missing(self._settled, self._first.at, others)
