"""Planning over a thousand records as one gives the commits that planning each of them gives."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_pusher.spool import plan as planning
from node_pusher.spool import unsent as reading
from node_pusher.spool.plan import Block, Span, Unsent, outside, plan
from node_pusher.spool.unsent import unsent, unsent_blocks
from wire_format.fields import EPOCH_SIZE
from wire_format.lines import Folder

Record = tuple[int, Folder, int, int]
"""The distance from the seq before, the folder, the instant and the length of the line."""

RECORDS = st.lists(
    st.tuples(
        st.sampled_from([1] * 12 + [2, EPOCH_SIZE]),
        st.sampled_from([Folder.USAGE] * 8 + [Folder.PAYMENTS]),
        st.sampled_from([1] * 12 + [9]),
        st.integers(1, 6),
    ),
    max_size=40,
)


def _spool(records: list[Record], first: int) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, folder, ts_us, line)")
    seq = first
    for step, folder, ts_us, size in records:
        seq += step
        row = (seq, folder, ts_us, b"x" * size)
        connection.execute("INSERT INTO records VALUES (?, ?, ?, ?)", row)
    return connection


@given(
    records=RECORDS,
    first=st.sampled_from([0, EPOCH_SIZE - 7]),
    block=st.integers(1, 5),
    bytes_max=st.integers(6, 40),
    count_max=st.integers(1, 9),
    committed=st.lists(st.builds(Span, st.integers(1, 9), st.integers(10, 14)), max_size=1),
)
def test_blocks_are_planned_as_their_records_would_be(
    records: list[Record],
    first: int,
    block: int,
    bytes_max: int,
    count_max: int,
    committed: list[Span],
) -> None:
    """Wherever a segment ends: at its limits, a gap, another folder, an epoch, a later instant."""
    with pytest.MonkeyPatch.context() as patch, closing(_spool(records, first)) as connection:
        patch.setattr(reading, "_BLOCK", block)
        patch.setattr(planning, "SEGMENT_RECORDS_MAX", count_max)
        patch.setattr(planning, "SEGMENT_BYTES_MAX", bytes_max)
        spans = list(outside(committed))
        singly, blocks = (read(connection, spans, 5) for read in (unsent, unsent_blocks))
        assert list(plan(blocks)) == list(plan(singly))


@pytest.mark.parametrize("taken", [0, 1, 2, 501])
def test_what_is_recorded_meanwhile_waits_for_the_next_push(taken: int) -> None:
    """Whenever it is: later records in a commit without the earlier ones would be a gap."""
    with closing(_spool([(1, Folder.USAGE, 1, 3)] * 1500, 0)) as connection:
        found = unsent_blocks(connection, [Span(1, 2**63 - 1)], 1)
        spans = [planned.segments for planned in plan(_recorded_into(connection, found, taken))]
        assert spans == [(Span(1, 1500),)]


def _recorded_into(
    connection: sqlite3.Connection, found: Iterator[Unsent | Block], after: int
) -> Iterator[Unsent | Block]:
    """Yield what is found; once so many are taken, a thousand records and one come in."""
    for number, each in enumerate(found):
        if number == after:
            rows = ((seq, Folder.USAGE, 1, b"xxx") for seq in range(1501, 2502))
            connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", rows)
        yield each


def test_a_thousand_records_are_read_as_one_and_those_around_a_gap_one_by_one() -> None:
    one: Record = (1, Folder.USAGE, 1, 3)
    records = [one] * 2200 + [(2, *one[1:])] + [one] * 299
    with closing(_spool(records, 0)) as connection:
        found = list(unsent_blocks(connection, [Span(1, 10_000)], 1))
    whole, rest = found[:2], found[2:]
    assert [(each.span, each.size_bytes) for each in whole if isinstance(each, Block)] == [
        (Span(1, 1000), 3000),
        (Span(1001, 2000), 3000),
    ]
    assert [each.seq for each in rest if isinstance(each, Unsent)] == [
        *(*range(2001, 2201), *range(2202, 2502))
    ]
