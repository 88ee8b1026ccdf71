"""What staff see and do, by their role."""

from typing import Any

import pytest

from gitmeter.keys.secret import NewKey
from portal.api.routes import ROUTES
from tests.portal.place import Client, PortalPlace, problem
from tests.support.ledger.terms_world import PLANS
from tests.support.writers import DESK_TEXT

WHY = {"reason": "goodwill", "ticket": "T-4711"}
WELCOME = """
[[grant]]
name = "welcome"
from = 2026-01-01T00:00:00Z
usd = "5.00"
days = 30
category = "promotional"
priority = 50
budget_usd = "100.00"
"""


def member(place: PortalPlace, role: str, **more: object) -> NewKey:
    """Let the books name a member of staff, with a key."""
    place.world.settle("staff", user=f"{role}-1", identity=f"staff:{role}", role=role, **more)
    return place.key(f"{role}-1", "staff")


def post(client: Client, path: str, **body: object) -> Any:  # noqa: ANN401
    """Do something; what was written."""
    found = client.ask("POST", path, json=body)
    assert found.status_code == 201, found.text
    return found.json()


def test_an_admin_opens_an_account_and_its_customer_sees_it(place: PortalPlace) -> None:
    """The seed of every client: opened, with a plan, given credit with a reason, deactivated."""
    sold = PLANS.replace(b'name = "flat"\n', b'name = "flat"\nsold_by = ["desk"]\n')
    place.world.rule_files(
        {
            "rules/writers.toml": (DESK_TEXT + WELCOME).encode(),
            "rules/plans.toml": sold,
        }
    )
    admin = member(place, "admin")
    place.pull()
    client = place.client(admin)
    user = post(client, "/v1/accounts", **WHY)["user"]
    place.pushed()
    place.pull()
    post(client, f"/v1/accounts/{user}/grants", template="welcome", **WHY)
    assert post(client, f"/v1/accounts/{user}/plan", plan="flat", **WHY)["plan"] == "flat"
    place.pushed()
    place.world.later(hours=1)
    place.pull()
    assert place.world.held() == []
    said = client.json(f"/v1/accounts/{user}")
    assert (said["balance"]["balance_usd"], said["balance"]["plan"]) == ("5.00", "flat")
    post(client, f"/v1/accounts/{user}/suspend", reason="request", ticket="T-4712")
    assert client.json(f"/v1/accounts/{user}")["suspended"]
    place.pushed()
    place.pull()
    lines = place.world.run("payments", user, "--json").ok().json["lines"]
    told = [(line["kind"], line["by"], line["reason"]) for line in lines]
    assert told == [
        ("open", "staff:admin", "goodwill T-4711"),
        ("grant", "staff:admin", "goodwill T-4711"),
        ("plan", "staff:admin", "goodwill T-4711"),
        ("suspend", "staff:admin", "request T-4712"),
    ]


def test_what_the_books_suspended_no_desk_reopens(place: PortalPlace) -> None:
    """It is said so, and nothing is written; what the desk itself suspended it reopens."""
    support = member(place, "support")
    place.world.settle("suspend", "alice", reason="chargeback")
    place.pull()
    client = place.client(support)
    found = client.ask("POST", "/v1/accounts/alice/reopen", json=WHY)
    assert problem(found) == (409, "suspended-by-others")
    place.world.settle("reopen", "alice", reason="paid")
    place.world.later(minutes=1)
    place.pull()
    post(client, "/v1/accounts/alice/suspend", **WHY)
    post(client, "/v1/accounts/alice/reopen", **WHY)
    assert problem(client.ask("POST", "/v1/accounts/alice/reopen", json=WHY)) == (409, "is-open")


def test_credit_of_a_template_is_given_once(place: PortalPlace) -> None:
    """Before the ledger has it and afterwards."""
    place.world.rule_files({"rules/writers.toml": (DESK_TEXT + WELCOME).encode()})
    support = member(place, "support")
    place.pull()
    client = place.client(support)
    body = {"template": "welcome"} | WHY
    post(client, "/v1/accounts/alice/grants", **body)
    for _ in range(2):
        found = client.ask("POST", "/v1/accounts/alice/grants", json=body)
        assert problem(found) == (409, "given-already")
        place.pushed()
        place.pull()
    unknown = client.ask("POST", "/v1/accounts/alice/grants", json=body | {"template": "gold"})
    assert problem(unknown) == (422, "invalid")


