"""What a person has to look at: kinds, what each means, and which clear themselves."""

import sqlite3
from datetime import datetime
from enum import StrEnum
from typing import Final

from aggregator.batch import Batch
from aggregator.database.incidents import close_incidents, open_incident
from aggregator.ranges import runs
from cursors.position import HeadOutcome


class IncidentKind(StrEnum):
    """Every kind of incident."""

    REWRITTEN = "rewritten"
    EDITED_HISTORY = "edited history"
    COMMIT_AHEAD = "commit ahead of clock"
    OVERSIZED_COMMIT = "oversized commit"
    UNREACHABLE = "unreachable"
    REPO_GONE = "repo gone"
    BRANCH_MISSING = "branch missing"
    SEQUENCE_REUSED = "sequence reused"
    BAD_RULE_BOOK = "bad rule book"
    BAD_MIRROR = "bad mirror"

    @property
    def advice(self) -> str:
        """What it means and what to do."""
        return _ADVICE[self]


_ADVICE: Final[dict[IncidentKind, str]] = {
    IncidentKind.REWRITTEN: "The branch no longer builds on what was billed. The repo is held at"
    " its cursor; put the old history back, and the next pull goes on.",
    IncidentKind.EDITED_HISTORY: "A commit changes or deletes billed files. The repo is held before"
    " that commit; put the old history back, and the next pull goes on.",
    IncidentKind.COMMIT_AHEAD: "A commit is dated in the future. It is read once our clock gets"
    " there; check the node's clock and ours.",
    IncidentKind.OVERSIZED_COMMIT: "A commit adds more segments than one may hold. The repo is held"
    " before it; the node must commit them in smaller steps on top of what was billed.",
    IncidentKind.UNREACHABLE: "The remote did not answer or refused us. It is tried again, the"
    " daemon waiting up to an hour in between; clears itself.",
    IncidentKind.REPO_GONE: "The remote answers but has no such repo. It is tried again, the daemon"
    " waiting up to an hour in between; clears itself.",
    IncidentKind.BRANCH_MISSING: "The repo has lost its branch. It is tried again, the daemon"
    " waiting up to an hour in between; clears itself.",
    IncidentKind.SEQUENCE_REUSED: "The node gave a seq to two records. Both are billed; find out"
    " whether its spool was restored from a backup.",
    IncidentKind.BAD_RULE_BOOK: "The newest rule book cannot be used; the one before it stays in"
    " force. Mend it with `books rules set` and push.",
    IncidentKind.BAD_MIRROR: "The mirror on our disk lacks objects or cannot be read. Move it away"
    " and pull again, or restore it from a backup.",
}

BACKED_OFF: Final = frozenset(
    (IncidentKind.UNREACHABLE, IncidentKind.REPO_GONE, IncidentKind.BRANCH_MISSING)
)
"""The kinds after which the daemon leaves a repo alone for a while."""

_OF_HEAD: Final = {
    HeadOutcome.REWRITTEN: IncidentKind.REWRITTEN,
    HeadOutcome.UNREACHABLE: IncidentKind.UNREACHABLE,
    HeadOutcome.REPO_GONE: IncidentKind.REPO_GONE,
    HeadOutcome.BRANCH_MISSING: IncidentKind.BRANCH_MISSING,
}
_ABOUT_HEAD: Final = frozenset(
    (
        *_OF_HEAD.values(),
        IncidentKind.EDITED_HISTORY,
        IncidentKind.COMMIT_AHEAD,
        IncidentKind.OVERSIZED_COMMIT,
        IncidentKind.BAD_MIRROR,
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
    connection: sqlite3.Connection, repo_id: int, batch: Batch, now: datetime
) -> None:
    """Open the incidents that the records of a batch show, in the transaction that applies it."""
    for run in runs(sorted(batch.sequence_reused)):
        detail = f"seq {run} stands in records with different ts"
        open_incident(connection, repo_id, IncidentKind.SEQUENCE_REUSED, f"seq {run}", detail, now)
    if batch.rule_files is not None:
        close_incidents(connection, repo_id, [IncidentKind.BAD_RULE_BOOK], now)
    for commit, reason in batch.bad_rules:
        open_incident(connection, repo_id, IncidentKind.BAD_RULE_BOOK, commit, reason, now)
