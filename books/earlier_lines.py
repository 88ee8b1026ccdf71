"""What these books hold already: money lines in the spool and in the commits."""

from collections.abc import Iterator

from node_pusher.home import Home
from node_pusher.ledger_repo import LedgerRepo
from node_pusher.seal import Span
from node_pusher.spool import Spool
from wire_format.fields import INT_MAX
from wire_format.lines import Folder, Money
from wire_format.paths import InvalidPathError, parse_path
from wire_format.segment import decode_segment


def lines_at_hand(home: Home, spool: Spool) -> Iterator[Money]:
    """Every money line once, from the spool and from the files that are on this machine.

    Books that were joined have no file contents from before; nothing is fetched for this.
    """
    seen: set[bytes] = set()
    for data in _segments_at_hand(home, spool):
        lines = data.splitlines(keepends=True)
        fresh = [line for line in lines if line not in seen]
        seen.update(fresh)
        for record in decode_segment(b"".join(fresh), Folder.PAYMENTS).records:
            if isinstance(record, Money):
                yield record


def _segments_at_hand(home: Home, spool: Spool) -> Iterator[bytes]:
    yield spool.store.lines(Span(1, INT_MAX))
    repo = LedgerRepo(home)
    if repo.tip is None:
        return
    for path, blob in repo.paths(repo.tip):
        if path.startswith(f"{Folder.PAYMENTS}/"):
            yield repo.blob_here(blob) or b""


def find_line(home: Home, spool: Spool, seq: int) -> Money | None:
    """The money line with this number, from the spool or from the newest commit.

    Raises:
        RemoteError: the home was joined without file contents, and the remote does not give the
            one that is needed.
    """
    waiting = spool.store.lines(Span(seq, seq)) if seq >= 1 else b""
    for line in decode_segment(waiting, Folder.PAYMENTS).records:
        if isinstance(line, Money):
            return line
    repo = LedgerRepo(home)
    if repo.tip is None:
        return None
    for path in _candidates(repo, repo.tip, seq):
        for line in decode_segment(repo.read_file(path) or b"", Folder.PAYMENTS).records:
            if line.seq == seq and isinstance(line, Money):
                return line
    return None


def _candidates(repo: LedgerRepo, commit: str, seq: int) -> list[str]:
    """The segments that begin nearest below `seq`: more than one only after a rejoin."""
    starts: dict[int, list[str]] = {}
    for path, _ in repo.paths(commit):
        try:
            found = parse_path(path)
        except InvalidPathError:
            continue
        if found.folder is Folder.PAYMENTS and found.first_seq <= seq:
            starts.setdefault(found.first_seq, []).append(path)
    return starts[max(starts)] if starts else []
