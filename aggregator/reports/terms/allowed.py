"""Whether an account may use a resource now: what a service asks before each job.

Nothing is reserved by the answer. Until usage is billed it is not known here, so an account may use
up to what its services let through in that time: requests in a minute, by price, by the interval
between two pushes.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from aggregator.reports.terms.entitlements import CycleUses, cycle_billed, spendable_nano
from aggregator.reports.terms.grants import AccountTerms
from aggregator.store.store import LedgerStore
from gitmeter.money.accounts import AccountAt
from wire_format.instants import HOUR_US, to_us
from wire_format.money import parse_nano
from wire_format.plans import UNLIMITED

_BLOCK: Final = "block"


class UseVerdict(StrEnum):
    """Whether it may, and why not."""

    ALLOWED = "allowed"
    SUSPENDED = "suspended"
    QUOTA_EXHAUSTED = "quota-exhausted"
    CAP_REACHED = "cap-reached"
    BALANCE_EXHAUSTED = "balance-exhausted"


class Allowed(NamedTuple):
    """An answer to a service.

    Attributes:
        verdict: whether it may.
        units_left: units that the plan includes and that are left; None where it includes none.
    """

    verdict: UseVerdict
    units_left: int | Literal["unlimited"] | None = None


def allowed(
    store: LedgerStore, found: AccountTerms, settled: AccountAt, now: datetime, resource: str
) -> Allowed:
    """Judge whether an account may use a resource; the first rule that applies decides.

    Args:
        store: the ledger.
        found: what the account has.
        settled: what is settled about it.
        now: the time.
        resource: what it is about to use.
    """
    if settled.is_suspended:
        return Allowed(UseVerdict.SUSPENDED)
    plan = found.timeline.at(to_us(now) // HOUR_US)
    if plan is not None:
        meter = found.timeline.plans.meter_of(plan.version, resource)
        if meter is not None:
            left = CycleUses(store, found, plan, to_us(now)).left_of(meter)
            if left is None or left > 0:
                return _included(found, left)
            if meter.beyond == _BLOCK:
                return Allowed(UseVerdict.QUOTA_EXHAUSTED, 0)
    cap_usd = settled.settings.get("cap_usd")
    if cap_usd is not None and cycle_billed(store, found, now).nano >= parse_nano(cap_usd):
        return Allowed(UseVerdict.CAP_REACHED)
    if spendable_nano(found, resource) > 0:
        return Allowed(UseVerdict.ALLOWED)
    return Allowed(UseVerdict.BALANCE_EXHAUSTED)


def _included(found: AccountTerms, left: int | None) -> Allowed:
    """Included units cost nothing, but nobody uses them who owes something."""
    if found.funds.own_nano < 0:
        return Allowed(UseVerdict.BALANCE_EXHAUSTED)
    return Allowed(UseVerdict.ALLOWED, UNLIMITED if left is None else left)
