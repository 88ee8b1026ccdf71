"""The columns of FOCUS 1.2 that the export has, and what may be in them.

Source: FinOps Open Cost and Usage Specification 1.2, https://focus.finops.org/focus-specification.
Columns that the specification requires only of providers with commitment discounts, capacity
reservations, regions, sub accounts or several pricing currencies are left out, but for one that is
always null: the validator of the FinOps Foundation asks for it. Columns of our own begin with `x_`,
as the specification wants.
"""

from typing import Final, NamedTuple

from aggregator.reports.exports.table import ExportColumn, Kind


class FocusColumn(NamedTuple):
    """A column.

    Attributes:
        name: its name in FOCUS.
        kind: what its values are.
        is_nullable: whether a row may have none.
        allowed: the values that are allowed; None for any.
    """

    name: str
    kind: Kind
    is_nullable: bool = False
    allowed: frozenset[str] | None = None


USAGE: Final = "Usage"
PURCHASE: Final = "Purchase"
CREDIT: Final = "Credit"
_CATEGORIES: Final = frozenset({USAGE, PURCHASE, CREDIT, "Tax", "Adjustment"})
_FREQUENCIES: Final = frozenset({"One-Time", "Recurring", "Usage-Based"})
_PRICING: Final = frozenset({"Standard", "Dynamic", "Committed", "Other"})

COLUMNS: Final = (
    FocusColumn("BilledCost", "nano"),
    FocusColumn("BillingAccountId", "text"),
    FocusColumn("BillingAccountName", "text"),
    FocusColumn("BillingAccountType", "text"),
    FocusColumn("BillingCurrency", "text"),
    FocusColumn("BillingPeriodEnd", "instant"),
    FocusColumn("BillingPeriodStart", "instant"),
    FocusColumn("ChargeCategory", "text", allowed=_CATEGORIES),
    FocusColumn("ChargeClass", "text", is_nullable=True, allowed=frozenset({"Correction"})),
    FocusColumn("ChargeDescription", "text"),
    FocusColumn("ChargeFrequency", "text", allowed=_FREQUENCIES),
    FocusColumn("ChargePeriodEnd", "instant"),
    FocusColumn("ChargePeriodStart", "instant"),
    FocusColumn("CommitmentDiscountStatus", "text", is_nullable=True),
    FocusColumn("ConsumedQuantity", "decimal", is_nullable=True),
    FocusColumn("ConsumedUnit", "text", is_nullable=True),
    FocusColumn("ContractedCost", "nano"),
    FocusColumn("ContractedUnitPrice", "price", is_nullable=True),
    FocusColumn("EffectiveCost", "nano"),
    FocusColumn("InvoiceId", "text", is_nullable=True),
    FocusColumn("InvoiceIssuerName", "text"),
    FocusColumn("ListCost", "nano"),
    FocusColumn("ListUnitPrice", "price", is_nullable=True),
    FocusColumn("PricingCategory", "text", is_nullable=True, allowed=_PRICING),
    FocusColumn("PricingQuantity", "decimal", is_nullable=True),
    FocusColumn("PricingUnit", "text", is_nullable=True),
    FocusColumn("ProviderName", "text"),
    FocusColumn("PublisherName", "text"),
    FocusColumn("ServiceCategory", "text"),
    FocusColumn("ServiceName", "text"),
    FocusColumn("ServiceSubcategory", "text"),
    FocusColumn("SkuId", "text", is_nullable=True),
    FocusColumn("SkuMeter", "text", is_nullable=True),
    FocusColumn("SkuPriceDetails", "text", is_nullable=True),
    FocusColumn("SkuPriceId", "text", is_nullable=True),
    FocusColumn("x_DiscountCategory", "text", is_nullable=True),
    FocusColumn("x_GrantId", "text", is_nullable=True),
    FocusColumn("x_State", "text", is_nullable=True),
)

EXPORT_COLUMNS: Final = tuple(ExportColumn(column.name, column.kind) for column in COLUMNS)
