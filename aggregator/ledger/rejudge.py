"""Judging lines of other nodes again when the operator's decisions or the prices change."""

from collections.abc import Mapping
from typing import NamedTuple

from aggregator.admission.batch import Batch
from aggregator.admission.settlement import Settlement
from aggregator.ledger.known_lines import NodeLines
from aggregator.ledger.segments import SegmentReader
from aggregator.mirrors.mirror import MirrorError
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


def judged_again(
    store: LedgerStore,
    reader: SegmentReader,
    before: InForce,
    after: InForce,
    repriced: Mapping[str, RangeSet],
    *,
    but: str | None = None,
) -> dict[int, Batch]:
    """What changes for each node when other decisions or prices come into force.

    Args:
        store: the ledger.
        reader: reads segments again.
        before: what lines were judged by so far.
        after: what they are judged by from now on.
        repriced: the seqs of each node that other prices may put beyond the limit, or within it.
        but: a node to leave out, because its lines are judged elsewhere.

    Returns:
        The changes by the node's id; none for a node to which no repo ever belonged.

    Raises:
        MirrorError: a segment cannot be read again.
    """
    batches: dict[int, Batch] = {}
    nodes = {*before.decisions.changed_nodes(after.decisions), *repriced}
    for node in sorted(nodes):
        node_id = store.repos.find_node(node)
        if node == but or node_id is None:
            continue
        batch = Batch()
        known = NodeLines(store, node_id, reader, "", node, batch)
        settlement = Settlement(before.of_node(node), known, batch)
        changed = seqs_to_judge(before, after, repriced, node)
        try:
            settlement.adopt(after.of_node(node), changed, store.lines.seen(node_id))
        except MirrorError as error:
            raise MirrorError(
                f"lines of {node} cannot be judged again: {error}", hint=error.hint
            ) from error
        batches[node_id] = batch
    return batches


def seqs_to_judge(
    before: InForce, after: InForce, repriced: Mapping[str, RangeSet], node: str
) -> RangeSet:
    """The seqs of a node whose lines other decisions or prices may judge differently."""
    changed = before.decisions.changed_seqs(after.decisions, node)
    for span in repriced.get(node, ()):
        changed.add(span)
    return changed
