"""One reconciliation: compare all accounts, remember, decide."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from books.decision_status import decision_statuses
from books.decisions import record_decisions
from books.earlier_lines import bring_here, recorded_decisions
from books.reconcile.account import AccountLines, Means, compare_account
from books.reconcile.accounts import AccountKeys
from books.reconcile.asking import Answers
from books.reconcile.judging.advice import line_difference, missing_difference, still_open, ways_out
from books.reconcile.judging.charges import topup_grounds
from books.reconcile.judging.lines import Need, clashing_numbers, need, recorded_movements
from books.reconcile.judging.memory import AccountMemory, FoundDifference
from books.reconcile.judging.runs import (
    Reconciler,
    agreeing_runs,
    reconciled_decisions,
    tips_of,
    without_covered,
)
from books.reconcile.judging.seen import repo_key, seen_decisions, to_see
from books.reconcile.judging.users import Users
from books.reconcile.judging.verdicts import AccountVerdict, is_late
from books.reconcile.memory_file import read_memory, write_memory
from books.reconcile.outcome import AccountOutcome, Reconciliation
from books.reconcile.own_lines import own_movements
from books.reconcile.report import PaymentsReport, ReportedLine
from gitmeter.support.locks import LockedError, locked
from node_pusher.home.errors import BusyError
from node_pusher.spool.api import Spool
from wire_format.writers import Writers


def reconcile(
    spool: Spool,
    report: PaymentsReport,
    writers: Writers,
    accounts: Sequence[AccountKeys],
    means: Means,
    by: str,
    *,
    dry_run: bool = False,
) -> Reconciliation:
    """Compare the lines of tills with what providers say, and decide about those that agree.

    What is remembered is on disk before the decisions, so after a process that died in between the
    next one only asks again.

    Args:
        spool: of the books.
        report: what the aggregator knows.
        writers: of the rule book.
        accounts: that may be asked.
        means: with what is compared.
        by: who reconciles.
        dry_run: record and remember nothing.

    Raises:
        BusyError: another process reconciles.
        DecisionError: `by` cannot be stated in a decision.
        ForgottenError: what the last run left cannot be read or written.
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the books were joined without file contents, and the remote does not provide
            them.
        SpoolError: the decisions could not be written; none was recorded.
    """
    try:
        with locked(spool.home.path / "reconcile.lock"):
            run = _Run(spool, report, means, Reconciler(spool.node, means.now, by))
            run.compare(writers, {account.name: account for account in accounts})
            if not dry_run:
                run.remember()
            run.decide(dry_run=dry_run)
            return run.outcome
    except LockedError:
        raise BusyError("another process reconciles these books") from None


class _Run:
    """The state of one reconciliation."""

    def __init__(
        self, spool: Spool, report: PaymentsReport, means: Means, reconciler: Reconciler
    ) -> None:
        self._spool = spool
        self._report = report
        self._means = means
        self._reconciler = reconciler
        bring_here(spool.home)
        statuses = decision_statuses(recorded_decisions(spool.home, spool, fetch=True))
        self._in_force = [status.decision for status in statuses if status.holds]
        self._memory = read_memory(spool.home.path)
        has_reconciled = any(status.decision.kind == "reconciled" for status in statuses)
        is_lost = has_reconciled and not self._memory.accounts
        self._began = means.now if is_lost else None
        self._clashing = clashing_numbers(report.lines)
        asked = [line for line in report.lines if not line.reconciled]
        self._tips = tips_of(report.writers, report.lines)
        self._lines = without_covered(asked, self._tips, self._in_force)
        kept = set(self._lines)
        self._settled_here = [line for line in asked if line not in kept]
        self._agreed = {line for line in self._lines if need(line) is Need.NOTHING}
        self._own = cache(lambda: own_movements(spool.home, spool, self._in_force))
        self._due = to_see(report, self._memory.seen, self._in_force, means.now)
        self._judged: set[ReportedLine] = set()
        self.outcome = Reconciliation(
            undecided=[line for line in self._lines if need(line) is Need.DECISION]
        )

    def compare(self, writers: Writers, keys: Mapping[str, AccountKeys]) -> None:
        """Ask about each account, and judge its lines."""
        every: dict[str, list[ReportedLine]] = defaultdict(list)
        for line in self._report.lines:
            every[line.provider or ""].append(line)
        needing: dict[str, list[ReportedLine]] = defaultdict(list)
        for line in self._lines:
            if need(line) is Need.PROVIDER:
                needing[line.provider or ""].append(line)
        recorded = recorded_movements(self._report.lines)
        topups = topup_grounds(self._report.topups, self._settled_here, writers)
        for name in sorted(keys.keys() | needing.keys()):
            account, found = writers.providers.get(name), AccountOutcome(name)
            found.unasked = len(needing[name])
            self.outcome.accounts.append(found)
            if account is None:
                found.problem = "it is not in rules/writers.toml of these books"
            elif name not in keys:
                found.problem = "there is no key for it, so nothing says whether its lines are true"
            else:
                memory = self._memory.accounts.setdefault(name, AccountMemory(self._began))
                users = Users(recorded.get(name, {}), memory.movements, self._own_of(name))
                lines = AccountLines(every[name], needing[name], self._clashing, topups)
                answers, verdict = compare_account(
                    account, keys[name], lines, memory, users, self._means
                )
                self._take(found, answers, verdict)
        self._keep_unjudged()

    def _own_of(self, account: str) -> Callable[[], Mapping[str, str]]:
        return lambda: self._own().get(account, {})

    def _take(self, found: AccountOutcome, answers: Answers, verdict: AccountVerdict) -> None:
        """Take over what was found out about one account."""
        found.problem, found.may_retry = answers.problem, answers.may_retry
        found.note, found.too_early = answers.note, verdict.too_early
        told: set[FoundDifference] = set()
        for line, why in verdict.why_not.items():
            self._judged.add(line)
            found.unasked -= 1
            if why is None:
                found.agreed += 1
                self._agreed.add(line)
                continue
            found.differing += 1
            is_clashing = (line.node, line.seq) in self._clashing
            difference = line_difference(line, why, is_clashing=is_clashing)
            if difference not in told:
                told.add(difference)
                self.outcome.differences.append(difference)
        self.outcome.differences += [
            missing_difference(found.name, movement)
            for movement in verdict.unrecorded
            if is_late(movement, self._reconciler.now)
        ]

    def _keep_unjudged(self) -> None:
        """Repeat what the last run found and nobody answered about in this one."""
        found = {each.key for each in self.outcome.differences}
        earlier = [each for each in self._memory.differences if each.key not in found]
        unjudged = [
            line for line in self._lines if need(line) is Need.PROVIDER and line not in self._judged
        ]
        self.outcome.differences += still_open(earlier, unjudged, self._memory.accounts)
        self.outcome.differences.sort(key=lambda each: each.key)
        self.outcome.ways_out = ways_out(
            self.outcome.differences, self._report.lines, self._agreed, self._in_force, self._tips
        )

    def remember(self) -> None:
        """Leave for the next run what it needs."""
        self._memory.ran_at = self._reconciler.now
        self._memory.differences = self.outcome.differences
        listed = {repo_key(writer) for writer in self._report.writers}
        kept = {name: tip for name, tip in self._memory.seen.items() if name in listed}
        self._memory.seen = kept | {
            repo_key(writer): writer.tip for writer in self._due if writer.tip is not None
        }
        write_memory(self._spool.home.path, self._memory, self._reconciler.now)

    def decide(self, *, dry_run: bool) -> None:
        """Decide about what agrees, and about the tips of all writers."""
        runs = agreeing_runs(self._lines, self._agreed, self._clashing)
        wanted = reconciled_decisions(runs, self._tips, self._reconciler)
        wanted += seen_decisions(self._due, self._reconciler)
        if not dry_run:
            wanted = record_decisions(self._spool, wanted)
        self.outcome.decisions = wanted
