"""Plans that are sold at the portal: what is bought counts in the ledger, and at what price."""

from typing import Any

import pytest

from aggregator.reports.terms.entitlements import entitlements
from tests.portal.place import Client, PortalPlace, problem
from tests.support.ledger.terms_world import PLANS

SCOPES = ("balance:read", "plan:write")


@pytest.fixture(autouse=True)
def _sold(place: PortalPlace) -> None:
    """Desks sell `starter`, `pro` and `pro2`; alice has paid 70 dollars in all."""
    plans = PLANS
    for name in (b"starter", b"pro", b"pro2"):
        stated = b'name = "%b"\n' % name
        plans = plans.replace(stated, stated + b'sold_by = ["desk"]\n')
    place.world.rule_files({"rules/plans.toml": plans})
    place.world.pay_in("50.00")
    place.world.later(minutes=1)


def buy(client: Client, plan: str, *, upgrade: bool = False) -> Any:  # noqa: ANN401
    """Buy a plan; the answer."""
    return client.ask("POST", "/v1/plan", json={"plan": plan, "upgrade": upgrade})


def has(place: PortalPlace) -> tuple[str, str]:
    """The plan and the balance of alice once the ledger has read what was bought."""
    place.pushed()
    place.world.later(minutes=1)
    place.pull()
    assert place.world.held() == []
    with place.world.reading() as store:
        said = entitlements(store, "alice", place.world.now)
    return said["plan"]["plan"], place.world.balance()["balance_usd"]


def test_the_plans_are_listed_with_what_they_include(place: PortalPlace) -> None:
    """Those that desks sell, the cheapest first."""
    key = place.key("alice", *SCOPES)
    place.pull()
    plans = place.client(key).json("/v1/plans")["plans"]
    fees = [(each["plan"], each["fee_usd"]) for each in plans]
    assert fees == [("starter", "20.00"), ("pro", "30.00"), ("pro2", "45.00")]
    assert plans[1]["meters"] == [{"meter": "search", "match": ["search/*"], "included": 20}]
    assert plans[1]["limits"] == {"channels": 3, "seats": "unlimited"}


def test_a_plan_is_bought_at_its_price_and_once(place: PortalPlace) -> None:
    """The same again within the hour buys nothing twice, before the ledger has it and after."""
    key = place.key("alice", *SCOPES)
    place.pull()
    client = place.client(key)
    found = buy(client, "starter")
    assert found.status_code == 201, found.text
    assert found.json() == {
        "plan": "starter",
        "from": "2026-11-02T00:00:00Z",
        "until": "2026-11-12T00:00:00Z",
        "fee_usd": "20.00",
        "instead_of": None,
    }
    assert buy(client, "starter").json() == found.json()
    assert has(place) == ("starter", "49.50")
    assert buy(client, "starter").json() == found.json()
    assert has(place) == ("starter", "49.50")


def test_an_upgrade_costs_the_difference_and_keeps_the_cycle(place: PortalPlace) -> None:
    key = place.key("alice", *SCOPES)
    place.pull()
    client = place.client(key)
    assert buy(client, "starter").status_code == 201
    assert has(place)[0] == "starter"
    place.world.later(hours=5)
    place.pull()
    found = buy(client, "pro", upgrade=True).json()
    assert (found["fee_usd"], found["until"]) == ("10.00", "2026-11-12T00:00:00Z")
    assert found["instead_of"] == "starter"
    assert has(place) == ("pro", "44.50")  # with the 5.00 that the plan gives


@pytest.mark.parametrize(
    ("plan", "upgrade", "status", "kind"),
    [
        ("pro", False, 409, "plan-refused"),  # another one runs
        ("starter", True, 409, "plan-refused"),  # no dearer one
        ("flat", False, 409, "plan-refused"),  # not sold here
        ("gone", False, 422, "invalid"),
        ("pro", True, 402, "balance-exhausted"),
    ],
)
def test_what_the_ledger_would_not_count_is_refused(
    place: PortalPlace, plan: str, *, upgrade: bool, status: int, kind: str
) -> None:
    """With the reason, and nothing is written."""
    key = place.key("alice", *SCOPES)
    place.pull()
    client = place.client(key)
    assert buy(client, "starter").status_code == 201
    place.world.refund("50.00", of_seq=2)
    has(place)
    assert problem(buy(client, plan, upgrade=upgrade)) == (status, kind)
    assert place.desk is not None
    assert place.desk.spool.store.count() == 0


def test_usage_is_not_looked_at_and_grants_pay_no_fee(place: PortalPlace) -> None:
    """As the ledger judges a desk's sale: by what was paid in, less fees."""
    place.world.grant("gift", "500.00", user="bob")
    place.world.pay_in("19.99", user="bob")
    key = place.key("bob", *SCOPES)
    place.pull()
    client = place.client(key)
    assert problem(buy(client, "starter")) == (402, "balance-exhausted")
    place.world.pay_in("0.01", user="bob")
    place.world.later(minutes=1)
    place.world.use(10_000, "llm/tokens", user="bob")
    place.pull()
    assert buy(client, "starter").status_code == 201
