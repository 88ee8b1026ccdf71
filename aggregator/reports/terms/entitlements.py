"""What an account may use now: its plan with what is left of it, what it can spend, its settings.

The answer is for services, which decide by it; nothing here changes what is billed.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Final, NamedTuple

from aggregator.rating.standing import GrantState, in_balance_nano, last_hour_before
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.terms.grants import AccountTerms, account_terms
from aggregator.reports.terms.stated import StatedLines, place_answer
from aggregator.store.questions.sums import Grouping
from aggregator.store.store import LedgerStore
from gitmeter.money.accounts import account_at
from gitmeter.money.granted import Hours
from gitmeter.money.plans.periods import PlanInForce
from wire_format.instants import HOUR_US, format_hour, format_ts, hour_of, to_us
from wire_format.money import format_usd
from wire_format.plans import UNLIMITED, PlanMeter


def entitlements(
    store: LedgerStore,
    user: str,
    now: datetime,
    at: datetime | None = None,
    *,
    resource: str | None = None,
) -> Answer:
    """Return what an account may use.

    Args:
        store: the ledger.
        user: the account.
        now: the time.
        at: an instant to tell of in its place.
        resource: what is to be used; grants for other resources cannot be spent on it.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    told = now if at is None else at
    with store.view():
        found = account_terms(store, user, now, at)
        entries = store.reports.about_account(found.account.id)
        settled = account_at(entries, to_us(told))
        cap_usd = settled.settings.get("cap_usd")
        left_nano = spendable_nano(found, resource)
        return {
            "user": user,
            "at": format_ts(told),
            "suspended": settled.is_suspended,
            "spendable_nano": left_nano,
            "spendable_usd": format_usd(left_nano),
            "resource": resource,
            "scoped_grants": [] if resource is not None else _scoped(found),
            "balance_nano": found.funds.balance_nano,
            "setting": {
                "cap_usd": cap_usd,
                "next_plan": settled.settings.get("next_plan"),
            },
            "plan": _plan(store, found, to_us(told), is_capped=cap_usd is not None),
            **stands_on(store, found.account.id),
        }


def spendable_nano(found: AccountTerms, resource: str | None = None) -> int:
    """What can be spent on a resource, in nano-dollars; without one, what can be spent on any."""
    if resource is not None:
        return found.funds.own_nano + in_balance_nano(found.grants, resource)
    unscoped = (each for each in found.grants if each.grant.scope is None)
    return found.funds.own_nano + in_balance_nano(unscoped)


def _scoped(found: AccountTerms) -> list[Answer]:
    """What can be spent on some resources alone, besides `spendable_nano`."""
    return [
        {
            "grant": each.grant.name,
            "scope": list(each.grant.scope),
            "left_nano": each.left_nano,
        }
        for each in found.grants
        if each.grant.scope is not None and each.state is GrantState.IN_FORCE and each.left_nano
    ]


def _plan(store: LedgerStore, found: AccountTerms, at_us: int, *, is_capped: bool) -> Answer | None:
    plan = found.timeline.at(at_us // HOUR_US)
    if plan is None:
        return None
    version, line = plan.version, plan.line
    stated = None if line is None else StatedLines(store, found.account.user).of_plan(line)
    uses = CycleUses(store, found, plan, at_us)
    return {
        "plan": version.name,
        "cycle": plan.cycle_of,
        "cycle_start": format_hour(plan.cycle_start),
        "cycle_end": format_hour(plan.cycle_end),
        "until": None if line is None or line.until is None else format_ts(line.until),
        "fee_usd": None if version.fee_nano is None else format_usd(version.fee_nano),
        "rpm": version.rpm,
        "features": list(version.features),
        "limits": {name: UNLIMITED if most is None else most for name, most in version.limits},
        "meters": uses.meters(),
        "billed_nano": uses.billed_nano() if is_capped else None,
        "line": None if line is None else place_answer(stated),
    }


class CycleBilled(NamedTuple):
    """What was billed in the cycle that runs.

    Attributes:
        end_hour: the clock hour since 1970 in which the next cycle begins.
        nano: nano-dollars, of hours that began before the instant.
    """

    end_hour: int
    nano: int


def cycle_billed(store: LedgerStore, found: AccountTerms, at: datetime) -> CycleBilled:
    """What was billed in the cycle that runs at an instant: what a cap is about.

    Without a plan it is the calendar month in UTC, so that a cap means something to everybody.

    Args:
        store: the ledger.
        found: the account.
        at: the instant.
    """
    at_us = to_us(at)
    plan = found.timeline.at(at_us // HOUR_US)
    if plan is not None:
        return CycleBilled(plan.cycle_end, CycleUses(store, found, plan, at_us).billed_nano())
    first = hour_of(datetime(at.year, at.month, 1, tzinfo=UTC))
    year, month = divmod(at.year * 12 + at.month, 12)
    end = hour_of(datetime(year, month + 1, 1, tzinfo=UTC))
    hours = first, max(first, last_hour_before(at_us) + 1)
    sums = store.sums.costs(*hours, _BY_NOTHING, found.account.id)
    return CycleBilled(end, sum(each.billed_nano for each in sums))


_BY_NOTHING: Final = Grouping(by_resource=False)


class CycleUses:
    """What was used in the cycle that runs at an instant, by hours that began before it.

    Args:
        store: the ledger.
        found: the account.
        plan: what it has then.
        at_us: the instant, microseconds since 1970.
    """

    def __init__(
        self, store: LedgerStore, found: AccountTerms, plan: PlanInForce, at_us: int
    ) -> None:
        self._store = store
        self._account = found.account
        self._timeline = found.timeline
        self._plan = plan
        end = min(plan.cycle_end, last_hour_before(at_us) + 1)
        hours = Hours(plan.cycle_start, max(plan.cycle_start, end))
        self._spans = [
            span
            for span, had in found.timeline.spans(hours)
            if had is not None and had.cycle_of == plan.cycle_of
        ]

    def meters(self) -> list[Answer]:
        """Return what was used and included under each meter, and what is left."""
        used, given = Counter[PlanMeter](), Counter[PlanMeter]()
        for series in self._store.series.of_account(self._account.id):
            meter = self._timeline.plans.meter_of(self._plan.version, series.resource)
            if meter is None:
                continue
            for span in self._spans:
                for charge in self._store.series.charges(series, span):
                    used[meter] += charge.row.quantity
                    given[meter] += charge.included
        return [self._meter(meter, used[meter], given[meter]) for meter in self._plan.meters]

    def left_of(self, meter: PlanMeter) -> int | None:
        """How many included units of a meter are left; None where it includes all."""
        if meter.included is None:
            return None
        given = sum(
            units
            for series in self._store.series.of_account(self._account.id)
            if self._timeline.plans.meter_of(self._plan.version, series.resource) == meter
            for span in self._spans
            for _, units in self._store.series.included(series, span)
        )
        return max(0, meter.included - given)

    def billed_nano(self) -> int:
        """What was billed in the cycle, in nano-dollars: what a cap is about."""
        return sum(
            each.billed_nano
            for span in self._spans
            for each in self._store.sums.costs(*span, _BY_NOTHING, self._account.id)
        )

    def _meter(self, meter: PlanMeter, used: int, given: int) -> Answer:
        most = meter.included
        return {
            "meter": meter.name,
            "match": list(meter.match),
            "used": used,
            "included": UNLIMITED if most is None else most,
            "left": UNLIMITED if most is None else max(0, most - given),
            "beyond": meter.beyond,
            "resets_at": format_hour(self._plan.cycle_end),
        }
