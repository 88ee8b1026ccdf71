"""Each rule about windows, tiers and prices of one account, broken on purpose, is found.

By a difference between the ledger and the naive reference; unbroken there is none, and a ledger
that is made again has the same digest.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from tests.aggregator.money import broken_prices as broken
from tests.aggregator.money.test_told_charges import without_plans
from tests.support.ledger.told_case import charges, committing, tell, world_of
from tests.support.ledger.world import World
from tests.support.money_cases import Case
from tests.support.money_story import Story
from tests.support.naive.answers import answer
from tests.support.naive.cases import random_case
from tests.support.priced import RESOURCE, Form, price, tiers
from wire_format.instants import parse_ts

Patch = pytest.MonkeyPatch

BORDERS = tiers("graduated", (5, "2", "0"), (None, "0.5", "1"))
GRADUATED = price(**BORDERS, window="month")
FROM_THE_15TH = {"from": "2026-11-15T00:00:00Z"}
FIRST_COMMIT = datetime(2026, 12, 2, tzinfo=UTC)


def told(prices: tuple[Form, ...], *uses: tuple[str, int], user: str = "alice") -> Case:
    """Uses of one account, by hour and units, each in a commit, in the order of arrival."""
    story = Story()
    story.prices = list(prices)
    used: Form = {"type": "usage", "user": user, "resource": RESOURCE, "applies_to": "vm"}
    for number, (hour, units) in enumerate(uses, start=1):
        committed = FIRST_COMMIT + timedelta(hours=number)
        at = parse_ts(f"{hour}:00:00Z")
        story.line("n1", at, committed=committed, quantity=units, **used)
    return story.case()


def in_order() -> Case:
    """Records come in the order of their hours, each with its own pull."""
    return told((GRADUATED,), ("2026-11-01T00", 4), ("2026-11-02T00", 4), ("2026-11-30T23", 4))


def a_late_record() -> Case:
    """The first hour of the window comes last."""
    return told((GRADUATED,), ("2026-11-02T00", 4), ("2026-11-03T00", 4), ("2026-11-01T00", 4))


def a_price_that_changes() -> Case:
    """In the middle of the month, with a count beyond the border."""
    prices = GRADUATED, {**GRADUATED, **FROM_THE_15TH}
    return told(prices, ("2026-11-14T23", 6), ("2026-11-15T00", 4))


def volume() -> Case:
    """The total reaches the second tier with the last record."""
    prices = (price(**{**BORDERS, "mode": "volume"}, window="month"),)
    return told(prices, ("2026-11-01T00", 3), ("2026-11-02T00", 3))


def below_half_a_nano() -> Case:
    """Three records in one hour, none of which costs a nano-dollar."""
    prices = (price(usd="0.0000000004", window="month"),)
    return told(prices, *[("2026-11-01T00", 1)] * 3)


def half_a_nano() -> Case:
    """Three hours of half a nano-dollar."""
    prices = (price(usd="0.0000000005", window="month"),)
    return told(prices, *((f"2026-11-0{day}T00", 1) for day in (1, 2, 3)))


def around_the_month() -> Case:
    """The last hours of a month of 31 days, the first ones of the next, and its last ones."""
    hours = ("2026-10-31T22", "2026-11-01T00", "2026-11-30T20", "2026-11-30T22")
    return told((GRADUATED,), *((hour, 4) for hour in hours))


def around_midnight() -> Case:
    """Evening, and the morning after it."""
    prices = (price(**BORDERS, window="day"),)
    return told(prices, *((f"2026-11-{hour}", 4) for hour in ("09T20", "09T22", "10T00")))


def a_price_of_the_account() -> Case:
    """For one day, and usage before, in and after it."""
    own = price(
        usd="7", user="alice", **{"from": "2026-11-10T00:00:00Z", "until": "2026-11-11T00:00:00Z"}
    )
    hours = ("2026-11-09T23", "2026-11-10T00", "2026-11-10T23", "2026-11-11T00")
    return told((price(usd="1"), own), *((hour, 1) for hour in hours))


def a_price_of_another_account() -> Case:
    """It is not bob's."""
    own = price(usd="7", user="alice")
    return told((price(usd="1"), own), ("2026-11-09T23", 1), user="bob")


class BrokenPrice(NamedTuple):
    """What is broken, and the case that finds it."""

    breaks: Callable[[Patch], None]
    found_by: Callable[[], Case]


BROKEN = (
    BrokenPrice(broken.tiers_by_batch, in_order),
    BrokenPrice(broken.a_price_begins_a_window, a_price_that_changes),
    BrokenPrice(broken.tiers_by_arrival, a_late_record),
    BrokenPrice(broken.later_hours_stay, a_late_record),
    BrokenPrice(broken.volume_as_known_at_arrival, volume),
    BrokenPrice(broken.each_record_is_rounded, below_half_a_nano),
    BrokenPrice(broken.the_difference_is_rounded, half_a_nano),
    BrokenPrice(broken.months_of_thirty_days, around_the_month),
    BrokenPrice(broken.months_of_a_local_calendar, around_the_month),
    BrokenPrice(broken.days_of_a_local_calendar, around_midnight),
    BrokenPrice(broken.own_prices_do_not_end, a_price_of_the_account),
    BrokenPrice(broken.own_prices_are_for_all, a_price_of_another_account),
    BrokenPrice(broken.all_units_at_the_rate_of_the_last, in_order),
)
CASES = tuple(dict.fromkeys(each.found_by for each in BROKEN))


def differs(world: World, case: Case) -> bool:
    """Whether a ledger that reads each commit as it comes charges otherwise than the reference."""
    for _ in committing(world, case):
        world.pull()
    expected = answer(case)
    return charges(world) != (expected["charges"], expected["unpriced"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_unbroken_a_ledger_charges_what_the_reference_does(
    case: Callable[[], Case], tmp_path: Path
) -> None:
    world = World(tmp_path)
    assert not differs(world, case())
    assert world.digest() == world.rebuilt_digest()


@pytest.mark.parametrize("each", BROKEN, ids=lambda each: each.breaks.__name__)
def test_a_broken_rule_is_found(each: BrokenPrice, tmp_path: Path, monkeypatch: Patch) -> None:
    each.breaks(monkeypatch)
    assert differs(World(tmp_path), each.found_by())


SEEDS: Final = (134, 150, 385, 5, 89)
"""Of random cases that are small, and that find every broken rule between them."""


def differs_at_random(seed: int) -> bool:
    """Whether a ledger that pulls now and then charges otherwise than the reference says."""
    case = without_plans(random_case(Random(seed)))
    expected = answer(case)
    with world_of(case) as world:
        tell(world, case, Random(seed), often=1 / 3)
        return charges(world) != (expected["charges"], expected["unpriced"])


@pytest.mark.parametrize("seed", SEEDS)
def test_unbroken_random_cases_come_out_as_the_reference_says(seed: int) -> None:
    assert not differs_at_random(seed)


@pytest.mark.parametrize("each", BROKEN, ids=lambda each: each.breaks.__name__)
def test_a_broken_rule_is_found_by_random_cases_too(each: BrokenPrice, monkeypatch: Patch) -> None:
    """So they reach every rule, without a case made for it."""
    each.breaks(monkeypatch)
    assert any(map(differs_at_random, SEEDS))


def test_what_arrival_decides_is_another_ledger_when_it_is_made_again(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    """So `verify` would find a ledger that looked at the order of arrival."""
    broken.later_hours_stay(monkeypatch)
    world = World(tmp_path)
    differs(world, a_late_record())
    assert world.digest() != world.rebuilt_digest()
