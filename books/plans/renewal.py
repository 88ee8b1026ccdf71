"""Renewing plans: a line for each account whose period ends and that can pay for the next.

What the next plan is, what it costs and whether the account has the money is the aggregator's to
say. These books write it down once, however often they are told, and never what would not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import NamedTuple

from books.accounts.known import bring_here, by_user, known_lines, waiting_seqs
from books.accounts.recording import check_clock, check_line, new_line, record_lines
from books.errors import AccountError, NotYetError
from books.plans.due import DueAccount, DueReport
from books.plans.known import PlanRules, read_plan_rules
from books.plans.settling import plan_version, settled_alike
from node_pusher.home.settings_file import reread
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from wire_format.instants import format_ts, hour_of, hour_start
from wire_format.lines import Account
from wire_format.money import parse_nano
from wire_format.plans import NO_NEXT_PLAN, PlanVersion


class NotRenewed(NamedTuple):
    """An account that is not renewed.

    Attributes:
        due: what the aggregator said.
        why: in one sentence.
    """

    due: DueAccount
    why: str


@dataclass
class Renewals:
    """What became of the accounts that were due.

    Attributes:
        renewed: the lines that were written, or with a dry run would be.
        already: those that were there, for the same periods.
        lapsed: accounts that cannot pay; their plan ends.
        refused: accounts that can, whose line would not count or does not fit the rule book.
    """

    renewed: list[Account] = field(default_factory=list)
    already: list[Account] = field(default_factory=list)
    lapsed: list[NotRenewed] = field(default_factory=list)
    refused: list[NotRenewed] = field(default_factory=list)


def renew(spool: Spool, report: DueReport, by: str, *, dry_run: bool = False) -> Renewals:
    """Record the next period of each account that can pay for it, all in one transaction.

    Args:
        spool: of the books.
        report: what the aggregator said.
        by: who renews.
        dry_run: record nothing.

    Raises:
        NotYetError: the aggregator reckoned by another rule book than that of these books.
        AccountError: the clock is behind these books.
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
        RuleFileError: the rule book cannot be used.
        SpoolError: they could not be written; nothing was recorded.
    """
    home = reread(spool.home)
    rules = read_plan_rules(home)
    if report.rule_book != rules.sha256:
        raise NotYetError(
            f"the answer was reckoned by the rule book {report.rule_book[:12]}, and that of these"
            f" books is {rules.sha256[:12]}",
            hint="`books push` sends the rule book; ask the aggregator again when it has read it",
        )
    bring_here(home)
    found = Renewals()
    with spool.store.exclusive():
        known = known_lines(home, spool)
        check_clock(spool.now(), known)
        waiting = waiting_seqs(spool)
        lines = by_user(known)
        for due in report.due:
            own = lines[due.user]
            unknown = _unknown_setting(due, report, own, waiting)
            if unknown is not None:
                found.refused.append(NotRenewed(due, unknown))
            elif (line := _judge(spool, due, own, rules, by, found)) is not None:
                found.renewed.append(line)
                own.append(line)
        if not dry_run:
            found.renewed = record_lines(spool, found.renewed, by)
    return found


def _judge(
    spool: Spool,
    due: DueAccount,
    known: list[Account],
    rules: PlanRules,
    by: str,
    found: Renewals,
) -> Account | None:
    """The line to be written about an account; None where there is none, which `found` says."""
    if not due.affordable or due.plan is None:
        why = due.reason or ("cannot pay the fee" if due.plan else "has no next plan")
        found.lapsed.append(NotRenewed(due, why))
        return None
    try:
        line = _line(spool, due, rules)
        check_line(line, by)
        there = settled_alike(line, known, rules)
    except AccountError as error:
        found.refused.append(NotRenewed(due, str(error)))
        return None
    if there is None:
        return line
    if there.seq != UNNUMBERED:  # else the answer has the account twice
        found.already.append(there)
    return None


def _line(spool: Spool, due: DueAccount, rules: PlanRules) -> Account:
    """The line of the next period, as the rule book allows it.

    Raises:
        AccountError: it is no period of one cycle of the plan, for its fee.
    """
    from_hour = hour_of(due.from_.astimezone(UTC))
    plan = due.plan or ""
    version = plan_version(plan, from_hour, rules)
    until = None if due.until is None else due.until.astimezone(UTC)
    cycle_end = hour_start(from_hour + version.cycle_hours)
    if until != (cycle_end if version.fee_nano is not None else None):
        raise AccountError(f"the answer states a period that is not one cycle of the plan {plan}")
    fee_nano = parse_nano(due.fee_usd or "0")
    if fee_nano not in set(_fees(version, from_hour, rules)):
        raise AccountError(
            f"the answer states a fee of {due.fee_usd or '0'} USD, which the plan {plan} does not"
            " have"
        )
    return new_line(
        spool,
        "plan",
        user=due.user,
        plan=plan,
        from_=due.from_.astimezone(UTC),
        until=until,
        fee_usd=due.fee_usd if fee_nano else None,
        reason="renewed",
    )


def _fees(version: PlanVersion, from_hour: int, rules: PlanRules) -> Iterator[int]:
    """What the next period may cost: the plan's fee, or that of one which it takes the place of."""
    yield version.fee_nano or 0
    for entry in rules.plans.plan_map:
        until_hour = entry.from_hour if entry.prices_until_hour is None else entry.prices_until_hour
        if entry.new == version.name and entry.from_hour <= from_hour < until_hour:
            yield from (old.fee_nano or 0 for old in rules.plans.versions_of(entry.old))


def _unknown_setting(
    due: DueAccount, report: DueReport, known: list[Account], waiting: frozenset[int]
) -> str | None:
    """Why an account is left to the next run: the aggregator may not know what it was told last."""
    stated = [each for each in known if each.kind == "setting" and each.next_plan is not None]
    if not due.affordable or not stated:
        return None
    latest = max(stated, key=lambda each: (each.ts, each.seq))
    is_known = latest.seq not in waiting and (report.as_of is None or latest.ts < report.as_of)
    if is_known or latest.next_plan == due.plan:
        return None
    said = (
        "no further period" if latest.next_plan == NO_NEXT_PLAN else f"the plan {latest.next_plan}"
    )
    return (
        f"seq {latest.seq} of {format_ts(latest.ts)} settles {said}, which the answer may not know"
        " yet: the next run will"
    )
