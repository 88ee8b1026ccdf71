"""What the operator confirmed, saw and cut off of a till or desk. Pure.

- `reconciled` covers the lines of its numbers in its tip and the commits below: the provider says
  the same, so they never wait.
- `seen`: a commit that is not within its tip, and is dated more than a day before that decision,
  claims nothing. So the key of a writer that is idle cannot write the past.
- `only` is the way out after a theft: nothing counts but what is within its tip or in a later repo.

Both judge the repo of their tip, which its first commit names. A later repo is one that began after
the tip; an earlier one stays as it was under `seen` and claims nothing under `only`.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from gitmeter.money.lineage import Lineage, Spot
from wire_format.instants import DAY_US, to_us
from wire_format.lines import Decision


class _Seen(NamedTuple):
    """What the `seen` decisions say about one chain of commits.

    Attributes:
        at_us: when each was taken, ascending.
        position: for each the last position that it and all later ones have seen.
    """

    at_us: Sequence[int]
    position: Sequence[int]


class _Covered(NamedTuple):
    """What one reconciliation covers: the numbers from `first_seq` to `last_seq` within `tip`."""

    first_seq: int
    last_seq: int
    tip: str
    at_us: int


class Confirmed:
    """The decisions about one writer.

    Args:
        records: `reconciled`, `seen` and `only` decisions about it that are in force, in the order
            in which they were taken.
        lineage: the writer's commits.
        accepted: commits up to which the operator accepted a history of it, whatever its dates.
    """

    def __init__(
        self, records: Iterable[Decision], lineage: Lineage, accepted: Iterable[str] = ()
    ) -> None:
        listed = list(records)
        self._lineage = lineage
        self._accepted = tuple(accepted)
        self._only = next((r.tip for r in reversed(listed) if r.kind == "only"), None)
        self._seen = [(to_us(r.ts), r.tip) for r in listed if r.kind == "seen" and r.tip]
        covered = [
            _Covered(r.from_seq, r.to_seq, r.tip, to_us(r.ts))
            for r in listed
            if r.kind == "reconciled" and r.from_seq and r.to_seq and r.tip
        ]
        self._covered = sorted(covered)
        self._firsts = [each.first_seq for each in self._covered]
        self._reach = list(accumulate((each.last_seq for each in self._covered), max))
        self._seen_on = cache(self._find_seen_on)

    def is_cut_off(self, spot: Spot) -> bool:
        """Whether a commit claims nothing, because of `only`."""
        if self._only is None or self._lineage.is_within(spot, self._only):
            return False
        return not self._is_later(spot, self._only)

    def is_back_dated(self, spot: Spot) -> bool:
        """Whether a commit claims nothing, because it was not there when its time was seen."""
        seen = self._seen_on(spot.chain)
        at = bisect_right(seen.at_us, spot.at_us + DAY_US)
        if at == len(seen.at_us) or spot.position <= seen.position[at]:
            return False
        return not any(self._lineage.is_within(spot, tip) for tip in self._accepted)

    def covered_us(self, seq: int, spots: Sequence[Spot]) -> int | None:
        """When a line was reconciled first, microseconds since 1970; None if it never was.

        Args:
            seq: its number.
            spots: of every commit that has it.
        """
        found: int | None = None
        at = bisect_right(self._firsts, seq) - 1
        while at >= 0 and self._reach[at] >= seq:
            each = self._covered[at]
            if (
                each.last_seq >= seq
                and (found is None or each.at_us < found)
                and any(self._lineage.is_within(spot, each.tip) for spot in spots)
            ):
                found = each.at_us
            at -= 1
        return found

    def _is_later(self, spot: Spot, tip: str) -> bool:
        """Whether a commit is in a repo that began after `tip`."""
        found = self._lineage.spot(tip)
        if found is None or self._lineage.is_same_root(spot.chain, tip):
            return False
        return self._lineage.began_us(spot) > found.at_us

    def _find_seen_on(self, chain: int) -> _Seen:
        latest: dict[int, int] = defaultdict(lambda: 2**63)
        for at_us, tip in self._seen:
            if self._lineage.is_same_root(chain, tip):
                position = self._lineage.last_within(chain, tip)
                latest[at_us] = min(latest[at_us], position)
        times = sorted(latest)
        lowest = list(accumulate((latest[at_us] for at_us in reversed(times)), min))
        return _Seen(times, lowest[::-1])
