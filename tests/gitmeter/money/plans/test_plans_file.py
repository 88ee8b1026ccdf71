"""`plans.toml`: what it may state, each fault in a sentence, and which globs can meet."""

import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gitmeter.money.plans.told import meter
from wire_format.fields import INT_MAX
from wire_format.instants import hour_of, parse_ts
from wire_format.plans import NO_PLANS, PlanMapEntry, Plans, PlanVersion
from wire_format.plans.globs import matches, may_meet
from wire_format.rule_files.loading import RuleBookError
from wire_format.rule_files.plans_file import parse_plans

PAID = '[[plan]]\nname = "pro"\nfrom = 2026-01-01T00:00:00Z\ncycle_hours = 720\nfee_usd = "30.00"\n'
FREE = '[[plan]]\nname = "free"\nfrom = 2026-01-01T00:00:00Z\ncycle_hours = 24\ndefault = true\n'
METER = '[[plan.meter]]\nname = "search"\nmatch = ["search/*"]\nincluded = 9\nbeyond = "bill"\n'
MAP = '[[plan_map]]\nold = "pro"\nnew = "free"\nfrom = 2026-02-01T00:00:00Z\n'
FROM = hour_of(parse_ts("2026-01-01T00:00:00Z"))
JULY = "2026-07-01T00:00:00Z"


def plans(text: str) -> Plans:
    return parse_plans(text.encode())


def faults(text: str) -> list[str]:
    with pytest.raises(RuleBookError) as caught:
        plans(text)
    return caught.value.faults


def test_what_is_made_of_the_file_needs_no_pydantic() -> None:
    script = "import sys, gitmeter.money.plans.timeline as t; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_an_absent_file_has_no_plans() -> None:
    assert parse_plans(None) is parse_plans(b"") is NO_PLANS
    assert (NO_PLANS.default_at(FROM), NO_PLANS.version_at("pro", FROM)) == (None, None)


def test_what_is_stated_is_read() -> None:
    found = plans(
        PAID + 'credit_usd = "5.00"\ncredit_priority = 9\nrpm = 20\nfeatures = ["phone", "cron"]\n'
        'limits = { machines = 0, channels = "unlimited" }\nsold_by = ["desk"]\n'
        + METER.replace('["search/*"]', '["search/*", "find/*"]')
        + METER.replace("search", "mail").replace("9", '"unlimited"').replace("bill", "block")
        + FREE
    )
    pro = PlanVersion(
        name="pro",
        from_hour=FROM,
        cycle_hours=720,
        fee_nano=30 * 10**9,
        credit_nano=5 * 10**9,
        credit_priority=9,
        rpm=20,
        features=("phone", "cron"),
        limits=(("channels", None), ("machines", 0)),
        meters=(
            meter("search", 9)._replace(match=("find/*", "search/*")),
            meter("mail", None)._replace(beyond="block"),
        ),
        sold_by=("desk",),
    )
    assert found.versions == (pro, PlanVersion("free", FROM, 24, is_default=True))


def test_an_empty_plan_has_the_priority_that_is_documented() -> None:
    assert plans(PAID).versions[0].credit_priority == 50


def test_a_version_is_in_force_from_its_hour_on() -> None:
    found = plans(PAID.replace("2026-01-01T00", "2026-07-01T00") + PAID + FREE)
    july = hour_of(parse_ts(JULY))
    hours = (FROM - 1, FROM, july - 1, july)
    begun = [found.version_at("pro", hour) for hour in hours]
    assert [each and each.from_hour for each in begun] == [None, FROM, FROM, july]
    in_cycle = [found.version_in_cycle("pro", hour) for hour in hours]
    assert [each and each.from_hour for each in in_cycle] == [FROM, FROM, FROM, july]
    assert found.version_in_cycle("none", july) is None
    assert [found.default_at(hour) is not None for hour in (FROM - 1, FROM)] == [False, True]


def test_a_resource_belongs_to_the_first_meter_that_matches() -> None:
    version = PlanVersion(
        "p", 0, 1, meters=(meter("a", 1, "a/*"), meter("b", 2, "*/b"), meter("c", 3, "c"))
    )
    found = Plans((version,))
    names = {text: found.meter_of(version, text) for text in ("a/b", "x/y/b", "c", "cc", "A/x")}
    assert {text: each and each.name for text, each in names.items()} == {
        "a/b": "a",
        "x/y/b": "b",
        "c": "c",
        "cc": None,
        "A/x": None,
    }


