"""Charges of which units are counted on over a window: what arrives late, again, or is changed.

After each step the ledger says what the pure rules say of all records together, a ledger that is
made again has the same digest, and `verify` finds nothing.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.ledger.counted_account import (
    GRADUATED,
    VOLUME,
    CountedAccount,
    counted_line,
)
from tests.support.ledger.told_case import charges
from tests.support.ledger.world import World
from tests.support.priced import Form, package, price, tiers
from tests.support.repos import decision_line
from tests.support.strategies import DEFAULT_LADDER, discounts_toml
from wire_format.money import NANO

FALLING: Final = discounts_toml([DEFAULT_LADDER])
FIRST, SECOND, THIRD, APRIL = (
    *("2025-03-01T00", "2025-03-10T05", "2025-03-31T23"),
    "2025-04-01T00",
)
SINCE, UNTIL = {"from": "2025-03-05T00:00:00Z"}, {"until": "2025-03-31T00:00:00Z"}
MIDDLE: Final = {"from": "2025-03-10T05:00:00Z"}
CHANGES: Final[dict[str, tuple[Form, ...]]] = {
    "to volume": (VOLUME,),
    "to days": ({**GRADUATED, "window": "day"},),
    "of borders": (price(**tiers("graduated", (8, "9", "1"), (None, "2", "3")), window="month"),),
    "to volume from the middle": (GRADUATED, {**VOLUME, **MIDDLE}),
    "to hours from the middle": (GRADUATED, {**GRADUATED, **MIDDLE, "window": "hour"}),
    "a rate of the account": (GRADUATED, price(usd="3", user="alice", **SINCE)),
    "a volume of the account, until": (GRADUATED, {**VOLUME, **SINCE, **UNTIL, "user": "alice"}),
    "a rate of another account": (GRADUATED, price(usd="3", user="bob")),
    "to none": (),
}
MONTH: Final = {FIRST: 6, SECOND: 6, THIRD: 6, APRIL: 6}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# late records


def test_a_late_record_moves_later_hours_of_its_window_alone(world: World) -> None:
    """Of tiers and of packages; what was closed before it keeps its cost, and so has April."""
    account = CountedAccount(world, GRADUATED)
    account.use(MONTH)
    before = {FIRST: (0, 60), SECOND: (6, 42), THIRD: (12, 6), APRIL: (0, 60)}
    assert account.costs() == before
    account.use({"2025-03-05T12": 3})
    assert account.costs() == {
        **before,
        "2025-03-05T12": (6, 30),
        SECOND: (9, 15),
        THIRD: (15, 6),
    }
    account.check()
    account.rule(price(**package(10, "7"), window="month"))
    assert [cost for _, cost in account.costs().values()] == [7, 0, 7, 7, 7]
    account.use({"2025-03-01T01": 2})
    assert [cost for _, cost in account.costs().values()] == [7, 0, 7, 0, 14 - 7, 7]
    account.check()


def test_under_a_price_by_volume_a_late_record_moves_its_whole_window(world: World) -> None:
    """Every unit has the rate of the tier that the window's total reaches."""
    account = CountedAccount(world, VOLUME)
    account.use(MONTH)
    assert account.costs() == {FIRST: (0, 64), SECOND: (6, 60), THIRD: (12, 60), APRIL: (0, 64)}
    account.use({"2025-03-20T00": 3})
    late = {"2025-03-20T00": (12, 3), THIRD: (15, 6)}
    assert account.costs() == {FIRST: (0, 14), SECOND: (6, 6), **late, APRIL: (0, 64)}
    account.check()


def test_the_flat_fee_moves_to_a_late_record_that_is_the_first_of_its_window(world: World) -> None:
    account = CountedAccount(world, VOLUME)
    account.use({SECOND: 6})
    account.use({FIRST: 6})
    assert account.costs() == {FIRST: (0, 64), SECOND: (6, 60)}
    account.check()


