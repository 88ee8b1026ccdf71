"""What the books contain already: their lines in the spool and in the commits."""

from collections.abc import Iterator

from node_pusher.home.home import Home
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending import earlier_lines
from node_pusher.spool.api import Spool
from wire_format.lines import Decision, Folder, Money
from wire_format.segment import decode_segment


def bring_here(home: Home) -> None:
    """Fetch the files of money and decisions that are not on this machine, and keep them.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the remote does not provide them.
    """
    earlier_lines.bring_here(home, Folder.PAYMENTS, Folder.DECISIONS)


def recorded_decisions(home: Home, spool: Spool, *, fetch: bool) -> Iterator[Decision]:
    """Every decision line once, from the spool and from the commits.

    Args:
        home: of the books.
        spool: of the books.
        fetch: fetch files that are not here from the remote, and keep them; else leave them out.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the home was joined without file contents, and the remote does not provide
            them.
    """
    lines = b"".join(recorded_lines(home, spool, Folder.DECISIONS, fetch=fetch))
    for record in decode_segment(lines, Folder.DECISIONS).records:
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


def recorded_lines(home: Home, spool: Spool, folder: Folder, *, fetch: bool) -> Iterator[bytes]:
    """Every line of a folder once, newline included, from the spool and from the commits.

    Args:
        home: of the books.
        spool: of the books.
        folder: which lines.
        fetch: fetch files that are not here from the remote, and keep them; else leave them out.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the home was joined without file contents, and the remote does not provide
            them.
    """
    seen: set[bytes] = set()
    for data in _segments(home, spool, folder, fetch=fetch):
        for line in data.splitlines(keepends=True):
            if line not in seen:
                seen.add(line)
                yield line


def _segments(home: Home, spool: Spool, folder: Folder, *, fetch: bool) -> Iterator[bytes]:
    yield from earlier_lines.spooled_lines(spool.store, folder)
    with repo_errors(home.repo.path):
        repos = earlier_lines.open_repos(home)
        for place in reversed(earlier_lines.committed_segments(repos, folder)):
            here = place.repo.fetch_blob if fetch else place.repo.blob_here
            yield here(place.blob) or b""