@pytest.mark.parametrize(
    ("amount", "status"), [("3.00", 201), ("-3.00", 201), ("3.01", 422), ("0", 422), ("9.00", 422)]
)
def test_a_correction_is_within_one_s_own_limit(
    place: PortalPlace, amount: str, status: int
) -> None:
    """And within the template's, which is 5 dollars; it counts with the next pull."""
    support = member(place, "support", limit_usd="3.00")
    place.pull()
    before = place.world.balance()["balance_nano"]
    body = {"template": "goodwill", "amount_usd": amount} | WHY
    found = place.client(support).ask("POST", "/v1/accounts/alice/adjustments", json=body)
    assert found.status_code == status, found.text
    place.pushed()
    place.pull()
    moved_nano = place.world.balance()["balance_nano"] - before
    assert moved_nano == (int(float(amount)) * 10**9 if status == 201 else 0)
    assert place.world.held() == []


def test_a_correction_that_is_asked_for_again_is_given_once(place: PortalPlace) -> None:
    """By a client that had no answer, before the ledger has it and afterwards; a ticket each."""
    support = member(place, "support")
    place.pull()
    client = place.client(support)
    body = {"template": "goodwill", "amount_usd": "1.00"} | WHY
    post(client, "/v1/accounts/alice/adjustments", **body)
    for _ in range(2):
        again = body | {"amount_usd": "1.0"}
        found = client.ask("POST", "/v1/accounts/alice/adjustments", json=again)
        assert problem(found) == (409, "given-already")
        place.pushed()
        place.pull()
    post(client, "/v1/accounts/alice/adjustments", **body | {"ticket": "T-4712"})


def test_staff_who_are_suspended_see_nothing_of_others(place: PortalPlace) -> None:
    admin = member(place, "admin")
    place.world.settle("suspend", "admin-1", reason="left")
    place.pull()
    assert problem(place.client(admin).get("/v1/accounts")) == (404, "not-found")


def test_a_template_is_of_the_role_that_it_names(place: PortalPlace) -> None:
    finance = member(place, "finance")
    place.pull()
    body = {"template": "goodwill", "amount_usd": "1.00"} | WHY
    found = place.client(finance).ask("POST", "/v1/accounts/alice/adjustments", json=body)
    assert problem(found) == (422, "invalid")


@pytest.mark.parametrize("role", ["support", "finance", "admin"])
def test_each_role_opens_its_routes_alone(place: PortalPlace, role: str) -> None:
    """To all others they are not there."""
    key, own = member(place, role), place.key("alice")
    place.pull()
    client = place.client(key)
    charge = client.json("/v1/accounts/alice/charges")["charges"][0]["id"]
    for route in ROUTES:
        if not route.roles:
            continue
        path = route.path.replace("{user}", "alice").replace("{key_id}", own.key_id)
        path = path.replace("{id}", charge)
        found = client.ask(route.method, path, json={} if route.body else None)
        if role in route.roles:
            assert found.status_code in {200, 204, 422}, (route.path, found.text)
        else:
            assert problem(found) == (404, "not-found")


def test_nobody_else_finds_a_route_of_staff(place: PortalPlace) -> None:
    """A customer, a customer who was given the name of the scope, and staff no longer."""
    member(place, "admin")
    customer = place.key("alice", "balance:*", "s*")
    former = place.key("mallory", "staff")
    place.world.settle("staff", user="mallory", identity="staff:m", role="admin")
    place.pull()
    assert place.client(former).get("/v1/accounts").status_code == 200
    place.world.settle("staff", user="", identity="staff:m", role="none")
    place.pull()
    for key in (customer, former):
        for route in ROUTES:
            if route.roles:
                path = route.path.replace("{user}", "alice")
                assert problem(place.client(key).ask(route.method, path)) == (404, "not-found")


