"""What an account had at an earlier instant, as it is known today: from charges and lines.

balance = pool by lines dated before it - what no grant paid of hours that began before it + what is
left of grants in force. So the closing balance of a month is the opening one of the next.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from aggregator.balances.funds import Funds, has_terms
from aggregator.balances.terms import GrantsAndPlans
from aggregator.balances.used import with_usage
from aggregator.rating.standing import GrantLeft, in_balance_nano, last_hour_before
from aggregator.store.account_rows import AccountRow
from aggregator.store.questions.reports import Row, account_of
from aggregator.store.questions.sums import Grouping
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import EVER_HOUR
from gitmeter.money.pool import credit_by
from gitmeter.money.rivals import judge
from wire_format.instants import to_us


class PaidIn(NamedTuple):
    """What lines of money about an account came to.

    Attributes:
        pool_nano: payments, version 1 grants and adjustments, less what was taken back and fees.
        lifetime_paid_nano: payments alone, in nano-dollars.
        first_paid_us: the payment from which tenure counts; None without one.
    """

    pool_nano: int
    lifetime_paid_nano: int
    first_paid_us: int | None


class UsedBefore(NamedTuple):
    """What charges of an account came to.

    Attributes:
        list_nano, billed_nano: their costs, in nano-dollars.
        unrated: how many of them are not rated in full.
    """

    list_nano: int
    billed_nano: int
    unrated: int


class EarlierFunds(NamedTuple):
    """What an account had at an instant.

    Attributes:
        funds: the figures.
        grants: its grants then.
        paid: what lines of money had come to.
        used: what charges had come to.
    """

    funds: Funds
    grants: list[GrantLeft]
    paid: PaidIn
    used: UsedBefore


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
    paid = _paid(store, terms, account, at_us, tenure_min_nano)
    used = UsedBefore(0, 0, 0)
    for found in store.sums.usage(0, end, Grouping(by_resource=False), account.id):
        used = UsedBefore(found.list_nano, found.billed_nano, found.unrated)
    return _had(store, terms, account, at_us, (paid, used))


def all_funds_at(
    store: LedgerStore, terms: GrantsAndPlans, at: datetime, tenure_min_nano: int = 0
) -> Iterator[tuple[Row, EarlierFunds]]:
    """What every account had at an instant, each with its row of today, sorted by user.

    The same as `funds_at`, from today's sums less what is later: only of accounts that later lines
    are about the lines are judged again.
    """
    at_us = to_us(at)
    end = last_hour_before(at_us) + 1
    later = store.money.since(at_us)
    changed = {line.user for line in later if line.user} | store.money.users_tied_to(later)
    for row, after in with_usage(store, end, EVER_HOUR):
        used = UsedBefore(int(row["list_cost_nano"]), int(row["billed_cost_nano"]), row["unrated"])
        if after is not None:
            nano = used.list_nano - after.list_nano, used.billed_nano - after.billed_nano
            used = UsedBefore(*nano, used.unrated - after.unrated)
        paid = PaidIn(int(row["credit_nano"]), int(row["lifetime_paid_nano"]), row["first_paid_us"])
        if row["user"] in changed:
            paid = _paid(store, terms, account_of(row), at_us, tenure_min_nano)
        if has_terms(row):
            yield row, _had(store, terms, account_of(row), at_us, (paid, used))
        else:  # most accounts: nothing more is read
            yield row, EarlierFunds(Funds(paid.pool_nano, used.billed_nano, 0, 0), [], paid, used)


def _had(
    store: LedgerStore,
    terms: GrantsAndPlans,
    account: AccountRow,
    at_us: int,
    sums: tuple[PaidIn, UsedBefore],
) -> EarlierFunds:
    paid, used = sums
    drawn = store.drawn.before(account.id, last_hour_before(at_us) + 1)
    grants = terms.grants(account, at_us, drawn)
    figures = paid.pool_nano, used.billed_nano, sum(drawn.values()), in_balance_nano(grants)
    return EarlierFunds(Funds(*figures), grants, paid, used)


def _paid(
    store: LedgerStore,
    terms: GrantsAndPlans,
    account: AccountRow,
    before_us: int,
    tenure_min_nano: int,
) -> PaidIn:
    """What an account had by lines dated before an instant."""
    judged = judge(store.money.entries({account.user}, ()).values())
    lines = (line for line in judged if to_us(line.record.ts) < before_us)
    credit = credit_by(lines, account.user, tenure_min_nano)
    fees_nano = terms.timeline(account).fees_nano(before_us) if account.plans else 0
    return PaidIn(credit.credit_nano - fees_nano, credit.lifetime_paid_nano, credit.first_paid_us)
