"""Where the lines are that state grants and plans: repo, commit, path and line."""

from collections.abc import Iterator
from typing import Final

from aggregator.reports.basis import Answer
from aggregator.store.questions.payments import MoneyLine
from aggregator.store.store import LedgerStore
from gitmeter.counting.effects import Movement, movement
from gitmeter.money.granted import Granted
from gitmeter.money.plans.timeline import PLAN_PROVIDER, PlanTimeline
from wire_format.lines import Account, Money

_EVER_US: Final = 2**62
_COUNTED: Final = "counted"


class StatedLines:
    """The lines of an account that count.

    Args:
        store: the ledger.
        user: the account.
    """

    def __init__(self, store: LedgerStore, user: str) -> None:
        self._lines: dict[Movement | Account, MoneyLine] = {}
        for line in _counted(store, user):
            stated = movement(line.record) if isinstance(line.record, Money) else line.record
            if stated is not None:
                self._lines.setdefault(stated, line)

    def of_grant(self, grant: Granted, timeline: PlanTimeline) -> MoneyLine | None:
        """The line that states a grant; for the credit of a cycle the one that settles the plan."""
        if grant.provider == PLAN_PROVIDER:
            plan = timeline.at(grant.from_hour)
            return None if plan is None or plan.line is None else self.of_plan(plan.line)
        return self._lines.get((grant.provider, grant.reference, "grant"))

    def of_plan(self, record: Account) -> MoneyLine | None:
        """Where the line of a plan is."""
        return self._lines.get(record)


def place_answer(line: MoneyLine | None) -> Answer:
    """Return who wrote a line, and where it is."""
    if line is None:
        return dict.fromkeys(("node", "seq", "repo", "commit", "path", "line_no"))
    return {
        "node": line.node,
        "seq": line.record.seq,
        "repo": line.repo,
        "commit": line.commit,
        "path": line.path,
        "line_no": line.line_no,
    }


def _counted(store: LedgerStore, user: str) -> Iterator[MoneyLine]:
    lines = store.payments.lines(user, 0, _EVER_US)
    return (line for line in lines if line.state == _COUNTED)
