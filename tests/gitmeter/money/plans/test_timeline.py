"""What an account has in each hour by its plan lines, and which credit they give."""

from fractions import Fraction
from typing import Any

import pytest

from gitmeter.money.plans.timeline import PlanTimeline, first_difference
from tests.gitmeter.money.plans.told import (
    FREE,
    LITE,
    PLANS,
    POWER,
    PRO,
    TOP,
    ZERO,
    Customer,
    credited,
    meter,
    plan,
    shown,
)
from wire_format.plans import NO_PLANS, Plans


def told(*lines: tuple[Any, ...], plans: Plans = PLANS) -> PlanTimeline:
    """Of lines by the books, committed in this order.

    Each is a plan, its from and until, its fee, and for an upgrade the plan before.
    """
    customer = Customer(plans)
    for at, (name, first, end, fee, *instead_of) in enumerate(lines, 1000):
        before = instead_of[0] if instead_of else None
        customer.line(name, first, end, fee, by="books", committed=at, instead_of=before)
    assert len(customer.counted()) == len(lines)
    return customer.timeline()


def test_without_a_line_there_is_the_default_plan_if_there_is_one() -> None:
    assert shown(told(), 30) == ("free", 24, 48, "free")
    assert told(plans=NO_PLANS).at(ZERO) is None
    assert told(("pro", 0, 48, "2"), plans=Plans((PRO,))).at(ZERO + 48) is None


def test_a_period_gives_its_credit_and_lapses_to_the_default_plan() -> None:
    timeline = told(("pro", 0, 48, "2"))
    assert [shown(timeline, hour) for hour in (-1, 0, 47, 48)] == [
        ("free", -24, 0, "free"),
        ("pro", 0, 48, "pro"),
        ("pro", 0, 48, "pro"),
        ("free", 48, 72, "free"),
    ]
    (credit,) = timeline.credits(ZERO, ZERO + 1)
    assert credit.name == "plan:pro@2026-11-10T00:00:00Z"
    assert (credit.category, credit.priority, credit.scope) == ("promotional", 50, None)
    assert (credit.from_hour, credit.until_hour) == (ZERO, ZERO + 48)
    assert credited(timeline) == [("pro@2026-11-10T00:00:00Z", 100, [(0, 48)])]


def test_a_credit_has_the_priority_of_its_plan() -> None:
    prime = plan("prime", "2", "1", credit_priority=10)
    (credit,) = told(("prime", 0, 48, "2"), plans=Plans((prime,))).credits(ZERO, ZERO + 1)
    assert credit.priority == 10


def test_an_ended_line_brings_no_earlier_one_back() -> None:
    """Neither one without an end, nor the rest of a long one that was upgraded for a cycle."""
    plans = Plans((*PLANS.versions, LITE))
    timeline = told(("lite", -9, None, None), ("pro", 0, 48, "2"), plans=plans)
    assert [found and found[0] for found in map(shown, [timeline] * 3, (-1, 0, 48))] == [
        *("lite", "pro", "free")
    ]
    upgraded = told(("pro", 0, 480, "9"), ("power", 60, 96, "1", "pro"))
    assert shown(upgraded, 59) == ("pro", 48, 96, "pro")
    assert shown(upgraded, 96) == ("free", 96, 120, "free")


def test_of_lines_from_one_hour_the_last_written_is_in_force() -> None:
    plans = Plans((*PLANS.versions, LITE))
    lines = (("lite", 0, None, None), ("free", 0, None, None))
    assert shown(told(*lines, plans=plans), 1) == ("free", 0, 24, "free")
    assert shown(told(*reversed(lines), plans=plans), 1) == ("lite", 0, 24, "lite")


def test_cycles_without_a_fee_are_counted_from_1970_whatever_line_names_them() -> None:
    """30 hours: the 16,622nd ends at noon of the 20th, which is hour 252."""
    free = plan("free", cycle_hours=30, is_default=True)
    plans = Plans((free, LITE, PRO))
    timeline = told(("pro", 266, 276, "1"), ("free", 277, None, None), plans=plans)
    cycles = [shown(timeline, hour) for hour in (252, 265, 276, 277, 281)]
    assert cycles == [("free", 252, 282, "free")] * 5
    assert shown(timeline, 270) == ("pro", 266, 276, "pro")
    names = {found.cycle_of for hour in (252, 276, 277) if (found := timeline.at(ZERO + hour))}
    assert names == {"free@2026-11-20T12:00:00Z"}


def test_a_second_line_of_a_plan_without_a_fee_gives_no_second_cycle() -> None:
    plans = Plans((*PLANS.versions, LITE))
    timeline = told(*(("lite", hour, None, None) for hour in (9, 10, 11)), plans=plans)
    assert {shown(timeline, hour) for hour in range(9, 24)} == {("lite", 0, 24, "lite")}


