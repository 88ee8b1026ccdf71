"""From what agrees to decisions. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from books.reconcile.report import ReportedLine, ReportedWriter
from node_pusher.spool.drafts import UNNUMBERED
from wire_format.lines import Decision

RepoName = tuple[str, str]
"""A writer and one of its repos."""


class AgreeingRun(NamedTuple):
    """Numbers of one writer in one repo, without a gap, all of whose lines agree."""

    node: str
    repo: str
    first_seq: int
    last_seq: int


class Reconciler(NamedTuple):
    """What all decisions of one run have in common.

    Attributes:
        node: the books.
        now: the time of the run.
        by: who reconciles.
    """

    node: str
    now: datetime
    by: str

    def decide(self, kind: str, of: str, tip: str, reason: str, **about: Any) -> Decision:  # noqa: ANN401 - fields of a decision
        """A decision about a writer, without its number."""
        return Decision(
            v=2,
            node=self.node,
            seq=UNNUMBERED,
            ts=self.now,
            kind=kind,  # type: ignore[arg-type] # one of its values
            of=of,
            tip=tip,
            by=self.by,
            reason=reason,
            **about,
        )


def tips_of(
    writers: Iterable[ReportedWriter], lines: Iterable[ReportedLine]
) -> dict[RepoName, str]:
    """The tip of each repo.

    Of a repo that its writer has left the newest commit of its lines serves: a decision covers what
    is within it, and the rest can follow.
    """
    ordered = sorted(lines, key=lambda line: (line.stated_at, line.seq))
    newest = {(line.node, line.repo): line.commit for line in ordered}
    stated = {(each.node, each.repo): each.tip for each in writers if each.tip is not None}
    return newest | stated


def agreeing_runs(
    lines: Collection[ReportedLine],
    agreed: Collection[ReportedLine],
    clashing: Collection[tuple[str, int]],
) -> list[AgreeingRun]:
    """The longest runs of numbers each of whose lines agrees, sorted.

    Args:
        lines: those that nothing covers.
        agreed: those of them that agree.
        clashing: the numbers under which there are different lines in whatever repo, each with its
            node; they are in no run.
    """
    broken = {(line.node, line.seq) for line in lines if line not in agreed} | set(clashing)
    places = {
        (line.node, line.repo, line.seq) for line in lines if (line.node, line.seq) not in broken
    }
    found: list[AgreeingRun] = []
    for node, repo, seq in sorted(places):
        last = found[-1] if found else None
        if last is not None and (last.node, last.repo, last.last_seq) == (node, repo, seq - 1):
            found[-1] = last._replace(last_seq=seq)
        else:
            found.append(AgreeingRun(node, repo, seq, seq))
    return found


def without_covered(
    lines: Iterable[ReportedLine], tips: Mapping[RepoName, str], in_force: Iterable[Decision]
) -> list[ReportedLine]:
    """The lines that no decision of these books covers, those included that wait for a push.

    Args:
        lines: of the aggregator's answer.
        tips: of each repo.
        in_force: decisions.
    """
    spans: dict[tuple[str | None, str | None], list[tuple[int, int]]] = defaultdict(list)
    for each in in_force:
        if each.kind == "reconciled" and each.from_seq and each.to_seq:
            spans[each.of, each.tip].append((each.from_seq, each.to_seq))
    return [
        line
        for line in lines
        if not any(
            first <= line.seq <= last
            for first, last in spans.get((line.node, tips.get((line.node, line.repo))), ())
        )
    ]


def reconciled_decisions(
    runs: Iterable[AgreeingRun], tips: Mapping[RepoName, str], reconciler: Reconciler
) -> list[Decision]:
    """A decision for each run."""
    return [
        reconciler.decide(
            "reconciled",
            run.node,
            tips[run.node, run.repo],
            "each line says what its provider says",
            from_seq=run.first_seq,
            to_seq=run.last_seq,
        )
        for run in runs
    ]
