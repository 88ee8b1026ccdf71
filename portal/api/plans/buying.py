"""Buying a plan: a line of the desk, judged before it is written by the ledger's own rule."""

from http import HTTPStatus
from typing import Any, Final

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.reports.terms.selling import judge_sale
from gitmeter.money.plans.periods import PlanInForce
from gitmeter.money.plans.plan_faults import PlanFault
from portal.api.customers.account import terms
from portal.api.plans.forms import PlanBought, PlanWanted
from portal.api.problems import ProblemError, conflict, invalid
from portal.api.request import Asked
from wire_format.instants import format_ts, hour_of, hour_start
from wire_format.lines import Account
from wire_format.money import format_usd, parse_nano
from wire_format.plans import PlanVersion

_WHY: Final = {
    PlanFault.NOT_SOLD: "this plan is not sold here",
    PlanFault.PERIOD_RUNS: "a plan that is paid for runs: ask for an upgrade, or set next_plan",
    PlanFault.NOT_IN_FORCE: "no plan that is paid for runs: ask for it without upgrade",
    PlanFault.OTHER_CYCLE: "its periods are of another length: set next_plan",
    PlanFault.FEE_NOT_HIGHER: "it costs no more than the plan that runs: set next_plan",
    PlanFault.LESS_INCLUDED: "it includes less than the plan that runs: set next_plan",
}


def buy(asked: Asked) -> PlanBought:
    """Buy a plan for one period that begins now, or another one in the place of the plan that runs.

    The fee is taken from what was paid in, grants left out. An upgrade costs the difference of the
    fees and keeps the cycle. The same again within the hour buys nothing twice.
    """
    wanted: PlanWanted = asked.body
    plans, hour = rule_book_in_force(asked.store).plans, hour_of(asked.now)
    version = plans.version_at(wanted.plan, hour)
    if version is None:
        raise invalid(f"plan: there is no plan {wanted.plan}")
    running = terms(asked).timeline.at(hour)
    desk, user = asked.portal.desk, asked.holder.user
    with desk.exclusive():
        waiting = [entry.record for entry in desk.unbilled.about(user)]
        stated = _stated(version, hour, wanted, running) | {"reason": asked.why}
        line = desk.new_line("plan", user, asked.by, **stated)
        judged = judge_sale(asked.store, plans, line, waiting, asked.now)
        if judged.fault is not None:
            raise _refused(judged.fault, line)
        if judged.stands != line:  # the same was bought already
            return _bought(judged.stands or line)
        desk.record([line])
    asked.portal.wake()
    return _bought(line)


def _stated(
    version: PlanVersion, hour: int, wanted: PlanWanted, running: PlanInForce | None
) -> dict[str, Any]:
    """What the line states beside its account."""
    fee_nano, until_hour = version.fee_nano, hour + version.cycle_hours
    stated: dict[str, Any] = {"plan": version.name, "from_": hour_start(hour)}
    if wanted.upgrade and running is not None:
        fee_nano = (fee_nano or 0) - (running.version.fee_nano or 0)
        until_hour = running.cycle_end
        stated["instead_of"] = running.version.name
    if version.fee_nano is not None:
        stated["until"] = hour_start(until_hour)
        stated["fee_usd"] = format_usd(max(0, fee_nano or 0))
    return stated


def _refused(fault: PlanFault, line: Account) -> ProblemError:
    if fault is PlanFault.NO_MONEY:
        detail = f"what was paid in does not reach the fee of {line.fee_usd} USD"
        return ProblemError("balance-exhausted", HTTPStatus.PAYMENT_REQUIRED, detail)
    return conflict("plan-refused", _WHY.get(fault, fault.meaning))


def _bought(line: Account) -> PlanBought:
    fee_usd = None if line.fee_usd is None else format_usd(parse_nano(line.fee_usd))
    return PlanBought(
        **{"from": format_ts(line.from_ or line.ts)},
        plan=line.plan or "",
        until=None if line.until is None else format_ts(line.until),
        fee_usd=fee_usd,
        instead_of=line.instead_of,
    )
