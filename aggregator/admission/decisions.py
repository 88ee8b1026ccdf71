"""What the operator decided, as it holds now. Pure.

Decisions are lines of the books. They apply to the lines they name whenever those arrive, so the
ledger stays a function of the set of lines; of two decisions on the same thing the later one holds,
and a withdrawn one holds no longer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Final

from aggregator.admission.ranges import Range, RangeSet
from wire_format.lines import Decision


class NodeDecisions:
    """The decisions that hold on the lines of one node.

    Args:
        records: in the order in which they were taken.
    """

    def __init__(self, records: Iterable[Decision] = ()) -> None:
        self._excludes: dict[int, list[tuple[int, Decision]]] = defaultdict(list)
        self._wide_excludes: list[tuple[int, Range, Decision]] = []
        self._chosen: dict[tuple[int, datetime], str] = {}
        self._touched = RangeSet()
        for number, record in enumerate(records):
            span = span_of(record)
            self._touched.add(span)
            if record.kind == "exclude" and span.first == span.last:
                self._excludes[span.first].append((number, record))
            elif record.kind == "exclude":
                self._wide_excludes.append((number, span, record))
            elif record.of_ts is not None and record.line_sha256 is not None:
                self._chosen[span.first, record.of_ts] = record.line_sha256

    def touch(self, first_seq: int, last_seq: int) -> bool:
        """Whether any of them is about a seq of this range."""
        return self._touched.overlaps(first_seq, last_seq)

    def excluding(self, seq: int, ts: datetime) -> Decision | None:
        """The last decision by which the lines under a key count nothing, or None."""
        if not self.touch(seq, seq):
            return None
        found = [
            (number, record)
            for number, record in self._excludes.get(seq, ())
            if record.of_ts in {None, ts}
        ]
        found += [
            (number, record)
            for number, span, record in self._wide_excludes
            if span.first <= seq <= span.last
        ]
        return max(found, key=itemgetter(0))[1] if found else None

    def chosen(self, seq: int, ts: datetime) -> str | None:
        """SHA-256 of the line that is to count under a key, or None when none was chosen."""
        return self._chosen.get((seq, ts))


NOTHING_DECIDED: Final = NodeDecisions()


class Decisions:
    """All decisions of the books.

    Args:
        records: decision lines that hold their key, in any order.
    """

    def __init__(self, records: Iterable[Decision] = ()) -> None:
        ordered = sorted(records, key=lambda record: (record.seq, record.node, record.ts))
        withdrawn = {(r.node, r.refers_to) for r in ordered if r.kind == "withdraw"}
        self.in_force: tuple[Decision, ...] = tuple(
            record
            for record in ordered
            if record.kind == "accept_tip"
            or (record.kind != "withdraw" and (record.node, record.seq) not in withdrawn)
        )
        by_node: dict[str, list[Decision]] = defaultdict(list)
        for record in self.in_force:
            if record.of is not None:
                by_node[record.of].append(record)
        self._by_node: Mapping[str, list[Decision]] = dict(by_node)
        self._tips: dict[str, set[str]] = defaultdict(set)
        for record in self.in_force:
            if record.kind == "accept_tip" and record.repo and record.tip:
                self._tips[record.repo].add(record.tip)
        self.of_node = cache(self._of_node)

    def _of_node(self, node: str) -> NodeDecisions:
        """What holds on the lines of a node."""
        records = self._by_node.get(node)
        return NodeDecisions(records) if records else NOTHING_DECIDED

    def accepted_tips(self, repo: str) -> frozenset[str]:
        """The commits up to which a repo's history is accepted, whatever its shape."""
        return frozenset(self._tips.get(repo, ()))

    def acknowledged_subjects(self, repo: str, incident: str) -> frozenset[str]:
        """What the incidents of a kind were about that a person said need nothing more."""
        return frozenset(
            record.subject or ""
            for record in self.in_force
            if (record.kind, record.repo, record.incident) == ("acknowledge", repo, incident)
        )

    def changed_nodes(self, other: "Decisions") -> list[str]:
        """The nodes on whose lines other decisions hold there."""
        nodes = self._by_node.keys() | other._by_node.keys()  # noqa: SLF001 - of the same class
        return sorted(node for node in nodes if self._changes(other, node))

    def changed_seqs(self, other: "Decisions", node: str) -> RangeSet:
        """The seqs of a node on which other decisions hold there."""
        return RangeSet(map(span_of, self._changes(other, node)))

    def _changes(self, other: "Decisions", node: str) -> set[Decision]:
        ours, theirs = self._by_node.get(node, []), other._by_node.get(node, [])  # noqa: SLF001
        return set(ours) ^ set(theirs)


def span_of(record: Decision) -> Range:
    """The seqs that an `exclude` or a `choose` is about."""
    if record.of_seq is None:
        raise ValueError(f"a decision to {record.kind} names no seq")
    return Range(record.of_seq, record.to_seq or record.of_seq)