def test_a_record_goes_on_from_hours_of_another_window(world: World) -> None:
    """What the last charge counted before it is then not what the month did."""
    april = price(usd="1", **{"from": "2025-04-01T00:00:00Z"})
    account = CountedAccount(world, price(usd="10"), {**GRADUATED, **MIDDLE}, april)
    account.use({"2025-03-06T00": 3, "2025-03-07T00": 4})
    account.use({SECOND: 6})
    assert account.costs()[SECOND] == (7, 33)
    account.use({THIRD: 1})
    assert account.costs()[THIRD] == (13, 1)
    account.use({APRIL: 5})
    assert account.costs()[APRIL] == (0, 5)
    account.check()


# rule books


def test_windows_begin_and_end_with_the_rule_book(world: World) -> None:
    """Series are kept as long as a price counts on: then, and from the past on, as if ever."""
    account = CountedAccount(world, price(usd="10"))
    account.use(MONTH)
    assert counted_rows(world) == 0
    account.check()
    account.rule(price(usd="10"), {**GRADUATED, "from": "2025-03-10T00:00:00Z"})
    assert account.costs()[SECOND] == (6, 42)
    assert counted_rows(world) == 4
    account.check()
    account.rule(GRADUATED)
    account.use({"2025-03-02T00": 1})
    account.check()
    account.rule(price(usd="10"))
    assert counted_rows(world) == 0
    account.check()


def counted_rows(world: World) -> int:
    with closing(sqlite3.connect(world.config.database_path)) as connection:
        (found,) = connection.execute("SELECT count(*) FROM counted").fetchone()
    return int(found)


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_past_rates_every_hour_that_it_moves(
    world: World, changed: tuple[Form, ...]
) -> None:
    """And the change back leaves what there was."""
    account = CountedAccount(world, GRADUATED)
    account.use(MONTH)
    before = world.digest()
    account.rule(*changed)
    account.check()
    account.rule(GRADUATED)
    account.check()
    assert account.costs()[SECOND] == (6, 42)
    assert world.digest() == before


