"""Compute what balances would be under a proposed rule book; nothing is written."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from aggregator.balances.funds import CurrentFunds, Funds
from aggregator.balances.terms import GrantsAndPlans
from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.rating.account import draw_account, rate_account
from aggregator.rating.rating import ChargeState, Rater, Rating
from aggregator.rating.series import Payer
from aggregator.rating.standing import in_balance_nano
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import ChargeRow
from aggregator.store.questions import reports
from aggregator.store.store import LedgerStore
from gitmeter.money.plans.timeline import PlanTimeline
from gitmeter.support.errors import GitmeterError
from wire_format.instants import to_us
from wire_format.rule_book import RULE_NAMES, RuleBook, parse_rule_book, split_origin
from wire_format.rule_files.loading import RULE_FILE_BYTES_MAX, RuleBookError


class ProposalError(GitmeterError):
    """The proposed rule file cannot be used."""


class TooManyChargesError(GitmeterError):
    """There are more charges than may be rated."""


class ProposedFile(NamedTuple):
    """A file of a rule book, as it might be.

    Attributes:
        name: as the file of the rule book is called: `prices.toml`.
        data: its content.
    """

    name: str
    data: bytes


def read_proposed(file: Path) -> ProposedFile:
    """A proposed file on disk."""
    with file.open("rb") as stream:
        return ProposedFile(file.name, stream.read(RULE_FILE_BYTES_MAX + 1))


def reprice(
    store: LedgerStore,
    file: ProposedFile,
    cost_max_nano: int,
    now: datetime,
    *,
    charges_max: int | None = None,
) -> dict[str, Any]:
    """Rate every charge under the rule book in force with one of its files replaced.

    Args:
        store: the ledger.
        file: the replacement.
        cost_max_nano: the highest list cost of one charge, in nano-dollars.
        now: the time, by which grants are in force or not.
        charges_max: how many charges are rated at most; None for all.

    Returns:
        The names of the proposed rule book and of the one in force, totals, and the accounts with
        a billed cost or balance that changes; amounts in nano-dollars. Which lines are held because
        they cost too much, and which lines of plans count, is not judged again.

    Raises:
        ProposalError: the file has another name or cannot be used.
        TooManyChargesError: there are more charges than may be rated.
    """
    if file.name not in RULE_NAMES:
        raise ProposalError(
            f"{file.name} is not a rule file", hint=f"name it {' or '.join(RULE_NAMES)}"
        )
    with store.view():
        in_force = rule_book_in_force(store).sha256
        rater = Rater(_proposed(store, file), cost_max_nano)
        found = _Repriced(store, rater, now, charges_max)
        found.rate()
        accounts = list(found.accounts())
    return {
        "rule_book": rater.rule_book.sha256,
        "rule_book_in_force": in_force,
        "charges": found.total,
        "charges_changed": found.changed,
        "unrated_charges": {
            str(state): found.states[state]
            for state in ChargeState
            if state is not ChargeState.RATED
        },
        "difference_nano": sum(found.differences.values()),
        "accounts": accounts,
    }


class _Repriced:
    """Every charge as it would be rated.

    Args:
        store: the ledger, in a view.
        rater: rates under the proposed rule book.
        now: the time.
        charges_max: how many are rated at most; None for all.

    Attributes:
        total, changed: how many charges there are, and how many would cost otherwise.
        states: how many charges would have which state.
        differences: by account what its billed cost would be more, in nano-dollars.
    """

    def __init__(
        self, store: LedgerStore, rater: Rater, now: datetime, charges_max: int | None
    ) -> None:
        self._charges_max = charges_max
        self.total = self.changed = 0
        self.states: Counter[str] = Counter()
        self.differences: dict[int, int] = defaultdict(int)
        self._store = store
        self._rater = rater
        self._funds = CurrentFunds(store, now)
        self._terms = GrantsAndPlans(rater.rule_book.plans)
        self._now_us = to_us(now)
        self._with_grants: dict[int, Funds] = {}

    def rate(self) -> None:
        """Rate all charges: of most accounts each by itself, of the others all in their order."""
        names = self._store.charges.resource_names()
        apart = self._store.reports.accounts_using(filter(self._rater.is_counted, names))
        apart |= set(self._store.accounts.with_terms())
        for page in self._store.charges.pages_from(0, None):
            for row, user, resource, first_paid_us in page:
                if row.account_id not in apart:
                    key = row.quantity, resource, row.applies_to, row.hour, first_paid_us, user
                    self._note(row, self._rater.rate(*key))
        for account in self._store.reports.accounts() if apart else ():
            if account["id"] in apart:
                self._rate_account(account)

    def accounts(self) -> Iterator[dict[str, Any]]:
        """What changes for accounts, sorted by user."""
        for row in self._store.reports.accounts():
            difference_nano = self.differences.get(row["id"], 0)
            proposed = self._with_grants.get(row["id"])
            if not difference_nano and proposed is None:
                continue
            funds = self._funds.of(row)
            if proposed is None:
                billed_nano = funds.billed_nano + difference_nano
                proposed = funds._replace(billed_nano=billed_nano)
            if proposed != funds:
                yield _account(row, funds, proposed)

    def _note(self, row: ChargeRow, rating: Rating) -> None:
        self.total += 1
        if self._charges_max is not None and self.total > self._charges_max:
            raise TooManyChargesError(f"there are more than {self._charges_max} charges")
        self.states[rating.state] += 1
        if rating != row[-3:]:
            self.changed += 1
            self.differences[row.account_id] += rating.billed_cost_nano - row.billed_cost_nano

    def _rate_account(self, account_row: reports.Row) -> None:
        """Rate all charges of an account, with what its plan includes and what grants pay."""
        account = reports.account_of(account_row)
        rows = {
            (charge.row.hour, charge.resource, charge.row.applies_to): charge.row
            for charge in self._store.charges.of_account(account)
        }
        plans = self._plans_of(account)
        payer = Payer(account.user, account.tenure, plans)
        quantities = {name: row.quantity for name, row in rows.items()}
        charges = rate_account(self._rater, payer, quantities)
        for charge in charges:
            name = charge.hour, charge.resource, charge.applies_to
            self._note(rows[name], charge.rating)
        if account.has_terms:
            last = account.last_active_hour
            cycles = [] if last is None else plans.credits(0, last + 1)
            drawn = Counter[str]()
            for each in draw_account(charges, [*account.grants, *cycles]):
                drawn[each.grant] += each.nano
            left = self._terms.grants(account, self._now_us, drawn)
            self._with_grants[account.id] = Funds(
                int(account_row["credit_nano"]),
                sum(charge.rating.billed_cost_nano for charge in charges),
                drawn.total(),
                in_balance_nano(left),
            )

    def _plans_of(self, account: AccountRow) -> PlanTimeline:
        try:
            return self._rater.plans_of(account.plans)
        except ValueError as error:
            raise ProposalError(
                f"a plan of {account.user!r} would be none: {error}",
                hint="a plan keeps all of its versions",
            ) from None


def _proposed(store: LedgerStore, file: ProposedFile) -> RuleBook:
    rules = store.repos.rule_files()
    contents: list[bytes | None] = [None] * len(RULE_NAMES) if rules is None else [*rules.contents]
    at, data = RULE_NAMES.index(file.name), file.data
    try:
        for text in dict.fromkeys((data, split_origin(data)[0])):
            contents[at] = text  # first as the person has it: faults name the lines of the file
            book = parse_rule_book(*contents)
    except RuleBookError as error:
        raise ProposalError(str(error), hint="`books rules check` says the same") from None
    return book


def _account(row: reports.Row, funds: Funds, proposed: Funds) -> dict[str, Any]:
    return {
        "user": row["user"],
        "billed_cost_nano": funds.billed_nano,
        "proposed_billed_cost_nano": proposed.billed_nano,
        "difference_nano": proposed.billed_nano - funds.billed_nano,
        "balance_nano": funds.balance_nano,
        "proposed_balance_nano": proposed.balance_nano,
    }