def test_an_upgrade_keeps_the_cycle_and_adds_what_its_credit_is_above_the_largest() -> None:
    """1.00 of pro, 0.50 more of power, nothing of top (1.20); each pays to the cycle's end."""
    timeline = told(
        ("pro", 0, 48, "2"), ("power", 10, 48, "1", "pro"), ("top", 20, 48, "2", "power")
    )
    assert [shown(timeline, hour) for hour in (9, 10, 20, 48)] == [
        ("pro", 0, 48, "pro"),
        ("power", 0, 48, "pro"),
        ("top", 0, 48, "pro"),
        ("free", 48, 72, "free"),
    ]
    assert credited(timeline) == [
        ("pro@2026-11-10T00:00:00Z", 100, [(0, 48)]),
        ("power@2026-11-10T10:00:00Z", 50, [(10, 48)]),
    ]
    included = [found.meters[0].included for h in (9, 10, 20) if (found := timeline.at(ZERO + h))]
    assert included == [5, 20, None]


def test_a_credit_after_a_smaller_one_is_above_the_largest_not_the_last() -> None:
    last = plan("last", "9", "2", meters=TOP.meters)
    timeline = told(
        ("power", 0, 48, "2"),
        ("top", 10, 48, "1", "power"),
        ("last", 20, 48, "2", "top"),
        plans=Plans((*PLANS.versions, last)),
    )
    assert [cents for _, cents, _ in credited(timeline)] == [150, 50]


def test_an_upgrade_that_was_committed_late_adds_in_the_order_of_hours() -> None:
    """Top's line of the 20th hour came first; the largest before that hour is power's now."""
    richer = plan("richer", "9", "4", meters=TOP.meters)
    timeline = told(
        ("pro", 0, 48, "2"),
        ("richer", 20, 48, "1", "pro"),
        ("power", 10, 48, "2", "pro"),
        plans=Plans((*PLANS.versions, richer)),
    )
    assert [shown(timeline, hour) for hour in (10, 20)] == [
        *(("power", 0, 48, "pro"), ("richer", 0, 48, "pro"))
    ]
    assert [(cents, spans) for _, cents, spans in credited(timeline)] == [
        *((100, [(0, 48)]), (50, [(10, 48)]), (250, [(20, 48)]))
    ]


def test_a_credit_ends_where_another_line_begins_but_keeps_its_terms() -> None:
    """What was bought for later begins within; nothing of the earlier period comes back."""
    customer = Customer()
    customer.line("power", 30, 40, "3", by="books", ts=1)
    customer.line("pro", 0, 48, "2", by="books", ts=2)
    timeline = customer.timeline()
    assert [shown(timeline, hour) for hour in (29, 30, 40)] == [
        *(("pro", 0, 48, "pro"), ("power", 30, 40, "power"), ("free", 24, 48, "free"))
    ]
    pro, power = timeline.credits(ZERO, ZERO + 99)
    assert (pro.until_hour, power.until_hour) == (ZERO + 48, ZERO + 40)
    assert [spans for _, _, spans in credited(timeline)] == [[(0, 30)], [(30, 40)]]


def test_each_cycle_of_a_long_line_gives_its_credit_and_the_last_is_cut_by_its_until() -> None:
    timeline = told(("pro", 0, 100, "9"))
    assert [(name[-20:], spans) for name, _, spans in credited(timeline)] == [
        ("2026-11-10T00:00:00Z", [(0, 48)]),
        ("2026-11-12T00:00:00Z", [(48, 96)]),
        ("2026-11-14T00:00:00Z", [(96, 100)]),
    ]
    assert shown(timeline, 99) == ("pro", 96, 100, "pro")
    for first, end, count in [(48, 96, 1), (47, 97, 3), (100, 999, 0), (99, 100, 1), (-9, 0, 0)]:
        assert len(credited(timeline, first, end)) == count


def test_cycles_in_which_a_line_was_never_in_force_give_nothing() -> None:
    """Pro for ten cycles, but from the 60th hour on there is something else."""
    customer = Customer(Plans((*PLANS.versions, LITE)))
    customer.line("lite", 60, by="books", ts=1)
    customer.line("pro", 0, 480, "9", by="books", ts=2)
    assert [spans for _, _, spans in credited(customer.timeline())] == [[(0, 48)], [(48, 60)]]


def test_an_upgrade_in_an_earlier_cycle_than_one_that_counts_leaves_a_gap() -> None:
    timeline = told(
        ("pro", 0, 480, "9"), ("power", 110, 144, "1", "pro"), ("power", 10, 48, "1", "pro")
    )
    assert [shown(timeline, hour) for hour in (10, 48, 110)] == [
        *(("power", 0, 48, "pro"), ("free", 48, 72, "free"), ("power", 96, 144, "pro"))
    ]
    assert [spans for _, _, spans in credited(timeline)] == [
        *([(0, 48)], [(10, 48)], [(110, 144)], [(110, 144)])
    ]


