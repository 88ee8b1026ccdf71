"""Ranges of numbers are the set of their numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gitmeter.counting.ranges import Range, RangeSet, joined, runs
from tests.support.strategies import EPOCH

NUMBERS = st.integers(1, 40)
RANGES = st.builds(lambda first, more: Range(first, first + more), NUMBERS, st.integers(0, 8))


def numbers(ranges: RangeSet) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(st.lists(RANGES), RANGES)
def test_adding_and_overlapping_are_those_of_a_plain_set(added: list[Range], probe: Range) -> None:
    """And the ranges stay disjoint, apart and in order."""
    ranges, plain = RangeSet(), set[int]()
    for one in added:
        ranges.add(one)
        plain |= set(range(one.first, one.last + 1))
        assert numbers(ranges) == plain
    kept = list(ranges)
    assert all(a.last + 1 < b.first for a, b in pairwise(kept))
    assert ranges.overlaps(*probe) == bool(plain & set(range(probe.first, probe.last + 1)))
    assert ranges.highest == max(plain, default=None)
    assert RangeSet(reversed(added)) == ranges == ranges.copy()
    assert list(joined(sorted(added))) == kept
    assert ranges.among(range(60)) == plain & set(range(60))


@given(st.lists(RANGES), st.lists(RANGES))
def test_many_ranges_are_added_as_one_by_one(some: list[Range], more: list[Range]) -> None:
    at_once, one_by_one = RangeSet(some), RangeSet(some)
    at_once.update(more)
    for each in more:
        one_by_one.add(each)
    assert at_once == one_by_one


@given(st.lists(st.integers(0, 60)).map(sorted))
def test_runs_of_ascending_numbers_hold_just_those(ascending: list[int]) -> None:
    """However often one of them comes, and in as few ranges as there can be."""
    found = list(runs(ascending))
    assert [n for first, last in found for n in range(first, last + 1)] == sorted(set(ascending))
    assert all(a.last + 1 < b.first for a, b in pairwise(found))


@given(st.sets(st.builds(lambda k, n: k * EPOCH + n, st.sampled_from([0, 1, 5]), NUMBERS)))
def test_gaps_are_the_numbers_missing_below_the_highest_of_each_epoch(seen: set[int]) -> None:
    ranges = RangeSet(runs(sorted(seen)))
    epochs = sorted({(number - 1) // EPOCH for number in seen})
    expected = set[int]()
    for epoch in epochs:
        own = {number for number in seen if (number - 1) // EPOCH == epoch}
        expected |= set(range(epoch * EPOCH + 1, max(own))) - own
    assert numbers(RangeSet(ranges.gaps())) == expected
    assert ranges.epochs() == epochs


def test_a_range_across_two_epochs_belongs_to_both() -> None:
    ranges = RangeSet([Range(EPOCH - 1, EPOCH + 2)])
    assert ranges.epochs() == [0, 1]
    assert ranges.gaps() == [Range(1, EPOCH - 2)]


def test_an_independent_copy_does_not_follow() -> None:
    ranges = RangeSet([Range(1, 2)])
    copy = ranges.copy()
    copy.add(Range(9, 9))
    assert list(ranges) == [Range(1, 2)]


def test_a_range_reads_as_a_person_writes_it() -> None:
    assert (str(Range(1201, 1300)), str(Range(7, 7))) == ("1201..1300", "7")
