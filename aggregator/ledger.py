"""The ingest transaction: charges, balances, evidence and cursor move together, or not at all.

`Ledger.apply` is the one place where records become money in the database. Everything it needs was
fetched, read and decoded before; it rates the charges that the batch touches, moves the balances,
files what is held or refused, and moves the cursor.
"""

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from aggregator.batch import Batch, ChargeKey, MoneyEntry, RuleFiles
from aggregator.database import charges, evidence, money
from aggregator.database.charges import Account, ChargeRow, RatedCharge
from aggregator.database.connection import write_transaction
from aggregator.database.evidence import RepoRow
from aggregator.discounts import DiscountLadder
from aggregator.incidents import file_shown_by
from aggregator.money import MoneyState, credit, judge
from aggregator.rating import Rater, scope_of_change
from cursors.store import move_cursor
from wire_format.lines import Money
from wire_format.rule_book import RuleBook, parse_rule_book


class Ledger:
    """The books in one database, rated under the rule book that is in force.

    Args:
        connection: open for writing; this object's alone.
        cost_max_nano: the highest list cost of one charge.
    """

    def __init__(self, connection: sqlite3.Connection, cost_max_nano: int) -> None:
        self.connection = connection
        self._cost_max_nano = cost_max_nano
        self.rater = Rater(rule_book_in_force(connection), cost_max_nano)

    def apply(
        self, repo: RepoRow, expected: str | None, tip: str, batch: Batch, now: datetime
    ) -> None:
        """Write a batch and move the repo's cursor from `expected` to `tip`, in one transaction.

        Args:
            repo: whose commits the batch holds.
            expected: the cursor that the batch was read from.
            tip: the last commit in it.
            batch: what to write.
            now: when an incident that the records show counts as opened.

        Raises:
            CursorMovedError: another writer was faster; nothing was written.
        """
        rater = self.rater
        with write_transaction(self.connection):
            move_cursor(self.connection, repo.name, expected, tip)
            if batch.rule_files is not None:
                rater = self._adopt(batch.rule_files)
            self._apply_money(repo, batch, rater)
            self._apply_usage(batch, rater)
            evidence.add_seen(self.connection, repo.node_id, batch.seen)
            evidence.insert_segments(self.connection, repo, batch.segments)
            evidence.file_held(self.connection, repo.node_id, batch.held)
            evidence.release_held(self.connection, repo.node_id, batch.released)
            evidence.file_rejected(self.connection, repo.node_id, batch.rejected)
            evidence.add_counts(self.connection, repo.node_id, batch.admitted, batch.duplicates)
            file_shown_by(self.connection, repo.id, batch, now)
        self.rater = rater

    def promote_tiers(self, hour: int) -> None:
        """Bring the displayed tier of every account up to date as of a clock hour."""
        ladder: DiscountLadder = self.rater.ladder
        with write_transaction(self.connection):
            charges.save_tiers(
                self.connection,
                [
                    (account_id, ladder.tier_at(first_paid_us, hour))
                    for account_id, first_paid_us in charges.paid_accounts(self.connection)
                ],
            )

    def _adopt(self, files: RuleFiles) -> Rater:
        """Put a rule book in force and rate again what it changes."""
        book = parse_rule_book(files.prices_toml, files.discounts_toml)
        evidence.save_rule_files(self.connection, files, book.sha256)
        rater = Rater(book, self._cost_max_nano)
        scope = scope_of_change(self.rater.rule_book, book)
        if scope is not None:
            pages = charges.pages_from(self.connection, scope.from_hour, scope.resources)
            for page in pages:
                self._rate_again(page, rater)
        return rater

    def _apply_usage(self, batch: Batch, rater: Rater) -> None:
        users = {key[1] for key in batch.usage}
        accounts = charges.accounts(self.connection, users)
        resources = charges.resource_ids(self.connection, {key[2] for key in batch.usage})
        empty = charges.empty_hours(self.connection, {key[0] for key in batch.usage})
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
        charges.save_charges(self.connection, saved)
        charges.delete_charges(self.connection, emptied)
        self._narrow_active(accounts.values(), {row.account_id for row in emptied})
        charges.save_accounts(self.connection, accounts.values())

    def _find(self, key: ChargeKey, account: Account, resource_id: int) -> ChargeRow | None:
        return charges.find_charge(self.connection, key, account.id, resource_id)

    def _narrow_active(self, accounts: Iterable[Account], ids: set[int]) -> None:
        """After charges went, find out anew when these accounts were active."""
        for account in accounts:
            if account.id in ids:
                first, last = charges.active_hours(self.connection, account)
                account.first_active_hour, account.last_active_hour = first, last

    def _apply_money(self, repo: RepoRow, batch: Batch, rater: Rater) -> None:
        """Judge the lines of every user that the batch's money lines can touch."""
        changed = [*batch.money_added, *batch.money_removed]
        if not changed:
            return
        users = {entry.record.user for entry in changed}
        accounts = charges.accounts(self.connection, users)
        ids = {account.user: account.id for account in accounts.values()}
        money.delete_money(self.connection, repo.node_id, batch.money_removed)
        money.insert_money(self.connection, repo.node_id, _standing(batch), ids)
        users |= money.users_sharing_movements(self.connection, changed)
        # a line of another user takes part where it shares a business key, and is not decided here
        judged = [
            (record, state)
            for record, state in judge(money.lines_to_judge(self.connection, users))
            if record.user in users
        ]
        money.save_states(self.connection, judged)
        records: dict[str, list[Money]] = {}
        for record, state in judged:
            if state is MoneyState.COUNTED:
                records.setdefault(record.user, []).append(record)
        for account in charges.accounts(self.connection, users).values():
            counted = credit(records.get(account.user, ()))
            money.save_credit(self.connection, account.id, counted)
            if counted.first_paid_us != account.first_paid_us:
                account.first_paid_us = counted.first_paid_us
                self._rate_again(list(charges.charges_of(self.connection, account)), rater)

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
        charges.save_charges(self.connection, saved)
        accounts = charges.accounts_by_id(self.connection, changes)
        for account_id, change in changes.items():
            accounts[account_id].add_cost(*change)
        charges.save_accounts(self.connection, accounts.values())


def rule_book_in_force(connection: sqlite3.Connection) -> RuleBook:
    """The rule book of the last applied books commit that had a usable one; else the empty one."""
    files = evidence.read_rule_files(connection)
    if files is None:
        return parse_rule_book(None, None)
    return parse_rule_book(files.prices_toml, files.discounts_toml)


def _standing(batch: Batch) -> list[MoneyEntry]:
    """The batch's added lines without those that lost their key to another line of the batch."""
    lost = {entry.line for entry in batch.money_removed}
    return [entry for entry in batch.money_added if entry.line not in lost]
