"""The history of the books: what was entered in each commit, and what waits for one."""

from collections.abc import Iterator
from typing import Any

from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.commit import spans_of
from node_pusher.sending.history import log
from node_pusher.spool.api import Spool
from node_pusher.spool.plan import outside
from wire_format.lines import Folder, Line
from wire_format.segment import decode_segment

Entry = dict[str, Any]
"""A commit as `node_pusher.sending.history.log` describes it."""


def entries(home: Home, count: int | None) -> Iterator[tuple[Entry, list[Line] | None]]:
    """The commits of the books, newest first, each with its lines.

    Args:
        home: of the books.
        count: how many; None for all.

    Yields:
        An entry, and its lines by seq; None for lines that are not on this machine.

    Raises:
        HomeError: the repo of the books is missing or damaged.
    """
    with repo_errors(home.repo.path):
        repo = LedgerRepo(home.repo)
        for entry in log(home, count):
            yield entry, _lines(repo, entry)


def waiting_lines(spool: Spool) -> list[tuple[Line, str]]:
    """The lines that are in no commit yet, by seq, each with who entered it (or nothing).

    Raises:
        HomeError: the repo of the books is missing or damaged.
        SpoolError: the spool cannot be read.
    """
    with repo_errors(spool.home.repo.path):
        committed = spans_of(LedgerRepo(spool.home.repo).waiting())
    names = spool.store.entered_by()
    found: list[Line] = []
    for span in outside(committed):
        lines = spool.store.lines(span).splitlines(keepends=True)
        for folder in (Folder.PAYMENTS, Folder.DECISIONS):
            own = b"".join(line for line in lines if _is_of(line, folder))
            found += decode_segment(own, folder).records
    return [(line, names.get(line.seq, "")) for line in sorted(found, key=lambda line: line.seq)]


def _is_of(line: bytes, folder: Folder) -> bool:
    """Whether a line is money (which says `amount`) or a decision."""
    return (b'"amount":' in line) == (folder is Folder.PAYMENTS)


def _lines(repo: LedgerRepo, entry: Entry) -> list[Line] | None:
    if entry["first_seq"] is None:
        return []
    try:
        segments = repo.segments_of(entry["commit"])
    except KeyError:
        return None
    return [
        line
        for segment in segments
        for line in decode_segment(segment.data, segment.folder).records
    ]
