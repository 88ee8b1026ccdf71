"""Accounts as a list, in pages."""

from aggregator.balances.funds import CurrentFunds
from portal.api.models.staff import AccountListed, AccountPage, ListWanted
from portal.api.request import Asked
from wire_format.instants import format_hour
from wire_format.money import format_usd, parse_nano


def accounts(asked: Asked) -> AccountPage:
    """List accounts by their ids: all, those whose id has a text in it, or those that have little.

    A page ends with a cursor; with it the next page begins after the last account of this one,
    whatever was opened meanwhile.
    """
    wanted: ListWanted = asked.query
    below_nano = None if wanted.below_usd is None else parse_nano(wanted.below_usd)
    rows = asked.store.reports.page(wanted.cursor, wanted.search, below_nano, wanted.limit + 1)
    current = CurrentFunds(asked.store, asked.now)
    listed: list[AccountListed] = []
    for row in rows[: wanted.limit]:
        funds, last_hour = current.of(row), row["last_active_hour"]
        listed.append(
            AccountListed(
                user=row["user"],
                balance_usd=format_usd(funds.balance_nano),
                own_usd=format_usd(funds.own_nano),
                billed_usd=format_usd(funds.billed_nano),
                paid_usd=format_usd(int(row["lifetime_paid_nano"])),
                last_active_at=None if last_hour is None else format_hour(last_hour),
                unrated_charges=row["unrated"],
            )
        )
    has_more = len(rows) > wanted.limit
    return AccountPage(accounts=listed, cursor=listed[-1].user if has_more else None)
