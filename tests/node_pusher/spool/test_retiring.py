"""Records leave the spool once they were seen on the remote, and no others with them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import commit_unsent
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from node_pusher.spool.plan import SegmentFile, Span
from node_pusher.spool.store import Store
from tests.node_pusher.conftest import START, record, spool_count

SEQS = range(1, 13)


@given(
    here=st.sets(st.sampled_from(SEQS)),
    ends=st.lists(st.sampled_from(SEQS), unique=True).map(sorted),
)
def test_what_is_in_the_spans_leaves_the_spool_and_all_else_stays(
    here: set[int], ends: list[int]
) -> None:
    """Whether it is everything that the spool has or not."""
    spans = [Span(first, last) for first, last in zip(ends[::2], ends[1::2], strict=False)]
    gone = {seq for seq in here for span in spans if span.first <= seq <= span.last}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE entered_by (seq INTEGER PRIMARY KEY)")
        for table in ("records", "entered_by"):
            rows = [(seq,) for seq in here]
            connection.executemany(f"INSERT INTO {table} VALUES (?)", rows)  # noqa: S608 - a constant
        assert Store(connection, Path("spool.db")).retire_spans(spans) == len(gone)
        for table in ("records", "entered_by"):
            left = connection.execute(f"SELECT seq FROM {table} ORDER BY seq")  # noqa: S608 - as above
            assert [seq for (seq,) in left] == sorted(here - gone)


def test_what_is_recorded_while_a_push_is_under_way_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spool that a push emptied as a whole has a record more by then."""
    retire_spans = Store.retire_spans

    def late(self: Store, spans: list[Span]) -> int:
        record(home, 1)
        return retire_spans(self, spans)

    record(home, 3)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "retire_spans", late)
        assert push(home, START).retired == 3
    assert spool_count(home) == 1


@pytest.mark.parametrize("units", [2, 9])
def test_of_an_earlier_commit_only_what_was_sent_leaves(home: Home, units: int) -> None:
    """A commit of this push has what the spool had; one of an earlier push is compared with it."""
    record(home, 3)
    with Spool.open(home.path) as spool:
        commit_unsent(spool.store, LedgerRepo(home.repo), START)
    with closing(sqlite3.connect(home.spool_file)) as connection, connection:
        connection.execute(
            "UPDATE records SET line = CAST(replace(line, ?, ?) AS BLOB) WHERE seq = 2",
            ('"units":2', f'"units":{units}'),
        )
    assert push(home, START).retired == (3 if units == 2 else 2)
    assert spool_count(home) == (0 if units == 2 else 1)


def test_a_segment_that_was_just_committed_is_not_read_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(*_: object) -> SegmentFile:
        raise AssertionError("read again")

    record(home, 3)
    monkeypatch.setattr(Store, "has", again)
    monkeypatch.setattr(LedgerRepo, "segment", again)
    assert push(home, START).retired == 3
