"""Segments and commits keep their limits, and hold every record once, in order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node_pusher.spool.plan import CommitPlan, Span, Unsent, hours_apart, plan
from wire_format import fields
from wire_format.fields import epoch_of
from wire_format.lines import Folder

HOUR_US = 3600 * 1_000_000
LINE_BYTES = 171


def _records(
    count: int,
    *,
    first: int = 1,
    folder: Folder = Folder.USAGE,
    step_us: int = 1,
    size_bytes: int = LINE_BYTES,
) -> list[Unsent]:
    return [Unsent(first + i, folder, i * step_us, size_bytes) for i in range(count)]


def test_nothing_makes_no_commit() -> None:
    assert list(plan([])) == []


def test_a_few_records_are_one_segment_in_one_commit() -> None:
    assert list(plan(_records(3))) == [CommitPlan(Folder.USAGE, (Span(1, 3),), None, "")]


def test_a_segment_has_at_most_50_000_records() -> None:
    (commit,) = plan(_records(50_001, size_bytes=1))
    assert commit.segments == (Span(1, 50_000), Span(50_001, 50_001))


def test_a_segment_has_at_most_8_mebibytes() -> None:
    (commit,) = plan(_records(1025, size_bytes=8192))
    assert commit.segments == (Span(1, 1024), Span(1025, 1025))


def test_a_segment_may_have_records_of_any_times() -> None:
    """History out of time order is as few segments as history in order."""
    times = [0, 20 * HOUR_US, -5000 * HOUR_US, 25 * HOUR_US]
    records = [Unsent(i, Folder.USAGE, ts, 1) for i, ts in enumerate(times, start=1)]
    (commit,) = plan(records)
    assert commit.segments == (Span(1, 4),)


def test_a_commit_has_at_most_8_segments() -> None:
    commits = list(plan(_records(17, size_bytes=fields.SEGMENT_BYTES_MAX)))
    assert [len(commit.segments) for commit in commits] == [8, 8, 1]


def test_a_hole_in_the_numbers_starts_a_commit() -> None:
    commits = list(plan([*_records(2), *_records(2, first=5)]))
    assert [commit.segments for commit in commits] == [(Span(1, 2),), (Span(5, 6),)]


def test_another_folder_starts_a_commit() -> None:
    money = _records(2, first=3, folder=Folder.PAYMENTS)
    commits = list(plan([*_records(2), *money, *_records(1, first=5)]))
    assert [commit.folder for commit in commits] == [Folder.USAGE, Folder.PAYMENTS, Folder.USAGE]


def test_a_segment_stays_in_its_epoch() -> None:
    (commit,) = plan(_records(2, first=fields.EPOCH_SIZE))
    assert commit.segments == (Span(10**9, 10**9), Span(10**9 + 1, 10**9 + 1))


def _by_hour(records: list[Unsent]) -> list[CommitPlan]:
    return list(plan(records, hours=hours_apart(record.ts_us for record in records)))


def test_by_hour_each_hour_is_a_commit() -> None:
    commits = _by_hour(_records(8, step_us=HOUR_US // 2))
    assert [(commit.hour, commit.segments) for commit in commits] == [
        (0, (Span(1, 2),)), (1, (Span(3, 4),)), (2, (Span(5, 6),)), (3, (Span(7, 8),)),
    ]  # fmt: skip


def test_by_hour_hours_whose_records_are_mixed_share_a_commit() -> None:
    hours = [0, 0, 2, 1, 2, 3]
    records = [Unsent(i, Folder.USAGE, hour * HOUR_US, 1) for i, hour in enumerate(hours, start=1)]
    assert [(commit.hour, commit.segments) for commit in _by_hour(records)] == [
        (0, (Span(1, 2),)), (2, (Span(3, 5),)), (3, (Span(6, 6),)),
    ]  # fmt: skip


@given(st.lists(st.integers(-3, 12), max_size=40))
def test_commits_by_hour_are_as_many_as_the_order_of_the_records_allows(hours: list[int]) -> None:
    """No hour is in two commits, their hours ascend, and none could be cut once more."""
    records = [Unsent(i, Folder.USAGE, hour * HOUR_US, 1) for i, hour in enumerate(hours, start=1)]
    parts = [
        hours[commit.segments[0].first - 1 : commit.segments[-1].last]
        for commit in _by_hour(records)
    ]
    assert [hour for part in parts for hour in part] == hours
    assert all(max(before) < min(after) for before, after in pairwise(parts))
    assert [commit.hour for commit in _by_hour(records)] == [max(part) for part in parts]
    for part in parts:
        assert all(max(part[:at]) >= min(part[at:]) for at in range(1, len(part)))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 2, fields.EPOCH_SIZE]),
            st.sampled_from([Folder.USAGE, Folder.USAGE, Folder.PAYMENTS]),
            st.integers(-3, 40),
            st.sampled_from([100, fields.SEGMENT_BYTES_MAX // 2]),
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_every_record_is_in_one_segment_within_its_limits(
    steps: list[tuple[int, Folder, int, int]],
    by_hour: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    seq = 0
    records = {}
    for step, folder, hour, size_bytes in steps:
        seq += step
        records[seq] = Unsent(seq, folder, hour * HOUR_US, size_bytes)
    hours = hours_apart(record.ts_us for record in records.values()) if by_hour else None
    commits = list(plan(records.values(), hours=hours))
    planned = [s for c in commits for span in c.segments for s in range(span.first, span.last + 1)]
    assert planned == sorted(records)
    for commit in commits:
        assert 1 <= len(commit.segments) <= fields.SEGMENTS_PER_COMMIT_MAX
        first, last = commit.segments[0].first, commit.segments[-1].last
        assert sum(s.last - s.first + 1 for s in commit.segments) == last - first + 1
        for span in commit.segments:
            inside = [records[s] for s in range(span.first, span.last + 1)]
            assert {record.folder for record in inside} == {commit.folder}
            assert len({epoch_of(record.seq) for record in inside}) == 1
            assert sum(record.size_bytes for record in inside) <= fields.SEGMENT_BYTES_MAX
            times = [record.ts_us for record in inside]
            assert not by_hour or max(times) // HOUR_US <= (commit.hour or 0)
