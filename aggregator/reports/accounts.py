"""Balances and charges, in the shapes of the `--json` contract.

Times are ISO 8601 in UTC. Amounts are whole nano-dollars under keys that end in `_nano`; those that
people ask for are also there as decimal strings under keys that end in `_usd`. Keys are added,
never renamed or removed.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import chain

from aggregator.balances.funds import CurrentFunds, Funds
from aggregator.rating.discounts import DiscountLadder
from aggregator.reports.basis import Answer, stands_on
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import ChargeRow, RatedCharge
from aggregator.store.questions import reports
from aggregator.store.questions.sums import Grouping, UsageSum
from aggregator.store.store import LedgerStore
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_hour, format_ts, from_us, hour_of, to_us
from wire_format.money import MULTIPLIER_SCALE, format_usd

_MULTIPLIER_DECIMALS = 9


class NoAccountError(GitmeterError):
    """The ledger has no account of this user."""


def balances(store: LedgerStore, now: datetime) -> Iterator[Answer]:
    """Yield the balance of every account, sorted by user.

    Args:
        store: the ledger.
        now: the time, by which grants are in force or not.
    """
    basis, current = stands_on(store), CurrentFunds(store, now)
    for row in store.reports.accounts():
        yield _balance(row, current.of(row), basis)


def balance(store: LedgerStore, user: str, now: datetime) -> Answer:
    """Return the balance of one account.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    row = account_row(store, user)
    basis = stands_on(store, row["id"])
    return _balance(row, CurrentFunds(store, now).of(row), basis)


def balances_at(store: LedgerStore, user: str | None, at: datetime) -> Iterator[Answer]:
    """Yield the balance that an account had at an instant, or that all accounts had.

    It is told by what is known today: lines dated before the instant, and usage of hours that
    began before it, whenever these arrived.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    from aggregator.balances.earlier import all_funds_at, funds_at
    from aggregator.balances.terms import GrantsAndPlans
    from aggregator.balances.used import with_usage
    from aggregator.ledger.rule_book import rule_book_in_force
    from aggregator.rating.standing import last_hour_before

    book = rule_book_in_force(store)
    terms, ladder = GrantsAndPlans(book.plans), DiscountLadder(book.ladders)
    end, least_nano = last_hour_before(to_us(at)) + 1, book.tenure_min_nano
    used: Iterator[UsageSum | None]
    if user is None:
        told, basis = all_funds_at(store, terms, at, least_nano), stands_on(store)
        used = (each for _, each in with_usage(store, 0, end))
    else:
        row = account_row(store, user)
        account = reports.account_of(row)
        told = iter([(row, funds_at(store, terms, account, at, least_nano))])
        basis = stands_on(store, row["id"])
        used = chain(store.sums.usage(0, end, Grouping(by_resource=False), row["id"]), [None])
    for (row, found), before in zip(told, used, strict=False):
        then = {
            "list_cost_nano": found.used.list_nano,
            "lifetime_paid_nano": found.paid.lifetime_paid_nano,
            "first_paid_us": found.paid.first_paid_us,
            "last_active_hour": None if before is None else before.last_hour,
            "discount_tier": ladder.tier_at(found.paid.first_paid_us, hour_of(at)),
            "unrated": found.used.unrated,
        }
        yield _balance(row | then, found.funds, {**basis, "at": format_ts(at)})


def _balance(row: reports.Row, funds: Funds, basis: Answer) -> Answer:
    list_cost_nano = int(row["list_cost_nano"])
    last_hour, first_paid_us = row["last_active_hour"], row["first_paid_us"]
    return {
        "user": row["user"],
        "balance_nano": funds.balance_nano,
        "balance_usd": format_usd(funds.balance_nano),
        "credit_nano": funds.pool_nano,
        "list_cost_nano": list_cost_nano,
        "discount_nano": list_cost_nano - funds.billed_nano,
        "billed_cost_nano": funds.billed_nano,
        "lifetime_paid_nano": int(row["lifetime_paid_nano"]),
        "first_paid_at": None if first_paid_us is None else format_ts(from_us(first_paid_us)),
        "last_active_at": None if last_hour is None else format_hour(last_hour),
        "discount_tier": row["discount_tier"],
        "unrated_charges": row["unrated"],
        "granted_nano": funds.granted_nano,
        "drawn_nano": funds.drawn_nano,
        "uncovered_nano": funds.uncovered_nano,
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
    paid = PaidByTerms(store, account)
    for charge in store.charges.of_account(account, since_hour, until_hour):
        yield charge_answer(charge, ladder) | paid.of(charge.row)


class PaidByTerms:
    """Tells what a plan and grants paid of charges of one account.

    Nothing is looked up where nothing can be found: without plans, and without anything drawn.

    Args:
        store: the ledger.
        account: the account.
    """

    def __init__(self, store: LedgerStore, account: AccountRow) -> None:
        rules = store.repos.rule_files()
        self._reports = store.reports
        self._has_plans = rules is not None and bool(rules.plans_toml)
        self._is_drawn = account.drawn_nano != 0

    @property
    def without(self) -> set[str]:
        """What of this says nothing about the account, in the words of a table."""
        found = set() if self._has_plans else {"included"}
        return found if self._is_drawn else {*found, "paid by grants"}

    def of(self, row: ChargeRow) -> Answer:
        """Return how many units of a charge the plan includes, and what each grant paid of it."""
        drawn = self._reports.drawn(row) if self._is_drawn else {}
        drawn_nano = sum(drawn.values())
        return {
            "included": self._reports.included(row) if self._has_plans else 0,
            "drawn": [{"grant": grant, "nano": nano} for grant, nano in drawn.items()],
            "drawn_nano": drawn_nano,
            "uncovered_nano": row.billed_cost_nano - drawn_nano,
        }


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


@lru_cache
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
    return reports.account_of(account_row(store, user))


def account_row(store: LedgerStore, user: str) -> reports.Row:
    """Return the account of a user, as a row.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    row = store.reports.account(user)
    if row is None:
        raise NoAccountError(
            f"no account of {user!r}",
            hint="account ids are compared letter by letter; `aggregator balance` lists them all",
        )
    return row
