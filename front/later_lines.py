"""The lines that were added to a spool since an index last followed it.

They are in the spool, or in git where they were pushed meanwhile.
"""

from collections.abc import Iterator, Sequence

from node_pusher.home.settings_file import reread
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending import earlier_lines
from node_pusher.spool.api import Spool
from wire_format.lines import Folder, Line
from wire_format.segment import decode_segment


def later_lines(
    spool: Spool, folders: Sequence[Folder], first_seq: int, next_seq: int
) -> Iterator[list[Line]]:
    """The lines with these numbers, a segment at a time; of one folder by seq.

    Call it in the spool's own transaction: lines of a transaction that does not end are no lines.

    Args:
        spool: the spool.
        folders: all that this home writes to.
        first_seq: the first number.
        next_seq: the number after the last.

    Raises:
        HomeError: the repo is missing or damaged.
        RemoteError: lines are not on this machine, and the remote does not provide them.
    """
    unsent = [
        _lines(spooled, folder, first_seq)
        for folder in folders
        for spooled in earlier_lines.spooled_lines(spool.store, folder)
    ]
    if sum(map(len, unsent)) < next_seq - first_seq:
        yield from _committed_lines(spool, folders, first_seq)
    yield from unsent


def _committed_lines(
    spool: Spool, folders: Sequence[Folder], first_seq: int
) -> Iterator[list[Line]]:
    home = reread(spool.home)
    with repo_errors(home.repo.path):
        repos = earlier_lines.open_repos(home)
        for folder in folders:
            for place in reversed(earlier_lines.committed_segments(repos, folder, first_seq)):
                yield _lines(place.repo.fetch_blob(place.blob), folder, first_seq)


def _lines(data: bytes, folder: Folder, first_seq: int) -> list[Line]:
    records = decode_segment(data, folder).records
    return [line for line in records if line.seq >= first_seq]
