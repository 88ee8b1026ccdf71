"""Sending records again that an older version committed under a date before their own.

Versions before this one dated a commit by the clock alone, and that may have been behind. The
aggregator holds such records until a later commit has the same lines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from node_pusher.home.home import Home
from node_pusher.home.locks import LOCK_WAIT_S, push_lock
from node_pusher.home.settings_file import reread
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.dates import dated_before_records
from node_pusher.sending.earlier_lines import committed_segments, open_repos
from node_pusher.sending.push import PushReport, push_locked
from node_pusher.spool.clock import usable
from node_pusher.spool.plan import SegmentFile, Span
from node_pusher.spool.store import Store
from wire_format.instants import to_us
from wire_format.lines import Folder
from wire_format.segment import decode_segment


@dataclass(frozen=True)
class ResendReport:
    """What was sent again.

    Attributes:
        found: how many records of the span are only in commits dated before them.
        push: the push that sent them; None if there was nothing to send again.
    """

    found: int
    push: PushReport | None


def resend(home: Home, span: Span, now: datetime) -> ResendReport:
    """Commit again, and push, the records of a span that are only in commits dated before them.

    Repeated, it finds nothing more to do; cut short, it continues.

    Args:
        home: the home.
        span: the seqs, both included.
        now: the time of the new commits.

    Raises:
        UnreachableError, RemoteError: a remote does not answer, or does not provide a file that was
            not fetched when the home was joined.
        BusyError, NonFastForwardError, HomeError, SigningKeyError, ClockError: as
            `node_pusher.sending.push.push`.
    """
    usable(now)
    with push_lock(home.path, wait_s=LOCK_WAIT_S):
        home = reread(home)
        with Store.open(home.spool_file, home.node) as store, repo_errors(home.repo.path):
            # what waits is still in the spool, and would leave it with the commits that wait
            push_locked(store, home, now)
            repos = open_repos(home)
            commits = (info for repo in repos for info in repo.history())
            early = [
                Span(max(each.first, span.first), min(each.last, span.last))
                for each in dated_before_records(commits)
                if each.first <= span.last and each.last >= span.first
            ]
            for part in (part for each in early for part in _lines(repos, each)):
                records = decode_segment(part.data, part.folder).records
                store.put_back(part, [to_us(record.ts) for record in records])
            found = sum(each.last - each.first + 1 for each in early)
            return ResendReport(found, push_locked(store, home, now) if found else None)


def _lines(repos: Sequence[LedgerRepo], span: Span) -> Iterator[SegmentFile]:
    """The lines of a span, from every segment that has some of them."""
    for folder in Folder:
        for place in committed_segments(repos, folder, span.first):
            if place.first_seq > span.last:
                continue
            data = place.repo.read_file(place.path) or b""
            skipped = max(0, span.first - place.first_seq)
            lines = data.splitlines(keepends=True)[skipped : span.last + 1 - place.first_seq]
            if lines:
                yield SegmentFile(folder, place.first_seq + skipped, b"".join(lines))
