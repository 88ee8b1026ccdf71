"""The FOCUS export: a real bill comes out as it was, tiers and packages are rows of their own."""

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.rating.rating import Rater
from aggregator.reports.exports.focus.rows import focus_export
from aggregator.reports.periods.period import parse_period
from fixtures import data
from fixtures.make_demo_rules import PRICES_FILE
from tests.aggregator.rating.test_oracles import deliver
from tests.support.ledger.focus_rules import assert_follows_focus
from tests.support.ledger.tiers_world import tiers_world
from tests.support.ledger.told_exports import rows_of
from tests.support.ledger.world import World
from wire_format.instants import HOUR_US, hour_of, parse_ts
from wire_format.money import NANO

_NOW: Final = datetime(2026, 11, 30, tzinfo=UTC)
_NANO_DOLLAR: Final = Decimal(1) / NANO


def focus_rows(world: World, period: str) -> list[dict[str, Any]]:
    with world.reading() as store, store.view():
        rater = Rater(rule_book_in_force(store))
        export = focus_export(store, rater, parse_period(period, _NOW), "Example")
        return rows_of(export)


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    world = World(tmp_path_factory.mktemp("bill"))
    world.rules(PRICES_FILE.read_bytes())
    deliver(world, "aws", data.AWS)
    world.pull()
    return focus_rows(world, "2024-09")


def test_a_real_bill_comes_out_as_it_was(bill: list[dict[str, Any]]) -> None:
    """Column by column: account, SKU, hour, quantity, list price and both costs of 925 lines.

    Lines of one account and SKU in one hour are one charge; costs are within a nano-dollar of the
    sum of the lines, whose bill has eleven decimals.
    """
    lines: dict[tuple[str, str, int], list[dict[str, str]]] = defaultdict(list)
    for line in data.focus_expected():
        key = line["user"], line["resource"], hour_of(parse_ts(line["ts"])) * HOUR_US
        lines[key].append(line)
    assert len(bill) == len(lines) == 900
    for row in bill:
        of = lines[row["BillingAccountId"], row["SkuId"], row["ChargePeriodStart"]]
        assert row["PricingQuantity"] == sum(Decimal(line["PricingQuantity"]) for line in of)
        assert {row["ListUnitPrice"]} == {Decimal(line["ListUnitPrice"]) for line in of}
        cost = sum(Decimal(line["ListCost"]) for line in of)
        for name in ("ListCost", "ContractedCost", "BilledCost", "EffectiveCost"):
            assert abs(Decimal(row[name]) / NANO - cost) <= _NANO_DOLLAR
        assert row["ChargePeriodEnd"] - row["ChargePeriodStart"] == HOUR_US


def test_what_the_bill_does_not_say_is_what_focus_asks_for(bill: list[dict[str, Any]]) -> None:
    assert_follows_focus(bill)
    assert {row["ChargeCategory"] for row in bill} == {"Usage"}
    assert {(row["PricingUnit"], row["ConsumedUnit"]) for row in bill} == {
        ("100000000000 Units", "Units")
    }


def test_tiers_packages_and_flat_fees_are_rows_with_prices_of_their_own(tmp_path: Path) -> None:
    """130 units in two hours over a border of 100, a flat fee with the first unit beyond it.

    Of a volume price all units have the tier that the day ends in; of packages those that begin.
    """
    rows = focus_rows(tiers_world(tmp_path), "2025-01-01")
    assert_follows_focus(rows)
    assert sorted(map(_told, rows)) == [
        ("01 a/graduated, tier 1", "90", "9 10 Units x 2.00", 18),
        ("01 b/volume, tier 2", "8", "8 Units x 0.30", Decimal("2.4")),
        ("01 c/package", "1", "1 1000 Unit Packages x 0.40", Decimal("0.4")),
        ("02 a/graduated, tier 1", "10", "1 10 Units x 2.00", 2),
        ("02 a/graduated, tier 2", "30", "3 10 Units x 1.00", 3),
        ("02 a/graduated, tier 2, flat fee", "0", "1 Tiers x 5.00", 5),
        ("02 b/volume, tier 2", "4", "4 Units x 0.30", Decimal("1.2")),
        ("02 c/package", "999", "0 1000 Unit Packages x 0.40", 0),
        ("02 d/unpriced", "3", "3 Units x 0", 0),
    ]


def _told(row: dict[str, Any]) -> tuple[str, str, str, Decimal]:
    hour = row["ChargePeriodStart"] // HOUR_US % 24
    return (
        f"{hour:02d} {row['ChargeDescription']}",
        f"{row['ConsumedQuantity']:f}",
        f"{row['PricingQuantity']:f} {row['PricingUnit']} x {row['ListUnitPrice']}",
        Decimal(row["ListCost"]) / NANO,
    )
