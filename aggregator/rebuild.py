"""Make the ledger again from git: after a loss, for another version, or to verify it.

The accepted tips, and they alone, say what is read: never a head that was fetched since.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aggregator.config import KnownRepo
from aggregator.database import evidence
from aggregator.database.connection import fold_in_log, open_for_writing, write_transaction
from aggregator.ingest import Ingest, Rules
from aggregator.ledger import Ledger
from aggregator.mirror import MirrorError
from aggregator.state import State
from cursors.position import HeadOutcome, advance
from wire_format.money import NANO

_SIDE_FILES: Final = ("", "-wal", "-shm")
Progress = Callable[[str, int, int], object]
"""Told the repo's name, commits done and commits in all."""


def _silent(_repo: str, _done: int, _total: int) -> None:
    pass


def rebuild(
    state: State,
    path: Path,
    tips: Mapping[str, str],
    now: datetime,
    on_progress: Progress = _silent,
) -> None:
    """Write a new ledger at `path` from the accepted tips.

    Args:
        state: has the mirrors.
        path: the new file; whatever is there goes.
        tips: the last commit to read of each repo, by name.
        now: when incidents that the records themselves show count as opened.
        on_progress: told after each commit.

    Raises:
        MirrorError: a mirror lacks a commit that was accepted.
    """
    remove_database(path)
    connection = open_for_writing(path)
    try:
        state.note_limits(connection)
        ledger = Ledger(connection, state.config.charge_cost_max_usd * NANO)
        for repo in state.known_repos():
            if repo.name in tips:
                _replay(state, ledger, repo, tips[repo.name], now, on_progress)
        fold_in_log(connection)
    finally:
        connection.close()


def _replay(
    state: State,
    ledger: Ledger,
    repo: KnownRepo,
    tip: str,
    now: datetime,
    on_progress: Progress,
) -> None:
    mirror = state.open_mirror(repo)
    position = advance(None, tip, mirror.first_parent)
    if position.outcome is not HeadOutcome.FAST_FORWARD:
        raise MirrorError(f"{repo.name}: {tip} cannot be read")
    with write_transaction(ledger.connection):
        row = evidence.repo_row(ledger.connection, repo.name, repo.node, repo.role)
    total = len(position.commits)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        on_progress(repo.name, done, total)

    rules = Rules(state.skew, latest_commit=None, now=now)
    intake = Ingest(ledger, row, mirror, state.open_mirror_named, rules).run(
        position.commits, count
    )
    if intake.stop is not None:
        raise MirrorError(f"{repo.name}: accepted commit {intake.stop.commit} {intake.stop.detail}")


def swap(new: Path, current: Path) -> None:
    """Put a rebuilt ledger in the place of the current one; both are closed."""
    for suffix in _SIDE_FILES[1:]:
        current.with_name(current.name + suffix).unlink(missing_ok=True)
    new.replace(current)


def remove_database(path: Path) -> None:
    """Remove a database file and what SQLite keeps beside it."""
    for suffix in _SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def scratch_ledger(
    state: State, tips: Mapping[str, str], now: datetime, on_progress: Progress = _silent
) -> Iterator[sqlite3.Connection]:
    """A ledger recomputed beside the real one, removed at the end of the block."""
    with TemporaryDirectory(prefix="scratch-", dir=state.config.state) as folder:
        path = Path(folder) / "ledger.db"
        rebuild(state, path, tips, now, on_progress)
        connection = open_for_writing(path)
        try:
            yield connection
        finally:
            connection.close()
