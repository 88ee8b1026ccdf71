"""What staff do at the pages: what is then in git, and that nobody else does it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from portal.access.scopes import ROLES
from portal.pages.forms import PROOF
from portal.pages.page import ONWARD
from portal.pages.staff.table import STAFF_PAGES
from portal.pages.table import PAGES
from portal.pages.visit import route_of
from tests.portal.pages.house import House, tell_house
from tests.portal.pages.test_security import FROM_ELSEWHERE
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace

ALICE: Final = "/house/accounts/alice"
CREDIT: Final = f"{ALICE}/credit"
WHY: Final = {"reason": "goodwill", "ticket": "T-4711"}
ACTS: Final[list[tuple[str, str, dict[str, Any]]]] = [
    (ALICE, f"{ALICE}/suspend", WHY),
    (CREDIT, f"{CREDIT}/give", WHY | {"template": "welcome"}),
    (CREDIT, f"{CREDIT}/correct", WHY | {"template": "goodwill", "amount_usd": "-1.50"}),
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house in which staff act."""
    place = PortalPlace(tmp_path, rpm=1_000_000)
    place.world.later(minutes=5)
    with place.serving():
        yield tell_house(place)


def told(house: House) -> list[tuple[object, ...]]:
    return [(line["kind"], line["user"], line["by"], line["reason"]) for line in house.written()]


def test_each_act_is_a_line_that_names_who_why_and_the_ticket(house: House) -> None:
    support = house.visitor("support")
    for page, path, fields in ACTS:
        found = support.send(page, path, **fields)
        assert found.status_code == 303, found.text
        shown = support.page(found.headers["Location"])
        assert '<p class="banner good" role="status">' in shown
    assert "services refuse it" in support.page(ALICE)
    support.send(ALICE, f"{ALICE}/reopen", reason="request", ticket="#12")
    assert "services refuse it" not in support.page(ALICE)
    by = "staff:support"
    assert told(house) == [
        ("suspend", "alice", by, "goodwill T-4711"),
        ("grant", "alice", by, "goodwill T-4711"),
        ("adjustment", "alice", by, "goodwill T-4711"),
        ("reopen", "alice", by, "request #12"),
    ]
    assert all(line["node"] != "desk-1" for line in house.place.world.held())
    page = support.page(ALICE)
    assert "grant" not in re.findall(r"no: ", page)
    assert "-1.50 USD" in page


def test_a_plan_is_sold_from_what_was_paid_in(house: House) -> None:
    support, bob = house.visitor("support"), "/house/accounts/bob"
    refused = support.send(bob, f"{bob}/plan", plan="starter", **WHY)
    assert refused.status_code == 402
    assert f'<a href="{bob}"' in refused.text
    house.place.world.pay_in("30.00", user="bob")
    house.place.world.later(hours=1)
    house.place.pull()
    sold = support.send(bob, f"{bob}/plan", plan="starter", **WHY)
    assert sold.status_code == 303, sold.text
    assert sold.headers["Location"] == f"{bob}?done=plan"
    assert "The plan is sold" in support.page(f"{bob}?done=plan")
    assert support.send(bob, f"{bob}/plan", plan="pro", **WHY).status_code == 409
    (line,) = house.written()
    assert (line["kind"], line["plan"], line["by"]) == ("plan", "starter", "staff:support")
    assert line["reason"] == f"{WHY['reason']} {WHY['ticket']}"


