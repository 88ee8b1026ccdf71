"""Settling the plan of an account: one line is one period.

The line is judged by the aggregator's own function, over what these books know, before it is
written: what would not count is refused while the person who typed it can still change it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from books.accounts.known import bring_here, known_lines
from books.accounts.recording import check_clock, check_line, new_line, record_lines
from books.errors import AccountError
from books.plans.known import PlanRules, judge_own, read_plan_rules, timeline_of
from gitmeter.money.plans.periods import PlanInForce
from gitmeter.money.plans.plan_faults import PlanFault
from node_pusher.home.settings_file import reread
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from wire_format.instants import format_hour, format_ts, hour_of, hour_start
from wire_format.lines import Account
from wire_format.money import format_usd
from wire_format.plans import PlanVersion


@dataclass(frozen=True)
class WantedPlan:
    """A period that somebody asks for.

    Attributes:
        user: the account.
        plan: the plan.
        from_: when it begins, a full hour; the hour of now if None.
        until: when it ends; after one cycle if None, an upgrade with the cycle that runs.
        fee_usd: what it costs; what the plan costs if None.
        is_upgrade: it takes the place of the plan in force, within the cycle that runs.
        reason: why.
    """

    user: str
    plan: str
    from_: datetime | None = None
    until: datetime | None = None
    fee_usd: str | None = None
    is_upgrade: bool = False
    reason: str | None = None


class SettledPlan(NamedTuple):
    """A period on disk.

    Attributes:
        line: it.
        repeated: whether it was recorded earlier, so that nothing was recorded now.
        may_have_desk_lines: whether desks may have lines about the account that are not here.
    """

    line: Account
    repeated: bool
    may_have_desk_lines: bool


def set_plan(spool: Spool, wanted: WantedPlan, by: str) -> SettledPlan:
    """Record a period, unless it is there or would not count.

    Args:
        spool: of the books.
        wanted: the period.
        by: who enters it.

    Raises:
        AccountError: it would not count, or breaks a rule of the wire format.
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
        RuleFileError: the rule book cannot be used.
        SpoolError: it could not be written; nothing was recorded.
    """
    home = reread(spool.home)
    rules = read_plan_rules(home)
    bring_here(home)
    has_desks = bool(rules.writers.desks)
    with spool.store.exclusive():
        known = known_lines(home, spool, wanted.user)
        line = _line(spool, wanted, known, rules)
        if line.seq != UNNUMBERED:  # typed twice
            return SettledPlan(line, repeated=True, may_have_desk_lines=has_desks)
        check_clock(line.ts, known)
        check_line(line, by)
        if (there := settled_alike(line, known, rules)) is not None:
            return SettledPlan(there, repeated=True, may_have_desk_lines=has_desks)
        line = record_lines(spool, [line], by)[0]
    return SettledPlan(line, repeated=False, may_have_desk_lines=has_desks)


def settled_alike(line: Account, known: list[Account], rules: PlanRules) -> Account | None:
    """The line that says the same and counts already; None where the new one would count.

    Args:
        line: a new plan line.
        known: the lines of these books about its account.
        rules: the rule book.

    Raises:
        AccountError: it would not count.
    """
    judged = judge_own([*known, line], rules.plans)
    own = next(each for each in judged.judged if each.record is line)
    if own.fault is not None:
        raise AccountError(f"it would not count: {own.fault.meaning}", hint=_advice(own.fault))
    return own.stands if own.stands is not line else None


def _advice(fault: PlanFault) -> str:
    """What to do, in the words of the command."""
    return f"nothing was recorded; {fault.advice}"


def _line(spool: Spool, wanted: WantedPlan, known: list[Account], rules: PlanRules) -> Account:
    """The line of a period, with what was not stated by default."""
    now_hour = hour_of(spool.now())
    from_hour = now_hour if wanted.from_ is None else hour_of(wanted.from_)
    version = plan_version(wanted.plan, from_hour, rules)
    if wanted.is_upgrade:
        return _upgrade(spool, wanted, known, rules, version)
    running = _running(known, rules, from_hour)
    if running is not None and not _repeats(running, wanted, from_hour):
        _refuse_running(running, wanted)
    until = wanted.until
    if until is None and version.fee_nano is not None:
        until = hour_start(from_hour + version.cycle_hours)
    fee_usd = wanted.fee_usd
    if fee_usd is None and version.fee_nano:
        fee_usd = format_usd(version.fee_nano)
    return new_line(
        spool,
        "plan",
        user=wanted.user,
        plan=wanted.plan,
        from_=hour_start(from_hour),
        until=until,
        fee_usd=fee_usd,
        reason=wanted.reason,
    )


def _upgrade(
    spool: Spool,
    wanted: WantedPlan,
    known: list[Account],
    rules: PlanRules,
    version: PlanVersion,
) -> Account:
    """The line of an upgrade: it begins now, and ends with the cycle that runs.

    The one that is there already, where the account has it in this cycle.
    """
    now_hour = hour_of(spool.now())
    if wanted.from_ not in {None, hour_start(now_hour)} or wanted.until is not None:
        raise AccountError(
            "an upgrade begins in the hour in which it is recorded, and ends with the cycle",
            hint="leave out --from and --until; without --upgrade the plan begins when you say",
        )
    running = _running(known, rules, now_hour)
    if running is None or running.line is None:
        raise AccountError(
            f"{wanted.user} has no plan with a fee by the lines of these books, so there is"
            " nothing to upgrade",
            hint="without --upgrade the plan begins at once; what a desk sold, a desk upgrades:"
            " these books do not read its lines",
        )
    line = running.line
    if running.version.name == wanted.plan and line.instead_of is not None:
        return line
    fee_nano = (version.fee_nano or 0) - (running.version.fee_nano or 0)
    fee_usd = wanted.fee_usd
    if fee_usd is None and fee_nano > 0:
        fee_usd = format_usd(fee_nano)
    return new_line(
        spool,
        "plan",
        user=wanted.user,
        plan=wanted.plan,
        instead_of=running.version.name,
        from_=hour_start(now_hour),
        until=hour_start(running.cycle_end),
        fee_usd=fee_usd,
        reason=wanted.reason,
    )


def plan_version(name: str, hour: int, rules: PlanRules) -> PlanVersion:
    """What a plan is in a clock hour.

    Raises:
        AccountError: there is none, or it has not begun.
    """
    version = rules.plans.version_at(name, hour)
    if version is not None:
        return version
    if versions := rules.plans.versions_of(name):
        raise AccountError(
            f"the plan {name} begins at {format_hour(versions[0].from_hour)}, and the period at"
            f" {format_hour(hour)}",
            hint=f"state --from {format_hour(versions[0].from_hour)} or later",
        )
    known = ", ".join(rules.names) or "there is none yet"
    raise AccountError(
        f"there is no plan {name} in rules/plans.toml: {known}",
        hint="`books rules set plans.toml` states plans",
    )


def _running(known: list[Account], rules: PlanRules, hour: int) -> PlanInForce | None:
    """What an account has in a clock hour by a line with an end; None where there is none."""
    judged = judge_own(known, rules.plans)
    found = timeline_of(judged, rules.plans).at(hour)
    if found is None or found.line is None or found.line.until is None:
        return None
    return found


def _repeats(running: PlanInForce, wanted: WantedPlan, from_hour: int) -> bool:
    """Whether a period is asked for that began in the same hour with the same plan."""
    line = running.line
    return line is not None and (line.plan, line.from_) == (wanted.plan, hour_start(from_hour))


def _refuse_running(running: PlanInForce, wanted: WantedPlan) -> None:
    """Refuse a period that would begin while another one runs."""
    line = running.line
    if line is None or line.until is None:
        return
    raise AccountError(
        f"{wanted.user} has the plan {line.plan} until {format_ts(line.until)} (seq {line.seq}):"
        " another period begins when it has ended",
        hint=f"state --from {format_ts(line.until)}, or --upgrade for a dearer plan at once",
    )
