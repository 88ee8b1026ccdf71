"""A spool is as large as what it holds, not as it was at its fullest."""

import sqlite3
from contextlib import closing
from itertools import pairwise

import pytest

from node_pusher.home.home import Home
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from node_pusher.spool.file import shrinking
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
    monkeypatch.setattr("node_pusher.spool.file.connection._LOG_BYTES_KEPT", 50_000)
    with Spool.open(home.path, clock=lambda: START) as listener:
        record(home, 3000)
        push(home, START)
        for _ in range(3):
            listener.record(user="a", resource="r", units=1)
        assert size_bytes(home) < 150_000


def test_keys_of_records_are_kept_for_days_and_do_not_keep_the_file_large(home: Home) -> None:
    """The keys lie among the records, to the end of the file."""
    keyed = [{"user": "a" * 200, "resource": "r", "units": 1, "id": f"i{i}"} for i in range(3000)]
    with Spool.open(home.path, clock=lambda: START) as service:
        service.record_many(keyed)
        full = pages(home)
        push(home, START)
        assert pages(home) < full / 2
        assert all(again.repeated for again in service.record_many(keyed))


def test_others_record_between_the_steps(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is shortened by many transactions, each a short one."""
    monkeypatch.setattr(shrinking, "_STEP_PAGES", 10)
    record(home, 3000)
    with Spool.open(home.path) as spool:
        with closing(sqlite3.connect(home.spool_file, isolation_level=None)) as other:
            other.execute("DELETE FROM records")
        lengths: list[int] = []
        spool.store._connection.set_trace_callback(lambda _: lengths.append(pages(home)))
        spool.store.shrink()
    steps = [before - after for before, after in pairwise(lengths) if before != after]
    assert len(steps) > 5
    assert max(steps) <= 10


def test_what_waits_in_an_old_spool_is_copied_only_where_it_is_little(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spool of an earlier version is copied as a whole, and can be shortened from then on."""
    record(home, 3000)
    with closing(sqlite3.connect(home.spool_file, isolation_level=None)) as old:
        old.execute("PRAGMA journal_mode = DELETE")
        old.execute("PRAGMA auto_vacuum = NONE")
        old.execute("VACUUM")
    full = pages(home)
    with Spool.open(home.path) as spool:
        spool.store.shrink()
        assert pages(home) == full, "nothing is free"
        with closing(sqlite3.connect(home.spool_file, isolation_level=None)) as other:
            other.execute("DELETE FROM records WHERE seq > 1000")
        monkeypatch.setattr(shrinking, "COPIED_BYTES_MAX", 10_000)
        spool.store.shrink()
        assert pages(home) == full
        monkeypatch.setattr(shrinking, "COPIED_BYTES_MAX", 1_000_000)
        spool.store.shrink()
        assert pages(home) < full / 2
        mode = spool.store._connection.execute("PRAGMA auto_vacuum").fetchone()
        assert mode == (shrinking._INCREMENTAL,)
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
