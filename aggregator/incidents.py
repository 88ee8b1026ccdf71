"""What a person has to look at: kinds, what each means, and which clear themselves."""

import re
import sqlite3
from datetime import datetime
from enum import StrEnum
from typing import Final

from aggregator.batch import Batch
from aggregator.database.evidence import RepoRow
from aggregator.database.incidents import (
    close_incident,
    close_incidents,
    open_incident,
    open_incidents,
)
from aggregator.decisions import Decisions
from aggregator.ranges import Range, RangeSet, runs
from cursors.position import HeadOutcome


class IncidentKind(StrEnum):
    """Every kind of incident."""

    REWRITTEN = "rewritten"
    EDITED_HISTORY = "edited history"
    COMMIT_AHEAD = "commit ahead of clock"
    OVERSIZED_COMMIT = "oversized commit"
    OVERSIZED_OBJECT = "oversized object"
    TOO_LONG = "history too long"
    UNREACHABLE = "unreachable"
    REFUSED = "content refused"
    REPO_GONE = "repo gone"
    BRANCH_MISSING = "branch missing"
    SEQUENCE_REUSED = "sequence reused"
    BAD_RULE_BOOK = "bad rule book"
    BAD_MIRROR = "bad mirror"
    BAD_SIGNATURE = "bad signature"
    NO_SIGNERS = "no allowed signers"
    LOST_HISTORY = "lost history"
    COPY_FAILED = "copy failed"

    @property
    def advice(self) -> str:
        """What it means and what to do."""
        return _ADVICE[self]


_ACCEPT: Final = (
    " See with `aggregator rewrites` what it would change; then put the old history back, or accept"
    " this one with `books decide accept-tip`."
)
_ADVICE: Final[dict[IncidentKind, str]] = {
    IncidentKind.REWRITTEN: "The branch no longer builds on what was billed. The repo is held at"
    " its cursor." + _ACCEPT,
    IncidentKind.EDITED_HISTORY: "A commit changes or deletes billed files. The repo is held before"
    " that commit." + _ACCEPT,
    IncidentKind.COMMIT_AHEAD: "A commit is dated in the future. It is read once our clock gets"
    " there; check the node's clock and ours.",
    IncidentKind.OVERSIZED_COMMIT: "A commit is past a limit that no pusher reaches. The repo is"
    " held before it." + _ACCEPT,
    IncidentKind.OVERSIZED_OBJECT: "A commit's own text is larger than any that is read, and"
    " nothing above it can be. The repo is held at its cursor until the node's history is without"
    " it.",
    IncidentKind.TOO_LONG: "The branch has more than a million commits that were not billed yet, or"
    " that do not build on what was. No pusher writes so many; the repo is held at its cursor.",
    IncidentKind.UNREACHABLE: "The remote did not answer or refused us. It is tried again, the"
    " daemon waiting up to an hour in between; clears itself.",
    IncidentKind.REFUSED: "What the remote sent is damaged, or past the limits of memory and size."
    " Nothing of it was taken over. It is tried again, the daemon waiting up to an hour in between;"
    " look at the repo with `git fsck`.",
    IncidentKind.REPO_GONE: "The remote answers but has no such repo. It is tried again, the daemon"
    " waiting up to an hour in between; clears itself.",
    IncidentKind.BRANCH_MISSING: "The repo has lost its branch. It is tried again, the daemon"
    " waiting up to an hour in between; clears itself.",
    IncidentKind.SEQUENCE_REUSED: "The node gave a seq to two records. Both are billed; find out"
    " whether its spool was restored from a backup, then `books decide acknowledge`.",
    IncidentKind.BAD_RULE_BOOK: "The newest rule book cannot be used; the one before it stays in"
    " force. Mend it with `books rules set` and push.",
    IncidentKind.BAD_MIRROR: "The mirror on our disk lacks objects or cannot be read. Move it away"
    " and pull again, or restore it from a backup.",
    IncidentKind.BAD_SIGNATURE: "No key that may sign for this node now has signed the head. The"
    " repo is held at its cursor. Find out who pushed; if it is the node, put its key into"
    " allowed_signers_file, or accept this one commit with `books decide accept-tip`.",
    IncidentKind.NO_SIGNERS: "The file of allowed signers cannot be used, so no new head can be"
    " checked. Every repo that must be signed is held at its cursor; mend the file, and the next"
    " pull goes on.",
    IncidentKind.LOST_HISTORY: "Commits that were billed are nowhere any more, so the ledger cannot"
    " be proved for this repo. It is held; restore its mirror from a backup or the copy remote.",
    IncidentKind.COPY_FAILED: "What was billed last is not on the copy remote. Billing goes on; it"
    " is tried again after every pull and clears itself.",
}

_REUSED: Final = re.compile(r"seq [0-9]{1,16}(\.\.[0-9]{1,16})?")

