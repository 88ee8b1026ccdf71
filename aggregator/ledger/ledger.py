"""The ingest transaction: charges, balances, evidence and cursor move together, or not at all.

`Ledger.apply` is the one place where records become money in the database. Everything it needs was
fetched, read and decoded before; it rates the charges that the batch touches, moves the balances,
files what is held or refused, and moves the cursor.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aggregator.admission.batch import Batch, ChargeKey, RuleFiles
from aggregator.admission.decisions import Decisions
from aggregator.admission.money_lines import MoneyState, credit, judge
from aggregator.incidents.filing import close_acknowledged, file_shown_by
from aggregator.incidents.kinds import IncidentKind
from aggregator.rating.discounts import DiscountLadder
from aggregator.rating.rating import Rater, scope_of_change
from aggregator.store import (
    account_rows,
    charge_rows,
    line_rows,
    money_rows,
    repo_rows,
    segment_rows,
)
from aggregator.store.account_rows import Account
from aggregator.store.charge_rows import ChargeRow, RatedCharge
from aggregator.store.connection import write_transaction
from aggregator.store.decision_rows import change_decisions, read_decisions
from aggregator.store.repo_rows import RepoRow
from cursors.rows import keep_tips, move_cursor
from wire_format.lines import Money
from wire_format.rule_book import RuleBook, parse_rule_book


@dataclass(frozen=True)
class Move:
    """Where a repo's cursor goes.

    Attributes:
        repo: whose.
        expected: the cursor that the changes were read from; None before the first.
        tip: the last commit in them.
        kept: tips that `tip` does not build on and whose records stay.
    """

    repo: RepoRow
    expected: str | None
    tip: str
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """What a stretch of commits changes.

    Attributes:
        own: to what is filed for the repo's node.
        others: to what is filed for other nodes, by id, because other decisions hold.
        decisions: those that hold from now on; None when none changed.
    """

    own: Batch
    others: Mapping[int, Batch] = field(default_factory=dict)
    decisions: Decisions | None = None


class Ledger:
    """The books in one database, rated under the rule book that is in force.

    Args:
        connection: open for writing; this object's alone.
        cost_max_nano: the highest list cost of one charge.

    Attributes:
        rater: rates under the rule book in force.
        decisions: those in force.
    """

    def __init__(self, connection: sqlite3.Connection, cost_max_nano: int) -> None:
        self.connection = connection
        self._cost_max_nano = cost_max_nano
        self.rater = Rater(rule_book_in_force(connection), cost_max_nano)
        self.decisions = Decisions(read_decisions(connection))

    def apply(self, move: Move, changes: Changes, now: datetime) -> set[IncidentKind]:
        """Write changes and move the repo's cursor, in one transaction.

        Args:
            move: where the cursor goes.
            changes: what to write.
            now: when an incident that the records show counts as opened.

        Returns:
            The kinds of incidents that the records show and nobody has acknowledged.

        Raises:
            CursorMovedError: another writer was faster; nothing was written.
        """
        rater, decisions = self.rater, changes.decisions or self.decisions
        repo, batch = move.repo, changes.own
        with write_transaction(self.connection):
            move_cursor(self.connection, repo.name, move.expected, move.tip)
            keep_tips(self.connection, repo.name, move.kept)
            if batch.rule_files is not None:
                rater = self._adopt(batch.rule_files)
            change_decisions(self.connection, repo.node_id, batch.decisions.values())
            for node_id, part in ((repo.node_id, batch), *changes.others.items()):
                self._write(node_id, part, rater)
            segment_rows.insert_segments(self.connection, repo, batch.segments)
            noticed = file_shown_by(self.connection, repo, batch, decisions, now)
            if changes.decisions is not None:
                close_acknowledged(self.connection, decisions, now)
        self.rater, self.decisions = rater, decisions
        return noticed

    def decide(self, changes: Mapping[int, Batch], decisions: Decisions) -> None:
        """Let other decisions hold without filing them; only a copy of a ledger is tried so.

        Args:
            changes: what they change for each node, by id.
            decisions: those that hold from now on.
        """
        with write_transaction(self.connection):
            for node_id, part in changes.items():
                self._write(node_id, part, self.rater)
        self.decisions = decisions

    def _write(self, node_id: int, batch: Batch, rater: Rater) -> None:
        self._apply_money(node_id, batch, rater)
        self._apply_usage(batch, rater)
        line_rows.add_seen(self.connection, node_id, batch.seen)
        segment_rows.insert_corrections(self.connection, node_id, batch.corrections)
        line_rows.file_held(self.connection, node_id, batch.held)
        line_rows.file_rejected(self.connection, node_id, batch.rejected)
        line_rows.add_counts(self.connection, node_id, batch.admitted, batch.duplicates)

    def promote_tiers(self, hour: int) -> None:
        """Bring the displayed tier of every account up to date as of a clock hour."""
        ladder: DiscountLadder = self.rater.ladder
        with write_transaction(self.connection):
            account_rows.save_tiers(
                self.connection,
                [
                    (account_id, ladder.tier_at(first_paid_us, hour))
                    for account_id, first_paid_us in account_rows.paid_accounts(self.connection)
                ],
            )

    def _adopt(self, files: RuleFiles) -> Rater:
        """Put a rule book in force and rate again what it changes."""
        book = parse_rule_book(files.prices_toml, files.discounts_toml)
        repo_rows.save_rule_files(self.connection, files, book.sha256)
        rater = Rater(book, self._cost_max_nano)
        scope = scope_of_change(self.rater.rule_book, book)
        if scope is not None:
            pages = charge_rows.pages_from(self.connection, scope.from_hour, scope.resources)
            for page in pages:
                self._rate_again(page, rater)
        return rater

    def _apply_usage(self, batch: Batch, rater: Rater) -> None:
        users = {key[1] for key in batch.usage}
        accounts = account_rows.accounts(self.connection, users)
        resources = charge_rows.resource_ids(self.connection, {key[2] for key in batch.usage})
        empty = charge_rows.empty_hours(self.connection, {key[0] for key in batch.usage})
        saved: list[ChargeRow] = []
        emptied: list[ChargeRow] = []
        for key, (units, records) in batch.usage.items():
            hour, user, resource, applies_to = key
            account = accounts[user]
            before = None if hour in empty else self._find(key, account, resources[resource])
            if before is not None:
                units += before.quantity  # noqa: PLW2901 - from here on the charge's totals
                records += before.records  # noqa: PLW2901
                account.add_cost(-before.list_cost_nano, -before.billed_cost_nano)
            rating = rater.rate(units, resource, applies_to, hour, account.first_paid_us)
            row = ChargeRow(
                hour, account.id, resources[resource], applies_to, units, records, *rating
            )
            if records == 0:
                emptied.append(row)
                continue
            saved.append(row)
            account.add_cost(rating.list_cost_nano, rating.billed_cost_nano)
            account.add_hour(hour)
        charge_rows.save_charges(self.connection, saved)
        charge_rows.delete_charges(self.connection, emptied)
        edges = {
            (account.id, hour)
            for account in accounts.values()
            for hour in (account.first_active_hour, account.last_active_hour)
        }
        narrowed = {row.account_id for row in emptied if (row.account_id, row.hour) in edges}
        self._narrow_active(accounts.values(), narrowed)
        account_rows.save_accounts(self.connection, accounts.values())

    def _find(self, key: ChargeKey, account: Account, resource_id: int) -> ChargeRow | None:
        return charge_rows.find_charge(self.connection, key, account.id, resource_id)

    def _narrow_active(self, accounts: Iterable[Account], ids: set[int]) -> None:
        """After charges went, find out anew when these accounts were active."""
        for account in accounts:
            if account.id in ids:
                first, last = charge_rows.active_hours(self.connection, account)
                account.first_active_hour, account.last_active_hour = first, last

    def _apply_money(self, node_id: int, batch: Batch, rater: Rater) -> None:
        """Judge the lines of every user that the batch's money lines can touch."""
        if not batch.money:
            return
        changed = [entry for entry, _ in batch.money.values()]
        users = {entry.record.user for entry in changed}
        accounts = account_rows.accounts(self.connection, users)
        ids = {account.user: account.id for account in accounts.values()}
        money_rows.change_money(self.connection, node_id, batch.money.values(), ids)
        users |= money_rows.users_sharing_movements(self.connection, changed)
        # a line of another user takes part where it shares a business key, and is not decided here
        judged = [
            (record, state)
            for record, state in judge(money_rows.lines_to_judge(self.connection, users))
            if record.user in users
        ]
        money_rows.save_states(self.connection, judged)
        records: dict[str, list[Money]] = {}
        for record, state in judged:
            if state is MoneyState.COUNTED:
                records.setdefault(record.user, []).append(record)
        for account in account_rows.accounts(self.connection, users).values():
            counted = credit(records.get(account.user, ()))
            money_rows.save_credit(self.connection, account.id, counted)
            if counted.first_paid_us != account.first_paid_us:
                account.first_paid_us = counted.first_paid_us
                self._rate_again(list(charge_rows.charges_of(self.connection, account)), rater)

    def _rate_again(self, page: Iterable[RatedCharge], rater: Rater) -> None:
        """Rate charges whose price or tenure changed; their segments are not read again."""
        saved: list[ChargeRow] = []
        changes: dict[int, tuple[int, int]] = {}
        for row, _, resource, first_paid_us in page:
            rating = rater.rate(row.quantity, resource, row.applies_to, row.hour, first_paid_us)
            if rating == row[-3:]:
                continue
            saved.append(ChargeRow(*row[:-3], *rating))
            list_cost_nano, billed_cost_nano = changes.get(row.account_id, (0, 0))
            changes[row.account_id] = (
                list_cost_nano + rating.list_cost_nano - row.list_cost_nano,
                billed_cost_nano + rating.billed_cost_nano - row.billed_cost_nano,
            )
        charge_rows.save_charges(self.connection, saved)
        accounts = account_rows.accounts_by_id(self.connection, changes)
        for account_id, change in changes.items():
            accounts[account_id].add_cost(*change)
        account_rows.save_accounts(self.connection, accounts.values())


def rule_book_in_force(connection: sqlite3.Connection) -> RuleBook:
    """The rule book of the last applied books commit that had a usable one; else the empty one."""
    files = repo_rows.read_rule_files(connection)
    if files is None:
        return parse_rule_book(None, None)
    return parse_rule_book(files.prices_toml, files.discounts_toml)
