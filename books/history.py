"""The history of the books: what was entered in each commit, and what waits for one."""

from collections.abc import Iterator
from typing import Any

from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.commit import spans_of
from node_pusher.sending.history import log
from node_pusher.spool.api import Spool
from node_pusher.spool.plan import plan
from wire_format.lines import Line
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
    return [
        (line, names.get(line.seq, ""))
        for commit in plan(spool.store.unsent(committed))
        for span in commit.segments
        for line in decode_segment(spool.store.lines(span), commit.folder).records
    ]


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
