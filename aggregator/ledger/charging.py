"""Charges and balances: what changed lines and prices do to them.

Every method works inside the caller's transaction.
"""

from collections import Counter
from collections.abc import Iterable

from aggregator.admission.batch import Batch, ChargeKey
from aggregator.rating.rating import ChargeState, Rater, scope_of_change
from aggregator.store.account_rows import Account
from aggregator.store.charge_rows import ChargeRow, RatedCharge
from aggregator.store.store import LedgerStore
from gitmeter.counting.money_lines import Judged, credit, judge
from wire_format.fields import AppliesTo
from wire_format.rule_book import RuleBook


class ChangedStates:
    """What a transaction changes about usage that is not billed in full.

    Attributes:
        charges: by state, id of the resource and category, how many more charges are not rated.
        nodes: the rows of nodes of which records beyond the limit were filed or released.
    """

    def __init__(self) -> None:
        self.charges: Counter[tuple[ChargeState, int, AppliesTo]] = Counter()
        self.nodes: set[int] = set()

    def note(self, row: ChargeRow, sign: int) -> int:
        """Note a charge that is added (1) or taken away (-1); 0 if it is rated, else the sign."""
        if row.state is ChargeState.RATED:
            return 0
        self.charges[row.state, row.resource_id, row.applies_to] += sign
        return sign


class Charging:
    """Changes charges and balances in the caller's transaction.

    Args:
        store: the ledger's store.

    Attributes:
        changed: what the transaction changed about usage that is not billed in full.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self.changed = ChangedStates()

    def begin(self) -> None:
        """Note the changes of a transaction that begins."""
        self.changed = ChangedStates()

    def rate_under(self, before: RuleBook, rater: Rater) -> None:
        """Rate again the charges whose cost changes with the rule book.

        Args:
            before: the rule book that was in force.
            rater: rates under the one that comes into force.
        """
        scope = scope_of_change(before, rater.rule_book)
        if scope is not None:
            pages = self._store.charges.pages_from(scope.from_hour, scope.resources)
            for page in pages:
                self._rate_again(page, rater)

    def apply_usage(self, batch: Batch, rater: Rater) -> None:
        """Change the charges of a batch by its units and records."""
        users = {key[1] for key in batch.usage}
        accounts = self._store.accounts.of_users(users)
        resources = self._store.charges.resource_ids({key[2] for key in batch.usage})
        empty = self._store.charges.empty_hours({key[0] for key in batch.usage})
        saved: list[ChargeRow] = []
        emptied: list[ChargeRow] = []
        for key, (units, records) in batch.usage.items():
            hour, user, resource, applies_to = key
            account = accounts[user]
            before = None if hour in empty else self._find(key, account, resources[resource])
            if before is not None:
                units += before.quantity  # noqa: PLW2901 - from here the totals of the charge
                records += before.records  # noqa: PLW2901
                unrated = self.changed.note(before, -1)
                account.add_cost(-before.list_cost_nano, -before.billed_cost_nano, unrated)
            rating = rater.rate(units, resource, applies_to, hour, account.first_paid_us)
            row = ChargeRow(
                hour, account.id, resources[resource], applies_to, units, records, *rating
            )
            if records == 0:
                emptied.append(row)
                continue
            saved.append(row)
            unrated = self.changed.note(row, 1)
            account.add_cost(rating.list_cost_nano, rating.billed_cost_nano, unrated)
            account.add_hour(hour)
        self._store.charges.save(saved)
        self._store.charges.delete(emptied)
        edges = {
            (account.id, hour)
            for account in accounts.values()
            for hour in (account.first_active_hour, account.last_active_hour)
        }
        narrowed = {row.account_id for row in emptied if (row.account_id, row.hour) in edges}
        self._narrow_active(accounts.values(), narrowed)
        self._store.accounts.save(accounts.values())

    def _find(self, key: ChargeKey, account: Account, resource_id: int) -> ChargeRow | None:
        return self._store.charges.find(key, account.id, resource_id)

    def _narrow_active(self, accounts: Iterable[Account], ids: set[int]) -> None:
        """Compute the active hours of these accounts again, after charges were deleted."""
        for account in accounts:
            if account.id in ids:
                first, last = self._store.charges.active_hours(account)
                account.first_active_hour, account.last_active_hour = first, last

    def apply_money(self, node_id: int, batch: Batch, rater: Rater) -> list[Judged]:
        """Judge all money lines of every user that the batch's money lines can affect."""
        if not batch.money:
            return []
        changed = [entry for entry, _ in batch.money.values()]
        users = {entry.record.user for entry in changed}
        accounts = self._store.accounts.of_users(users)
        ids = {account.user: account.id for account in accounts.values()}
        self._store.money.change(node_id, batch.money.values(), ids)
        users |= self._store.money.users_sharing_movements(changed)
        # a line of another user in the same movement is judged with these, but not all that could
        # affect that user is among them, so its state is not written
        judged = [
            line
            for line in judge(self._store.money.lines_to_judge(users))
            if line.record.user in users
        ]
        self._store.money.save_states(judged)
        lines: dict[str, list[Judged]] = {}
        for line in judged:
            lines.setdefault(line.record.user, []).append(line)
        for account in self._store.accounts.of_users(users).values():
            counted = credit(lines.get(account.user, ()))
            self._store.money.save_credit(account.id, counted)
            if counted.first_paid_us != account.first_paid_us:
                account.first_paid_us = counted.first_paid_us
                self._rate_again(list(self._store.charges.of_account(account)), rater)
        return judged

    def _rate_again(self, page: Iterable[RatedCharge], rater: Rater) -> None:
        """Rate charges whose price or tenure changed, from their quantities; no segment is read."""
        saved: list[ChargeRow] = []
        changes: dict[int, tuple[int, int, int]] = {}
        for row, _, resource, first_paid_us in page:
            rating = rater.rate(row.quantity, resource, row.applies_to, row.hour, first_paid_us)
            if rating == row[-3:]:
                continue
            after = ChargeRow(*row[:-3], *rating)
            saved.append(after)
            list_cost_nano, billed_cost_nano, unrated = changes.get(row.account_id, (0, 0, 0))
            changes[row.account_id] = (
                list_cost_nano + rating.list_cost_nano - row.list_cost_nano,
                billed_cost_nano + rating.billed_cost_nano - row.billed_cost_nano,
                unrated + self.changed.note(row, -1) + self.changed.note(after, 1),
            )
        self._store.charges.save(saved)
        accounts = self._store.accounts.by_id(changes)
        for account_id, change in changes.items():
            accounts[account_id].add_cost(*change)
        self._store.accounts.save(accounts.values())
