"""One account that uses each resource in every hour, for any number of hours."""

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, NamedTuple

from benchmarks.data import (
    RESOURCES,
    START,
    TIERS_FROM,
    grant,
    money_commit,
    payment,
    rules_commit,
    segment_commit,
    usage,
    users_of,
)
from benchmarks.place import BOOKS, NODE, CommitFiles, Place, provide
from wire_format.lines import Money, Usage
from wire_format.rule_files.plans_file import PLANS_PATH
from wire_format.rule_files.prices_file import PRICES_PATH, TIERS_MAX

MONTH_HOURS: Final = 720
_DAY_HOURS: Final = 24
_UNITS_MEAN: Final = 2_500
_GRANT_USD: Final = "50"
"""For each month; about a sixth of what the month costs."""

_GRANT_FOR_EVER_USD: Final = "1000"
"""One grant without an end pays what those of the months leave, for about four months."""

_PLANS: Final = f"""\
[[plan]]
name = "free"
from = {TIERS_FROM:%Y-%m-%dT%H:%M:%SZ}
cycle_hours = {MONTH_HOURS}
default = true
meter = [{{ name = "tokens", match = ["llm/**"], included = 1000000, beyond = "bill" }}]
"""

Mode = Literal["graduated", "volume"]


class AccountShape(NamedTuple):
    """What the account has.

    Attributes:
        name: the name of its folder.
        hours: the hours of its usage, from `START` on.
        mode: how the tiers of the month apply.
        has_terms: whether it has a plan with a meter, a grant for each month and one for ever.
    """

    name: str
    hours: int
    mode: Mode = "graduated"
    has_terms: bool = False

    @property
    def records(self) -> int:
        """How many records it has."""
        return self.hours * len(RESOURCES)

    @property
    def _month_units(self) -> int:
        """About as many units as a month has of each resource."""
        return min(self.hours, MONTH_HOURS) * _UNITS_MEAN

    @property
    def late_units(self) -> int:
        """Units of a late record: by volume the total then reaches another tier each time."""
        return max(1, self._month_units // 200)

    def borders(self) -> list[int]:
        """Where the tiers of the month end."""
        if self.mode == "graduated":
            return [self._month_units * part // 100 for part in (10, 25, 50, 75)]
        first = self._month_units * 85 // 100
        return [first + number * self.late_units for number in range(TIERS_MAX - 1)]


USER: Final = users_of(1)[0]


def provide_account(folder: Path, shape: AccountShape) -> Place:
    """Write the repos of an account and mirror them, unless the folder already has them."""
    commits = {BOOKS: _books_commits(shape), NODE: _usage_commits(shape)}
    return provide(folder / shape.name, str(shape), commits)


def late_commit(shape: AccountShape, seq: int, hour: int) -> CommitFiles:
    """Make the commit of a record that is late: of an hour that has a charge already."""
    ts = START + timedelta(hours=hour, minutes=30)
    line = usage(seq, USER, ts, RESOURCES[seq % len(RESOURCES)], shape.late_units)
    return segment_commit(START + timedelta(hours=shape.hours, seconds=seq), [line])


def _usage_commits(shape: AccountShape) -> Iterator[CommitFiles]:
    """Yield a commit for each day, with a record of each resource in each of its hours."""
    rng = random.Random(shape.hours)
    lines: list[Usage] = []
    for hour in range(shape.hours):
        first_seq = hour * len(RESOURCES) + 1
        ts = START + timedelta(hours=hour, minutes=1)
        lines += [
            usage(seq, USER, ts, resource, rng.randrange(1, 2 * _UNITS_MEAN))
            for seq, resource in enumerate(RESOURCES, start=first_seq)
        ]
        if len(lines) == _DAY_HOURS * len(RESOURCES) or hour + 1 == shape.hours:
            yield segment_commit(START + timedelta(hours=hour + 1), lines)
            lines = []


def _books_commits(shape: AccountShape) -> Iterator[CommitFiles]:
    rules = {PRICES_PATH: _prices_toml(shape)}
    if shape.has_terms:
        rules[PLANS_PATH] = _PLANS.encode()
    yield rules_commit(rules)
    yield money_commit("payments", START + timedelta(hours=1), [payment(1, USER, START)])
    if shape.has_terms:
        yield money_commit("grants", START + timedelta(hours=2), _grants(shape))


def _grants(shape: AccountShape) -> list[Money]:
    months = range(0, shape.hours, MONTH_HOURS)
    starts = [START + timedelta(hours=first) for first in months]
    length = timedelta(hours=MONTH_HOURS)
    return [
        grant(2, USER, _GRANT_FOR_EVER_USD, (START, None)),
        *(
            grant(seq, USER, _GRANT_USD, (first, first + length))
            for seq, first in enumerate(starts, start=3)
        ),
    ]


def _prices_toml(shape: AccountShape) -> bytes:
    """A price by tiers of the month for every resource; each tier is cheaper than the last."""
    return "\n".join(
        f'[[price]]\nresource = "{resource.name}"\napplies_to = "{resource.applies_to}"\n'
        f'per = {resource.per}\nwindow = "month"\nmode = "{shape.mode}"\n'
        f"from = {TIERS_FROM:%Y-%m-%dT%H:%M:%SZ}\n"
        f"tiers = [{', '.join(_tiers(Decimal(resource.usd), shape.borders()))}]\n"
        for resource in RESOURCES
    ).encode()


def _tiers(usd: Decimal, borders: list[int]) -> Iterator[str]:
    for number, up_to in enumerate(borders):
        yield f'{{ up_to = {up_to}, usd = "{usd * (100 - number) / 100:f}" }}'
    yield f'{{ usd = "{usd / 5:f}" }}'
