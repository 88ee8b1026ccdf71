"""Adopting or changing plans re-rates no hour that has begun."""

import pytest

from books.plans.guard import plan_faults_of_change
from tests.books.plans.shop import HOUR, NOON
from wire_format.instants import hour_of
from wire_format.plans import NO_PLANS, PlanMeter, Plans, PlanVersion

NOW_HOUR = hour_of(HOUR)
SEARCH = PlanMeter("search", ("search/*",), 5, "bill")
OLD = PlanVersion("pro", NOW_HOUR - 100, 720, fee_nano=1, meters=(SEARCH,))
BARE = OLD._replace(meters=())


def faults(before: list[PlanVersion], after: list[PlanVersion]) -> list[str]:
    return plan_faults_of_change(Plans(tuple(before)), Plans(tuple(after)), NOON)


@pytest.mark.parametrize("from_hour", [NOW_HOUR - 100, NOW_HOUR - 1, NOW_HOUR])
def test_a_version_with_meters_begins_in_the_coming_hour_or_later(from_hour: int) -> None:
    (said,) = faults([], [OLD._replace(from_hour=from_hour)])
    assert "plan pro from" in said
    assert "must begin at 2025-11-10T13:00:00Z or later" in said


def test_what_begins_later_or_includes_nothing_may_be_stated() -> None:
    assert faults([], [OLD._replace(from_hour=NOW_HOUR + 1)]) == []
    assert faults([], [BARE]) == []
    assert faults([BARE], [BARE._replace(fee_nano=2), BARE._replace(from_hour=NOW_HOUR)]) == []


def test_what_did_not_change_is_good_at_any_time() -> None:
    assert faults([OLD], [OLD]) == []
    assert faults([OLD], [OLD, OLD._replace(from_hour=NOW_HOUR + 1, meters=())]) == []
    assert plan_faults_of_change(NO_PLANS, NO_PLANS, NOON) == []


@pytest.mark.parametrize(
    "after",
    [
        [],
        [BARE],
        [OLD, BARE._replace(from_hour=NOW_HOUR)],
        [OLD._replace(meters=(SEARCH._replace(included=6),))],
        [OLD._replace(meters=(SEARCH._replace(match=("search/a",)),))],
        [OLD._replace(from_hour=NOW_HOUR + 1)],
        [OLD._replace(name="gold"), OLD],
        [OLD._replace(cycle_hours=24)],
        [OLD._replace(from_hour=NOW_HOUR - 200)],
    ],
)
def test_what_a_plan_that_has_begun_includes_stays(after: list[PlanVersion]) -> None:
    assert faults([OLD], after)


def test_words_to_services_may_change_at_any_time() -> None:
    other = OLD._replace(
        rpm=7,
        features=("phone",),
        limits=(("channels", 3),),
        meters=(SEARCH._replace(beyond="block"),),
    )
    assert faults([OLD], [other]) == []


def test_a_version_that_has_not_begun_may_be_changed_and_taken_away() -> None:
    later = OLD._replace(from_hour=NOW_HOUR + 1)
    assert faults([later], []) == []
    assert faults([later], [later._replace(meters=(SEARCH._replace(included=9),))]) == []