def test_a_plan_may_be_the_successor_of_another() -> None:
    """With or without its old price for a while; not twice from one hour on."""
    until = f"prices_until = {JULY}\n"
    later = MAP.replace("2026-02", "2026-03")
    found = plans(PAID + FREE + MAP + until + later)
    february, march = (hour_of(parse_ts(f"2026-0{n}-01T00:00:00Z")) for n in (2, 3))
    assert found.plan_map == (
        PlanMapEntry("pro", "free", february, hour_of(parse_ts(JULY))),
        PlanMapEntry("pro", "free", march, None),
    )
    assert faults(PAID + FREE + MAP + MAP + until) == [
        "stated more than once: plan_map of pro from 2026-02-01T00:00:00Z (lines 11 and 15)"
    ]
    assert faults(PAID + MAP.replace('"pro"', '"prime"')) == [
        "plan_map of prime: there is no plan prime",
        "plan_map of prime: there is no plan free",
    ]
    assert faults(PAID + MAP.replace("free", "pro")) == [
        "plan_map #1 (line 6): new must be another plan than old"
    ]
    assert faults(PAID + FREE + MAP + until.replace("-07-", "-02-")) == [
        "plan_map #1 (line 11): prices_until must be later than from"
    ]


UNITS = f'must be a whole number from 0 to {INT_MAX}, or "unlimited"'
NAME = "must be 1 to 32 of a-z, 0-9, _ and -, beginning with a letter"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PAID.replace("pro", "Pro"), f"plan #1 (line 1) name: {NAME}"),
        (
            PAID.replace("pro", "none"),
            "plan #1 (line 1) name: none is no name of a plan: a setting says it for no plan",
        ),
        (
            PAID.replace("00:00Z", "30:00Z"),
            "plan #1 (line 1) from: must be the start of a clock hour",
        ),
        (PAID.replace("= 720", "= 0"), "plan #1 (line 1) cycle_hours: must be at least 1"),
        (PAID.replace("= 720", "= 87601"), "plan #1 (line 1) cycle_hours: must be at most 87600"),
        (PAID.replace("30.00", "0.00"), "plan #1 (line 1) fee_usd: must be above zero"),
        (PAID + "rpm = 0\n", "plan #1 (line 1) rpm: must be at least 1"),
        (
            PAID + "credit_priority = 1001\n",
            "plan #1 (line 1) credit_priority: must be at most 1000",
        ),
        (PAID + 'sold_by = ["till"]\n', "plan #1 (line 1) sold_by #1: must be 'desk'"),
        (PAID + 'features = ["a", "a"]\n', "plan #1 (line 1) features: must have each entry once"),
        (PAID + 'features = ["A"]\n', f"plan #1 (line 1) features #1: {NAME}"),
        (PAID + "limits = { channels = -1 }\n", f"plan #1 (line 1) limits channels: {UNITS}"),
        (PAID + "limits = { channels = true }\n", f"plan #1 (line 1) limits channels: {UNITS}"),
        (PAID + "limits = { A = 1 }\n", f"plan #1 (line 1) limits A [key]: {NAME}"),
        (PAID + "price = 1\n", "plan #1 (line 1) price: is not a known field"),
        (
            FREE + 'credit_usd = "1"\n',
            "plan #1 (line 1): credit_usd: a plan without a fee has no credit",
        ),
        (FREE + 'fee_usd = "1"\n', "plan #1 (line 1): default: the default plan has no fee"),
        (PAID + METER.replace("9", '"many"'), f"plan #1 (line 1) meter #1 included: {UNITS}"),
        (
            PAID + METER.replace("9", str(INT_MAX + 1)),
            f"plan #1 (line 1) meter #1 included: {UNITS}",
        ),
        (
            PAID + METER.replace("included = 9\n", ""),
            "plan #1 (line 1) meter #1 included: is missing",
        ),
        (
            PAID + METER.replace("bill", "stop"),
            "plan #1 (line 1) meter #1 beyond: must be 'block' or 'bill'",
        ),
        (
            PAID + METER.replace('"search/*"', ""),
            "plan #1 (line 1) meter #1 match: must have 1 or more entries",
        ),
        (
            PAID + METER.replace("search/*", "search/?"),
            (
                "plan #1 (line 1) meter #1 match #1: must be 1 to 200 letters, digits and"
                " . _ : / @ + - *"
            ),
        ),
        (PAID + METER + METER, "plan #1 (line 1): meter: stated more than once: search"),
        (PAID + PAID, "stated more than once: plan pro from 2026-01-01T00:00:00Z (lines 1 and 6)"),
    ],
)
def test_a_fault_is_told_in_a_sentence(text: str, sentence: str) -> None:
    assert faults(text) == [sentence]


