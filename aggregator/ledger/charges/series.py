"""Charges of which units are counted on beyond their hour: what a change moves of a series.

What an hour costs follows from the units of its window before it. So a change is followed from its
own hour to the end of the windows that it lies in: in the usual order of arrival no further than
itself. Under a price by the window's total it is followed from the start of the window.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aggregator.rating.rating import Rater
from aggregator.rating.series import Payer, SeriesRater
from aggregator.rating.windows import NOTHING_BEFORE, CountedBefore, Use
from aggregator.store.charges.charge_rows import ChargeRow
from aggregator.store.charges.series_rows import CountedCharge, Series
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Hours


class ChangedCharge(NamedTuple):
    """A charge that is rated otherwise than it was."""

    before: ChargeRow
    after: ChargeRow


def rate_series(
    store: LedgerStore,
    rater: Rater,
    series: Series,
    payer: Payer,
    hours: Hours,
) -> list[ChangedCharge]:
    """Rate what changed hours of a series move, and write the counts.

    It works inside the caller's transaction, and leaves writing the charges to the caller.

    Args:
        store: the ledger's store, with the charges as they are now, rated or not.
        rater: rates under the rule book in force.
        series: which charges.
        payer: whose they are.
        hours: the first hour that changed, and the one after the last.

    Returns:
        The charges that are rated otherwise than they were.
    """
    rates = SeriesRater(rater, payer, series.resource, series.applies_to)
    first = rates.reach(hours.first).first if rates.is_by_total else hours.first
    end = rates.reach(hours.end - 1).end
    needed = Hours(first, end)
    if rates.is_by_total:  # of each of these hours the whole window; cycles and months do not nest
        needed = Hours(rates.reach(first).first, rates.reach(end - 1).end)
    charges, before = _load(store, rates, series, needed)
    changed: list[ChangedCharge] = []
    counts: list[tuple[int, int, int]] = []
    uses = [Use(each.row.hour, each.row.quantity, each.included) for each in charges]
    for charge, rated in zip(charges, rates.rate(uses, before), strict=True):
        row = charge.row
        if not first <= row.hour < end:
            continue
        if rated.before != charge.before:
            counts.append((row.hour, charge.included, rated.before))
        if rated.rating != row[-3:]:
            changed.append(ChangedCharge(row, ChargeRow(*row[:-3], *rated.rating)))
    store.series.save(series, counts)
    return changed


def _load(
    store: LedgerStore, rates: SeriesRater, series: Series, hours: Hours
) -> tuple[Sequence[CountedCharge], CountedBefore]:
    """The charges of some hours, and what the window of the first one counted before it.

    Where that is not one number, earlier charges are there as well.
    """
    charges = store.series.charges(series, hours)
    last = store.series.last_before(series, hours.first) if charges else None
    if last is None:
        return charges, NOTHING_BEFORE
    begun = {rates.window_at(each.row.hour) for each in charges}
    begun = {window for window in begun if window.hours.first <= last.row.hour}
    if not begun:
        return charges, NOTHING_BEFORE
    if begun == {rates.window_at(last.row.hour)}:
        counted = last.before + last.row.quantity - last.included
        return charges, CountedBefore(begun.pop(), counted)
    earlier = store.series.charges(
        series, Hours(min(window.hours.first for window in begun), hours.first)
    )
    return [*earlier, *charges], NOTHING_BEFORE
