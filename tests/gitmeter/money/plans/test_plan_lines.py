"""Which plan lines count: stories with one rule each."""

from fractions import Fraction
from typing import Any

import pytest

from gitmeter.money.plans.periods import terms_of
from gitmeter.money.plans.plan_faults import PlanFault
from tests.gitmeter.money.plans.told import (
    FREE,
    LITE,
    PLANS,
    POWER,
    PRO,
    TOP,
    ZERO,
    Customer,
    meter,
    plan,
    shown,
)
from wire_format.lines import Account
from wire_format.plans import Plans

SLIM = plan("slim", "5")
LONG = plan("long", "5", cycle_hours=72, meters=(meter("search", None),))
TWIN = plan("twin", "3", meters=(meter("search", 20),))
CONTRACT = plan("contract", "2", sold_by=())
MANY = Plans((FREE, PRO, POWER, TOP, SLIM, LONG, TWIN, CONTRACT, LITE))


def rich(plans: Plans = MANY) -> Customer:
    customer = Customer(plans)
    customer.pays("50")
    return customer


def test_each_reason_says_what_it_means_and_what_to_do() -> None:
    assert len({fault.meaning for fault in PlanFault}) == len(PlanFault)
    assert all(fault.advice for fault in PlanFault)


@pytest.mark.parametrize("by", ["books", "desk-1"])
@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (("power", 20, 48, "1"), None),
        (("power", 20, 48, "1", "twin"), PlanFault.NOT_IN_FORCE),
        (("power", 20, 48, "1", "free"), PlanFault.NOT_IN_FORCE),
        (("nothing", 20, 48, "1"), PlanFault.NO_VERSION),
        (("power", 20, None, "1"), PlanFault.FEE_WITHOUT_UNTIL),
        (("lite", 20, 48, None), PlanFault.UNTIL_WITHOUT_FEE),
        (("lite", 20), PlanFault.OTHER_CYCLE),
        (("pro", 20, 48, None), PlanFault.FEE_NOT_HIGHER),
        (("slim", 20, 48, "3"), PlanFault.LESS_INCLUDED),
        (("long", 20, 48, "3"), PlanFault.OTHER_CYCLE),
        (("power", 20, 49, "1"), PlanFault.NOT_TO_CYCLE_END),
        (("power", 20, 68, "1"), PlanFault.NOT_TO_CYCLE_END),
    ],
)
def test_an_upgrade_binds_the_books_too(
    by: str, line: tuple[Any, ...], fault: PlanFault | None
) -> None:
    """From the 20th hour of pro's 48 on."""
    customer = rich()
    customer.line("pro", 0, 48, "2")
    terms, instead_of = line[:4], line[4] if len(line) > 4 else "pro"
    customer.line(*terms, by=by, instead_of=instead_of)
    assert customer.faults() == {1: None, 2: fault}


def test_an_upgrade_to_a_plan_without_a_fee_is_none() -> None:
    day = plan("day", cycle_hours=48)
    customer = rich(Plans((FREE, PRO, day)))
    customer.line("pro", 0, 48, "2")
    customer.line("day", 20, by="books", instead_of="pro")
    assert customer.faults()[2] is PlanFault.FEE_NOT_HIGHER


@pytest.mark.parametrize("ts", [Fraction(39, 2), 21])
def test_an_upgrade_begins_in_the_hour_in_which_it_is_written(ts: Fraction) -> None:
    customer = rich()
    customer.line("pro", 0, 48, "2")
    customer.line("power", 20, 48, "1", by="books", ts=ts, instead_of="pro")
    assert customer.faults()[2] is PlanFault.NOT_AT_ONCE


def test_only_the_fee_of_an_upgrade_is_for_the_books_to_say() -> None:
    customer = rich()
    customer.line("power", 0, 48, "3")
    customer.line("top", 10, 48, "5", instead_of="power")
    customer.line("top", 10, 48, "5", by="books", ts=Fraction(10), instead_of="twin")
    customer.line("pro", 12, 60, "2", by="books")
    customer.line("top", 15, 48, "0.50", by="books", instead_of="power")
    found = customer.faults()
    assert list(found.values()) == [
        None,
        PlanFault.NOT_IN_FORCE,
        PlanFault.WRONG_FEE,
        PlanFault.PERIOD_RUNS,
        None,
    ]
    assert customer.timeline().fees_nano(10**18) == 3_500_000_000


def test_an_upgrade_of_an_upgrade_pays_the_difference_to_the_plan_in_force() -> None:
    customer = rich()
    customer.line("pro", 0, 48, "2")
    customer.line("power", 10, 48, "1", instead_of="pro")
    customer.line("top", 20, 48, "3", instead_of="power")
    customer.line("top", 20, 48, "2", instead_of="power", ts=Fraction(83, 4))
    assert customer.counted() == [1, 2, 4]
    assert customer.timeline().fees_nano(10**18) == 5 * 10**9


