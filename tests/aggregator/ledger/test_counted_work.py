"""How many charges of a window are read and written when another record arrives."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.store.charges.charge_rows import ChargeRow, ChargeRows
from aggregator.store.charges.series_rows import CountedCharge, Series, SeriesRows
from gitmeter.money.granted import Hours
from tests.support.ledger.counted_account import GRADUATED, VOLUME, CountedAccount
from tests.support.ledger.terms_world import TermsWorld
from tests.support.ledger.world import World
from tests.support.priced import Form, package, price


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many charges of series were read, and how many rows written, since it was cleared."""
    rows: dict[str, int] = defaultdict(int)
    read, last, save = SeriesRows.charges, SeriesRows.last_before, SeriesRows.save
    write = ChargeRows.save

    def charges_read(self: SeriesRows, series: Series, hours: Hours) -> list[CountedCharge]:
        found = read(self, series, hours)
        rows["read"] += len(found)
        return found

    def last_read(self: SeriesRows, series: Series, hour: int) -> CountedCharge | None:
        rows["read"] += 1
        return last(self, series, hour)

    def counts_written(self: SeriesRows, series: Series, counts: Any) -> None:  # noqa: ANN401 - rows
        listed = list(counts)
        rows["counts"] += len(listed)
        save(self, series, listed)

    def charges_written(self: ChargeRows, saved: Iterator[ChargeRow]) -> None:
        listed = list(saved)
        rows["hours"] += len({row.hour for row in listed})
        write(self, listed)

    monkeypatch.setattr(SeriesRows, "charges", charges_read)
    monkeypatch.setattr(SeriesRows, "last_before", last_read)
    monkeypatch.setattr(SeriesRows, "save", counts_written)
    monkeypatch.setattr(ChargeRows, "save", charges_written)
    return rows


@pytest.mark.parametrize(
    "given", [GRADUATED, price(**package(10, "7"), window="month")], ids=["graduated", "package"]
)
def test_in_the_usual_order_nothing_but_the_new_charge_is_read_or_written(
    world: World, touched: dict[str, int], given: Form
) -> None:
    """However many hours the window has by then: one is read beside it, for its count."""
    account = CountedAccount(world, given)
    account.use({f"2025-03-{day:02}T{hour:02}": 1 for day in range(1, 11) for hour in range(24)})
    touched.clear()
    account.use({"2025-03-20T00": 1})
    assert touched["read"] == 2
    assert touched["counts"] == 1
    assert touched["hours"] == 2  # the new row, then its cost
    account.check()


def test_a_price_by_volume_reads_its_window_and_writes_what_it_moves(
    world: World, touched: dict[str, int]
) -> None:
    """Nothing but the new charge as long as the total stays in its tier."""
    account = CountedAccount(world, VOLUME)
    account.use({f"2025-03-01T{hour:02}": 1 for hour in range(18)} | {"2025-02-01T00": 1})
    touched.clear()
    account.use({"2025-03-20T00": 1})
    assert touched["read"] == 20  # and one of February, for nothing
    assert (touched["counts"], touched["hours"]) == (1, 2)
    touched.clear()
    account.use({"2025-03-20T01": 2})
    assert (touched["counts"], touched["hours"]) == (1, 21)
    account.check()


PRO = b"""\
[[plan]]
name = "pro"
from = 2026-01-01T00:00:00Z
cycle_hours = 240
fee_usd = "30.00"

[[plan.meter]]
name = "search"
match = ["search/*"]
included = 20
beyond = "bill"
"""


def test_a_plan_of_others_costs_an_account_without_one_no_look_at_other_charges(
    tmp_path: Path, touched: dict[str, int]
) -> None:
    """Nothing is read beside the new charge, which is written once."""
    world = TermsWorld(tmp_path, PRO)
    world.pay_in("100.00", user="bob")
    world.plan("pro", fee="30.00", user="bob")
    world.pull()
    for units in (5, 6):
        touched.clear()
        world.use(units)
        world.later(hours=1)
        world.pull()
        assert touched == {"hours": 1}


def test_a_plan_that_is_told_late_includes_what_was_used_without_it(tmp_path: Path) -> None:
    """Its charges were kept in their series meanwhile."""
    world = TermsWorld(tmp_path, PRO)
    begun = world.now
    world.later(hours=2)
    world.use(25)
    world.pull()
    assert _quantities(world) == [(25, 0)]
    world.now = begun
    world.pay_in("100.00")
    world.plan("pro", fee="30.00")
    world.pull()
    assert _quantities(world) == [(25, 20)]
    assert world.digest() == world.rebuilt_digest()


def _quantities(world: World) -> list[tuple[int, int]]:
    """Units of each charge of alice, and those that are included."""
    found = world.run("charges", "alice", "--json").ok().json
    return [(charge["quantity"], charge["included"]) for charge in found]
