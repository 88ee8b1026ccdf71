"""Reading segments from mirrors: first what a file must be, then its lines."""

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from io import BytesIO
from typing import Final

from aggregator.admission.admission import Source
from aggregator.admission.batch import SegmentEntry
from aggregator.admission.claims import LineRules
from aggregator.admission.grouped import GroupedSegment
from aggregator.ledger.reading.segment import refused
from aggregator.mirrors.commit_delta import AddedFile
from aggregator.mirrors.mirror import Mirror, MirrorError, OutOfResourcesError
from aggregator.mirrors.state import State
from aggregator.store.segment_rows import SegmentPlace
from gitmeter.counting.lines import Claim, Place
from wire_format.faults import Fault
from wire_format.instants import hour_of
from wire_format.lines import Folder, Line, encode_lines
from wire_format.paths import InvalidPathError, parse_path
from wire_format.segment import Segment, decode_segment

FOLDERS_OF_ROLE: Final[dict[str, set[Folder]]] = {
    "usage": {Folder.USAGE},
    "books": {Folder.PAYMENTS, Folder.DECISIONS, Folder.ACCOUNTS},
    "till": {Folder.PAYMENTS, Folder.ACCOUNTS},
    "desk": {Folder.ACCOUNTS, Folder.PAYMENTS},
}
_REREAD_CACHE: Final = 4


def misplaced(file: AddedFile, role: str) -> Fault | None:
    """Why a file cannot be a segment at its path, whatever its content; None when it can."""
    if not file.is_regular:
        return refused("is a symbolic link or a submodule, not a file")
    try:
        folder = parse_path(file.path).folder
    except InvalidPathError as error:
        return refused(str(error))
    if folder not in FOLDERS_OF_ROLE[role]:
        return refused(f"a repo whose role is {role} cannot carry {folder}/")
    return None


def entry_for(
    segment: Segment, file: AddedFile, source: Source, node: str, *, all_claimed: bool
) -> SegmentEntry | None:
    """The index entry for a segment; None when no line of it names the node."""
    own = [record for record in segment.records if record.node == node]
    if not own:
        return None
    seqs = [record.seq for record in own]
    times = [record.ts for record in own]
    return SegmentEntry(
        folder=parse_path(file.path).folder,
        commit=source.commit,
        path=file.path,
        blob=file.blob,
        committed_at_s=source.committed_at_s,
        first_seq=min(seqs),
        last_seq=max(seqs),
        first_hour=hour_of(min(times)),
        last_hour=hour_of(max(times)),
        records=len(own),
        all_claimed=all_claimed,
    )


def entry_of(found: GroupedSegment, file: AddedFile, source: Source) -> SegmentEntry:
    """The index entry for a segment of which every line claims its key."""
    return SegmentEntry(
        folder=Folder.USAGE,
        commit=source.commit,
        path=file.path,
        blob=file.blob,
        committed_at_s=source.committed_at_s,
        first_seq=found.seqs[0].first,
        last_seq=found.seqs[-1].last,
        first_hour=found.first_hour,
        last_hour=found.last_hour,
        records=found.records,
        all_claimed=True,
    )


class StoppedError(Exception):
    """The work is to end in the middle of a commit; nothing of its batch is written."""


class UnreadableSegmentError(MirrorError):
    """A segment that was applied before cannot be read again.

    Attributes:
        repo: the name of its repo.
    """

    def __init__(self, repo: str, cause: MirrorError) -> None:
        super().__init__(str(cause), hint=cause.hint)
        self.repo = repo