def test_the_fee_of_an_upgrade_is_measured_by_the_version_of_the_cycle() -> None:
    """Pro became dearer within the cycle; the cycle still has the old version."""
    dearer = plan("pro", "2.75", begins=5, meters=(meter("search", 9),))
    customer = rich(Plans((FREE, PRO, dearer, POWER)))
    customer.line("pro", 0, 48, "2")
    customer.line("power", 10, 48, "0.25", instead_of="pro")
    customer.line("power", 11, 48, "1", instead_of="pro")
    customer.line("pro", 48, 96, "2", ts=Fraction(95, 2))
    customer.line("pro", 48, 96, "2.75", ts=Fraction(95, 2))
    assert customer.counted() == [1, 3, 5]


def test_what_the_running_plan_includes_is_what_its_cycle_has() -> None:
    """A later version of pro includes more than power, but not in this cycle."""
    fuller = plan("pro", "2", begins=5, meters=(meter("search", 90),))
    customer = rich(Plans((FREE, PRO, fuller, POWER)))
    customer.line("pro", 0, 48, "2")
    customer.line("power", 10, 48, "1", instead_of="pro")
    customer.line("pro", 48, 96, "2")
    customer.line("power", 60, 96, "1", instead_of="pro")
    assert customer.faults() == {1: None, 2: None, 3: None, 4: PlanFault.LESS_INCLUDED}


def test_an_unlimited_meter_is_never_replaced_by_a_limited_one() -> None:
    much = plan("much", "9", meters=(meter("search", 10**9), meter("mail", 9)))
    all_of_it = plan("all", "9", meters=(meter("search", None), meter("mail", 9)))
    customer = rich(Plans((*PLANS.versions, much, all_of_it)))
    customer.line("top", 0, 48, "5")
    customer.line("much", 10, 48, "4", instead_of="top")
    customer.line("all", 20, 48, "4", instead_of="top")
    assert customer.faults() == {1: None, 2: PlanFault.LESS_INCLUDED, 3: None}


def test_a_later_cycle_of_a_long_line_is_upgraded_until_its_own_end() -> None:
    customer = rich()
    customer.line("pro", 0, 480, "20", by="books")
    customer.line("power", 100, 480, "1", by="books", instead_of="pro")
    customer.line("power", 100, 144, "1", instead_of="pro")
    assert customer.counted() == [1, 3]


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        (("pro", 5, 53, "2.00"), None),
        (("pro", 53, 101, "2"), None),
        (("pro", 54, 102, "2"), PlanFault.TOO_FAR_AHEAD),
        (("pro", 4, 52, "2"), PlanFault.BEFORE_ITS_HOUR),
        (("pro", 5, 53, "1.99"), PlanFault.WRONG_FEE),
        (("pro", 5, 53), PlanFault.WRONG_FEE),
        (("pro", 5, 52, "2"), PlanFault.NOT_ONE_CYCLE),
        (("pro", 5, 101, "2"), PlanFault.NOT_ONE_CYCLE),
        (("power", 5, 53, "3"), PlanFault.NO_MONEY),
        (("contract", 5, 53, "2"), PlanFault.NOT_SOLD),
        (("lite", 5), None),
        (("lite", 5, None, "0.00"), None),
        (("lite", 5, None, "1"), PlanFault.WRONG_FEE),
        (("lite", 30), PlanFault.TOO_FAR_AHEAD),
    ],
)
def test_a_desk_says_what_the_plan_says(terms: tuple[Any, ...], fault: PlanFault | None) -> None:
    """Half past five, of a customer who has two dollars."""
    customer = Customer(MANY)
    customer.pays("2")
    customer.line(*terms, ts=Fraction(11, 2))
    assert customer.faults() == {1: fault}


def test_the_books_may_say_otherwise() -> None:
    """A plan that nobody sells, in the past, for a day, at another price, without money."""
    customer = Customer(MANY)
    customer.line("contract", -20, 4, "7", by="books", ts=9)
    customer.line("pro", 900, 901, by="books", ts=9)
    assert customer.counted() == [1, 2]
    assert customer.timeline().fees_nano(10**18) == 7 * 10**9


def test_a_plan_is_not_there_before_its_first_version() -> None:
    customer = rich(Plans((FREE, plan("pro", "2", begins=3))))
    customer.line("pro", 2, 50, "2", by="books")
    customer.line("pro", 3, 51, "2", by="books")
    assert customer.faults() == {1: PlanFault.NO_VERSION, 2: None}


def test_a_cent_too_little_and_the_fees_of_all_that_counts_so_far() -> None:
    """3.99 is one period of pro, not two; what was written first has the money."""
    customer = Customer(MANY)
    customer.pays("3.99")
    customer.line("pro", 5, 53, "2")
    customer.line("pro", 53, 101, "2", ts=6)
    customer.line("pro", 29, 77, "2", ts=7)
    assert list(customer.faults().values()) == [None, PlanFault.NO_MONEY, PlanFault.PERIOD_RUNS]

    other = Customer(MANY)
    other.pays("2")
    other.line("pro", 53, 101, "2", ts=Fraction(11, 2))
    other.line("pro", 5, 53, "2", ts=Fraction(11, 2))
    assert list(other.faults().values()) == [None, PlanFault.NO_MONEY]
    assert shown(other.timeline(), 8) == ("free", 0, 24, "free")


