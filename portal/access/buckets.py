"""Token buckets: how many requests are answered in some time, for each of very many names.

A bucket that is full again says nothing and is forgotten, so memory is bounded by the requests of
that time; beyond a bound the buckets that were used least recently go first. Belongs to one
event loop.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

MINUTE_S: Final = 60
DAY_S: Final = 86_400
BUCKETS_MAX: Final = 100_000


class Taken(NamedTuple):
    """What is left after a request.

    Attributes:
        quota: most requests in the time.
        left: how many more are answered at once.
        reset_s: in how many seconds the bucket is full again, or of one that is refused when the
            next is answered.
        is_allowed: whether it is answered.
    """

    quota: int
    left: int
    reset_s: int
    is_allowed: bool = True


class Buckets:
    """The buckets of one kind of name.

    Args:
        period_s: the time for which a quota is.
        most: how many are remembered.
    """

    def __init__(self, period_s: int = MINUTE_S, most: int = BUCKETS_MAX) -> None:
        self._period_s = period_s
        self._most = most
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, quota: int, now_s: float) -> Taken:
        """Count a request.

        Args:
            name: whose bucket.
            quota: most requests in the time.
            now_s: a clock that never goes back, in seconds.
        """
        used = self._used_now(name, quota, now_s)
        a_second = quota / self._period_s
        if used + 1 > quota:
            wait_s = (used + 1 - quota) / a_second
            return Taken(quota, 0, _whole(wait_s), is_allowed=False)
        used += 1
        self._used[name] = used, now_s
        self._used.move_to_end(name)
        self._forget(now_s)
        return Taken(quota, int(quota - used), _whole(used / a_second))

    def _used_now(self, name: str, quota: int, now_s: float) -> float:
        used, then_s = self._used.get(name, (0.0, now_s))
        return max(0.0, used - (now_s - then_s) * quota / self._period_s)

    def _forget(self, now_s: float) -> None:
        """Forget what is full again, looking at the two that were used least recently."""
        for _ in range(2):
            name, (_, then_s) = next(iter(self._used.items()))
            if now_s - then_s < self._period_s and len(self._used) <= self._most:
                return
            del self._used[name]
            if not self._used:
                return


def _whole(seconds: float) -> int:
    """Whole seconds, rounded up: a client that waits so long is answered."""
    return -int(-seconds // 1)