def test_a_ladder_and_a_tenure_that_change_rate_series_again(world: World) -> None:
    """List costs stay; billed costs are differences under the multiplier of each hour."""
    account = CountedAccount(world, GRADUATED)
    account.use(MONTH)
    listed = account.costs()
    account.rule(GRADUATED, discounts=FALLING)
    account.check()
    account.pay("2025-02-28T00")
    account.check()
    assert account.costs() == listed
    assert [c["billed_nano"] // NANO for c in charges(world)[0]] == [60, 21, 1, 15]
    account.rule(GRADUATED)
    account.check()
    account.rule(VOLUME, discounts=FALLING)
    account.check()


def test_a_charge_that_is_billed_above_its_list_cost_is_kept(world: World) -> None:
    """By the one nano-dollar that two roundings can make."""
    account = CountedAccount(world, price(usd="0.0000000001", window="month"))
    account.rule(*account.prices, discounts=FALLING)
    account.pay("2025-02-20T00")
    account.use({FIRST: 9, SECOND: 2})
    costs = [(each["list_nano"], each["billed_nano"]) for each in charges(world)[0]]
    assert costs == [(1, 0), (0, 1)]
    account.check()


# what becomes less


def test_units_that_are_taken_off_move_later_hours(world: World) -> None:
    """By corrections down to nothing, and where no record is left."""
    account = CountedAccount(world, GRADUATED)
    account.use(MONTH)
    ts = f"{FIRST}:30:00Z"
    world.usage(counted_line(seq=5, ts=ts, units=-6, corrects=1, reason="counted twice"))
    account.units[FIRST] = 0
    world.pull()
    assert account.costs() == {FIRST: (0, 0), SECOND: (0, 60), THIRD: (6, 42), APRIL: (0, 60)}
    account.check()
    out = decision_line(kind="exclude", of="node-1", of_seq=2)
    world.decide(out)
    world.pull()
    del account.units[SECOND]
    assert account.costs() == {FIRST: (0, 0), THIRD: (0, 60), APRIL: (0, 60)}
    account.check()
    world.decide(decision_line(kind="withdraw", refers_to=1, seq=2))
    world.pull()
    account.units[SECOND] = 6
    account.check()


def test_a_price_by_volume_follows_a_window_whose_first_hour_is_gone(world: World) -> None:
    """The flat fee is the next hour's then."""
    account = CountedAccount(world, VOLUME)
    account.use(MONTH)
    world.decide(decision_line(kind="exclude", of="node-1", of_seq=1))
    world.pull()
    del account.units[FIRST]
    assert account.costs()[SECOND] == (0, 64)
    account.check()


# limits


def test_units_beyond_64_bits_are_counted_on(world: World) -> None:
    """Hours of 2**65 units, one after the other."""
    cheap = {"up_to": 10**18, "usd": "0.1"}, {"usd": "0.05"}
    account = CountedAccount(world, price(tiers=list(cheap), per=10**18, window="month"))
    most, lines = 2**53 - 1, 4096
    for number, hour in enumerate((SECOND, THIRD, FIRST)):
        seqs = range(number * lines + 1, (number + 1) * lines + 1)
        world.usage(*(counted_line(seq=seq, ts=f"{hour}:30:00Z", units=most) for seq in seqs))
        account.units[hour] = lines * most
        world.pull()
    assert account.costs()[THIRD][0] == 2 * lines * most > 2**65
    account.check()


def test_the_limit_of_a_charge_is_that_of_its_own_units(world: World) -> None:
    """Not of all that the window has cost so far."""
    world.settings["charge_cost_max_usd"] = 100
    falling = tiers("graduated", (20, "9", "0"), (None, "5", "0"))
    account = CountedAccount(world, price(**falling, window="month"))
    account.use({FIRST: 10})
    account.use({SECOND: 9})
    assert account.costs() == {FIRST: (0, 90), SECOND: (10, 81)}
    account.use({THIRD: 11})
    account.use({THIRD: 11})
    assert account.costs()[THIRD] == (19, 100)  # 9 and 21 times 5 are 114
    (*_, last) = world.charges()
    assert last["state"] == "overflow"
    account.check(cost_max_nano=100 * NANO)
    account.use({"2025-03-31T22": 1})
    assert account.costs()[THIRD] == (20, 100)
    account.check(cost_max_nano=100 * NANO)


def test_a_record_is_held_by_its_own_cost_wherever_in_its_window_it_lies(world: World) -> None:
    """So that which records are held depends on them and the rule book alone."""
    world.settings["charge_cost_max_usd"] = 100
    falling = tiers("graduated", (10, "9", "0"), (None, "1", "0"))
    account = CountedAccount(world, price(**falling, window="month"))
    account.use({FIRST: 10})
    account.use({SECOND: 20})
    account.use({THIRD: 21})
    del account.units[THIRD]
    assert account.costs() == {FIRST: (0, 90), SECOND: (10, 20)}
    assert [(held["seq"], held["reason"]) for held in world.held()] == [(3, "beyond_limit")]
    account.check(cost_max_nano=100 * NANO)


def test_by_volume_a_record_can_be_too_dear_in_a_charge_that_is_not(world: World) -> None:
    """More units can cost less; which lines are held then follows from the book all the same."""
    world.settings["charge_cost_max_usd"] = 100
    account = CountedAccount(world, price(usd="1"))
    account.use({FIRST: 5})
    account.use({FIRST: 1})
    account.rule(price(**tiers("volume", (5, "30", "0"), (None, "1", "0")), window="month"))
    assert {held["seq"] for held in world.held()} == {1}
    account.units[FIRST] = 1
    account.check(cost_max_nano=100 * NANO)


# the proof


@pytest.mark.parametrize("column", ["before", "included"])
def test_a_wrong_count_is_found(world: World, column: str) -> None:
    """Also where the costs are right: the next record would go on from it."""
    account = CountedAccount(world, GRADUATED)
    account.use(MONTH)
    assert world.verify().matches
    with closing(sqlite3.connect(world.config.database_path)) as connection, connection:
        connection.execute(f"UPDATE counted SET {column} = 7 WHERE before = 6")  # noqa: S608 - a name
    found = world.verify()
    assert not found.matches
    assert {difference.section for difference in found.differences} == {"counted"}
    assert account.costs() != {}
