"""Rebuild the ledger from git: after a loss, for another version, or to verify it.

Only what the accepted tips reach is read, never a head that was fetched since.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aggregator.config.known_repo import KnownRepo
from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger.ingest import Ingest, Rules
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.segments import segment_reader
from aggregator.mirrors.mirror import Mirror, MirrorError
from aggregator.mirrors.state import State
from aggregator.proof.judged_under import note_limits
from aggregator.proof.replay import Replay, groups, run_by_date
from aggregator.store.repo_rows import RepoRow
from aggregator.store.store import LedgerStore, open_for_writing
from cursors.tips import Tips
from gitmeter.support.bulk import Progress
from wire_format.instants import hour_of

_SIDE_FILES: Final = ("", "-wal", "-shm")


def _silent(_repo: str, _done: int, _total: int) -> None:
    pass


def rebuild(
    state: State,
    path: Path,
    tips: Mapping[str, Tips],
    now: datetime,
    on_progress: Progress = _silent,
) -> None:
    """Write a new ledger at `path` from the accepted tips.

    Args:
        state: the state directory, with the mirrors.
        path: the new file; a database that is there is removed.
        tips: the accepted tips of each repo, by name.
        now: when incidents that the records show count as opened.
        on_progress: called after each commit.

    Raises:
        MirrorError: a mirror is missing or lacks an accepted commit.
    """
    remove_database(path)
    store, ahead = open_for_writing(path), ReadAhead()
    try:
        note_limits(store, state.config)
        ledger = Ledger(store, state.config, gathers=True)
        rules = Rules(segment_reader(state), None, now, ahead)
        known = state.repos.all()
        if lost := sorted(tips.keys() - {repo.name for repo in known}):
            raise MirrorError(
                f"billed, but no mirror of it can be read: {', '.join(lost)}",
                hint="restore it from a backup",
            )
        replays = (
            Replay(Ingest(ledger, row, mirror, rules), mirror, repo, tips[repo.name], on_progress)
            for repo, row, mirror in _opened(state, store, known, tips)
        )
        for group in groups(replays):
            run_by_date(group)
            for replay in group:
                replay.finish(store)
        ledger.charge_gathered(now)
        if ledger.decisions.waiting:
            raise MirrorError(
                f"decisions about {', '.join(sorted(ledger.decisions.waiting))} cannot be carried"
                " out: its lines cannot be read",
                hint="restore its mirror from a backup",
            )
        if store.repos.is_rule_book_waiting():
            (waits,) = store.incidents.open_of_kind(IncidentKind.RULE_BOOK_WAITS)
            raise MirrorError(
                f"the newest rule book waits for lines of {waits.repo}, which cannot be read",
                hint="restore its mirror from a backup",
            )
        ledger.promote_tiers(hour_of(now))
        store.merge_log()
    finally:
        ahead.stop()
        store.close()


def _opened(
    state: State, store: LedgerStore, known: Iterable[KnownRepo], tips: Container[str]
) -> Iterator[tuple[KnownRepo, RepoRow, Mirror]]:
    """Enter the repos into a new ledger; yield those that were billed, with their mirrors."""
    for repo in known:
        with store.transaction():
            row = store.repos.row(repo)
        if repo.name in tips:
            yield repo, row, state.mirrors.open(repo)


def swap(new: Path, current: Path) -> None:
    """Replace the current ledger with a rebuilt one; both must be closed."""
    # the side files first: SQLite would replay an old log into the new database
    for suffix in _SIDE_FILES[1:]:
        current.with_name(current.name + suffix).unlink(missing_ok=True)
    new.replace(current)


def remove_database(path: Path) -> None:
    """Remove a database file and the log files that SQLite keeps beside it."""
    for suffix in _SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def scratch_ledger(
    state: State, tips: Mapping[str, Tips], now: datetime, on_progress: Progress = _silent
) -> Iterator[LedgerStore]:
    """Rebuild a ledger in a temporary file, which is removed at the end of the block.

    Raises:
        MirrorError: a mirror is missing or lacks an accepted commit.
    """
    with TemporaryDirectory(prefix="scratch-", dir=state.scratch) as folder:
        path = Path(folder) / "ledger.db"
        rebuild(state, path, tips, now, on_progress)
        store = open_for_writing(path)
        try:
            yield store
        finally:
            store.close()
