"""What commits of one repo change, what applying them did, and why it stopped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregator.admission.batch import Batch
from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger.repriced import RepricingError
from aggregator.ledger.segments import UnreadableSegmentError
from aggregator.rating.rating import Rater
from aggregator.store.repo_rows import RepoRow
from gitmeter.counting.decisions import Decisions


@dataclass(frozen=True)
class Move:
    """How a repo's cursor moves.

    Attributes:
        repo: the repo.
        expected: the cursor after which the changes were read; None before the first.
        tip: the last commit of the changes.
        kept: tips that `tip` does not build on and whose records stay billed.
    """

    repo: RepoRow
    expected: str | None
    tip: str
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """What a run of commits changes.

    Attributes:
        own: the changes for the repo's own node.
        others: the changes for other nodes, by the node's id, that new decisions or prices cause.
        decisions: all decisions in force from now on; None when none changed.
        rater: rates under the rule book that `own` brings into force; None when it brings none.
        rules_wait: why the rule book of `own` waits; None when it does not.
        unreadable: the nodes for which decisions wait, each with the reason.
    """

    own: Batch
    others: Mapping[int, Batch] = field(default_factory=dict)
    decisions: Decisions | None = None
    rater: Rater | None = None
    rules_wait: RepricingError | None = None
    unreadable: Mapping[str, UnreadableSegmentError] = field(default_factory=dict)


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
