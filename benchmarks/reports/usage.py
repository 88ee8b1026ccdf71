"""The usage of the ledger: accounts of very different size, over all of its hours."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from benchmarks.data import RESOURCES as EARLIER
from benchmarks.data import Resource, segment_commit, usage, users_of
from benchmarks.place import CommitFiles
from wire_format.instants import HOUR_US

_MODELS: Final = 16
_UNITS_MAX: Final = 5000
_EVENNESS: Final = 10
"""The larger it is, the less the largest accounts differ: the account of rank r has as many charges
as 1 / (r + this) is of the sum of all."""

RESOURCES: Final = (
    *EARLIER,
    *(
        Resource(f"llm/open/model-{number:02d}/{kind}", "llm", usd, 1_000_000)
        for number in range(_MODELS)
        for kind, usd in (
            ("input_tokens", f"0.{number + 5:02d}"),
            ("output_tokens", f"{number}.40"),
        )
    ),
)


class Size(NamedTuple):
    """How much there is.

    Attributes:
        accounts, charges: how many; each charge is of one record.
        days: of how many days the records are.
    """

    accounts: int
    charges: int
    days: int

    @property
    def hours(self) -> int:
        """The hours of all days, each of them a commit."""
        return self.days * 24

    @property
    def users(self) -> tuple[str, ...]:
        """The accounts, the largest first."""
        return users_of(self.accounts)


def usage_commits(size: Size, start: datetime, units: Counter[str]) -> Iterator[CommitFiles]:
    """Yield a commit for each hour.

    Args:
        size: how much there is.
        start: the first hour.
        units: what is used of each resource is added here.
    """
    weights = list(accumulate(1 / (rank + _EVENNESS) for rank in range(size.accounts)))
    seq = 0
    for hour in range(size.hours):
        at = start + timedelta(hours=hour)
        lines = []
        drawn = _drawn(size, hour, weights)
        for i, (rank, resource, used) in enumerate(drawn):
            seq += 1
            ts = at + timedelta(microseconds=(i * HOUR_US + used) // len(drawn))
            lines.append(usage(seq, size.users[rank], ts, resource, used))
            units[resource.name] += used
        yield segment_commit(at + timedelta(hours=1), lines)


def _drawn(size: Size, hour: int, weights: list[float]) -> list[tuple[int, Resource, int]]:
    """The ranks of accounts that use something in an hour, and what: each account does once."""
    rng = random.Random(hour)
    even, left = divmod(size.charges, size.hours)
    wanted = even + (hour < left)
    places = range(len(RESOURCES))
    keys = {(rank, rng.choice(places)): None for rank in range(hour, size.accounts, size.hours)}
    while len(keys) < wanted:
        ranks = rng.choices(range(size.accounts), cum_weights=weights, k=wanted - len(keys))
        keys.update({(rank, rng.choice(places)): None for rank in ranks})
    return [(rank, RESOURCES[place], rng.randrange(1, _UNITS_MAX)) for rank, place in keys]
