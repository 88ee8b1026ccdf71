"""Open and close incidents: of a head, of a batch's records, by acknowledgement."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Final

from aggregator.admission.batch import Batch
from aggregator.incidents.kinds import (
    ABOUT_HEAD,
    ABOUT_SEQS,
    ACKNOWLEDGED,
    SEQS,
    IncidentKind,
    seqs_in,
)
from aggregator.store.repo_rows import RepoRow
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.held import HeldReason
from gitmeter.counting.ranges import Range, RangeSet, runs

_RUNS_SHOWN_MAX: Final = 3


def file_head_incident(
    store: LedgerStore,
    repo_id: int,
    kind: IncidentKind | None,
    subject: str,
    detail: str,
    now: datetime,
) -> None:
    """Open the incident that stops a repo (None: there is none) and close any other about its head.

    The caller's transaction includes both.
    """
    store.incidents.close_of_repo(repo_id, ABOUT_HEAD, now, but=(kind, subject))
    if kind is not None:
        store.incidents.open(repo_id, kind, subject, detail, now)


def file_shown_by(
    store: LedgerStore,
    repo: RepoRow,
    batch: Batch,
    decisions: Decisions,
    now: datetime,
) -> set[IncidentKind]:
    """Open the incidents that the records of a batch show, in the transaction that applies it.

    Those that the operator acknowledged stay closed.

    Args:
        store: the ledger's store, in a transaction.
        repo: the row of the repo that the batch was read from.
        batch: the records of some commits and what was found wrong with them.
        decisions: the operator's decisions.
        now: when the incidents count as opened.

    Returns:
        The kinds that were opened, or were open already.
    """
    shown: set[IncidentKind] = set()
    if batch.rule_files is not None:
        store.incidents.close_of_repo(repo.id, [IncidentKind.BAD_RULE_BOOK], now)
    known = decisions.acknowledged_subjects(repo.name, IncidentKind.BAD_RULE_BOOK)
    for commit, reason in batch.bad_rules:
        if commit not in known:
            store.incidents.open(repo.id, IncidentKind.BAD_RULE_BOOK, commit, reason, now)
            shown.add(IncidentKind.BAD_RULE_BOOK)
    accepted = acknowledged_seqs(decisions, repo.name, IncidentKind.SEQUENCE_REUSED)
    reused = [seq for seq in sorted(batch.sequence_reused) if not accepted.overlaps(seq, seq)]
    if reused:
        _file_reused(store, repo.id, reused, now)
        shown.add(IncidentKind.SEQUENCE_REUSED)
    if any(reason is HeldReason.AHEAD_OF_COMMIT for _, reason in batch.held) and _file_lines_ahead(
        store, repo, decisions, now
    ):
        shown.add(IncidentKind.LINES_AHEAD)
    return shown


def _file_lines_ahead(
    store: LedgerStore, repo: RepoRow, decisions: Decisions, now: datetime
) -> bool:
    """Let one incident name the seqs of all lines that a node dated after their commits.

    Returns:
        Whether there are any that were not acknowledged.
    """
    kind = IncidentKind.LINES_AHEAD
    accepted = acknowledged_seqs(decisions, repo.name, kind)
    span = store.lines.ahead_of_commit(repo.node_id, accepted)
    detail = f"lines of seq {span} are dated after the commit that has them"
    return file_span(store, repo, kind, span, detail, now)


def file_span(
    store: LedgerStore,
    repo: RepoRow,
    kind: IncidentKind,
    span: Range | None,
    detail: str,
    now: datetime,
) -> bool:
    """Let one incident of a node name seqs (None: there are none) in place of those before.

    Returns:
        Whether there are any.
    """
    subject = "" if span is None else f"seq {span}"
    store.incidents.close_of_node(repo.node_id, kind, now, but=subject)
    if span is not None:
        store.incidents.open(repo.id, kind, subject, detail, now)
    return span is not None


def close_acknowledged(store: LedgerStore, decisions: Decisions, now: datetime) -> None:
    """Close the open incidents that the operator acknowledged.

    Only kinds in `ACKNOWLEDGED` end this way; the others end when their cause does.
    """
    seqs = cache(lambda repo, kind: acknowledged_seqs(decisions, repo, kind))
    for incident in store.incidents.all_open():
        if incident.kind in ABOUT_SEQS:
            span = seqs_in(incident.subject)
            is_over = seqs(incident.repo, incident.kind).within(span) == [span]
        else:
            known = decisions.acknowledged_subjects(incident.repo, incident.kind)
            is_over = incident.subject in known and incident.kind in ACKNOWLEDGED
        if is_over:
            store.incidents.close(incident.id, now)


def _file_reused(store: LedgerStore, repo_id: int, reused: Sequence[int], now: datetime) -> None:
    """File reused seqs as the one incident of their repo, however many there are.

    Its subject goes from the lowest to the highest of those that were filed and not acknowledged.
    """
    span, number = Range(reused[0], reused[-1]), len(reused)
    before = store.incidents.open_about_seqs(repo_id, IncidentKind.SEQUENCE_REUSED)
    if before is not None:
        known = seqs_in(before[0])
        span = Range(min(known.first, span.first), max(known.last, span.last))
        number += before[1]
    shown = ", ".join(map(str, islice(runs(reused), _RUNS_SHOWN_MAX)))
    detail = f"seq {shown} is in records with different ts"
    if number > 1:
        detail = f"{number} seqs of {span} are in records with different ts, last {shown}"
    if len(reused) > _RUNS_SHOWN_MAX:
        detail += " and others"
    kind = IncidentKind.SEQUENCE_REUSED
    store.incidents.widen(repo_id, kind, f"seq {span}", detail, number, now)


def acknowledged_seqs(decisions: Decisions, repo: str, kind: str) -> RangeSet:
    """The seqs that were acknowledged, one by one or as a range."""
    subjects = decisions.acknowledged_subjects(repo, kind)
    return RangeSet(seqs_in(s) for s in subjects if SEQS.fullmatch(s))
