"""What changed charges of one account move of its others.

Included units go to the first units of a cycle, tiers to the first units of a window, grants to the
first charges. So a change moves what comes after it in its cycle or its windows, and what grants
paid from its hour on, until each has as much left as it had: in the usual order of arrival nothing
else. Every method works inside the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from aggregator.ledger.charges.changed import ChangedStates
from aggregator.ledger.charges.draws import GrantDraws
from aggregator.ledger.charges.series import rate_series
from aggregator.rating.included import Metered, include
from aggregator.rating.rating import Rater
from aggregator.rating.series import Payer
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.series_rows import CountedCharge, Series
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Hours
from gitmeter.money.plans.periods import PlanInForce
from wire_format.plans import PlanMeter

TouchedHours = dict[Series, set[int]]
"""Series of one account, and in which hours their charges changed."""


class MeteredHour(NamedTuple):
    """A clock hour in which a meter of the account's plan counts."""

    hour: int
    plan: PlanInForce
    meter: PlanMeter

    @property
    def cycle(self) -> tuple[str, str]:
        """The cycle whose units the meter counts, and the meter."""
        return self.plan.cycle_of, self.meter.name


class Following:
    """Follows changes of the charges of one account.

    Args:
        store: the ledger's store.
        rater: rates under the rule book in force.
        account: the account; its sums change with its charges, and are saved by the caller.
        changed: what the transaction changes about usage that is not billed in full.
    """

    def __init__(
        self, store: LedgerStore, rater: Rater, account: AccountRow, changed: ChangedStates
    ) -> None:
        self._store = store
        self._rater = rater
        self._account = account
        self._changed = changed
        self._draws = GrantDraws(store, rater)
        self._payer = Payer(account.user, account.tenure, rater.plans_of(account.plans))
        self._plans = rater.rule_book.plans

    def all_since(self, hour: int) -> TouchedHours:
        """The charges of all series of the account from an hour on."""
        rows = self._store.series
        own = rows.of_account(self._account.id)
        return {series: rows.hours_since(series, hour) for series in own}

    def follow(self, touched: Mapping[Series, Iterable[int]], changed: Hours | None) -> None:
        """Rate what changed charges move, and draw on grants anew.

        Args:
            touched: the series with changed charges, and their hours.
            changed: from the first to the last hour of charges that changed; None where none did.
        """
        hours = {series: set(found) for series, found in touched.items()}
        self._include(hours)
        spans = [] if changed is None else [changed]
        for series, found in sorted(hours.items()):
            if found:
                span = Hours(min(found), max(found) + 1)
                spans += [span, *self._rate(series, span)]
        if spans:
            moved = Hours(min(each.first for each in spans), max(each.end for each in spans))
            self._draws.anew(self._account, self._payer.plans, moved)

    def _rate(self, series: Series, hours: Hours) -> list[Hours]:
        """Rate what changed hours of a series move; returns the hours that cost otherwise."""
        changed = rate_series(self._store, self._rater, series, self._payer, hours)
        self._store.charges.save(after for _, after in changed)
        for before, after in changed:
            self._account.add_cost(
                after.list_cost_nano - before.list_cost_nano,
                after.billed_cost_nano - before.billed_cost_nano,
                self._changed.note(before, -1) + self._changed.note(after, 1),
            )
        return [Hours(after.hour, after.hour + 1) for _, after in changed]

    def _include(self, touched: TouchedHours) -> None:
        """Write what the account's plan includes, and add what that moves to what is touched."""
        if not self._plans.versions:
            return
        firsts: dict[tuple[str, str], MeteredHour] = {}
        for series, hours in touched.items():
            bare: list[tuple[int, int]] = []
            for hour in hours:
                found = self._metered(series.resource, hour)
                if found is None:
                    bare.append((hour, 0))
                elif found.cycle not in firsts or hour < firsts[found.cycle].hour:
                    firsts[found.cycle] = found
            self._store.series.include(series, bare)
        own = self._store.series.of_account(self._account.id) if firsts else []
        for first in firsts.values():
            members = [series for series in own if self._may_be_of(first.meter, series)]
            self._include_from(first, members, touched)

    def _metered(self, resource: str, hour: int) -> MeteredHour | None:
        plan = self._payer.plans.at(hour)
        if plan is None:
            return None
        meter = self._plans.meter_of(plan.version, resource)
        return None if meter is None else MeteredHour(hour, plan, meter)

    def _may_be_of(self, meter: PlanMeter, series: Series) -> bool:
        return any(
            found is not None and found.name == meter.name
            for version in self._plans.versions
            for found in [self._plans.meter_of(version, series.resource)]
        )

    def _include_from(
        self, first: MeteredHour, members: Sequence[Series], touched: TouchedHours
    ) -> None:
        """Include units of one meter in its cycle, from an hour on."""
        plan = first.plan
        given = {first.cycle: self._given_before(first, members)}
        charges: list[tuple[Metered, Series, CountedCharge]] = []
        for series in members:
            for each in self._store.series.charges(series, Hours(first.hour, plan.cycle_end)):
                found = self._metered(series.resource, each.row.hour)
                if found is not None and found.plan.cycle_of == plan.cycle_of:
                    row = each.row
                    metered = Metered(row.hour, series.resource, row.applies_to, row.quantity)
                    charges.append((metered, series, each))
        charges.sort(key=lambda found: found[0])
        units = include((metered for metered, _, _ in charges), self._payer.plans, given)
        written: dict[Series, list[tuple[int, int]]] = defaultdict(list)
        for (metered, series, each), included in zip(charges, units, strict=True):
            if included != each.included:
                written[series].append((metered.hour, included))
                touched.setdefault(series, set()).add(metered.hour)
        for series, found_units in written.items():
            self._store.series.include(series, found_units)

    def _given_before(self, first: MeteredHour, members: Sequence[Series]) -> int:
        """Units of a meter that were included in its cycle before an hour."""
        if first.meter.included is None:
            return 0
        hours = Hours(first.plan.cycle_start, first.hour)
        total = 0
        for series in members:
            for hour, included in self._store.series.included(series, hours):
                found = self._metered(series.resource, hour)
                if found is not None and found.plan.cycle_of == first.plan.cycle_of:
                    total += included
        return total
