"""A spool is as large as what it holds, not as it was at its fullest."""

import sqlite3
from contextlib import closing

import pytest

from node_pusher.home.home import Home
from node_pusher.sending.push import push
from node_pusher.spool import shrinking
from node_pusher.spool.api import Spool
from tests.node_pusher.conftest import START, record, spool_count


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "FREE_BYTES_MIN", 64 * 1024)
    monkeypatch.setattr(shrinking, "_WAIT_MS", 10)


def pages(home: Home) -> int:
    """How long the file is, or will be once SQLite has put its log into it."""
    with closing(sqlite3.connect(home.spool_file)) as spool:
        return int(spool.execute("PRAGMA page_count").fetchone()[0])


def size_bytes(home: Home) -> int:
    return sum(file.stat().st_size for file in home.path.glob("spool.db*"))


def test_the_disk_is_given_back_once_records_are_on_the_remote(home: Home) -> None:
    with Spool.open(home.path, clock=lambda: START) as service:
        service.record(user="a", resource="r", units=1, id="before")
        record(home, 3000)
        full_bytes = pages(home) * 4096
        assert push(home, START).retired == 3001
        assert home.spool_file.stat().st_size < full_bytes / 5
        again = service.record(user="a", resource="r", units=1, id="before")
        assert (again.seq, again.repeated) == (1, True)
        assert service.record(user="a", resource="r", units=2).seq == 3002
    assert spool_count(home) == 1


def test_the_log_of_a_large_transaction_is_given_back_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node_pusher.spool.connection._LOG_BYTES_KEPT", 50_000)
    with Spool.open(home.path, clock=lambda: START) as listener:
        record(home, 3000)
        push(home, START)
        for _ in range(3):
            listener.record(user="a", resource="r", units=1)
        assert size_bytes(home) < 150_000


def test_what_waits_is_copied_only_where_it_is_little(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home, 3000)
    full = pages(home)
    with Spool.open(home.path) as spool:
        spool.store.shrink()
        assert pages(home) == full, "nothing is free"
        with closing(sqlite3.connect(home.spool_file, isolation_level=None)) as other:
            other.execute("DELETE FROM records WHERE seq > 1000")
        monkeypatch.setattr(shrinking, "KEPT_BYTES_MAX", 10_000)
        spool.store.shrink()
        assert pages(home) == full
        monkeypatch.setattr(shrinking, "KEPT_BYTES_MAX", 1_000_000)
        spool.store.shrink()
        assert pages(home) < full / 2
        assert spool.store.count() == 1000


def test_who_records_just_now_goes_first(home: Home) -> None:
    record(home, 3000)
    with closing(sqlite3.connect(home.spool_file, isolation_level=None)) as other:
        other.execute("DELETE FROM records")
        full = pages(home)
        other.execute("BEGIN IMMEDIATE")
        with Spool.open(home.path) as spool:
            spool.store.shrink()
            assert pages(home) == full
            other.execute("ROLLBACK")
            spool.store.shrink()
            assert pages(home) < full / 5
