"""Which plans are to be renewed: what `books plan renew` needs to write their next lines."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from aggregator.balances.funds import funds_of
from aggregator.balances.terms import GrantsAndPlans
from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.reports.basis import Answer
from aggregator.reports.terms.renewal import Renewal, may_ask_for, renewal_of
from aggregator.store.questions.reports import Row, account_of
from aggregator.store.store import PULLED_AT, LedgerStore
from gitmeter.money.accounts import next_plan_at
from gitmeter.money.granted import EVER_HOUR
from gitmeter.money.plans.periods import PlanPeriod
from wire_format.instants import format_hour, hour_start, to_us
from wire_format.money import format_usd

LAPSED_AFTER: Final = timedelta(days=3)
"""How long after its end a plan is still renewed, from its end on; then it has lapsed for good."""


def due(store: LedgerStore, now: datetime, within: timedelta) -> Answer:
    """Return the plans with a fee that end soon, or ended a short while ago, and nothing follows.

    Args:
        store: the ledger.
        now: the time.
        within: how soon.
    """
    with store.view():
        book = rule_book_in_force(store)
        return {
            "rule_book": book.sha256,
            "as_of": store.fact(PULLED_AT),
            "due": list(_due(store, GrantsAndPlans(book.plans), now, within)),
        }


def _due(
    store: LedgerStore, terms: GrantsAndPlans, now: datetime, within: timedelta
) -> Iterator[Answer]:
    for row in store.reports.with_plans():
        account = account_of(row)
        periods = terms.timeline(account).periods
        end_hour = periods[-1].end_hour
        if end_hour == EVER_HOUR or not now - LAPSED_AFTER < hour_start(end_hour) <= now + within:
            continue
        entries = store.reports.about_account(account.id)

        def may_be_asked(name: str, periods: Sequence[PlanPeriod] = periods) -> bool:
            return may_ask_for(name, periods[-1], terms.plans)

        next_plan = next_plan_at(entries, to_us(now), may_be_asked)
        renewal = renewal_of(periods, next_plan, terms.plans)
        yield _answer(row, renewal)


def _answer(row: Row, renewal: Renewal) -> Answer:
    own_nano = funds_of(row, 0).own_nano
    reason = renewal.fault
    if not reason and renewal.fee_nano > max(0, own_nano):
        has, fee = format_usd(own_nano), format_usd(renewal.fee_nano)
        reason = f"it has {has} USD without grants, and the fee is {fee} USD"
    until = renewal.until_hour
    return {
        "user": row["user"],
        "plan": renewal.plan,
        "from": format_hour(renewal.from_hour),
        "until": None if until is None else format_hour(until),
        "fee_usd": None if until is None else format_usd(renewal.fee_nano),
        "affordable": not reason,
        "balance_usd": format_usd(own_nano),
        "reason": reason or None,
    }
