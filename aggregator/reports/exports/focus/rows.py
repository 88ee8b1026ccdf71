"""The rows of the FOCUS export: usage, what promotional grants paid of it, and fees of plans.

    sum of BilledCost = revenue of the period (`aggregator revenue`)

A charge is a row for each part of it that has a price of its own. What a promotional grant or the
credit of a plan paid of a charge is a row of the category Credit, below zero. A fee is a Purchase
at the time of its line. Payments are no charges and have no row.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from aggregator.rating.discounts import Discount
from aggregator.rating.rating import Rater
from aggregator.rating.shares import CostShare, ShareKind
from aggregator.rating.tariff import Tariff
from aggregator.rating.windows import month_of
from aggregator.reports.charges.parts import ChargeParts
from aggregator.reports.exports.focus.columns import (
    COLUMNS,
    CREDIT,
    EXPORT_COLUMNS,
    PURCHASE,
    USAGE,
)
from aggregator.reports.exports.focus.skus import (
    PLANS,
    SERVICES,
    Service,
    Sku,
    fee_sku,
    ratio,
    sku_of,
    whole_sku,
)
from aggregator.reports.exports.table import Export
from aggregator.reports.periods.period import Period
from aggregator.store.questions.exports import WholeCharge
from aggregator.store.store import LedgerStore
from gitmeter.money.plans.periods import terms_of
from gitmeter.money.plans.timeline import PLAN_PROVIDER
from wire_format.instants import DAY_HOURS, HOUR_US, hour_of
from wire_format.lines import Account

_NAMES: Final = tuple(column.name for column in COLUMNS)
_NOTHING: Final = dict.fromkeys(_NAMES)

Row = dict[str, Any]


def focus_export(
    store: LedgerStore, rater: Rater, period: Period, provider: str, account_id: int | None = None
) -> Export:
    """Return the FOCUS dataset of a period: charges by hour, user and resource, then fees by time.

    Args:
        store: the ledger, in the caller's view.
        rater: rates under the rule book in force.
        period: which hours.
        provider: the name of who offers the services, publishes them and issues invoices.
        account_id: the one account; None for all.
    """
    rows = _Rows(store, rater, provider).of(period, account_id)
    return Export(EXPORT_COLUMNS, ([row[name] for name in _NAMES] for row in rows))


class _Rows:
    """Makes rows."""

    def __init__(self, store: LedgerStore, rater: Rater, provider: str) -> None:
        self._store = store
        self._parts = ChargeParts(store, rater)
        self._paid: set[tuple[int, str]] | None = None
        self._skus: dict[tuple[int, ShareKind, int, int], Sku] = {}
        self._same = {
            **_NOTHING,
            "BillingAccountType": "Prepaid account",
            "BillingCurrency": "USD",
            "InvoiceIssuerName": provider,
            "ProviderName": provider,
            "PublisherName": provider,
        }

    def of(self, period: Period, account_id: int | None) -> Iterator[Row]:
        """The rows of a period."""
        for whole in self._store.exports.charges(period.first_hour, period.end_hour, account_id):
            yield from self._usage(whole)
            if whole.drawn_nano:
                yield from self._credits(whole)
        yield from self._fees(period, account_id)

    def _usage(self, whole: WholeCharge) -> Iterator[Row]:
        row = whole.rated.row
        parts = self._parts.of(whole)
        base = {**self._base(whole), "ChargeCategory": USAGE, "PricingCategory": "Standard"}
        if parts.tariff is None or not parts.shares:
            costs = row.list_cost_nano, row.billed_cost_nano
            sku = whole_sku(whole.rated.resource, row.state, row.quantity, *costs)
            whole_share = CostShare(ShareKind.UNITS, 0, *(row.quantity,) * 2, *costs)
            yield _priced(base, sku, whole_share)
            return
        for share in parts.shares:
            yield _priced(base, self._sku(parts.tariff, share, parts.discount), share)

    def _sku(self, tariff: Tariff, share: CostShare, discount: Discount) -> Sku:
        # a rater has one tariff for each price, as long as it lives
        key = id(tariff), share.kind, share.tier, discount.multiplier
        found = self._skus.get(key)
        if found is None:
            found = self._skus[key] = sku_of(tariff, *key[1:])
        return found

    def _credits(self, whole: WholeCharge) -> Iterator[Row]:
        base = self._base(whole)
        for grant, nano in self._store.reports.drawn(whole.rated.row).items():
            if not self._is_paid(whole.rated.row.account_id, grant):
                words = f"{whole.rated.resource}, paid by the grant {grant}"
                yield {
                    **base,
                    **_costs(-nano, -nano),
                    "ChargeCategory": CREDIT,
                    "ChargeDescription": words,
                    "x_GrantId": grant,
                }

    def _is_paid(self, account_id: int, grant: str) -> bool:
        """Whether somebody paid for a grant, so that what it pays is earned."""
        if grant.startswith(f"{PLAN_PROVIDER}:"):
            return False
        if self._paid is None:
            self._paid = self._store.sums.paid_grants()
        return (account_id, grant) in self._paid

    def _base(self, whole: WholeCharge) -> Row:
        """What all rows of a charge have."""
        row, user, resource, _ = whole.rated
        return {
            **self._of_account(user, row.hour),
            **_of_service(SERVICES[row.applies_to]),
            "ChargeFrequency": "Usage-Based",
            "ChargePeriodStart": row.hour * HOUR_US,
            "ChargePeriodEnd": (row.hour + 1) * HOUR_US,
            "SkuId": resource,
            "SkuMeter": resource,
            "x_DiscountCategory": row.applies_to,
            "x_State": str(row.state),
        }

    def _of_account(self, user: str, hour: int) -> Row:
        month = month_of(hour // DAY_HOURS)
        return {
            **self._same,
            "BillingAccountId": user,
            "BillingAccountName": user,
            "BillingPeriodStart": month.first * HOUR_US,
            "BillingPeriodEnd": month.end * HOUR_US,
        }

    def _fees(self, period: Period, account_id: int | None) -> Iterator[Row]:
        found = [
            (line, user)
            for owner, user, lines in self._store.sums.plan_lines()
            if account_id in {None, owner}
            for line in lines
            if period.first_hour <= hour_of(line.ts) < period.end_hour and terms_of(line).fee_nano
        ]
        for line, user in sorted(found, key=lambda each: (each[0].ts, each[0].node, each[0].seq)):
            yield self._fee(line, user)

    def _fee(self, line: Account, user: str) -> Row:
        terms = terms_of(line)
        # the books may take a fee for a plan without an end; no row may be without duration
        until_hour = terms.from_hour + 1 if terms.until_hour is None else terms.until_hour
        base = {
            **self._of_account(user, hour_of(line.ts)),
            **_of_service(PLANS),
            "ChargeCategory": PURCHASE,
            "ChargeFrequency": "Recurring",
            "ChargePeriodStart": terms.from_hour * HOUR_US,
            "ChargePeriodEnd": until_hour * HOUR_US,
            "PricingCategory": "Standard",
            "SkuId": f"plan/{terms.plan}",
            "SkuMeter": f"plan/{terms.plan}",
        }
        sku = fee_sku(terms.plan, terms.instead_of, terms.fee_nano)
        share = CostShare(ShareKind.UNITS, 0, 0, 1, terms.fee_nano, terms.fee_nano)
        return _priced(base, sku, share) | {"ConsumedQuantity": None, "ConsumedUnit": None}


def _of_service(service: Service) -> Mapping[str, str]:
    return {
        "ServiceCategory": service.category,
        "ServiceName": service.name,
        "ServiceSubcategory": service.subcategory,
    }


def _priced(base: Row, sku: Sku, share: CostShare) -> Row:
    return {
        **base,
        **_costs(share.list_cost_nano, share.billed_cost_nano),
        "ChargeDescription": sku.words,
        "ConsumedQuantity": Decimal(share.units),
        "ConsumedUnit": "Units",
        "ContractedUnitPrice": sku.contracted_price,
        "ListUnitPrice": sku.list_price,
        "PricingQuantity": ratio(share.priced, sku.per),
        "PricingUnit": sku.unit,
        "SkuPriceDetails": sku.details,
        "SkuPriceId": sku.price_id,
    }


def _costs(list_nano: int, billed_nano: int) -> Mapping[str, int]:
    """The four costs: the discount is in the contracted price, and nothing is amortised."""
    return {
        "ListCost": list_nano,
        "ContractedCost": billed_nano,
        "BilledCost": billed_nano,
        "EffectiveCost": billed_nano,
    }
