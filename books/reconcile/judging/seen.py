"""Which tips are seen: up to where the writers had everything, day by day. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from books.answers.answer import AGE_MAX, AHEAD_MAX
from books.decision_status import SEEN_AGAIN_AFTER
from books.reconcile.judging.runs import Reconciler
from books.reconcile.report import PaymentsReport, ReportedWriter
from wire_format.lines import Decision


def to_see(
    report: PaymentsReport,
    remembered: Mapping[str, str],
    in_force: Iterable[Decision],
    now: datetime,
) -> list[ReportedWriter]:
    """The repos of writers of which nothing was seen for a day, each tip of a writer once, sorted.

    One is seen again where the tip is the same: a commit that is not within the tip and dated more
    than a day before the decision claims nothing, so the key of a writer that is idle becomes
    unable to write the past. A tip that may have been left behind is not seen: what honestly
    followed it would then claim nothing.

    Args:
        report: what the aggregator knows.
        remembered: see `books.reconcile.judging.memory.Memory.seen`.
        in_force: decisions.
        now: the time of the run.
    """
    if now - report.as_of > AGE_MAX:
        return []
    lately = {
        (each.of, each.tip)
        for each in in_force
        if each.kind == "seen" and now - each.ts < SEEN_AGAIN_AFTER
    }
    found: dict[tuple[str, str | None], ReportedWriter] = {}
    for writer in sorted(report.writers, key=lambda writer: (writer.node, writer.repo)):
        is_seen = any(
            (writer.node, tip) in lately for tip in (writer.tip, remembered.get(repo_key(writer)))
        )
        if _is_current(writer, report.as_of) and not is_seen:
            found.setdefault((writer.node, writer.tip), writer)
    return list(found.values())


def _is_current(writer: ReportedWriter, as_of: datetime) -> bool:
    if writer.tip is None or writer.read_at is None or not writer.is_current:
        return False
    return -AHEAD_MAX <= as_of - writer.read_at <= AGE_MAX


def repo_key(writer: ReportedWriter) -> str:
    """Names a repo of a writer, in what is remembered."""
    return f"{writer.node} {writer.repo}"


def seen_decisions(due: Iterable[ReportedWriter], reconciler: Reconciler) -> list[Decision]:
    """A decision for each repo."""
    return [
        reconciler.decide("seen", writer.node, writer.tip, "seen by the daily reconciliation")
        for writer in due
        if writer.tip is not None
    ]
