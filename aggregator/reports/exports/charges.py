"""Every charge as a row: what `aggregator charges` shows of one account, for all of them."""

from collections.abc import Iterator
from typing import Any, Final

from aggregator.rating.discounts import DiscountLadder
from aggregator.reports.accounts import format_multiplier
from aggregator.reports.exports.table import Export, ExportColumn
from aggregator.reports.periods.period import Period
from aggregator.store.store import LedgerStore
from wire_format.instants import HOUR_US

_COLUMNS: Final = (
    ExportColumn("hour", "instant"),
    ExportColumn("user", "text"),
    ExportColumn("resource", "text"),
    ExportColumn("applies_to", "text"),
    ExportColumn("quantity", "units"),
    ExportColumn("included", "units"),
    ExportColumn("records", "integer"),
    ExportColumn("state", "text"),
    ExportColumn("tier", "text"),
    ExportColumn("multiplier", "text"),
    ExportColumn("list_cost_usd", "nano"),
    ExportColumn("discount_usd", "nano"),
    ExportColumn("billed_cost_usd", "nano"),
    ExportColumn("drawn_usd", "nano"),
    ExportColumn("uncovered_usd", "nano"),
)


def charges_export(
    store: LedgerStore, ladder: DiscountLadder, period: Period, account_id: int | None = None
) -> Export:
    """Return the charges of a period by hour, user, resource and category.

    Args:
        store: the ledger, in the caller's view.
        ladder: the discount ladder in force.
        period: which hours.
        account_id: the one account; None for all.
    """
    return Export(_COLUMNS, _rows(store, ladder, period, account_id))


def _rows(
    store: LedgerStore, ladder: DiscountLadder, period: Period, account_id: int | None
) -> Iterator[tuple[Any, ...]]:
    for whole in store.exports.charges(period.first_hour, period.end_hour, account_id):
        row = whole.rated.row
        discount = ladder.discount_at(whole.rated.first_paid_us, row.hour, row.applies_to)
        yield (
            row.hour * HOUR_US,
            whole.rated.user,
            whole.rated.resource,
            row.applies_to,
            row.quantity,
            0 if whole.counted is None else whole.counted.included,
            row.records,
            str(row.state),
            discount.tier,
            format_multiplier(discount.multiplier),
            row.list_cost_nano,
            row.list_cost_nano - row.billed_cost_nano,
            row.billed_cost_nano,
            whole.drawn_nano,
            row.billed_cost_nano - whole.drawn_nano,
        )
