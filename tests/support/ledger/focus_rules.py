"""Rules of FOCUS 1.2 about one row and about a whole dataset, as far as they concern the export.

Each is named as the specification's model of rules names it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aggregator.reports.exports.focus.columns import COLUMNS

Row = Mapping[str, Any]

_SOLD: Final = frozenset({"Usage", "Purchase"})
_OF_WHAT_IS_SOLD: Final = (
    *("ContractedUnitPrice", "ListUnitPrice", "PricingCategory", "PricingQuantity", "SkuId"),
    "SkuPriceId",
)
"""ContractedUnitPrice-C-006-C, ListUnitPrice-C-005-C, PricingCategory-C-004-C,
PricingQuantity-C-005-C, SkuId-C-005-C, SkuPriceId-C-005-C."""
_TOGETHER: Final = (
    ("ConsumedQuantity", "ConsumedUnit"),
    ("PricingQuantity", "PricingUnit"),
    ("SkuId", "SkuMeter"),
)
"""ConsumedUnit-C-005/006-C, PricingUnit-C-005/006-C, SkuMeter-C-004/005-C."""
_ONE_FOR_EACH: Final = (
    ("ServiceName", "ServiceCategory"),
    ("ServiceName", "ServiceSubcategory"),
    ("SkuPriceId", "SkuId"),
)
"""ServiceName-C-005-C, ServiceName-C-008-C, SkuPriceId-C-008-M."""
_SUBCATEGORIES: Final = {
    "AI and Machine Learning": {"Generative AI"},
    "Compute": {"Virtual Machines", "Other (Compute)"},
    "Other": {"Other (Other)"},
}
"""ServiceSubcategory-C-004-M: the pairs of the specification that the export uses."""


def assert_follows_focus(rows: Iterable[Row]) -> None:
    """Every row and all of them together follow the rules."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        _assert_row(row)
        for name, other in _ONE_FOR_EACH:
            if row[name] is not None:
                found[name, other, row[name]].add(row[other])
    assert {key: values for key, values in found.items() if len(values) > 1} == {}


def _assert_row(row: Row) -> None:
    for column in COLUMNS:
        value = row[column.name]
        assert value is not None or column.is_nullable, column.name
        assert column.allowed is None or value is None or value in column.allowed, column.name
    category = row["ChargeCategory"]
    for name in _OF_WHAT_IS_SOLD:
        assert row[name] is not None or category not in _SOLD, name
    for name, other in _TOGETHER:
        assert (row[name] is None) == (row[other] is None), name
    assert (row["ConsumedQuantity"] is None) == (category != "Usage")  # ConsumedQuantity-C-004-C
    assert (category, row["ChargeFrequency"]) != ("Purchase", "Usage-Based")
    assert row["ServiceSubcategory"] in _SUBCATEGORIES[row["ServiceCategory"]]
    assert row["BillingPeriodStart"] < row["BillingPeriodEnd"]
    assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]
    if row["SkuPriceDetails"] is not None:
        assert all(key.startswith("x_") for key in json.loads(row["SkuPriceDetails"]))
    if category == "Credit":  # ListCost-C-008-C, ContractedCost-C-008-C, EffectiveCost-C-010-C
        costs = {row[f"{name}Cost"] for name in ("Billed", "Contracted", "Effective", "List")}
        assert len(costs) == 1
