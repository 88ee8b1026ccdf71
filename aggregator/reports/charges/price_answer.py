"""The price of a charge, the line that states it, and where in its window the charge lies."""

from typing import Any

from aggregator.admission.batch import RuleFiles
from aggregator.rating.rating import Rater
from aggregator.rating.series import SeriesRater
from aggregator.rating.windows import Use
from aggregator.reports.charges.parts import payer_of, window_uses
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import RatedCharge
from aggregator.store.store import LedgerStore
from gitmeter.money.plans.timeline import PlanTimeline
from gitmeter.pricing.price_book import NoPrice
from wire_format.instants import format_hour, format_ts
from wire_format.plans import UNLIMITED
from wire_format.rule_files.loading import table_lines
from wire_format.rule_files.prices_file import IMPORTED_PATH, PRICES_PATH


def price_answer(
    charge: RatedCharge, rater: Rater, rules: RuleFiles | None
) -> dict[str, Any] | None:
    """Return the price that applied, and the line of the rule book that states it."""
    row = charge.row
    tariff = rater.price_at(charge.resource, row.applies_to, row.hour, charge.user)
    if isinstance(tariff, NoPrice) or rules is None:
        return None
    rule, book = tariff.rule, rater.rule_book
    path, stated, text = PRICES_PATH, book.prices, rules.prices_toml or b""
    if rule not in stated:
        path, stated, text = IMPORTED_PATH, book.imported, rules.imported_toml or b""
    lines = table_lines(text, "price", len(stated))
    tiers = None if rule.tiers is None else [tier.model_dump() for tier in rule.tiers]
    return {
        "usd": rule.usd,
        "per": None if rule.package else rule.units_per,
        "tiers": tiers,
        "mode": (rule.mode or "graduated") if tiers else None,
        "package": None if rule.package is None else rule.package.model_dump(),
        "window": rule.window,
        "from": format_ts(rule.from_),
        "until": None if rule.until is None else format_ts(rule.until),
        "applies_to": rule.applies_to,
        "user": rule.user,
        "rule_book": book.sha256,
        "commit": rules.commit,
        "path": path,
        "line_no": lines[stated.index(rule)] if lines else None,
    }


def meter_answer(charge: RatedCharge, plans: PlanTimeline) -> dict[str, Any] | None:
    """Return the plan of the hour of a charge, and the meter that its units are counted under.

    None without a plan, and where none of its meters matches the resource.
    """
    plan = plans.at(charge.row.hour)
    meter = None if plan is None else plans.plans.meter_of(plan.version, charge.resource)
    if plan is None or meter is None:
        return None
    return {
        "plan": plan.version.name,
        "meter": meter.name,
        "included": UNLIMITED if meter.included is None else meter.included,
        "cycle": plan.cycle_of,
        "cycle_start": format_hour(plan.cycle_start),
        "cycle_end": format_hour(plan.cycle_end),
    }


def window_answer(
    store: LedgerStore, rater: Rater, account: AccountRow, charge: RatedCharge
) -> dict[str, Any] | None:
    """Return where in the window of its price a charge lies, and which tiers its units pay.

    None without a price, and for a price whose units all cost the same and are counted by the hour.
    """
    row = charge.row
    tariff = rater.price_at(charge.resource, row.applies_to, row.hour, charge.user)
    if isinstance(tariff, NoPrice):
        return None
    if tariff.unit is not None and charge.resource not in rater.prices.windowed:
        return None
    payer = payer_of(rater, account)
    window = SeriesRater(rater, payer, charge.resource, row.applies_to).window_at(row.hour)
    uses = [Use(row.hour, row.quantity)]
    if rater.is_counted(charge.resource):
        uses = window_uses(store, payer, charge, *window)
    own = next(use for use in uses if use.hour == row.hour)
    before = sum(use.quantity - use.included for use in uses if use.hour < row.hour)
    total = sum(use.quantity - use.included for use in uses)
    counted = own.quantity - own.included
    return {
        "from": format_hour(window.hours.first),
        "until": format_hour(window.hours.end),
        "included": own.included,
        "before": before,
        "counted": counted,
        "total": total,
        "tiers": [
            {"tier": share.tier + 1, "units": share.units, "flat": share.is_begun}
            for share in tariff.shares(before, before + counted, total)
        ],
    }