def test_an_admin_opens_an_account_and_makes_a_key_that_is_shown_once(house: House) -> None:
    admin = house.visitor("admin")
    found = admin.send("/house/open", "/house/open", user="c-12345678", **WHY)
    assert found.headers["Location"] == "/house/accounts?opened=c-12345678"
    assert 'Account <span class="id">c-12345678</span> is open' in admin.page(
        found.headers["Location"]
    )
    assert "is open" not in admin.page("/house/accounts?opened=c-87654321")
    again = admin.send("/house/open", "/house/open", user="c-12345678", **WHY)
    assert again.status_code == 409
    page = f"{ALICE}/keys/new"
    fields = {"scopes": ["balance:read"], "allowed": "search/*", "until": "2027-01-01"} | WHY
    made = admin.send(page, page, **fields)
    secret = re.search(r'<code class="secret">(oc_live_[0-9a-f]{32})</code>', made.text)
    assert secret is not None
    assert house.place.client(secret[1]).json("/v1/me")["user"] == "alice"
    assert secret[1] not in admin.page(ALICE)
    key_id = house.place.client(secret[1]).json("/v1/me")["key_id"]
    support = house.visitor("support")
    revoked = support.send(ALICE, f"{ALICE}/keys/revoke", key_id=key_id, **WHY)
    assert revoked.headers["Location"] == f"{ALICE}?done=revoked"
    assert house.place.client(secret[1]).get("/v1/me").status_code == 401
    lines = [(line["kind"], line["user"], line["by"]) for line in house.written()]
    assert lines == [
        ("open", "c-12345678", "staff:admin"),
        ("key", "alice", "staff:admin"),
        ("revoke", "alice", "staff:support"),
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ticket": "Joe Miller"}, "ticket"),
        ({"reason": "because of Joe"}, "reason"),
        ({"ticket": ""}, "ticket"),
        ({"by": "staff:somebody"}, "by"),
        ({"amount_usd": "x"}, "amount_usd"),
        ({"amount_usd": "900"}, "amount_usd"),
        ({"template": "gold"}, "template"),
    ],
)
def test_what_cannot_be_is_told_with_a_way_back(
    house: House, fields: dict[str, str], words: str
) -> None:
    support = house.visitor("support")
    sent = WHY | {"template": "goodwill", "amount_usd": "1.00"} | fields
    found = support.send(CREDIT, f"{CREDIT}/correct", **sent)
    assert found.status_code == 422
    assert words in found.text
    assert f'<a href="{CREDIT}"' in found.text
    assert house.written() == []


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_no_other_site_acts_in_the_name_of_staff(house: House, headers: dict[str, str]) -> None:
    """Though it had the token."""
    admin = house.visitor("admin")
    token = {PROOF: admin.token(ALICE)}
    for _, path, fields in ACTS:
        assert admin.post(path, token | fields, headers).status_code == 403
        assert admin.post(path, fields).status_code == 403
        assert admin.post(path, {PROOF: "0" * 64} | fields).status_code == 403
    assert house.written() == []


def test_credit_and_keys_ask_for_a_recent_sign_in(house: House) -> None:
    """And lead on to the same page of the same account; the form is filled in anew."""
    admin = house.visitor("admin")
    token = {PROOF: admin.token(ALICE)}
    house.place.world.now += timedelta(minutes=10, seconds=1)
    house.place.pull()
    for page, path, fields in (
        *ACTS[1:],
        (f"{ALICE}/keys/new", f"{ALICE}/keys/new", {"scopes": ["balance:read"]} | WHY),
    ):
        for found in (admin.get(page), admin.post(path, token | fields)):
            assert found.status_code == 303
            assert found.headers["Location"].startswith("/sign-in/again?next=account-")
        again = found.headers["Location"]
    assert admin.get(ALICE).status_code == 200
    assert house.written() == []
    onward = admin.send(
        again, "/sign-in/again", next="account-key:alice", key=house.keys["admin"].secret
    )
    assert (onward.status_code, onward.headers["Location"]) == (303, f"{ALICE}/keys/new")
    assert admin.send(CREDIT, ACTS[1][1], **ACTS[1][2]).status_code == 303