def test_an_admin_makes_a_key_of_a_customer_and_support_revokes_it(place: PortalPlace) -> None:
    """The lines name who did it; no key of staff can be made so."""
    admin, support = member(place, "admin"), member(place, "support")
    place.pull()
    client = place.client(admin)
    path = "/v1/accounts/alice/keys"
    made = post(client, path, scopes=["balance:read", "allowed:*"], **WHY)
    assert place.client(made["key"]).json("/v1/me")["user"] == "alice"
    staff = client.ask("POST", path, json={"scopes": ["staff"]} | WHY)
    assert problem(staff) == (422, "invalid")
    other = place.client(support)
    without = client.ask("POST", path, json={"scopes": ["usage:read"]})
    assert problem(without) == (422, "invalid")
    assert any(fault.startswith("ticket: ") for fault in without.json()["faults"])
    assert problem(other.ask("DELETE", f"{path}/{made['key_id']}")) == (422, "invalid")
    refused = other.ask("POST", path, json={"scopes": ["usage:read"]} | WHY)
    assert problem(refused) == (404, "not-found")
    assert other.ask("DELETE", f"{path}/{made['key_id']}", params=WHY).status_code == 204
    assert problem(place.client(made["key"]).get("/v1/me")) == (401, "unauthorized")
    place.pushed()
    place.pull()
    lines = place.world.run("payments", "alice", "--json").ok().json["lines"]
    told = [(line["kind"], line["by"], line["reason"]) for line in lines if line["by"]]
    why = "goodwill T-4711"
    assert told == [("key", "staff:admin", why), ("revoke", "staff:support", why)]


def test_accounts_of_staff_and_services_are_for_admins_and_nobody_serves_himself(
    place: PortalPlace,
) -> None:
    support, admin = member(place, "support"), member(place, "admin")
    service = place.key("broker", "staff:allowed:*")
    for user in ("support-1", "admin-1"):
        place.world.pay_in("1.00", user=user)
    place.pull()
    client = place.client(support)
    given = {"template": "goodwill", "amount_usd": "1.00"} | WHY
    for user, kind in (
        ("support-1", "own-account"),
        ("admin-1", "needs-admin"),
        ("broker", "needs-admin"),
    ):
        path = f"/v1/accounts/{user}"
        for found in (
            client.ask("POST", f"{path}/suspend", json=WHY),
            client.ask("POST", f"{path}/adjustments", json=given),
            client.ask("DELETE", f"{path}/keys/{service.key_id}", params=WHY),
        ):
            assert problem(found) == (409, kind)
    path = f"/v1/accounts/broker/keys/{service.key_id}"
    assert place.client(admin).ask("DELETE", path, params=WHY).status_code == 204


def test_a_ticket_is_a_number_and_no_text(place: PortalPlace) -> None:
    """What is in git cannot be erased, so no name of a person gets there."""
    support = member(place, "support")
    place.pull()
    client = place.client(support)
    for ticket in ("Joe/Miller", "joe", "T-4711-joe", "", "T 1"):
        body = {"reason": "abuse", "ticket": ticket}
        found = client.ask("POST", "/v1/accounts/alice/suspend", json=body)
        assert problem(found) == (422, "invalid")
    post(client, "/v1/accounts/alice/suspend", reason="abuse", ticket="#4711")


def test_accounts_are_listed_page_by_page(place: PortalPlace) -> None:
    support = member(place, "support")
    for number in range(7):
        place.world.pay_in("1.00", user=f"client-{number}")
    place.world.use(1000, "llm/tokens", user="debtor")
    place.pull()
    client = place.client(support)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.json(f"/v1/accounts?search=client&limit=3&cursor={cursor}")
        seen += [each["user"] for each in page["accounts"]]
        cursor = page["cursor"]
    assert seen == [f"client-{number}" for number in range(7)]
    (debtor,) = client.json("/v1/accounts?below_usd=0")["accounts"]
    assert (debtor["user"], debtor["own_usd"]) == ("debtor", "-1.00")


def test_the_house_is_what_the_aggregator_says(place: PortalPlace) -> None:
    finance = member(place, "finance")
    place.world.use(1000, "llm/tokens")
    place.world.later(hours=1)
    place.pull()
    client = place.client(finance)
    run = place.world.run
    revenue = client.json("/v1/revenue?period=2026-11")
    assert client.json("/v1/revenue")["rows"] == revenue["rows"]
    own = run("revenue", "--period", "2026-11", "--json").ok().json
    assert [row["resource"] for row in revenue["rows"]] == [r["resource"] for r in own["rows"]]
    assert (
        client.json("/v1/liability")["total"]["amount_usd"] == place.world.balance()["balance_usd"]
    )
    assert client.json("/v1/incidents")["found"] == run("incidents", "--json").ok().json
    assert {each["repo"] for each in client.json("/v1/nodes")["found"]} >= {"node-1", "books"}


def test_staff_see_nothing_by_an_old_ledger(place: PortalPlace) -> None:
    support = member(place, "support")
    place.pull()
    place.world.later(hours=1)
    assert problem(place.client(support).get("/v1/accounts")) == (503, "ledger-too-old")
