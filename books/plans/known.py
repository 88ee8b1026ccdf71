"""What the books know of plans: those of the rule book, and their own lines about an account.

Lines of desks are in other repos. Whether a line counts beside those, only the aggregator can say.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from books.errors import AccountError
from books.rule_book.rules import parse_rules, read_rules
from gitmeter.money.plans.plan_lines import JudgedPlanLines, PlanEntry, judge_plan_lines
from gitmeter.money.plans.timeline import PlanTimeline
from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from wire_format.instants import to_us
from wire_format.lines import Account
from wire_format.plans import NO_NEXT_PLAN, Plans
from wire_format.rule_book import RuleBookFiles
from wire_format.writers import Writers


@dataclass(frozen=True)
class PlanRules:
    """The rule book, as far as plans go.

    Attributes:
        plans: of plans.toml.
        writers: who else may settle plans.
        sha256: the name of the rule book.
    """

    plans: Plans
    writers: Writers
    sha256: str

    @property
    def names(self) -> list[str]:
        """Of all plans, sorted."""
        return sorted({version.name for version in self.plans.versions})


def read_plan_rules(home: Home) -> PlanRules:
    """The rule book at the newest commit of these books.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RuleFileError: a rule file cannot be used.
    """
    files: RuleBookFiles = read_rules(LedgerRepo(home.repo))
    book = parse_rules(files)
    return PlanRules(book.plans, book.writers, files.sha256)


def refuse_unknown_plan(name: str, rules: PlanRules) -> None:
    """Refuse a next plan that is neither a plan nor `none`.

    Raises:
        AccountError: it is not.
    """
    if name != NO_NEXT_PLAN and name not in rules.names:
        known = ", ".join([*rules.names, NO_NEXT_PLAN])
        raise AccountError(
            f"there is no plan {name} in rules/plans.toml: known are {known}",
            hint="`books rules set plans.toml` states plans",
        )


def judge_own(lines: Iterable[Account], plans: Plans) -> JudgedPlanLines:
    """Judge plan lines of these books about one account, as the aggregator does.

    It goes by the time of commits, which lines that are not pushed do not have yet. These books
    record no line before an earlier one (`books.accounts.recording.check_clock`), so their own
    times give the same order.

    Args:
        lines: of one account.
        plans: the plans of the rule book.
    """
    entries = [PlanEntry(line, "books", to_us(line.ts)) for line in lines if line.kind == "plan"]
    return judge_plan_lines(entries, plans, _not_asked)


def timeline_of(judged: JudgedPlanLines, plans: Plans) -> PlanTimeline:
    """The plans of an account by those of its lines that count."""
    return PlanTimeline(judged.counted, plans)


def _not_asked(_committed_us: int) -> int:
    """What an account has binds desks alone."""
    return 0
