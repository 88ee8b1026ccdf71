"""Random plan lines: a function of their set, as a slow model has it, and nothing for nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from random import Random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.granted import Granted
from gitmeter.money.plans.periods import PlanTerms, terms_of
from gitmeter.money.plans.timeline import PlanTimeline, first_difference
from tests.gitmeter.money.plans.told import ZERO, Customer, meter, plan
from wire_format.lines import Account
from wire_format.money import format_usd
from wire_format.plans import Plans, PlanVersion

HOURS = 8
PLANS = Plans(
    (
        plan("free", begins=-3, cycle_hours=5, is_default=True),
        plan("free", begins=4, cycle_hours=5, is_default=True, rpm=4),
        plan("lite", cycle_hours=3),
        plan("pro", "2", "1", cycle_hours=4, meters=(meter("a", 2),)),
        plan("pro", "2.50", "3", begins=6, cycle_hours=4, meters=(meter("a", 3),)),
        plan("power", "3", "2", cycle_hours=4, meters=(meter("a", 3), meter("b", 1))),
        plan("top", "6", "5", cycle_hours=4, meters=(meter("a", None), meter("b", 1))),
    )
)
OTHER_PLANS = Plans((*PLANS.versions, plan("top", "6", "9", begins=9, cycle_hours=4)))
names = st.sampled_from(("lite", "pro", "power", "top"))


class Wish(NamedTuple):
    """A line that somebody is about to write."""

    name: str
    first: int
    end: int | None
    fee: str | None
    instead_of: str | None = None


@st.composite
def customers(draw: st.DrawFn, roles: Sequence[str] = ("books", "desk-1", "desk-2")) -> Customer:
    """Up to eight lines: most as the rules have it so far, some repeated, some about anything."""
    customer = Customer(PLANS)
    customer.pays(draw(st.sampled_from(("0", "5", "30"))))
    for _ in range(draw(st.integers(0, 2))):
        customer.pays(draw(st.sampled_from(("3", "-1"))), draw(st.integers(0, HOURS)))
    wishes: list[Wish] = []
    for _ in range(draw(st.integers(0, 8))):
        by = draw(st.sampled_from(roles))
        kind = draw(st.sampled_from(("right", "right", "right", "right", "repeated", "wild")))
        if kind == "repeated" and wishes:
            wish = draw(st.sampled_from(wishes))
        else:
            right = right_wishes(customer.timeline(), (4, 12, 3) if by == "books" else (4,))
            wish = draw(wild_wishes() if kind == "wild" else right)
        wishes.append(wish)
        ts = wish.first + Fraction(draw(st.integers(0, 3)), 4)
        committed = ts + Fraction(draw(st.sampled_from((0, 0, 0, 1, 9, 40))), 4)
        before = wish.instead_of
        customer.line(*wish[:4], by=by, ts=ts, committed=committed, instead_of=before)
    return customer


@st.composite
def wild_wishes(draw: st.DrawFn) -> Wish:
    """Any plan for any time at any price, instead of any other."""
    first = draw(st.integers(0, HOURS))
    end = draw(st.sampled_from((None, *range(first + 1, first + 10))))
    fee = draw(st.sampled_from((None, "0.50", "1", "3")))
    return Wish(draw(names), first, end, fee, draw(st.none() | names))


@st.composite
def right_wishes(draw: st.DrawFn, timeline: PlanTimeline, lengths: Sequence[int]) -> Wish:
    """An upgrade where a paid plan runs, else a period."""
    first = draw(st.integers(0, HOURS))
    name = draw(names)
    version, running = PLANS.version_at(name, ZERO + first), timeline.at(ZERO + first)
    assert version is not None
    assert running is not None
    if running.version.fee_nano is not None:
        dearer = {"pro": ("power", "top"), "power": ("top",)}.get(running.version.name, ("top",))
        name = draw(st.sampled_from(dearer))
        version = PLANS.version_at(name, ZERO + first)
        assert version is not None
        fee = format_usd((version.fee_nano or 0) - running.version.fee_nano)
        end = running.cycle_end - ZERO
        return Wish(name, first, end, fee.removeprefix("-"), running.version.name)
    if version.fee_nano is None:
        return Wish(name, first, None, None)
    end = first + draw(st.sampled_from(lengths))
    return Wish(name, first, end, format_usd(version.fee_nano))


@given(customers(), st.integers(0, 99))
def test_the_order_of_the_lines_does_not_matter(customer: Customer, seed: int) -> None:
    assert customer.judged(Random(seed)) == customer.judged()


@given(customers())
def test_each_line_counts_or_repeats_or_has_a_reason(customer: Customer) -> None:
    found = customer.judged()
    assert {line.stands for line in found.judged} - {None} == {*found.counted}
    for line in found.judged:
        assert (line.stands is None) == (line.fault is not None)
        if line.stands is not None:
            assert terms_of(line.stands) == terms_of(line.record)
            assert line.stands.ts <= line.record.ts


class Slow(NamedTuple):
    """A line that counts, as a reader of the rules would list it."""

    terms: PlanTerms
    root: PlanTerms
    version: PlanVersion


def slow_lines(records: Sequence[Account]) -> list[Slow]:
    """In the order in which they begin; a later one of the same hour follows."""
    found: list[Slow] = []
    for record in records:
        terms = terms_of(record)
        version = PLANS.version_at(terms.plan, terms.from_hour)
        assert version is not None
        running = slow_in_force(found, terms.from_hour)
        root = running.root if terms.instead_of and running else terms
        found.append(Slow(terms, root, version))
        found.sort(key=lambda line: line.terms.from_hour)
    return found


def slow_in_force(lines: Sequence[Slow], hour: int) -> Slow | None:
    begun = [line for line in lines if line.terms.from_hour <= hour]
    if not begun or (begun[-1].terms.until_hour or 2**60) <= hour:
        return None
    return begun[-1]


def slow_at(lines: Sequence[Slow], hour: int) -> tuple[PlanVersion, int, int, str] | None:
    """The version, the cycle, and whose units are counted together."""
    line = slow_in_force(lines, hour)
    free = "free" if line is None else "lite"
    if line is None or line.version.fee_nano is None:
        versions = [version for version in PLANS.versions if version.name == free]
        length = versions[0].cycle_hours
        start = hour // length * length
        begun = [version for version in versions if version.from_hour <= start]
        if versions[0].from_hour > hour:
            return None
        return (begun or versions[:1])[-1], start, start + length, free
    start = line.root.from_hour
    while start + 4 <= hour:
        start += 4
    versions = [v for v in PLANS.versions if v.name == line.terms.plan and v.from_hour <= start]
    version = line.version if line.terms.instead_of else versions[-1]
    assert line.terms.until_hour is not None
    return version, start, min(start + 4, line.terms.until_hour), line.root.plan


def shown_at(timeline: PlanTimeline, hour: int) -> tuple[PlanVersion, int, int, str] | None:
    found = timeline.at(hour)
    if found is None:
        return None
    return found.version, found.cycle_start, found.cycle_end, found.cycle_of.partition("@")[0]


@given(customers(), st.permutations(range(ZERO - 5, ZERO + 40)))
def test_each_hour_is_as_a_slow_model_has_it(customer: Customer, hours: list[int]) -> None:
    """Whatever was asked before."""
    lines = slow_lines(customer.judged().counted)
    timeline = customer.timeline()
    for hour in hours:
        assert shown_at(timeline, hour) == slow_at(lines, hour)


def paying(credits_: Sequence[Granted], hour: int) -> list[Granted]:
    """The credits that pay in an hour, without their other hours."""
    return [
        granted._replace(spans=())
        for granted in credits_
        if any(span.first <= hour < span.end for span in granted.spans)
    ]


@given(customers())
def test_what_a_cycle_gave_so_far_is_the_largest_credit_of_its_plans(customer: Customer) -> None:
    """In each hour in which a paid plan is in force, of the versions that it had by then."""
    timeline, lines = customer.timeline(), slow_lines(customer.judged().counted)
    all_credits = timeline.credits(ZERO - 5, ZERO + 40)
    for hour in range(ZERO - 5, ZERO + 40):
        found = timeline.at(hour)
        amounts = [granted.amount_nano for granted in paying(all_credits, hour)]
        if found is None or found.version.fee_nano is None:
            assert amounts == []
            continue
        root = PLANS.version_in_cycle(found.cycle_of.partition("@")[0], found.cycle_start)
        assert root is not None
        upgraded = [  # one that was upgraded in its own hour gave its credit, too
            line.version.credit_nano
            for line in lines
            if line.terms.instead_of and found.cycle_start <= line.terms.from_hour <= hour
        ]
        assert sum(amounts) == max([root.credit_nano, *upgraded])


@given(customers(), st.integers(-5, 40), st.integers(-5, 40))
def test_credits_of_some_hours_are_those_whose_cycles_lie_in_them(
    customer: Customer, first: int, end: int
) -> None:
    timeline = customer.timeline()
    found = [*timeline.credits(ZERO + first, ZERO + end)]
    for granted in timeline.credits(ZERO - 5, ZERO + 60):
        cycle = timeline.at(granted.spans[0].first)
        assert cycle is not None
        lies_in = cycle.cycle_start < ZERO + end and cycle.cycle_end > ZERO + first
        assert (granted in found) == lies_in
        assert granted.until_hour == cycle.cycle_end


@given(customers(roles=("desk-1", "desk-2")))
def test_no_changes_of_a_desk_give_a_plan_for_less_than_its_fee(customer: Customer) -> None:
    """The lines of a cycle cost at least the fee of the dearest plan that it had."""
    counted = customer.judged().counted
    costs: dict[PlanTerms, int] = defaultdict(int)
    dearest: dict[PlanTerms, int] = defaultdict(int)
    for line in slow_lines(counted):
        costs[line.root] += line.terms.fee_nano
        dearest[line.root] = max(dearest[line.root], line.version.fee_nano or 0)
    assert all(costs[root] >= dearest[root] for root in costs)
    had = [customer.money_before(entry.committed_us) for entry in customer.entries]
    assert sum(costs.values()) <= max([0, *had])


def seen(timeline: PlanTimeline, hour: int) -> tuple[object, ...]:
    credits_ = timeline.credits(ZERO - 5, ZERO + 60)
    return shown_at(timeline, hour), paying(credits_, hour)


@given(customers(), st.data())
def test_timelines_agree_before_their_first_difference(
    customer: Customer, data: st.DataObject
) -> None:
    """With a line less, and with other plans; without one they agree for ever."""
    less = Customer(data.draw(st.sampled_from((PLANS, OTHER_PLANS))), money=customer.money)
    gone = data.draw(st.integers(0, 7))
    less.entries = [entry for at, entry in enumerate(customer.entries) if at != gone]
    before, after = customer.timeline(), less.timeline()
    first = first_difference(before, after)
    assert first == first_difference(after, before)
    end = ZERO + 40 if first is None else min(first, ZERO + 40)
    for hour in range(ZERO - 5, end):
        assert seen(before, hour) == seen(after, hour)


def all_hours(timeline: PlanTimeline) -> Iterator[tuple[object, ...]]:
    return (seen(timeline, hour) for hour in range(ZERO - 5, ZERO + 40))


@given(customers())
def test_timelines_of_the_same_lines_have_no_difference(customer: Customer) -> None:
    one, other = customer.timeline(), customer.timeline()
    assert first_difference(one, other) is None
    assert [*all_hours(one)] == [*all_hours(other)]
