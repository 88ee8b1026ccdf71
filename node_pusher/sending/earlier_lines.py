"""What a home recorded earlier: its lines in the spool and in the commits of all its repos."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.spool.plan import Span, plan
from node_pusher.spool.store import Store
from wire_format.fields import INT_MAX, SEGMENT_RECORDS_MAX
from wire_format.lines import Folder, Line, Usage
from wire_format.paths import InvalidPathError, parse_path
from wire_format.segment import decode_segment

_NAMES_SEQ: Final = b'"corrects":%d,'


class CommittedSegment(NamedTuple):
    """A segment at the newest commit of a repo.

    Attributes:
        first_seq: the number of its first record.
        path: its path in the repo.
        blob: the id of its content.
        repo: the repo.
    """

    first_seq: int
    path: str
    blob: str
    repo: LedgerRepo


class Corrections(NamedTuple):
    """The corrections of one record that are known on this machine.

    Attributes:
        lines: each once.
        segments_unread: how many segments that may contain more are not on this machine.
    """

    lines: tuple[Usage, ...]
    segments_unread: int


def open_repos(home: Home) -> list[LedgerRepo]:
    """The repos of a home, the newest first."""
    return [LedgerRepo(repo) for repo in home.repos]


def bring_here(home: Home, *folders: Folder) -> None:
    """Fetch the files of some folders that are not on this machine, and keep them.

    Raises:
        HomeError: the repo is missing or damaged.
        RemoteError: the remote does not provide them.
    """
    with repo_errors(home.repo.path):
        partial = [repo for repo in open_repos(home) if repo.is_partial()]
        for folder in folders:
            for place in committed_segments(partial, folder):
                place.repo.fetch_blob(place.blob)


def find_line(store: Store, repos: Sequence[LedgerRepo], folder: Folder, seq: int) -> Line | None:
    """The line of a folder with this number, from the spool or from the newest commits.

    Raises:
        RemoteError: the home was joined without file contents, and the remote does not provide the
            one that is needed.
    """
    if not 1 <= seq <= INT_MAX:
        return None
    for line in decode_segment(store.lines(Span(seq, seq)), folder).records:
        return line
    found = committed_segments(repos, folder, seq)
    nearest = max((place.first_seq for place in found if place.first_seq <= seq), default=0)
    for place in found:
        if place.first_seq == nearest:
            data = place.repo.read_file(place.path) or b""
        elif place.first_seq < nearest:  # after a rejoin records may be in other segments too
            data = place.repo.blob_here(place.blob) or b""
        else:
            continue
        for line in decode_segment(data, folder).records:
            if line.seq == seq:
                return line
    return None


def find_corrections(store: Store, repos: Sequence[LedgerRepo], seq: int) -> Corrections:
    """Every correction of a record that is on this machine; nothing is fetched for this."""
    found: dict[bytes, Usage] = {}
    unread = 0
    for data in spooled_lines(store, Folder.USAGE):
        found |= _correcting(data, seq)
    for place in committed_segments(repos, Folder.USAGE, seq):
        here = place.repo.blob_here(place.blob)
        if here is None:
            unread += 1
        else:
            found |= _correcting(here, seq)
    return Corrections(tuple(found.values()), unread)


def committed_segments(
    repos: Sequence[LedgerRepo], folder: Folder, seq: int = 1
) -> list[CommittedSegment]:
    """The segments of a folder that may contain this number or a later one, the latest first."""
    found = []
    for repo in repos:
        for path, blob in () if repo.tip is None else repo.paths(repo.tip):
            try:
                segment = parse_path(path)
            except InvalidPathError:
                continue
            if segment.folder is folder and segment.first_seq + SEGMENT_RECORDS_MAX > seq:
                found.append(CommittedSegment(segment.first_seq, path, blob, repo))
    return sorted(found, key=lambda place: place[:3], reverse=True)


def spooled_lines(store: Store, folder: Folder) -> Iterator[bytes]:
    """The lines of a folder that are in the spool, by ascending seq, a segment at a time."""
    for commit in plan(list(store.unsent(()))):
        if commit.folder is folder:
            yield from map(store.lines, commit.segments)


def _correcting(data: bytes, seq: int) -> dict[bytes, Usage]:
    """The lines that correct a number, by their bytes; no others are decoded."""
    named = _NAMES_SEQ % seq
    if named not in data:
        return {}
    lines = [line for line in data.splitlines(keepends=True) if named in line]
    decoded = {line: decode_segment(line, Folder.USAGE).records for line in lines}
    return {
        line: record
        for line, records in decoded.items()
        for record in records
        if isinstance(record, Usage) and record.corrects == seq
    }