@pytest.mark.parametrize(
    ("stated", "path"),
    [
        ("account-credit:alice", f"{ALICE}/credit"),
        ("account-credit:<script>", "/house/accounts/%3Cscript%3E/credit"),
        ("account-credit://thief.example", "/house/accounts/%2F%2Fthief.example/credit"),
        ("account-credit:a?b#c", "/house/accounts/a%3Fb%23c/credit"),
        ("account-credit", "/house/accounts"),
        ("new-key", "/keys/new"),
        ("new-key:alice", None),
        ("account-credit:", None),
        ("account-credit:a b", None),
        ("account-credit:a\r\nSet-Cookie: x", None),
        ("https://thief.example", None),
        ("//thief.example", None),
        ("/house", None),
    ],
)
def test_signing_in_again_leads_to_no_other_place(
    house: House, stated: str, path: str | None
) -> None:
    admin = house.visitor("admin")
    token, key = admin.token(ALICE), house.keys["admin"].secret
    found = admin.post("/sign-in/again", {PROOF: token, "next": stated, "key": key})
    assert found.status_code == (404 if path is None else 303)
    assert found.headers.get("Location") == path


def strangers(house: House) -> dict[str, Visitor]:
    """People who are not of staff, or are no longer, each signed in."""
    place = house.place
    keys = {"customer": house.keys["customer"]}
    keys["service"] = place.key("broker", "staff:allowed:*")
    keys["pretender"] = place.key("bob", "s*", "balance:*")
    keys["support by name alone"] = place.key("bob", "staff")
    keys["suspended"] = house.keys["finance"]
    keys["former"] = house.keys["support"]
    place.world.settle("suspend", user="finance-1", reason="left")
    place.world.settle("staff", user="", identity="staff:support", role="none")
    place.world.later(minutes=1)
    place.pull()
    return {name: signed_in(place.url, key) for name, key in keys.items()}


def test_to_nobody_else_any_page_of_the_house_is_there(house: House) -> None:
    """Whatever is sent, with a sign-in of now and one of long ago."""
    visitors = strangers(house)
    for minutes in (0, 20):
        house.place.world.later(minutes=minutes)
        house.place.pull()
        for page in STAFF_PAGES:
            path = page.path.replace("{user}", "alice").replace("{id}", "x")
            assert Visitor(house.place.url).get(path).headers.get("Location") in {"/sign-in", None}
            for name, visitor in visitors.items():
                for query in ("", "?bogus=1"):
                    if page.method == "GET":
                        found = visitor.get(path + query)
                    else:
                        sent = {PROOF: visitor.token("/")} | WHY | {"template": "welcome"}
                        found = visitor.post(path + query, sent)
                    assert found.status_code == 404, (name, page.method, path, found.text)
                    assert "alice" not in found.text or name == "customer"
                    assert 'href="/house' not in found.text
    assert house.written() == []


@pytest.mark.parametrize("role", ROLES)
def test_each_role_does_what_its_routes_allow(house: House, role: str) -> None:
    """What it may not is not there: by what the interface says, for every page."""
    visitor = house.visitor(role)
    token = {PROOF: visitor.token("/house")}
    for page in STAFF_PAGES:
        assert page.of is not None
        path = page.path.replace("{user}", "alice").replace("{id}", "x")
        found = visitor.get(path) if page.method == "GET" else visitor.post(path, token)
        is_there = role in route_of(page.of).roles
        if "{id}" not in page.path:
            assert (found.status_code != 404) is is_there, (page.method, path, found.text)
    assert house.written() == []


def test_every_page_of_the_house_is_in_its_table_and_says_what_it_needs() -> None:
    assert {page for page in PAGES if page.path.startswith("/house")} == set(STAFF_PAGES)
    for page in STAFF_PAGES:
        assert page.of is not None
        assert route_of(page.of).roles
        assert not page.is_open
        if page.method == "POST":
            assert page.changes is page.of
    giving = {page.path for page in STAFF_PAGES if page.again}
    assert giving == {
        "/house/accounts/{user}/credit",
        "/house/accounts/{user}/credit/give",
        "/house/accounts/{user}/credit/correct",
        "/house/accounts/{user}/keys/new",
    }
    assert {page.again for page in PAGES if page.again} == ONWARD.keys()
