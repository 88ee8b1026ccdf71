"""What the books contain already: their lines in the spool and in the commits."""

from collections.abc import Iterator

from node_pusher.home.home import Home
from node_pusher.sending import earlier_lines
from node_pusher.sending.repo_errors import repo_errors
from node_pusher.spool.api import Spool
from wire_format.lines import Decision, Folder, Line, Money
from wire_format.segment import decode_segment


def recorded_money(home: Home, spool: Spool) -> Iterator[Money]:
    """Every money line once, from the spool and from the files that are on this machine.

    Joined books have no file contents from before; nothing is fetched for this.

    Raises:
        HomeError: the repo of the books is missing or damaged.
    """
    for record in _records(home, spool, Folder.PAYMENTS):
        if isinstance(record, Money):
            yield record


def recorded_decisions(home: Home, spool: Spool, *, fetch: bool = False) -> Iterator[Decision]:
    """Every decision line once, from the spool and from the files that are on this machine.

    Args:
        home: of the books.
        spool: of the books.
        fetch: fetch files that are not here from the remote, and keep them.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the home was joined without file contents, and the remote does not provide
            them.
    """
    for record in _records(home, spool, Folder.DECISIONS, fetch=fetch):
        if isinstance(record, Decision):
            yield record


def find_line(home: Home, spool: Spool, seq: int) -> Money | None:
    """The money line with this number, from the spool or from the newest commit.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the home was joined without file contents, and the remote does not provide the
            one that is needed.
    """
    with repo_errors(home.repo.path):
        repos = earlier_lines.open_repos(home)
        found = earlier_lines.find_line(spool.store, repos, Folder.PAYMENTS, seq)
    return found if isinstance(found, Money) else None


def _records(home: Home, spool: Spool, folder: Folder, *, fetch: bool = False) -> Iterator[Line]:
    seen: set[bytes] = set()
    for data in _segments(home, spool, folder, fetch=fetch):
        lines = data.splitlines(keepends=True)
        fresh = [line for line in lines if line not in seen]
        seen.update(fresh)
        yield from decode_segment(b"".join(fresh), folder).records


def _segments(home: Home, spool: Spool, folder: Folder, *, fetch: bool) -> Iterator[bytes]:
    yield from earlier_lines.spooled_lines(spool.store, folder)
    with repo_errors(home.repo.path):
        repos = earlier_lines.open_repos(home)
        for place in reversed(earlier_lines.committed_segments(repos, folder)):
            found = place.repo.blob_here(place.blob)
            if found is None and fetch:
                found = place.repo.read_file(place.path)
            yield found or b""
