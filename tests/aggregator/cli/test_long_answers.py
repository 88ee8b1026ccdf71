"""A long answer is one state of the ledger, which nothing waits for while it is being read."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.store.store import LedgerStore
from tests.support.ledger.running import PROGRAM
from tests.support.ledger.world import World, usage_line

_MANY = 2500
_PIPE_BYTES = 65536
ANSWERS = (
    ("balance",),
    ("balance", "--json"),
    ("charges", "alice"),
    ("charges", "alice", "--json"),
    ("rejects",),
    ("rejects", "--json"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Many users, many charges of one, and many lines that are not valid."""
    world = World(tmp_path_factory.mktemp("world"))
    numbers = range(1, _MANY + 1)
    world.usage(*(usage_line(seq=i, user=f"user-{i}") for i in numbers))
    world.usage(*(usage_line(seq=_MANY + i, user="alice", resource=f"r/{i}") for i in numbers))
    world.usage(*(b'{"line": %d}\n' % i for i in numbers))
    world.pull()
    return world


@pytest.fixture
def ledger(world: World) -> Iterator[sqlite3.Connection]:
    """A connection that writes, as that of the daemon, and waits for nobody."""
    path = world.config.database_path
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        yield connection


@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_a_pager_that_waits_keeps_no_log_from_being_emptied(
    words: tuple[str, ...], world: World, ledger: sqlite3.Connection, tmp_path: Path
) -> None:
    """Once its first byte is there, an answer needs the ledger no more; the rest of it waits."""
    config = world.write_config()
    expected = world.run(*words).ok().out
    assert len(expected) > 2 * _PIPE_BYTES
    command = [sys.executable, "-c", PROGRAM, "--config", str(config), *words]
    own_tmp = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=own_tmp) as asked:
        assert asked.stdout is not None
        begun = asked.stdout.read(1)
        ledger.execute("INSERT OR REPLACE INTO meta VALUES ('written', 'meanwhile')")
        (is_busy, *_) = ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert asked.poll() is None
        rest = asked.stdout.read()
    assert not is_busy
    assert asked.returncode == 0
    assert (begun + rest).decode() == expected
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_where_it_has_ended_the_view(world: World) -> None:
    """SQLite ends a transaction by itself then; there is nothing left to end."""

    def fill(store: LedgerStore) -> None:
        with store.view():
            store._connection.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

    with world.reading() as store, pytest.raises(sqlite3.OperationalError, match="disk is full"):
        fill(store)
