"""What an account had at an earlier instant, as it is known today: from charges and lines.

balance = pool by lines dated before it - what no grant paid of hours that began before it + what is
left of grants in force. So the closing balance of a month is the opening one of the next.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from aggregator.balances.funds import Funds, funds_of, has_terms
from aggregator.balances.terms import GrantsAndPlans
from aggregator.rating.rating import ChargeState
from aggregator.rating.standing import GrantLeft, in_balance_nano, last_hour_before
from aggregator.store.account_rows import AccountRow
from aggregator.store.questions.reports import account_of
from aggregator.store.questions.sums import Grouping
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import EVER_HOUR
from gitmeter.money.pool import Credit, credit_by
from gitmeter.money.rivals import judge
from wire_format.instants import to_us


class EarlierFunds(NamedTuple):
    """What an account had at an instant.

    Attributes:
        funds: the figures.
        grants: its grants then.
        credit: what payments, version 1 grants and adjustments came to; fees are not in it.
        list_nano: list costs of what it had used, in nano-dollars.
        last_hour: the last clock hour, since 1970, in which it had used anything; None without one.
        unrated: how many of those charges are not rated in full.
    """

    funds: Funds
    grants: list[GrantLeft]
    credit: Credit
    list_nano: int
    last_hour: int | None
    unrated: int


def funds_at(
    store: LedgerStore,
    terms: GrantsAndPlans,
    account: AccountRow,
    at: datetime,
    tenure_min_nano: int = 0,
) -> EarlierFunds:
    """What an account had at an instant; one to come is told as if nothing more happened.

    Args:
        store: the ledger.
        terms: what grants and plans mean.
        account: the account.
        at: the instant.
        tenure_min_nano: how much of a payment must be left for tenure to count from it, for those
            who ask for the first one.
    """
    at_us = to_us(at)
    end = last_hour_before(at_us) + 1
    list_nano = billed_nano = unrated = 0
    last_hour: int | None = None
    for charge in store.charges.of_account(account, None, end):
        row = charge.row
        list_nano += row.list_cost_nano
        billed_nano += row.billed_cost_nano
        unrated += row.state is not ChargeState.RATED
        last_hour = row.hour
    drawn = store.drawn.before(account.id, end)
    grants = terms.grants(account, at_us, drawn)
    credit = _credit(store, account.user, at_us, tenure_min_nano)
    fees_nano = terms.timeline(account).fees_nano(at_us) if account.plans else 0
    funds = Funds(
        credit.credit_nano - fees_nano, billed_nano, sum(drawn.values()), in_balance_nano(grants)
    )
    return EarlierFunds(funds, grants, credit, list_nano, last_hour, unrated)


def all_funds_at(
    store: LedgerStore, terms: GrantsAndPlans, at: datetime
) -> Iterator[tuple[Funds, list[GrantLeft]]]:
    """What every account had at an instant, and its grants then, sorted by user.

    The same as `funds_at`, from today's sums less what is later: only of accounts that later lines
    are about the lines are judged again.
    """
    at_us = to_us(at)
    end = last_hour_before(at_us) + 1
    billed: dict[int, int] = defaultdict(int)
    drawn: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for used in store.sums.usage(end, EVER_HOUR, Grouping(by_account=True, by_resource=False)):
        billed[used.account_id or 0] += used.billed_nano
    for paid in store.sums.drawn(end, EVER_HOUR, Grouping(by_resource=False)):
        drawn[paid.account_id][paid.granted] += paid.nano
    later = store.money.since(at_us)
    changed = {line.user for line in later if line.user} | store.money.users_tied_to(later)
    for row in store.reports.accounts():
        if row["user"] in changed:
            found = funds_at(store, terms, account_of(row), at)
            yield found.funds, found.grants
            continue
        grants: list[GrantLeft] = []
        after = drawn.get(row["id"], {})
        if has_terms(row):
            totals = store.drawn.totals(row["id"])
            before = {name: nano - after.get(name, 0) for name, nano in totals.items()}
            grants = terms.grants(account_of(row), at_us, before)
        now = funds_of(row, in_balance_nano(grants))
        yield (
            now._replace(
                billed_nano=now.billed_nano - billed.get(row["id"], 0),
                drawn_nano=now.drawn_nano - sum(after.values()),
            ),
            grants,
        )


def _credit(store: LedgerStore, user: str, before_us: int, tenure_min_nano: int = 0) -> Credit:
    """What a user had by lines dated before an instant, without fees."""
    judged = judge(store.money.entries({user}, ()).values())
    return credit_by(
        (line for line in judged if to_us(line.record.ts) < before_us), user, tenure_min_nano
    )
