"""The plan lines of these books, each with whether it counts."""

from typing import NamedTuple

from books.accounts.known import bring_here, by_user, known_lines
from books.plans.known import judge_own, read_plan_rules
from gitmeter.money.plans.plan_faults import PlanFault
from node_pusher.home.settings_file import reread
from node_pusher.spool.api import Spool
from wire_format.lines import Account


class ListedLine(NamedTuple):
    """A line about a plan.

    Attributes:
        line: of the kind `plan`, or a setting of the next plan.
        stands_seq: of a plan line the one that counts for it; None where it does not count.
        fault: why it does not count.
    """

    line: Account
    stands_seq: int | None
    fault: PlanFault | None

    @property
    def counts(self) -> bool:
        """Whether it counts, itself or as one that says the same."""
        return self.line.kind == "setting" or self.stands_seq is not None

    @property
    def status(self) -> str:
        """Whether it counts, in words."""
        if self.fault is not None:
            return f"does not count: {self.fault.meaning}"
        if self.stands_seq in {None, self.line.seq}:
            return "counts" if self.line.kind == "plan" else "stated"
        return f"says the same as seq {self.stands_seq}"


def list_lines(spool: Spool, user: str | None) -> list[ListedLine]:
    """The plan lines of these books, and their settings of a next plan, by seq.

    Args:
        spool: of the books.
        user: whose; None for everybody's.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
        RuleFileError: the rule book cannot be used.
    """
    home = reread(spool.home)
    plans = read_plan_rules(home).plans
    bring_here(home)
    lines = known_lines(home, spool, user)
    found = [
        ListedLine(line, None, None)
        for line in lines
        if line.kind == "setting" and line.next_plan is not None
    ]
    for own in by_user(lines).values():
        judged = judge_own(own, plans).judged
        found += [
            ListedLine(one.record, None if one.stands is None else one.stands.seq, one.fault)
            for one in judged
        ]
    return sorted(found, key=lambda listed: listed.line.seq)
