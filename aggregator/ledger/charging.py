"""Charges and balances: what changed lines and prices do to them.

Every method works inside the caller's transaction.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aggregator.admission.batch import Batch, ChargeKey
from aggregator.rating.rating import STATES, ChargeState, Rater, scope_of_change
from aggregator.store.account_rows import AccountRow
from aggregator.store.charge_rows import ChargeRow, RatedCharge
from aggregator.store.store import LedgerStore
from gitmeter.money.tenure import first_paid_at
from wire_format.fields import AppliesTo
from wire_format.rule_book import RuleBook

COLUMNS_FROM: Final = 5_000
"""Charges of a batch for which numpy is worth loading and filling."""


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
        users = {key[1] for key in batch.usage}.union(*(found.users for found in batch.counted))
        accounts = self._store.accounts.of_users(users)
        kinds = {key[2:] for key in batch.usage}.union(*(found.kinds for found in batch.counted))
        resources = self._store.charges.resource_ids({resource for resource, _ in kinds})
        usage: Mapping[ChargeKey, Sequence[int]] = batch.usage
        if batch.charges < COLUMNS_FROM or not self._as_columns(batch, accounts, resources, rater):
            usage = _with_segments(batch)
        emptied = self._one_by_one(usage, accounts, resources, rater)
        edges = {
            (account.id, hour)
            for account in accounts.values()
            for hour in (account.first_active_hour, account.last_active_hour)
        }
        narrowed = {row.account_id for row in emptied if (row.account_id, row.hour) in edges}
        self._narrow_active(accounts.values(), narrowed)
        self._store.accounts.save(accounts.values())

    def _as_columns(
        self,
        batch: Batch,
        accounts: Mapping[str, AccountRow],
        resources: Mapping[str, int],
        rater: Rater,
    ) -> bool:
        """Charge the segments that are counted by their sums; False, with nothing changed, if not.

        What else the batch has of the same charges is then charged on top of it.
        """
        # numpy's linear algebra, which nothing here uses, would start a thread for each core
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        try:
            # numpy, for large batches alone
            from aggregator.ledger import charging_columns as columns
        except ModuleNotFoundError:  # hidden for a moment: `gitmeter.support.lazy_group`
            return False
        parts = columns.merged(batch.counted, accounts)
        if parts is None:
            return False
        hours = set(parts.hour.tolist())
        taken = hours - self._store.charges.empty_hours(hours)
        before = self._store.charges.find(columns.keys_in(parts, taken, resources))
        outcome = columns.charge(parts, before, resources, rater)
        if outcome is None:
            return False
        for page in outcome.pages:
            self._store.charges.save_numbers(page)
        self._store.charges.save_periods(outcome.periods)
        for (state, (resource, applies_to)), more in outcome.unrated.items():
            self.changed.charges[state, resources[resource], applies_to] += more
        return True

    def _one_by_one(
        self,
        usage: Mapping[ChargeKey, Sequence[int]],
        accounts: Mapping[str, AccountRow],
        resources: Mapping[str, int],
        rater: Rater,
    ) -> list[ChargeRow]:
        """Change charges by units and records; returns those that have no record left."""
        store = self._store.charges
        empty = store.empty_hours({hour for hour, *_ in usage})
        found = store.find(
            (hour, accounts[user].id, resources[resource], applies_to, at)
            for at, (hour, user, resource, applies_to) in enumerate(usage)
            if hour not in empty
        )
        saved: list[ChargeRow] = []
        emptied: list[ChargeRow] = []
        for at, (key, (units, records)) in enumerate(usage.items()):
            hour, user, resource, applies_to = key
            account = accounts[user]
            ids = (account.id, resources[resource], applies_to)
            if (before := found.get(at)) is not None:
                units += before.quantity  # noqa: PLW2901 - from here the totals of the charge
                records += before.records  # noqa: PLW2901
                was = ChargeRow(hour, *ids, *before[:2], STATES[before.state], *before[3:])
                unrated = self.changed.note(was, -1)
                account.add_cost(-before.list_cost_nano, -before.billed_cost_nano, unrated)
            rating = rater.rate(
                *(units, resource, applies_to, hour), first_paid_at(account.tenure, hour)
            )
            row = ChargeRow(hour, *ids, units, records, *rating)
            if records == 0:
                emptied.append(row)
                continue
            saved.append(row)
            unrated = self.changed.note(row, 1)
            account.add_cost(rating.list_cost_nano, rating.billed_cost_nano, unrated)
            account.add_hour(hour)
        store.save(saved)
        store.delete(emptied)
        return emptied

    def _narrow_active(self, accounts: Iterable[AccountRow], ids: set[int]) -> None:
        """Compute the active hours of these accounts again, after charges were deleted."""
        for account in accounts:
            if account.id in ids:
                first, last = self._store.active.hours_of(account)
                account.first_active_hour, account.last_active_hour = first, last

    def rate_account(self, account: AccountRow, rater: Rater) -> None:
        """Rate the charges of an account again whose tenure changed."""
        if account.first_active_hour is not None:
            self._rate_again(list(self._store.charges.of_account(account)), rater)

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


def _with_segments(batch: Batch) -> Mapping[ChargeKey, Sequence[int]]:
    """Units and records to add to each charge, those of segments counted by their sums too."""
    usage = {key: [*added] for key, added in batch.usage.items()}
    for found in batch.counted:
        for key, units, records in found.parts():
            added = usage.setdefault(key, [0, 0])
            added[0] += units
            added[1] += records
    return usage
