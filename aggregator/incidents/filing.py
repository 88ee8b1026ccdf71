"""Open and close incidents: of a head, of a batch's records, by acknowledgement."""

from datetime import datetime

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
from gitmeter.counting.ranges import RangeSet, runs


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
    accepted = _acknowledged_seqs(decisions, repo.name, IncidentKind.SEQUENCE_REUSED)
    reused = [seq for seq in sorted(batch.sequence_reused) if not accepted.overlaps(seq, seq)]
    for run in runs(reused):
        detail = f"seq {run} is in records with different ts"
        store.incidents.open(repo.id, IncidentKind.SEQUENCE_REUSED, f"seq {run}", detail, now)
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
    accepted = _acknowledged_seqs(decisions, repo.name, kind)
    span = store.lines.ahead_of_commit(repo.node_id, accepted)
    subject = "" if span is None else f"seq {span}"
    store.incidents.close_of_node(repo.node_id, kind, now, but=subject)
    if span is not None:
        detail = f"lines of {subject} are dated after the commit that has them"
        store.incidents.open(repo.id, kind, subject, detail, now)
    return span is not None


def close_acknowledged(store: LedgerStore, decisions: Decisions, now: datetime) -> None:
    """Close the open incidents that the operator acknowledged.

    Only kinds in `ACKNOWLEDGED` end this way; the others end when their cause does.
    """
    for incident in store.incidents.all_open():
        if incident.kind in ABOUT_SEQS:
            accepted = _acknowledged_seqs(decisions, incident.repo, incident.kind)
            is_over = accepted.within(seqs_in(incident.subject)) == [seqs_in(incident.subject)]
        else:
            known = decisions.acknowledged_subjects(incident.repo, incident.kind)
            is_over = incident.subject in known and incident.kind in ACKNOWLEDGED
        if is_over:
            store.incidents.close(incident.id, now)


def _acknowledged_seqs(decisions: Decisions, repo: str, kind: str) -> RangeSet:
    """The seqs that were acknowledged, one by one or as a range."""
    subjects = decisions.acknowledged_subjects(repo, kind)
    return RangeSet(seqs_in(s) for s in subjects if SEQS.fullmatch(s))
