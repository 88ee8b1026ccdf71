"""Which records other prices may put beyond the cost limit of one record, or within it again.

A record that counts and exceeds the limit under the new prices is in a charge that exceeds it too,
because no record counts for less than nothing. By volume more units can cost less, so there every
charge is looked at that has enough units for such a record. So only the lines of these charges are
read again, and of the held lines those that are held for this reason.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator

from aggregator.admission.batch import ChargeKey
from aggregator.ledger.segments import SegmentReader, UnreadableSegmentError
from aggregator.mirrors.mirror import MirrorError
from aggregator.rating.rating import Rater, prices_changed
from aggregator.store.segment_rows import SegmentPlace
from aggregator.store.store import LedgerStore
from gitmeter.counting.ranges import RangeSet, runs
from wire_format.instants import hour_of
from wire_format.lines import Folder, Usage
from wire_format.segment import decode_segment


class RepricingError(MirrorError):
    """Lines cannot be judged again under other prices, because their segment cannot be read.

    Attributes:
        repo: the name of the repo that has them.
    """

    def __init__(self, cause: UnreadableSegmentError) -> None:
        super().__init__(
            f"lines of {cause.repo} cannot be judged again under other prices: {cause}",
            hint=cause.hint,
        )
        self.repo = cause.repo


def repriced_seqs(
    store: LedgerStore, reader: SegmentReader, before: Rater, after: Rater
) -> dict[str, RangeSet]:
    """The seqs to judge again when the prices change, by node.

    Args:
        store: the ledger, with charges as they are before the change.
        reader: reads segments again.
        before: rates under the rule book that was in force so far.
        after: rates under the rule book that comes into force.

    Raises:
        RepricingError: a segment cannot be read again.
        OutOfResourcesError: nor can anything else, now.
    """
    scope = prices_changed(before.rule_book, after.rule_book)
    if scope is None:
        return {}
    resources = scope.resources or frozenset()
    found: dict[str, set[int]] = defaultdict(set)
    for node, line, is_corrected in store.lines.beyond_limit():
        (record,) = decode_segment(line, Folder.USAGE).records
        if isinstance(record, Usage) and record.resource in resources:
            # what is still too dear stays held, unless there is more to its record than this line
            is_part = is_corrected or record.corrects is not None
            if is_part or not _exceeds(record, after):
                found[node].add(record.seq)
    within = {r: units for r, units in after.units_within.items() if r in resources}
    large = {
        key
        for key, quantity in store.charges.larger_than(scope.from_hour, within)
        if key[2] in after.prices.by_total
        or after.exceeds(quantity, key[2], key[3], key[0], key[1])
    }
    for place in _places(store, {key[0] for key in large}):
        found[place.node].update(_seqs_in(place, reader, large, after))
    return {node: RangeSet(runs(sorted(seqs))) for node, seqs in found.items() if seqs}


def _exceeds(record: Usage, rater: Rater) -> bool:
    hour = hour_of(record.ts)
    return rater.exceeds(record.units, record.resource, record.applies_to, hour, record.user)


def _places(store: LedgerStore, hours: Iterable[int]) -> Iterator[SegmentPlace]:
    """The segments of usage that may have records of these hours, each once."""
    found = {place: None for hour in sorted(hours) for place in store.segments.at_hour(hour)}
    return (place for place in found if place.folder == Folder.USAGE)


def _seqs_in(
    place: SegmentPlace, reader: SegmentReader, large: Container[ChargeKey], after: Rater
) -> Iterator[int]:
    """The seqs of the lines that may have brought their charge beyond the limit."""
    try:
        for record, _ in reader.lines(place):
            if not isinstance(record, Usage):
                continue
            hour = hour_of(record.ts)
            if (hour, record.user, record.resource, record.applies_to) not in large:
                continue
            # of a record that only its corrections bring beyond the limit, they lead to it
            if record.corrects is not None or _exceeds(record, after):
                yield record.seq
    except UnreadableSegmentError as error:
        raise RepricingError(error) from error
