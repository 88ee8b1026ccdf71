"""What exports of a ledger say, held against the answer to a case and against its reports."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.rating.discounts import DiscountLadder
from aggregator.rating.rating import Rater
from aggregator.reports.exports.charges import charges_export
from aggregator.reports.exports.focus.rows import focus_export
from aggregator.reports.exports.table import Export
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.revenue import revenue_report
from aggregator.store.store import LedgerStore
from tests.support.ledger.focus_rules import assert_follows_focus
from wire_format.instants import HOUR_US, hour_of, parse_ts
from wire_format.money import NANO

_LAST_PLACE: Final = Decimal("1e-15")


def rows_of(export: Export) -> list[dict[str, Any]]:
    """The rows of an export by the names of its columns."""
    names = [column.name for column in export.columns]
    return [dict(zip(names, row, strict=True)) for row in export.rows]


def assert_exports_add_up(store: LedgerStore, expected: Mapping[str, Any], period: Period) -> None:
    """Charges are those of the answer one by one, and FOCUS has them, in parts, to the nano."""
    with store.view():
        book = rule_book_in_force(store)
        charges = rows_of(charges_export(store, DiscountLadder(book.ladders), period))
        order = [(row["hour"], row["user"], row["resource"], row["applies_to"]) for row in charges]
        assert order == sorted(order)
        told = dict(zip(order, charges, strict=True))
        assert {key: _of_charge(row) for key, row in told.items()} == _expected(expected, period)
        rows = rows_of(focus_export(store, Rater(book), period, "Example"))
        assert_follows_focus(rows)
        _assert_parts(told, [row for row in rows if row["ChargeCategory"] == "Usage"])
        report = revenue_report(store, period, "user")
        revenue_nano = sum(row[-1] for row in report.rows)
        assert sum(row["BilledCost"] for row in rows) == revenue_nano == report.total[-1]


def _of_charge(row: Mapping[str, Any]) -> tuple[Any, ...]:
    assert row["billed_cost_usd"] == row["drawn_usd"] + row["uncovered_usd"]
    assert row["list_cost_usd"] == row["billed_cost_usd"] + row["discount_usd"]
    return row["quantity"], row["included"], row["list_cost_usd"], row["billed_cost_usd"]


def _expected(expected: Mapping[str, Any], period: Period) -> dict[Any, Any]:
    found = {}
    for charge in (*expected["charges"], *expected["unpriced"]):
        hour = hour_of(parse_ts(charge["hour"]))
        if period.first_hour <= hour < period.end_hour:
            key = hour * HOUR_US, charge["user"], charge["resource"], charge["applies_to"]
            costs = charge.get("list_nano", 0), charge.get("billed_nano", 0)
            found[key] = charge["quantity"], charge["included"], *costs
    return found


def _assert_parts(told: Mapping[Any, Mapping[str, Any]], rows: list[dict[str, Any]]) -> None:
    """The rows of a charge add up to it, and each is its price times its quantity."""
    sums: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        key = (
            *(row["ChargePeriodStart"], row["BillingAccountId"], row["SkuId"]),
            row["x_DiscountCategory"],
        )
        for at, name in enumerate(("ConsumedQuantity", "ListCost", "BilledCost")):
            sums[key][at] += row[name]
        if row["x_State"] == "rated":
            for price, cost in (("List", "ListCost"), ("Contracted", "ContractedCost")):
                exact = row[f"{price}UnitPrice"] * row["PricingQuantity"] * NANO
                # a quantity of 3 units at a price for 7 is rounded to 15 decimals
                rounded = row[f"{price}UnitPrice"] * _LAST_PLACE * NANO
                assert abs(row[cost] - exact) <= 1 + rounded
    names = ("quantity", "list_cost_usd", "billed_cost_usd")
    assert {key: tuple(found) for key, found in sums.items()} == {
        key: tuple(row[name] for name in names) for key, row in told.items()
    }
