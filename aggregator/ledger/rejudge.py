"""Judging lines of other nodes again when the operator's decisions change."""

from aggregator.admission.batch import Batch
from aggregator.admission.settlement import Settlement
from aggregator.ledger.known_lines import NodeLines
from aggregator.ledger.segments import SegmentReader
from aggregator.mirrors.mirror import MirrorError
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions


def judged_again(
    store: LedgerStore,
    reader: SegmentReader,
    before: Decisions,
    after: Decisions,
    *,
    but: str | None = None,
) -> dict[int, Batch]:
    """What changes for each node when other decisions come into force.

    Args:
        store: the ledger.
        reader: reads segments again.
        before: the decisions in force so far.
        after: the decisions in force from now on.
        but: a node to leave out, because its lines are judged elsewhere.

    Returns:
        The changes by the node's id; none for a node to which no repo ever belonged.

    Raises:
        MirrorError: a segment cannot be read again.
    """
    batches: dict[int, Batch] = {}
    for node in before.changed_nodes(after):
        node_id = store.repos.find_node(node)
        if node == but or node_id is None:
            continue
        batch = Batch()
        known = NodeLines(store, node_id, reader, "", node, batch)
        settlement = Settlement(before.of_node(node), known, batch)
        changed = before.changed_seqs(after, node)
        try:
            settlement.adopt(after.of_node(node), changed, store.lines.seen(node_id))
        except MirrorError as error:
            raise MirrorError(
                f"a decision about {node} cannot be carried out: {error}", hint=error.hint
            ) from error
        batches[node_id] = batch
    return batches