DEARER = plan("pro", "3", "7", begins=50, meters=(meter("search", 9),))


def test_a_later_version_counts_from_the_next_cycle_on() -> None:
    plans = Plans((*PLANS.versions, DEARER))
    timeline = told(("pro", 0, 480, "2"), plans=plans)
    versions = [found.version for h in (49, 95, 96) if (found := timeline.at(ZERO + h))]
    assert versions == [PRO, PRO, DEARER]
    assert [cents for _, cents, _ in credited(timeline)][:3] == [100, 100, 700]


def test_a_plan_without_a_fee_begins_within_a_cycle_and_keeps_its_first_version_in_it() -> None:
    plans = Plans(tuple(plan("free", begins=b, rpm=b, is_default=True) for b in (30, 40)))
    timeline = told(plans=plans)
    assert timeline.at(ZERO + 29) is None
    assert shown(timeline, 30) == ("free", 24, 48, "free")
    assert timeline.at(ZERO + 29) is None
    found = [timeline.at(ZERO + hour) for hour in (30, 40, 47, 48)]
    assert [each and each.version.rpm for each in found] == [30, 30, 30, 40]


def test_fees_are_taken_at_the_ts_of_their_lines() -> None:
    customer = Customer()
    customer.line("pro", 48, 96, "2", by="books", ts=5)
    customer.line("pro", 0, 48, "2.50", by="books", ts=Fraction(1, 4))
    timeline = customer.timeline()
    at_us = [(ZERO * 4 + quarters) * 900 * 10**6 for quarters in (1, 2, 20, 21)]
    fees = [timeline.fees_nano(each) / 10**9 for each in at_us]
    assert fees == [0, 2.5, 2.5, 4.5]


def test_nothing_goes_through_all_cycles_of_a_line_that_lasts_for_decades(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each cycle that is looked at has its end reckoned."""
    ends: list[int] = []
    cycle_end = PlanTimeline._cycle_end

    def noted(*args: Any) -> int:  # noqa: ANN401 - as of the method
        ends.append(cycle_end(*args))
        return ends[-1]

    monkeypatch.setattr(PlanTimeline, "_cycle_end", noted)
    plans = Plans((FREE, plan("hourly", "1", "1", cycle_hours=1)))
    before = told(("hourly", 0, 600_000, "9"), plans=plans)
    after = told(("hourly", 0, 600_000, "9"), ("hourly", 600_000, 600_001, "1"), plans=plans)
    assert shown(after, 599_999) == ("hourly", 599_999, 600_000, "hourly")
    assert first_difference(before, after) == ZERO + 600_000
    assert ends == []
    assert len(after.credits(ZERO + 500_000, ZERO + 500_024)) == 24
    assert {*ends} == {ZERO + 500_001 + hour for hour in range(24)}


@pytest.mark.parametrize(
    ("lines", "hour"),
    [
        ([("pro", 0, 48, "2")], None),
        ([("pro", 0, 48, "9.99")], None),
        ([], 0),
        ([("pro", 0, 47, "2")], 0),
        ([("power", 0, 48, "2")], 0),
        ([("pro", 0, 48, "2"), ("pro", 48, 96, "2")], 48),
        ([("pro", 0, 48, "2"), ("power", 30, 48, "2", "pro")], 30),
        ([("pro", -48, 0, "2"), ("pro", 0, 48, "2")], -48),
    ],
)
def test_the_first_hour_in_which_timelines_differ(
    lines: list[tuple[Any, ...]], hour: int | None
) -> None:
    before, after = told(("pro", 0, 48, "2")), told(*lines)
    expected = None if hour is None else ZERO + hour
    assert first_difference(before, after) == first_difference(after, before) == expected


def test_another_upgrade_in_the_same_hour_is_a_difference() -> None:
    pro = ("pro", 0, 48, "2")
    before, after = (told(pro, (name, 10, 48, "1", "pro")) for name in ("power", "top"))
    assert first_difference(before, after) == ZERO + 10


def test_plans_that_changed_differ_where_the_account_has_them() -> None:
    """A new version of another plan is nothing to it; the default plan it may come to have."""
    lines = ("pro", 0, 48, "2")
    before = told(lines)
    for version, hour in [
        (DEARER, ZERO + 50),
        (plan("power", "3", begins=20), None),
        (plan("free", begins=9, is_default=True), ZERO + 9),
    ]:
        after = told(lines, plans=Plans((*PLANS.versions, version)))
        assert first_difference(before, after) == hour
    richer = PRO._replace(credit_nano=9)
    after = told(lines, plans=Plans((FREE, richer, POWER, TOP)))
    assert first_difference(before, after) == PRO.from_hour


def test_a_line_that_cannot_count_makes_no_timeline() -> None:
    customer = Customer()
    line = customer.line("nothing", 0, 48)
    with pytest.raises(ValueError, match="line 1 of desk-1 does not count"):
        PlanTimeline([line], PLANS)
