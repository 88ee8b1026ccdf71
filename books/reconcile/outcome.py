"""What became of one reconciliation. Pure."""

from dataclasses import dataclass, field

from books.reconcile.judging.memory import FoundDifference
from books.reconcile.report import ReportedLine
from gitmeter.support.errors import ExitCode
from wire_format.lines import Decision


@dataclass
class AccountOutcome:
    """What became of one account.

    Attributes:
        name: the account.
        agreed, differing: its lines that the provider was asked about.
        unasked: those that it was not.
        problem: why not everything was asked; empty if it was.
        may_retry: whether the next run may do better without any change.
        note: what a person should know; may be empty.
        too_early: movements before the first run that are no lines known here.
    """

    name: str
    agreed: int = 0
    differing: int = 0
    unasked: int = 0
    problem: str = ""
    may_retry: bool = False
    note: str = ""
    too_early: int = 0


@dataclass
class Reconciliation:
    """What became of one reconciliation.

    Attributes:
        accounts: by name.
        decisions: what was recorded; without numbers in a dry run.
        differences: what lines and providers do not say alike.
        ways_out: for each writer with many differences the command that cuts it off.
        undecided: lines that wait for a person.
    """

    accounts: list[AccountOutcome] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    differences: list[FoundDifference] = field(default_factory=list)
    ways_out: dict[str, str] = field(default_factory=dict)
    undecided: list[ReportedLine] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """Failed with differences, and with what no next run mends."""
        problems = [account for account in self.accounts if account.problem]
        if self.differences or any(not account.may_retry for account in problems):
            return ExitCode.FAILED
        return ExitCode.TRY_LATER if problems else ExitCode.OK