BACKED_OFF: Final = frozenset(
    (
        IncidentKind.UNREACHABLE,
        IncidentKind.REFUSED,
        IncidentKind.REPO_GONE,
        IncidentKind.BRANCH_MISSING,
    )
)
"""The kinds after which the daemon leaves a repo alone for a while."""

PASSING: Final = frozenset(
    (IncidentKind.UNREACHABLE, IncidentKind.BRANCH_MISSING, IncidentKind.COMMIT_AHEAD)
)
"""Kinds that may pass without anybody doing anything."""

_OF_HEAD: Final = {
    HeadOutcome.REWRITTEN: IncidentKind.REWRITTEN,
    HeadOutcome.UNREACHABLE: IncidentKind.UNREACHABLE,
    HeadOutcome.TOO_LONG: IncidentKind.TOO_LONG,
    HeadOutcome.REFUSED: IncidentKind.REFUSED,
    HeadOutcome.REPO_GONE: IncidentKind.REPO_GONE,
    HeadOutcome.BRANCH_MISSING: IncidentKind.BRANCH_MISSING,
}
_ABOUT_HEAD: Final = frozenset(
    (
        *_OF_HEAD.values(),
        IncidentKind.EDITED_HISTORY,
        IncidentKind.COMMIT_AHEAD,
        IncidentKind.OVERSIZED_COMMIT,
        IncidentKind.OVERSIZED_OBJECT,
        IncidentKind.BAD_MIRROR,
        IncidentKind.BAD_SIGNATURE,
        IncidentKind.NO_SIGNERS,
        IncidentKind.LOST_HISTORY,
    )
)
"""The kinds that say where a repo stands: at most one is open, and a good pull clears it."""


def file_standing(
    connection: sqlite3.Connection,
    repo_id: int,
    kind: IncidentKind | None,
    subject: str,
    detail: str,
    now: datetime,
) -> None:
    """Record what keeps a repo from going on; None when nothing does."""
    close_incidents(connection, repo_id, _ABOUT_HEAD, now, but=(kind, subject))
    if kind is not None:
        open_incident(connection, repo_id, kind, subject, detail, now)


def kind_of(outcome: HeadOutcome) -> IncidentKind | None:
    """The incident that a head amounts to, or None when all is well."""
    return _OF_HEAD.get(outcome)


def file_shown_by(
    connection: sqlite3.Connection,
    repo: RepoRow,
    batch: Batch,
    decisions: Decisions,
    now: datetime,
) -> set[IncidentKind]:
    """Open the incidents that the records of a batch show, in the transaction that applies it.

    Those that a person has acknowledged stay closed.

    Returns:
        The kinds that were opened or seen again.
    """
    shown: set[IncidentKind] = set()
    if batch.rule_files is not None:
        close_incidents(connection, repo.id, [IncidentKind.BAD_RULE_BOOK], now)
    known = decisions.acknowledged_subjects(repo.name, IncidentKind.BAD_RULE_BOOK)
    for commit, reason in batch.bad_rules:
        if commit not in known:
            open_incident(connection, repo.id, IncidentKind.BAD_RULE_BOOK, commit, reason, now)
            shown.add(IncidentKind.BAD_RULE_BOOK)
    accepted = _acknowledged_seqs(decisions, repo.name)
    reused = [seq for seq in sorted(batch.sequence_reused) if not accepted.overlaps(seq, seq)]
    for run in runs(reused):
        detail = f"seq {run} stands in records with different ts"
        open_incident(connection, repo.id, IncidentKind.SEQUENCE_REUSED, f"seq {run}", detail, now)
        shown.add(IncidentKind.SEQUENCE_REUSED)
    return shown


def close_acknowledged(connection: sqlite3.Connection, decisions: Decisions, now: datetime) -> None:
    """Close the open incidents that a person has acknowledged.

    Those that say where a repo stands go when their cause does.
    """
    for incident in open_incidents(connection):
        if incident.kind == IncidentKind.SEQUENCE_REUSED:
            accepted = _acknowledged_seqs(decisions, incident.repo)
            is_over = accepted.within(_reused(incident.subject)) == [_reused(incident.subject)]
        else:
            known = decisions.acknowledged_subjects(incident.repo, incident.kind)
            is_over = incident.subject in known and incident.kind not in _ABOUT_HEAD
        if is_over:
            close_incident(connection, incident.id, now)


def _acknowledged_seqs(decisions: Decisions, repo: str) -> RangeSet:
    """The reused seqs that need nothing more, however they were told: one by one or as a range."""
    subjects = decisions.acknowledged_subjects(repo, IncidentKind.SEQUENCE_REUSED)
    return RangeSet(_reused(s) for s in subjects if _REUSED.fullmatch(s))


def _reused(subject: str) -> Range:
    """The seqs of a subject such as `seq 17` or `seq 17..19`."""
    first, _, last = subject.removeprefix("seq ").partition("..")
    return Range(*sorted((int(first), int(last or first))))
