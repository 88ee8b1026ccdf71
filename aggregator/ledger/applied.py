"""What applying commits of one repo did, and why it stopped."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregator.admission.batch import Batch
from aggregator.incidents.kinds import IncidentKind


class Stop(NamedTuple):
    """Why the walk stopped before a commit.

    Attributes:
        kind: the incident that holds the repo.
        commit: the first commit that is not applied; of several that are held for their dates
            alone, the last.
        detail: a sentence for a person.
    """

    kind: IncidentKind
    commit: str
    detail: str


@dataclass
class Applied:
    """What applying commits of one repo did.

    Attributes:
        commits: how many were applied.
        admitted, duplicates, held, rejected: how many lines of each outcome they have.
        stop: why it stopped before the last commit; None when it did not.
        noticed: the kinds of incidents that the records show.
    """

    commits: int = 0
    admitted: int = 0
    duplicates: int = 0
    held: int = 0
    rejected: int = 0
    stop: Stop | None = None
    noticed: set[IncidentKind] = field(default_factory=set)

    def add(self, batch: Batch, noticed: Iterable[IncidentKind]) -> None:
        """Add the counts of a batch that was written, and the incidents that its records show."""
        self.admitted += batch.admitted
        self.duplicates += batch.duplicates
        self.held += len(batch.held_lines)
        self.rejected += len(batch.rejected)
        if batch.rule_files is not None:
            self.noticed -= {IncidentKind.BAD_RULE_BOOK, IncidentKind.RULE_BOOK_WAITS}
        if batch.decisions:
            self.noticed.discard(IncidentKind.DECISION_WAITS)
        self.noticed.update(noticed)