SAME_LENGTH = "the same cycle_hours in all its versions: another length is another plan"
SAME_MATCH = "the same match as in the other plans"


def later(text: str) -> str:
    return text.replace("2026-01-01", "2026-07-01")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            PAID + later(PAID).replace('fee_usd = "30.00"\n', ""),
            "plan pro: must have a fee in all its versions, or in none",
        ),
        (
            PAID + later(PAID).replace("720", "24"),
            f"plan pro: must have {SAME_LENGTH}",
        ),
        (
            FREE + later(FREE).replace("default = true\n", ""),
            "plan free: must have default = true in all its versions, or in none",
        ),
        (
            FREE + FREE.replace("free", "gratis"),
            "default: one plan alone may be the default, not free and gratis",
        ),
        (
            PAID + METER + FREE + METER.replace("search/*", "find/*"),
            f"plan free from 2026-01-01T00:00:00Z: meter search must have {SAME_MATCH}",
        ),
        (
            PAID + METER + later(PAID) + METER.replace('"search"', '"web"').replace("h/*", "h/w*"),
            "meters search and web: search/* and search/w* can match the same resource",
        ),
    ],
)
def test_plans_that_do_not_fit_together_are_refused(text: str, sentence: str) -> None:
    assert faults(text) == [sentence]


def test_every_fault_is_told_at_once() -> None:
    found = faults(
        PAID + METER + later(PAID).replace("720", "24") + METER.replace("search/*", "*") + MAP
    )
    assert [fault.partition(":")[0] for fault in found] == [
        "plan pro",
        "plan pro from 2026-07-01T00",
        "plan_map of pro",
    ]


def test_a_meter_may_state_its_globs_in_any_order() -> None:
    some = METER.replace('["search/*"]', '["search/*", "find/*"]')
    other = METER.replace('["search/*"]', '["find/*", "search/*"]')
    assert len(plans(PAID + some + FREE + other).versions) == 2


def test_a_file_has_bounds() -> None:
    many = "".join(PAID.replace('"pro"', f'"p{n}"') for n in range(513))
    assert faults(many) == ["plan: must have no more than 512 entries"]
    meters = [METER.replace("search", f"m{n}") for n in range(129)]
    assert faults(PAID + "".join(meters[:65])) == [
        "plan #1 (line 1) meter: must have no more than 64 entries"
    ]
    three = [PAID.replace('"pro"', f'"p{n}"') + "".join(meters[n::3]) for n in range(3)]
    assert faults("".join(three)) == ["meter: 129 names; at most 128"]


SHORT = ["".join(letters) for size in range(5) for letters in product("ab/", repeat=size)]


@given(*[st.text("ab/*", min_size=1, max_size=4)] * 2)
def test_globs_meet_where_some_text_is_matched_by_both(one: str, other: str) -> None:
    """Tried with all texts that are long enough for whatever two short globs ask for."""
    long = [begin + end for begin, end in product(SHORT, SHORT)]
    found = any(matches([one], text) and matches([other], text) for text in long)
    assert may_meet(one, other) == may_meet(other, one) == found


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("search/*", "search/web", True),
        ("search/*", "searches/*", False),
        ("*/web", "search/*", True),
        ("a*b*c", "a*x*c", True),
        ("a*", "b*", False),
        ("*a", "*b", False),
        ("ab*ba", "aba", False),
        ("*", "x", True),
        ("x", "x", True),
        ("x", "y", False),
    ],
)
def test_which_globs_can_meet(one: str, other: str, meet: bool) -> None:  # noqa: FBT001 - the answer
    assert may_meet(one, other) is may_meet(other, one) is meet
