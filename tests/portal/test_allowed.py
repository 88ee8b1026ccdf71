"""What a service is told before each job, by the first rule that applies."""

from pathlib import Path

import pytest

from tests.portal.place import PortalPlace, problem

SEARCH = "/v1/accounts/alice/allowed?resource=search/web"
TOKENS = "/v1/accounts/alice/allowed?resource=llm/tokens"


def test_a_service_asks_before_each_job(place: PortalPlace) -> None:
    """Its key is for some resources, of whatever account."""
    service = place.key("broker", "staff:allowed:llm/*")
    place.world.pay_in("1.00", user="broker")
    place.pull()
    client = place.client(service)
    said = client.json(TOKENS)
    assert (said["allowed"], said["units_left"]) == (True, None)
    assert problem(client.get(SEARCH)) == (404, "not-found")
    assert problem(client.get("/v1/accounts/nobody/allowed?resource=llm/x")) == (404, "not-found")
    assert problem(client.get("/v1/balance")) == (403, "forbidden")
    place.world.use(21_000, "llm/tokens")
    place.pull()
    found = client.get(TOKENS)
    assert problem(found) == (402, "balance-exhausted")
    assert "balance_usd" not in found.json()


def test_a_customer_s_key_asks_about_its_own_account_alone(place: PortalPlace) -> None:
    own, other = place.key("alice", "allowed:*"), place.key("bob", "allowed:*")
    place.world.pay_in("1.00", user="bob")
    place.pull()
    assert place.client(own).get(TOKENS).status_code == 200
    assert problem(place.client(other).get(TOKENS)) == (404, "not-found")


@pytest.mark.parametrize("used", [2, 3, 4])
def test_included_units_are_counted_down_and_then_block(place: PortalPlace, used: int) -> None:
    """The default plan includes three searches in a cycle."""
    key = place.key("carol", "allowed:*")
    place.world.pay_in("5.00", user="carol")
    place.world.use(used, user="carol")
    place.pull()
    found = place.client(key).get("/v1/accounts/carol/allowed?resource=search/web")
    if used < 3:
        assert found.json()["units_left"] == 3 - used
    else:
        assert problem(found) == (402, "quota-exhausted")


def test_included_units_are_not_for_who_owes_something(place: PortalPlace) -> None:
    key = place.key("carol", "allowed:*", "balance:read")
    place.world.use(1000, "llm/tokens", user="carol")
    place.pull()
    found = place.client(key).get("/v1/accounts/carol/allowed?resource=search/web")
    assert problem(found) == (402, "balance-exhausted")
    assert found.json()["balance_usd"] == "-1.00"


def test_a_cap_ends_what_a_cycle_may_cost(place: PortalPlace) -> None:
    key = place.key()
    place.world.settle("setting", cap_usd="1.50")
    place.world.use(1000, "llm/tokens")
    place.pull()
    client = place.client(key)
    assert client.get(TOKENS).status_code == 200
    place.world.use(500, "llm/tokens")
    place.pull()
    found = client.get(TOKENS)
    assert problem(found) == (402, "cap-reached")
    assert found.json()["cap_usd"] == "1.50"


def test_without_a_plan_a_cap_is_of_the_month(tmp_path: Path) -> None:
    """In UTC; the balance says of what it is, and until when."""
    place = PortalPlace(tmp_path)
    place.world.rule_files({"rules/plans.toml": b""})
    place.world.later(minutes=5)
    place.world.pay_in("20.00")
    key = place.key()
    place.world.settle("setting", cap_usd="1")
    place.world.use(1000, "llm/tokens")
    place.pull()
    with place.serving():
        client = place.client(key)
        assert problem(client.get(TOKENS)) == (402, "cap-reached")
        said = client.json("/v1/balance")
        assert (said["granted_usd"], said["cycle_end"]) == ("20.00", "2026-12-01T00:00:00Z")
        place.world.later(days=30)
        place.pull()
        assert client.get(TOKENS).status_code == 200


def test_a_suspended_account_may_use_nothing(place: PortalPlace) -> None:
    """Whatever it has; it may still read what it has, and settles nothing."""
    key = place.key()
    place.world.settle("suspend", reason="chargeback")
    place.pull()
    client = place.client(key)
    assert problem(client.get(TOKENS)) == (403, "suspended")
    assert client.get("/v1/balance").status_code == 200
    refused = client.ask("POST", "/v1/keys", json={"scopes": ["usage:read"]})
    assert problem(refused) == (403, "suspended")


def test_credit_for_some_resources_pays_for_these_alone(place: PortalPlace) -> None:
    key = place.key("dora", "allowed:*", "balance:read")
    place.world.grant("gift", "2.00", user="dora", scope=["llm/*"])
    place.world.later(hours=1)
    place.pull()
    client = place.client(key)
    assert client.json("/v1/accounts/dora/allowed?resource=llm/tokens")["allowed"]
    found = client.get("/v1/accounts/dora/allowed?resource=vm/small")
    assert problem(found) == (402, "balance-exhausted")
    said = client.json("/v1/balance")
    assert (said["balance_usd"], said["spendable_usd"]) == ("2.00", "0.00")
