"""Judging lines of other nodes again when the operator's decisions or the prices change."""

from collections.abc import Mapping
from typing import NamedTuple

from aggregator.admission.batch import Batch
from aggregator.admission.settlement import Settlement
from aggregator.ledger.known_lines import NodeLines
from aggregator.ledger.repriced import RepricingError
from aggregator.ledger.seen_seqs import NodeSeqs
from aggregator.ledger.segments import SegmentReader, UnreadableSegmentError
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.grounds import CostLimit, Grounds
from gitmeter.counting.ranges import RangeSet


class InForce(NamedTuple):
    """What the lines of all nodes are judged by, besides each other.

    Attributes:
        decisions: the operator's decisions.
        limit: what one record may cost, under the rule book.
    """

    decisions: Decisions
    limit: CostLimit

    def of_node(self, node: str) -> Grounds:
        """What the lines of one node are judged by."""
        return Grounds(self.decisions.of_node(node), self.limit)


class JudgedAgain(NamedTuple):
    """What other decisions change.

    Attributes:
        changes: the changes by the node's id; none for a node to which no repo ever belonged.
        unreadable: for each node whose lines cannot be read again, why; its decisions wait.
    """

    changes: Mapping[int, Batch]
    unreadable: Mapping[str, UnreadableSegmentError]


def judged_again(
    store: LedgerStore,
    reader: SegmentReader,
    before: InForce,
    after: InForce,
    repriced: Mapping[str, RangeSet],
    *,
    but: str | None = None,
) -> JudgedAgain:
    """What changes for each node when other decisions or prices come into force.

    Args:
        store: the ledger.
        reader: reads segments again.
        before: what lines were judged by so far, with the decisions that are carried out.
        after: what they are judged by from now on, with the decisions to carry out.
        repriced: the seqs of each node that other prices may put beyond the limit, or within it.
        but: a node to leave out, because its lines are judged elsewhere.

    Raises:
        RepricingError: a line that other prices may hold cannot be read again.
        OutOfResourcesError: nor can anything else, now.
    """
    changes: dict[int, Batch] = {}
    unreadable: dict[str, UnreadableSegmentError] = {}
    writers = store.writers.all()  # their lines are in the ledger, and judged there
    for node in sorted({*before.decisions.changed_nodes(after.decisions), *repriced}):
        node_id = store.repos.find_node(node)
        if node == but or node_id is None or node in writers:
            continue
        batch = Batch()
        seen = NodeSeqs(store, node_id)
        known = NodeLines(store, node_id, reader, "", node, batch, seen)
        settlement = Settlement(before.of_node(node), known, batch)
        changed = seqs_to_judge(before, after, repriced, node)
        try:
            settlement.adopt(after.of_node(node), changed, seen)
        except UnreadableSegmentError as error:
            if node in repriced:  # prices cannot wait for one node
                raise RepricingError(error) from error
            unreadable[node] = error
        else:
            changes[node_id] = batch
    return JudgedAgain(changes, unreadable)


def seqs_to_judge(
    before: InForce, after: InForce, repriced: Mapping[str, RangeSet], node: str
) -> RangeSet:
    """The seqs of a node whose lines other decisions or prices may judge differently."""
    changed = before.decisions.changed_seqs(after.decisions, node)
    for span in repriced.get(node, ()):
        changed.add(span)
    return changed


def decisions_of(store: LedgerStore) -> Decisions:
    """The decisions of a ledger, as far as they are carried out."""
    return Decisions(store.decisions.all(), store.decisions.waiting())
