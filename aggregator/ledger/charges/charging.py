"""Charges and balances: what changed lines and prices do to them.

Every method works inside the caller's transaction.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from aggregator.admission.batch import Batch, ChargeKey
from aggregator.admission.grouped import GroupedSegment
from aggregator.ledger.charges.changed import ChangedStates
from aggregator.ledger.charges.draws import GrantDraws, ToDraw
from aggregator.ledger.charges.following import Following, TouchedHours
from aggregator.ledger.charges.gathering import Gathered, with_segments
from aggregator.rating.rating import STATES, ChargeState, Rater, Rating, scope_of_change
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import ChargeRow, RatedCharge
from aggregator.store.charges.series_rows import Series
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import EVER_HOUR, Hours
from gitmeter.money.tenure import first_paid_at

COLUMNS_FROM: Final = 5_000
"""Charges of a batch for which numpy is worth loading and filling."""

_NOT_RATED_YET: Final = Rating(ChargeState.RATED, 0, 0)


class Charging:
    """Changes charges and balances in the caller's transaction.

    Args:
        store: the ledger's store.
        gathers: whether sums of segments wait until there are many of them, of several nodes
            perhaps, which then become charges together. Until then the database lacks them.

    Attributes:
        changed: what the transaction changed about usage that is not billed in full.
    """

    def __init__(self, store: LedgerStore, *, gathers: bool = False) -> None:
        self._store = store
        self._gathered = Gathered() if gathers else None
        self.changed = ChangedStates()
        self._now_s = 0

    def begin(self, now: datetime | None) -> None:
        """Note the changes of a transaction that begins.

        Args:
            now: the time; None where nothing new is applied.
        """
        self.changed = ChangedStates()
        self._now_s = 0 if now is None else int(now.timestamp())

    def rate_under(self, before: Rater, rater: Rater) -> None:
        """Rate again the charges whose cost changes with the rule book.

        Args:
            before: rates under the rule book that was in force.
            rater: rates under the one that comes into force.
        """
        scope = scope_of_change(before.rule_book, rater.rule_book)
        if scope is None:
            return
        names = self._store.charges.resource_names()
        counted, now = (set(filter(each.is_counted, names)) for each in (before, rater))
        self._store.series.drop(counted - now)
        self._store.series.begin(now - counted)
        if not rater.rule_book.plans.versions:
            self._store.series.include_nothing()
        pages = self._store.charges.pages_from(scope.from_hour, scope.resources)
        for page in pages:
            self._rate_again(page, rater)
        with_terms = self._store.accounts.with_terms(scope.from_hour)
        for account_id in sorted({*self._store.series.accounts(), *with_terms}):
            self._follow_since(account_id, scope.from_hour, rater)

    def replan(self, account: AccountRow, from_hour: int, rater: Rater) -> None:
        """Charge an account again from an hour on that has other plans or grants."""
        if account.last_active_hour is not None and account.last_active_hour >= from_hour:
            self._follow_since(account.id, from_hour, rater)

    def _follow_since(self, account_id: int, hour: int, rater: Rater) -> None:
        account = self._store.accounts.by_id([account_id])[account_id]
        following = Following(self._store, rater, account, self.changed)
        following.follow(following.all_since(hour), Hours(hour, EVER_HOUR))
        self._store.accounts.save([account])

    def apply_usage(self, node_id: int, batch: Batch, rater: Rater) -> None:
        """Change the charges of a batch by its units and records.

        Args:
            node_id: the node that wrote its lines.
            batch: the changes.
            rater: rates under the rule book in force.
        """
        if batch.usage:
            self.charge_gathered(rater)  # the lines that count no longer may be among those
        accounts = self._store.accounts.of_users({*batch.users, *(key[1] for key in batch.usage)})
        first_commit_s = {accounts[user].id: at_s for user, at_s in batch.users.items()}
        first_hour = min((entry.first_hour for entry in batch.segments), default=0)
        self._store.account_nodes.note(node_id, first_commit_s, first_hour, self._now_s)
        if self._gathered is None or batch.usage:
            self._charge(batch.usage, batch.counted, accounts, rater)
            return
        self._gathered.add(batch.counted)
        if self._gathered.is_full:
            self.charge_gathered(rater)

    def charge_gathered(self, rater: Rater) -> None:
        """Charge what waits.

        Args:
            rater: rates under the rule book in force.
        """
        if self._gathered is not None and (counted := self._gathered.take()):
            users = {user for found in counted for user in found.users}
            self._charge({}, counted, self._store.accounts.of_users(users), rater)

    def _charge(
        self,
        usage: Mapping[ChargeKey, Sequence[int]],
        counted: Sequence[GroupedSegment],
        accounts: Mapping[str, AccountRow],
        rater: Rater,
    ) -> None:
        kinds = {key[2:] for key in usage}.union(*(found.kinds for found in counted))
        resources = self._store.charges.resource_ids({resource for resource, _ in kinds})
        drawing = ToDraw(accounts.values(), resources)
        if (
            any(map(rater.is_apart, resources))
            or sum(found.charges for found in counted) < COLUMNS_FROM
            or not self._as_columns(counted, accounts, resources, rater, drawing)
        ):
            usage = with_segments(usage, counted)
        emptied, touched = self._one_by_one(usage, accounts, resources, rater, drawing)
        edges = {
            (account.id, hour)
            for account in accounts.values()
            for hour in (account.first_active_hour, account.last_active_hour)
        }
        narrowed = {row.account_id for row in emptied if (row.account_id, row.hour) in edges}
        self._narrow_active(accounts.values(), narrowed)
        by_id = {account.id: account for account in accounts.values()}
        GrantDraws(self._store, rater).going_on(by_id, drawing.going_on(touched))
        for account_id in sorted({*touched, *drawing.anew}):
            following = Following(self._store, rater, by_id[account_id], self.changed)
            following.follow(touched.get(account_id, {}), drawing.anew.get(account_id))
        self._store.accounts.save(accounts.values())

    def _as_columns(
        self,
        counted: Sequence[GroupedSegment],
        accounts: Mapping[str, AccountRow],
        resources: Mapping[str, int],
        rater: Rater,
        drawing: ToDraw,
    ) -> bool:
        """Charge segments that are counted by their sums; False, with nothing changed, if not.

        What else a batch has of the same charges is then charged on top of it.
        """
        # numpy's linear algebra, which nothing here uses, would start a thread for each core
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        try:
            # numpy, for large batches alone
            from aggregator.ledger.charges import columns
        except ModuleNotFoundError:  # hidden for a moment: `gitmeter.support.lazy_group`
            return False
        parts = columns.merged(counted, accounts.values(), resources)
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
            drawing.add_numbers(page)
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
        drawing: ToDraw,
    ) -> tuple[list[ChargeRow], Mapping[int, TouchedHours]]:
        """Change charges by units and records.

        Returns:
            Those that have no record left, and by account the series of which charges changed.
        """
        store = self._store.charges
        empty = store.empty_hours({hour for hour, *_ in usage})
        found = store.find(
            (hour, accounts[user].id, resources[resource], applies_to, at)
            for at, (hour, user, resource, applies_to) in enumerate(usage)
            if hour not in empty
        )
        saved: list[ChargeRow] = []
        emptied: list[ChargeRow] = []
        touched: dict[int, TouchedHours] = defaultdict(lambda: defaultdict(set))
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
            if rater.is_following(resource, account.plans):  # it is rated after all of them
                rating = _NOT_RATED_YET if before is None else Rating(*was[-3:])
                touched[account.id][Series(*ids, resource)].add(hour)
            else:
                rating = rater.rate(
                    *(units, resource, applies_to, hour),
                    *(first_paid_at(account.tenure, hour), user),
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
        drawing.add(saved)
        drawing.add(emptied, are_gone=True)
        ids_counted = {row_id for name, row_id in resources.items() if rater.is_counted(name)}
        self._store.series.add(row for row in saved if row.resource_id in ids_counted)
        self._store.series.delete(row for row in emptied if row.resource_id in ids_counted)
        return emptied, touched

    def _narrow_active(self, accounts: Iterable[AccountRow], ids: set[int]) -> None:
        """Compute the active hours of these accounts again, after charges were deleted."""
        for account in accounts:
            if account.id in ids:
                first, last = self._store.active.hours_of(account)
                account.first_active_hour, account.last_active_hour = first, last

    def rate_account(self, account: AccountRow, rater: Rater) -> None:
        """Rate the charges of an account again whose tenure changed."""
        if account.first_active_hour is None:
            return
        self._rate_again(list(self._store.charges.of_account(account)), rater)
        self._follow_since(account.id, 0, rater)

    def _rate_again(self, page: Iterable[RatedCharge], rater: Rater) -> None:
        """Rate charges whose price or tenure changed, from their quantities; no segment is read.

        Not those of which units are counted on beyond their hour.
        """
        saved: list[ChargeRow] = []
        changes: dict[int, tuple[int, int, int]] = {}
        for row, user, resource, first_paid_us in page:
            if rater.is_counted(resource):
                continue
            rating = rater.rate(
                row.quantity, resource, row.applies_to, row.hour, first_paid_us, user
            )
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