class SegmentReader:
    """Reads segments that were applied before, from the mirrors of their repos.

    Args:
        open_mirror: opens the mirror of a repo, by its name.
        rules_of: returns the rules of a repo, by its name.
        on_step: called before each segment is read; raises `StoppedError` to end the work.

    Attributes:
        rules_of: the argument, cached.
        on_step: the argument; to be called before a new segment is read, too.
    """

    def __init__(
        self,
        open_mirror: Callable[[str], Mirror],
        rules_of: Callable[[str], LineRules],
        on_step: Callable[[], object] = lambda: None,
    ) -> None:
        self.on_step = on_step
        self.rules_of = cache(rules_of)
        mirror = self._mirror = lru_cache(_REREAD_CACHE)(open_mirror)
        self._decode = lru_cache(_REREAD_CACHE)(
            lambda repo, blob, folder: decode_segment(mirror(repo).read_blob(blob), folder)
        )

    def size_bytes(self, place: SegmentPlace) -> int:
        """The size of a segment, read without its content.

        Raises:
            UnreadableSegmentError, OutOfResourcesError: as `lines`.
        """
        with _reading_again(place.repo):
            return self._mirror(place.repo).blob_size(place.blob)

    def claims(
        self, place: SegmentPlace, seqs: Container[int] | None = None
    ) -> Iterator[Claim[Line]]:
        """The lines of a segment that claim their key, judged as they were when it was applied.

        Args:
            place: where the segment is.
            seqs: the seqs wanted; None for all.

        Raises:
            UnreadableSegmentError, OutOfResourcesError: as `lines`.
        """
        committed_at = datetime.fromtimestamp(place.committed_at_s, UTC)
        with _reading_again(place.repo):
            rules = self.rules_of(place.repo)
        for record, line_no in self.lines(place):
            if seqs is not None and record.seq not in seqs:
                continue
            if rules.held_reason(record, committed_at) is None:
                line_place = Place(place.commit, place.path, line_no)
                yield Claim(record, encode_lines([record]), line_place)

    def claims_in(
        self, place: SegmentPlace, wanted: Callable[[bytes], bool]
    ) -> Iterator[Claim[Line]]:
        """As `claims`, of some lines alone: the others are neither decoded nor kept.

        Args:
            place: where the segment is.
            wanted: whether a line is, by its bytes, newline included.

        Raises:
            UnreadableSegmentError, OutOfResourcesError: as `lines`.
        """
        committed_at = datetime.fromtimestamp(place.committed_at_s, UTC)
        with _reading_again(place.repo):
            rules = self.rules_of(place.repo)
        lines = enumerate(self.raw_lines(place), 1)
        numbered = [(line_no, line) for line_no, line in lines if wanted(line)]
        segment = decode_segment(b"".join(line for _, line in numbered), place.folder)
        for record, at in zip(segment.records, segment.line_numbers, strict=True):
            if rules.held_reason(record, committed_at) is None:
                line_no, line = numbered[at - 1]
                yield Claim(record, line, Place(place.commit, place.path, line_no))

    def raw_lines(self, place: SegmentPlace) -> Iterable[bytes]:
        """The lines of a segment as they are, valid or not, each with its newline.

        Raises:
            UnreadableSegmentError, OutOfResourcesError: as `lines`.
        """
        self.on_step()
        with _reading_again(place.repo):
            return BytesIO(self._mirror(place.repo).read_blob(place.blob))

    def lines(self, place: SegmentPlace) -> Iterator[tuple[Line, int]]:
        """The valid lines of a segment, with their line numbers.

        Raises:
            UnreadableSegmentError: the segment cannot be read.
            OutOfResourcesError: nor anything else, now.
        """
        self.on_step()
        with _reading_again(place.repo):
            segment = self._decode(place.repo, place.blob, place.folder)
        return zip(segment.records, segment.line_numbers, strict=True)


@contextmanager
def _reading_again(repo: str) -> Iterator[None]:
    try:
        yield
    except OutOfResourcesError:
        raise
    except MirrorError as error:
        raise UnreadableSegmentError(repo, error) from error


def segment_reader(state: State, on_step: Callable[[], object] = lambda: None) -> SegmentReader:
    """A reader of the segments of all known repos, each under the rules of its repo.

    Args:
        state: has the mirrors.
        on_step: called before each segment is read; raises `StoppedError` to end the work.
    """
    skew = timedelta(seconds=state.config.skew_s)

    def rules_of(name: str) -> LineRules:
        repo = state.repos.named(name)
        return LineRules(repo.node, skew, repo.allow or None)

    return SegmentReader(state.mirrors.open_named, rules_of, on_step)
