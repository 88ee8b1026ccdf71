"""Balances and charges, in the shapes of the `--json` contract.

Times are ISO 8601 in UTC. Amounts are whole nano-dollars under keys that end in `_nano`; those that
people ask for are also there as decimal strings under keys that end in `_usd`. Keys are added,
never renamed or removed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from aggregator.incidents.kinds import IncidentKind
from aggregator.rating.discounts import DiscountLadder
from aggregator.store.account_rows import AccountRow
from aggregator.store.charge_rows import RatedCharge
from aggregator.store.questions import reports
from aggregator.store.store import PULLED_AT, TESTS_COUNT, LedgerStore
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_hour, format_ts, from_us
from wire_format.money import MULTIPLIER_SCALE, format_usd

Answer = dict[str, Any]
_MULTIPLIER_DECIMALS = 9


class NoAccountError(GitmeterError):
    """The ledger has no account of this user."""


def balances(store: LedgerStore) -> Iterator[Answer]:
    """Yield the balance of every account, sorted by user."""
    basis = stands_on(store)
    for row in store.reports.accounts():
        yield _balance(row, basis)


def balance(store: LedgerStore, user: str) -> Answer:
    """Return the balance of one account.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    return _balance(_account_row(store, user), stands_on(store))


def stands_on(store: LedgerStore) -> Answer:
    """Return what all balances stand on.

    Returns:
        `as_of`: when the last pull of all repos ended, or None if that is not known;
        `billed_until`: the time of the newest commit that was billed, or None before the first;
        `silent_nodes`: nodes that pushed nothing for longer than expected, so more may follow;
        `tests_count`: whether money of providers' test accounts is in them.
    """
    newest_s = store.reports.newest_commit_s()
    return {
        "as_of": store.fact(PULLED_AT),
        "billed_until": None
        if newest_s is None
        else format_ts(datetime.fromtimestamp(newest_s, UTC)),
        "silent_nodes": store.reports.nodes_with(IncidentKind.SILENT),
        "tests_count": store.fact(TESTS_COUNT) is not None,
    }


def _balance(row: reports.Row, basis: Answer) -> Answer:
    credit_nano, billed_cost_nano = int(row["credit_nano"]), int(row["billed_cost_nano"])
    list_cost_nano = int(row["list_cost_nano"])
    last_hour, first_paid_us = row["last_active_hour"], row["first_paid_us"]
    return {
        "user": row["user"],
        "balance_nano": credit_nano - billed_cost_nano,
        "balance_usd": format_usd(credit_nano - billed_cost_nano),
        "credit_nano": credit_nano,
        "list_cost_nano": list_cost_nano,
        "discount_nano": list_cost_nano - billed_cost_nano,
        "billed_cost_nano": billed_cost_nano,
        "lifetime_paid_nano": int(row["lifetime_paid_nano"]),
        "first_paid_at": None if first_paid_us is None else format_ts(from_us(first_paid_us)),
        "last_active_at": None if last_hour is None else format_hour(last_hour),
        "discount_tier": row["discount_tier"],
        "unrated_charges": row["unrated"],
        **basis,
    }


def charges(
    store: LedgerStore,
    user: str,
    ladder: DiscountLadder,
    since_hour: int | None = None,
    until_hour: int | None = None,
) -> Iterator[Answer]:
    """Yield the charges of one account by hour, from `since_hour` to before `until_hour`.

    Args:
        store: the ledger.
        user: the account.
        ladder: the discount ladder in force.
        since_hour: the first hour, counted from 1970; None for no limit.
        until_hour: the hour after the last one; None for no limit.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    account = account_of_user(store, user)
    for charge in store.charges.of_account(account, since_hour, until_hour):
        yield charge_answer(charge, ladder)


def charge_answer(charge: RatedCharge, ladder: DiscountLadder) -> Answer:
    """Return one charge with the tier and the multiplier that applied."""
    row = charge.row
    discount = ladder.discount_at(charge.first_paid_us, row.hour, row.applies_to)
    return {
        "hour": format_hour(row.hour),
        "resource": charge.resource,
        "applies_to": row.applies_to,
        "quantity": row.quantity,
        "records": row.records,
        "tier": discount.tier,
        "multiplier": format_multiplier(discount.multiplier),
        "list_cost_nano": row.list_cost_nano,
        "discount_nano": row.list_cost_nano - row.billed_cost_nano,
        "billed_cost_nano": row.billed_cost_nano,
        "state": str(row.state),
    }


def format_multiplier(multiplier: int) -> str:
    """Format a scaled multiplier as a decimal: `1`, `0.5`, `0.25`."""
    whole, rest = divmod(multiplier, MULTIPLIER_SCALE)
    fraction = f"{rest:0{_MULTIPLIER_DECIMALS}d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def account_of_user(store: LedgerStore, user: str) -> AccountRow:
    """Return the account of a user.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    return reports.account_of(_account_row(store, user))


def _account_row(store: LedgerStore, user: str) -> reports.Row:
    row = store.reports.account(user)
    if row is None:
        raise NoAccountError(
            f"no account of {user!r}",
            hint="account ids are compared letter by letter; `aggregator balance` lists them all",
        )
    return row
