"""The operator's decisions in force. Pure.

Decisions are lines of the books. They apply to the lines they name whenever those arrive, so the
ledger stays a function of the set of lines. Of two decisions on one subject the later one is in
force, and a withdrawn one no longer is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from gitmeter.counting.ranges import Range, RangeSet
from wire_format.lines import Decision


class NodeDecisions:
    """The decisions in force about the lines of one node.

    Args:
        records: `exclude` and `choose` decisions, in the order in which they were taken.
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
        """Whether any of them concerns a seq of this range, both ends included."""
        return self._touched.overlaps(first_seq, last_seq)

    def excluding(self, seq: int, ts: datetime) -> Decision | None:
        """The last decision that excludes the lines under a key, or None."""
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
        """SHA-256 of the line that was chosen to count under a key, or None."""
        return self._chosen.get((seq, ts))


_ABOUT_LINES: Final = frozenset({"exclude", "choose"})
"""The kinds about single lines; the others with `of` are about commits and numbers of a writer."""

NOTHING_DECIDED: Final = NodeDecisions()


class Decisions:
    """All decisions of the books.

    Args:
        records: the decision lines that count, in any order.
        waiting: for each node for which newer ones are not carried out yet, because its lines
            cannot be read: the decisions about it that are, in the order in which they were taken.

    Attributes:
        waiting: the argument.
        in_force: those that are not withdrawn, in the order in which they were taken. An
            `accept_tip` cannot be withdrawn, because its records are billed.
        of_node: returns the decisions in force about the lines of a node, by its name.
    """

    def __init__(
        self,
        records: Iterable[Decision] = (),
        waiting: Mapping[str, Sequence[Decision]] = MappingProxyType({}),
    ) -> None:
        self.waiting = waiting
        ordered = sorted(records, key=lambda record: (record.seq, record.node, record.ts))
        withdrawn = {(r.node, r.refers_to) for r in ordered if r.kind == "withdraw"}
        self.in_force: tuple[Decision, ...] = tuple(
            record
            for record in ordered
            if record.kind == "accept_tip"
            or (record.kind != "withdraw" and (record.node, record.seq) not in withdrawn)
        )
        by_node: dict[str, list[Decision]] = defaultdict(list)
        by_writer: dict[str, list[Decision]] = defaultdict(list)
        for record in self.in_force:
            if record.of is not None:
                about_lines = record.kind in _ABOUT_LINES
                (by_node if about_lines else by_writer)[record.of].append(record)
        self._by_writer: Mapping[str, Sequence[Decision]] = by_writer
        self._by_node: Mapping[str, Sequence[Decision]] = {**by_node, **waiting}
        self._tips: dict[str, set[str]] = defaultdict(set)
        for record in self.in_force:
            if record.kind == "accept_tip" and record.repo and record.tip:
                self._tips[record.repo].add(record.tip)
        self.of_node = cache(self._of_node)

    def _of_node(self, node: str) -> NodeDecisions:
        """The decisions in force about the lines of a node."""
        records = self._by_node.get(node)
        return NodeDecisions(records) if records else NOTHING_DECIDED

    def about(self, node: str) -> Sequence[Decision]:
        """The decisions about the lines of a node that are carried out, in their order."""
        return self._by_node.get(node, ())

    def about_writer(self, node: str) -> Sequence[Decision]:
        """The decisions about the commits and numbers of a till or desk, in their order."""
        return self._by_writer.get(node, ())

    def changed_writers(self, other: "Decisions") -> set[str]:
        """The tills and desks about whose commits and numbers `other` has other decisions."""
        own, others = self._by_writer, other._by_writer  # noqa: SLF001 - the class's own
        return {node for node in own.keys() | others.keys() if own.get(node) != others.get(node)}

    def accepted_tips(self, repo: str) -> frozenset[str]:
        """The commits up to which a repo's history is accepted, whatever its shape."""
        return frozenset(self._tips.get(repo, ()))

    def all_accepted_tips(self) -> Mapping[str, set[str]]:
        """The commits up to which histories are accepted, by repo."""
        return self._tips

    def acknowledged_subjects(self, repo: str, incident: str) -> frozenset[str]:
        """The subjects of a repo's incidents of one kind that the operator acknowledged."""
        return frozenset(
            record.subject or ""
            for record in self.in_force
            if (record.kind, record.repo, record.incident) == ("acknowledge", repo, incident)
        )

    def changed_nodes(self, other: "Decisions") -> list[str]:
        """The nodes for which `other` has other decisions about lines, sorted."""
        nodes = self._by_node.keys() | other._by_node.keys()  # noqa: SLF001 - the class's own
        return sorted(node for node in nodes if self._changes(other, node))

    def changed_seqs(self, other: "Decisions", node: str) -> RangeSet:
        """The seqs of a node that are named by a decision which only one of both has."""
        return RangeSet(map(span_of, self._changes(other, node)))

    def _changes(self, other: "Decisions", node: str) -> set[Decision]:
        return set(self.about(node)) ^ set(other.about(node))


def span_of(record: Decision) -> Range:
    """The seqs that an `exclude` or a `choose` concerns.

    Raises:
        ValueError: it names no seq.
    """
    if record.of_seq is None:
        raise ValueError(f"a decision to {record.kind} names no seq")
    return Range(record.of_seq, record.to_seq or record.of_seq)
