"""The plans that services have today, as a file, with figures worked out by hand."""

from fractions import Fraction

from gitmeter.money.plans.plan_faults import PlanFault
from tests.gitmeter.money.plans.told import ZERO, Customer, credited, shown
from tests.support.case_rules import plans_toml
from wire_format.plans import Plans
from wire_format.rule_files.plans_file import parse_plans

JOBS = """
[[plan]]
name = "free"
from = 2026-01-01T00:00:00Z
cycle_hours = 720
default = true
[[plan.meter]]
name = "jobs"
match = ["jobs/*"]
included = 5
beyond = "block"

[[plan]]
name = "starter"
from = 2026-01-01T00:00:00Z
cycle_hours = 720
fee_usd = "9.00"
sold_by = ["desk"]
[[plan.meter]]
name = "jobs"
match = ["jobs/*"]
included = 50
beyond = "block"

[[plan]]
name = "pro"
from = 2026-01-01T00:00:00Z
cycle_hours = 720
fee_usd = "29.00"
credit_usd = "5.00"
sold_by = ["desk"]
[[plan.meter]]
name = "jobs"
match = ["jobs/*"]
included = 200
beyond = "bill"

[[plan]]
name = "enterprise"
from = 2026-01-01T00:00:00Z
cycle_hours = 720
fee_usd = "499.00"
[[plan.meter]]
name = "jobs"
match = ["jobs/*"]
included = "unlimited"
beyond = "bill"
"""

ASSISTANT = {
    # name: fee, searches, browser minutes, e-mails, call minutes, requests a minute, channels
    "starter": ("20", 500, 60, 100, 0, 10, 1),
    "pro": ("30", 2_000, 300, 500, 60, 20, 3),
    "power": ("40", 10_000, 1_000, 2_000, 120, 30, "unlimited"),
}
METERS = {"search": "search/*", "browser": "browser/*", "mail": "mail/*", "call": "call/*"}
TERMS = {"from": "2026-01-01T00:00:00Z", "cycle_hours": 720, "sold_by": ["desk"]}


def assistant() -> Plans:
    tables = []
    for name, (fee, *included, rpm, channels) in ASSISTANT.items():
        meters = [
            {"name": meter, "match": [match], "included": units, "beyond": "block"}
            for (meter, match), units in zip(METERS.items(), included, strict=True)
        ]
        told = {"rpm": rpm, "features": ["phone", "cron", "skills"]}
        limits = {"channels": channels}
        tables.append(
            {"name": name, "fee_usd": fee, "limits": limits, "meters": meters, **told, **TERMS}
        )
    return parse_plans(plans_toml(tables).encode())


def machines() -> Plans:
    tables = []
    for count, fee in ((5, "10"), (10, "20")):
        included = {"included": count * 720, "beyond": "bill"}
        meters = [{"name": "machine-hours", "match": ["vm/*"], **included}]
        limits = {"machines": count}
        tables.append(
            {"name": f"vm-{count}", "fee_usd": fee, "limits": limits, "meters": meters, **TERMS}
        )
    return parse_plans(plans_toml(tables).encode())


def test_jobs_from_free_to_enterprise() -> None:
    """9 + 20 + 470 are the 499 of enterprise, which only the books sell; the rest lapses."""
    customer = Customer(parse_plans(JOBS.encode()))
    customer.pays("100")
    customer.line("starter", 0, 720, "9")
    customer.line("pro", 100, 720, "20", instead_of="starter")
    customer.line("enterprise", 200, 720, "470", instead_of="pro")
    customer.line("enterprise", 200, 720, "470", by="books", ts=201, instead_of="pro")
    customer.line("enterprise", 201, 720, "470", by="books", instead_of="pro")
    faults = [PlanFault.NOT_SOLD, PlanFault.NOT_AT_ONCE]
    assert [*customer.faults().values()] == [None, None, *faults, None]
    timeline = customer.timeline()
    included = []
    for hour in (-1, 0, 100, 201, 720):
        found = timeline.at(ZERO + hour)
        assert found is not None
        meter = customer.plans.meter_of(found.version, "jobs/render")
        assert meter is not None
        included.append(meter.included)
    assert included == [5, 50, 200, None, 5]
    assert timeline.fees_nano(10**18) == 499 * 10**9
    assert credited(timeline) == [("pro@2026-11-14T04:00:00Z", 500, [(100, 720)])]


def test_an_assistant_goes_up_in_a_cycle_and_down_after_it() -> None:
    """60 buys starter, the way up to power, and starter again, but no pro after that."""
    customer = Customer(assistant())
    customer.pays("60")
    customer.line("starter", 0, 720, "20")
    customer.line("pro", 100, 720, "10", instead_of="starter")
    customer.line("power", 300, 720, "10", instead_of="pro")
    customer.line("starter", 400, 720, instead_of="power")
    customer.line("starter", 720, 1440, "20", ts=700)
    customer.line("pro", 1440, 2160, "30", ts=1400)
    faults = [PlanFault.FEE_NOT_HIGHER, None, PlanFault.NO_MONEY]
    assert [*customer.faults().values()] == [None, None, None, *faults]
    timeline = customer.timeline()
    assert [shown(timeline, hour) for hour in (99, 100, 300, 720, 1440)] == [
        *(("starter", 0, 720, "starter"), ("pro", 0, 720, "starter")),
        *(("power", 0, 720, "starter"), ("starter", 720, 1440, "starter"), None),
    ]
    power = timeline.at(ZERO + 300)
    assert power is not None
    assert (power.version.rpm, power.version.limits) == (30, (("channels", None),))
    assert power.version.features == ("phone", "cron", "skills")
    assert [each.included for each in power.meters] == [10_000, 1_000, 2_000, 120]
    assert timeline.fees_nano(10**18) == 60 * 10**9


def test_machines_are_doubled_for_what_is_left_of_the_720_hours() -> None:
    customer = Customer(machines())
    customer.pays("20")
    customer.line("vm-5", 0, 720, "10")
    customer.line("vm-10", 360, 720, "10", instead_of="vm-5", ts=Fraction(721, 2))
    customer.line("vm-10", 720, 1440, "20", ts=700)
    assert [*customer.faults().values()] == [None, None, PlanFault.NO_MONEY]
    found = [customer.timeline().at(ZERO + hour) for hour in (0, 719)]
    assert [each and each.meters[0].included for each in found] == [3_600, 7_200]
    assert customer.timeline().at(ZERO + 720) is None
