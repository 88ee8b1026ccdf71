"""The seqs that a node used: what is asked of the database and of the batch is one set."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.ledger.seen_seqs import NodeSeqs
from aggregator.store import line_rows
from aggregator.store.schema import schema
from aggregator.store.store import LedgerStore
from gitmeter.counting.ranges import Range, runs

SEQS = st.sets(st.integers(1, 40))


@pytest.fixture(scope="module")
def store() -> Iterator[LedgerStore]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(schema())
    with closing(LedgerStore(connection)) as opened:
        yield opened


@given(SEQS, SEQS, SEQS, st.integers(0, 42), st.integers(0, 12), st.integers(1, 4))
def test_stored_and_added_seqs_are_one_set(
    store: LedgerStore,
    stored: set[int],
    of_another: set[int],
    added: set[int],
    first: int,
    more: int,
    page: int,
) -> None:
    """Whatever the pages in which the database is read, and whatever another node has."""
    store._connection.execute("DELETE FROM seen_range")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_rows, "_PAGE", page)
        store.lines.add_seen(1, runs(sorted(stored)))
        store.lines.add_seen(2, runs(sorted(of_another)))
        seen = NodeSeqs(store, 1)
        seen.update(list(runs(sorted(added))))
        span = Range(first, first + more)
        asked = set(range(span.first, span.last + 1))
        both = stored | added
        assert seen.overlaps(*span) == bool(both & asked)
        assert seen.among(asked) == both & asked
        within = list(seen.within(span))
        assert [n for part in within for n in range(part.first, part.last + 1)] == sorted(
            both & asked
        )
        assert all(a.last < b.first for a, b in pairwise(within))