def test_a_plan_without_a_fee_needs_no_money() -> None:
    customer = Customer(MANY)
    customer.pays("-1")
    customer.line("lite", 6)
    assert customer.counted() == [1]


@pytest.mark.parametrize(
    ("at", "committed", "counted"),
    [(-10, 5, [1]), (-10, Fraction(11, 2), []), (-10, 6, []), (Fraction(11, 2), 5, [])],
)
def test_money_is_there_before_the_commit_or_not_at_all(
    at: int, committed: Fraction, counted: list[int]
) -> None:
    customer = Customer(MANY)
    customer.pays("2", at, committed)
    customer.line("pro", 5, 53, "2")
    assert customer.counted() == counted


def test_a_refund_that_is_committed_later_makes_a_debt_and_moves_no_plan() -> None:
    customer = Customer(MANY)
    customer.pays("2", -20)
    customer.pays("-2", -10, 30)
    customer.line("pro", 5, 53, "2")
    assert customer.counted() == [1]


def test_one_period_told_by_two_desks_is_one_with_the_earlier_ts() -> None:
    customer = rich()
    first = customer.line("pro", 5, 53, "2", by="desk-1", ts=Fraction(11, 2))
    second = customer.line("pro", 5, 53, "2.00", by="desk-2", ts=Fraction(16, 3), committed=7)
    customer.line("pro", 5, 53, "2.000", by="books", ts=Fraction(50, 9), committed=9)
    found = customer.judged()
    assert found.counted == (second,)
    assert [line.stands for line in found.judged] == [second] * 3
    assert found.judged[0].record == first
    timeline = customer.timeline()
    at_us = [ZERO * 3600 * 10**6 + minutes * 60 * 10**6 for minutes in (320, 321)]
    assert [timeline.fees_nano(each) for each in at_us] == [0, 2 * 10**9]


@pytest.mark.parametrize(
    "other",
    [("pro", 5, 53, "2.01"), ("pro", 5, 54, "2"), ("pro", 6, 53, "2"), ("power", 5, 53, "2")],
)
def test_a_line_that_differs_in_anything_is_another(other: tuple[str, int, int, str]) -> None:
    customer = rich()
    customer.line("pro", 5, 53, "2")
    customer.line(*other, by="books")
    customer.line("pro", 5, 53, "2", by="books", instead_of="power")
    found = customer.faults()
    assert found == {1: None, 2: PlanFault.PERIOD_RUNS, 3: PlanFault.NOT_IN_FORCE}


def test_a_customer_who_tops_up_can_try_again_in_the_same_hour() -> None:
    """What did not count when it was judged takes nothing from one that says the same."""
    customer = Customer(MANY)
    customer.pays("2", Fraction(21, 4))
    customer.line("pro", 5, 53, "2", ts=Fraction(31, 6))
    customer.line("pro", 5, 53, "2", ts=Fraction(11, 2))
    assert customer.faults() == {1: PlanFault.NO_MONEY, 2: None}
    assert customer.counted() == [2]


def test_what_is_committed_first_is_judged_first_whatever_its_ts() -> None:
    customer = rich()
    customer.line("power", 0, 48, "3", ts=Fraction(1, 9), committed=3)
    customer.line("pro", 0, 48, "2", ts=Fraction(2, 9), committed=2)
    assert customer.counted() == [2]


def test_the_books_of_the_same_instant_are_not_before_a_desk() -> None:
    """Their node and number are smaller, and yet the desk's line is judged without theirs."""
    customer = rich()
    customer.line("power", 0, 48, "3", by="books", ts=Fraction(1, 9), committed=2)
    customer.line("pro", 0, 48, "2", by="desk-1", ts=Fraction(2, 9), committed=2)
    assert customer.counted() == [2]


def test_a_paid_plan_begins_within_one_without_a_fee_and_is_renewed_at_its_end() -> None:
    customer = rich()
    customer.line("lite", 0)
    customer.line("pro", 0, 48, "2")
    customer.line("pro", 48, 96, "2", ts=40)
    customer.line("lite", 47, by="books")
    customer.line("lite", 96, by="books")
    assert customer.faults() == {1: None, 2: None, 3: None, 4: PlanFault.PERIOD_RUNS, 5: None}


def test_a_line_of_another_kind_is_refused() -> None:
    line = Account(v=2, node="n", seq=1, ts=Customer().line("pro", 0).ts, user="a", kind="open")
    with pytest.raises(ValueError, match="line 1 of n is of no plan"):
        terms_of(line)
