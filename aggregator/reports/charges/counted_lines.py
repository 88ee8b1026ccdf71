"""The lines that count towards one charge, read again and judged again as admission judged them.

Judged are the charge's own lines and all others of the same node with one of their seqs. That is
enough: rivals have the same seq, and a correction counts only with a record of its own user and
resource, so no other line can decide about these. Rivals and corrections have the same `ts`, so
one hour has them all. They are told by their bytes, since a valid line has one spelling; lines that
cannot matter are not decoded.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from typing import Final, NamedTuple, TypeGuard

from aggregator.ledger.rejudge import InForce
from aggregator.ledger.segments import SegmentReader
from aggregator.store.segment_rows import SegmentPlace
from aggregator.store.store import LedgerStore
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from wire_format.instants import format_hour
from wire_format.lines import Folder, Line, Usage

_HOUR_CHARACTERS: Final = len("2026-11-21T13:")


class CountedLine(NamedTuple):
    """A line that counts towards a charge.

    Attributes:
        repo: the repo from which it was read.
        record: the decoded line.
        place: where the line is.
        repeats: how often the same line is in other segments, without exact repetitions of whole
            segments.
    """

    repo: str
    record: Usage
    place: Place
    repeats: int


def counted_lines(
    store: LedgerStore,
    reader: SegmentReader,
    in_force: InForce,
    charge: tuple[str, str | None, int],
    nodes: Container[str] | None = None,
) -> Iterator[CountedLine]:
    """Yield the lines that count towards a charge of any category, by node and seq.

    In memory are the lines of one node and one segment at a time.

    Args:
        store: the ledger, in a view.
        reader: reads the segments that contain the lines.
        in_force: what the lines are judged by.
        charge: the user, the resource (None for every one) and the hour, counted from 1970.
        nodes: the nodes whose lines are read; None for all, whoever the ledger says wrote them.
    """
    by_node: dict[str, list[SegmentPlace]] = defaultdict(list)
    for segment in store.segments.at_hour(charge[2]):
        if segment.folder is Folder.USAGE and (nodes is None or segment.node in nodes):
            by_node[segment.node].append(segment)
    for node in sorted(by_node):
        lines = _NodeHour(reader, node, by_node[node], charge)
        if seqs := lines.own_seqs():
            yield from lines.counted(seqs, in_force)


class _NodeHour:
    """The lines of one node in one hour.

    Args:
        reader: reads segments.
        node: the node's name.
        segments: those that may have lines of that hour, oldest first.
        charge: the user, the resource or None, and the hour.
    """

    def __init__(
        self,
        reader: SegmentReader,
        node: str,
        segments: Sequence[SegmentPlace],
        charge: tuple[str, str | None, int],
    ) -> None:
        self._reader = reader
        self._node = node
        self._segments = segments
        self._user, self._resource = user, resource = charge[:2]
        of_resource = "" if resource is None else f'"resource":"{resource}"'
        self._own_text = f'"user":"{user}",{of_resource}'.encode()
        hour = format_hour(charge[2])[:_HOUR_CHARACTERS]
        self._start = re.compile(
            rf'\{{"v":1,"node":"{re.escape(node)}","seq":([0-9]{{1,16}}),"ts":"{hour}'.encode()
        )

    def own_seqs(self) -> set[int]:
        """The seqs of lines that may be the charge's, whatever else is wrong with them."""
        seqs = {
            self._seq_of(line)
            for segment in self._segments
            for line in self._reader.raw_lines(segment)
            if self._own_text in line
        }
        return {seq for seq in seqs if seq is not None}

    def counted(self, seqs: set[int], in_force: InForce) -> Iterator[CountedLine]:
        """Yield the charge's lines that count, by seq.

        Args:
            seqs: those of its lines.
            in_force: what the lines are judged by.
        """
        claims: list[Claim[Line]] = []
        repos: dict[bytes, list[str]] = defaultdict(list)
        for segment in self._segments:
            for claim in self._reader.claims_in(segment, lambda line: self._seq_of(line) in seqs):
                claims.append(claim)
                repos[claim.line].append(segment.repo)
        judged = verdicts(claims, in_force.of_node(self._node)).values()
        counted = (claim for claim, reason in judged if reason is None)
        for record, line, place in sorted(counted, key=lambda claim: claim.record.seq):
            if self._is_own(record):
                first, *again = repos[line]
                yield CountedLine(first, record, place, len(again))

    def _seq_of(self, line: bytes) -> int | None:
        """The seq of a line of this node and hour; None for any other."""
        start = self._start.match(line)
        return int(start[1]) if start else None

    def _is_own(self, record: Line) -> TypeGuard[Usage]:
        return (
            isinstance(record, Usage)
            and record.user == self._user
            and self._resource in {None, record.resource}
        )
