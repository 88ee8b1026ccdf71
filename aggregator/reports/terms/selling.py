"""Whether a plan line that a desk is about to write would count: judged by the ledger's own rule.

The aggregator has the last word: it judges the line again by the time of its commit, with what
others have written meanwhile.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from aggregator.store.store import LedgerStore
from gitmeter.money.plans.money_before import CommittedLine, MoneyKnown
from gitmeter.money.plans.plan_lines import JudgedPlanLine, PlanEntry, judge_plan_lines
from gitmeter.money.rivals import judge
from wire_format.instants import to_us
from wire_format.lines import Account
from wire_format.plans import Plans


def judge_sale(
    store: LedgerStore, plans: Plans, line: Account, waiting: Iterable[Account], now: datetime
) -> JudgedPlanLine:
    """Judge a plan line of a desk as if it were committed now.

    Args:
        store: the ledger.
        plans: the plans of the rule book in force.
        line: the line.
        waiting: lines about the account that this desk wrote and the ledger has not read.
        now: the time.
    """
    # commits are dated in whole seconds, and what is paid in that second is not before it
    now_us, user = to_us(now.replace(microsecond=0)), line.user
    entries = [*store.account_lines.plans([user]).get(user, {}).values()]
    entries += [PlanEntry(each, "desk", now_us - 1) for each in waiting if each.kind == "plan"]
    entries.append(PlanEntry(line, "desk", now_us))
    found = judge_plan_lines(entries, plans, MoneyKnown(user, _known(store, user)).before)
    return next(each for each in found.judged if each.record == line)


def _known(store: LedgerStore, user: str) -> Sequence[CommittedLine]:
    entries = store.money.entries({user}, ())
    committed_us = store.money.committed_us(entries)
    judged = judge(entries.values())
    return [
        CommittedLine(line, committed_us[row]) for row, line in zip(entries, judged, strict=True)
    ]
