"""What people settle at the pages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal.pages.story import key_of, tell
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace
from tests.support.local_http import free_ports
from tests.till.place import TillPlace
from till.serving.service import serving

AGAIN = "/sign-in/again?next=new-key"


def test_a_cap_is_settled(place: PortalPlace, alice: Visitor) -> None:
    assert alice.send("/settings", "/settings", cap_usd="12.5").headers["Location"] == "/settings"
    assert "At most 12.50 USD" in alice.page("/settings")
    assert place.client(key_of(place)).json("/v1/settings")["cap_usd"] == "12.50"
    for wrong in ("-1", "x", "1e3", "", "1" * 30):
        assert alice.send("/settings", "/settings", cap_usd=wrong).status_code == 422, wrong


def test_a_plan_is_upgraded_and_what_follows_is_settled(place: PortalPlace, alice: Visitor) -> None:
    assert "Then follows" not in alice.page("/plan")
    assert alice.send("/plan", "/plan/next", next_plan="starter").status_code == 303
    assert "Then follows starter" in alice.page("/plan")
    assert alice.send("/plan", "/plan/next", next_plan="none").status_code == 303
    assert "Nothing follows" in alice.page("/plan")
    assert alice.send("/plan", "/plan/next", next_plan="nothing").status_code == 422
    assert alice.send("/plan", "/plan/buy", plan="pro2", upgrade="yes").status_code == 409
    refused = alice.send("/plan", "/plan/buy", plan="starter").text
    assert "a plan that is paid for runs" in refused
    place.world.later(days=3)
    place.pull()
    again = signed_in(place.url, key_of(place))
    assert again.send("/plan", "/plan/buy", plan="starter").status_code == 303
    place.pushed()
    place.pull()
    assert "20.00 USD a period" in again.page("/plan")


def test_a_key_is_made_shown_once_and_revoked(place: PortalPlace, alice: Visitor) -> None:
    made = alice.send("/keys/new", "/keys/new", scopes=["balance:read", "usage:read"])
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    secret = re.search(r"oc_live_[0-9a-f]{32}", made.text)
    assert secret is not None
    me = place.client(secret[0]).json("/v1/me")
    assert me["scopes"] == ["balance:read", "usage:read"]
    listed = alice.page("/keys")
    assert me["key_id"] in listed
    assert secret[0] not in listed
    assert alice.send("/keys", "/keys/revoke", key_id=me["key_id"]).status_code == 303
    assert place.client(secret[0]).get("/v1/me").status_code == 401
    assert alice.send("/keys", "/keys/revoke", key_id=me["key_id"]).status_code == 404


def test_a_key_may_ask_about_resources_and_end(place: PortalPlace, alice: Visitor) -> None:
    sent = {"allowed": "search/*", "until": "2027-01-01"}
    secret = re.search(r"oc_live_[0-9a-f]{32}", alice.send("/keys/new", "/keys/new", **sent).text)
    assert secret is not None
    client = place.client(secret[0])
    assert client.json("/v1/me")["scopes"] == ["allowed:search/*"]
    for wrong in ({}, {"scopes": "nothing"}, {"scopes": "staff"}, {**sent, "until": "x"}):
        assert alice.send("/keys/new", "/keys/new", **wrong).status_code == 422, wrong


def test_making_a_key_asks_for_a_recent_sign_in(place: PortalPlace) -> None:
    key = tell(place)
    alice = signed_in(place.url, key)
    token = alice.token("/keys/new")
    place.world.later(minutes=11)
    place.pull()
    for found in (
        alice.get("/keys/new"),
        alice.post("/keys/new", {"form_token": token, "scopes": "balance:read"}),
    ):
        assert (found.status_code, found.headers["Location"]) == (303, AGAIN)
    before = alice.cookie
    assert len(place.client(key).json("/v1/keys")["keys"]) == 1
    wrong = alice.send(AGAIN, "/sign-in/again", next="new-key", key=place_key(place, "bob"))
    assert wrong.status_code == 403
    assert alice.get("/keys/new").status_code == 303
    elsewhere = alice.send(AGAIN, "/sign-in/again", next="https://thief.example", key=key.secret)
    assert elsewhere.status_code == 404
    found = alice.send(AGAIN, "/sign-in/again", next="new-key", key=key.secret)
    assert (found.status_code, found.headers["Location"]) == (303, "/keys/new")
    assert alice.cookie != before
    assert alice.get("/keys/new").status_code == 200
    left = Visitor(place.url)
    left.cookie = before
    assert left.get("/").status_code == 303


def place_key(place: PortalPlace, user: str) -> str:
    return key_of(place, user).secret


def test_a_suspended_account_changes_nothing(place: PortalPlace, alice: Visitor) -> None:
    place.world.settle("suspend", user="alice", reason="asked_for")
    place.pull()
    found = alice.send("/settings", "/settings", cap_usd="1.00")
    assert found.status_code == 403
    assert "This account is suspended" in found.text


def test_nothing_is_changed_by_an_old_ledger(place: PortalPlace, alice: Visitor) -> None:
    place.world.later(hours=1)
    found = alice.send("/settings", "/settings", cap_usd="1.00")
    assert (found.status_code, found.headers["Retry-After"]) == (503, "60")
    assert "Nothing can be changed just now" in found.text


@pytest.fixture
def till(tmp_path: Path) -> Iterator[TillPlace]:
    """A till that serves."""
    public, local = (f"127.0.0.1:{port}" for port in free_ports(2))
    place = TillPlace(
        tmp_path / "till",
        listen={"public": public, "local": local},
        return_urls=["https://portal.example/"],
    )
    with place.open() as opened, serving(opened):
        yield place


@pytest.fixture
def paying(tmp_path: Path, till: TillPlace) -> Iterator[Visitor]:
    """Alice at a portal that has this till."""
    url = f"http://{till.config.listen.local}/checkout"
    pages = {"url": "https://portal.example", "pay_by": ["page USD", "prompt TZS"]}
    place = PortalPlace(tmp_path / "portal", till={"url": url}, pages=pages)
    with place.serving():
        place.world.pay_in("1.00")
        yield signed_in(place.url, key_of(place))


def test_credit_is_paid_where_the_till_says(paying: Visitor) -> None:
    assert 'href="/credit"' in paying.page("/")
    found = paying.send("/credit", "/credit", usd="20.00", pay_by="page USD")
    assert found.status_code == 200
    assert "20.00 USD to pay" in found.text
    address = re.search(r'<a href="(https://[^"]+)" class="act" rel="noreferrer">', found.text)
    assert address is not None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"usd": "1.00", "pay_by": "page USD"}, 422),
        ({"usd": "x", "pay_by": "page USD"}, 422),
        ({"usd": "20.00", "pay_by": "page EUR"}, 404),
        ({"usd": "20.00", "pay_by": "page USD", "success_url": "https://thief.example/"}, 422),
    ],
)
def test_what_cannot_be_paid_is_refused(
    paying: Visitor, fields: dict[str, str], status: int
) -> None:
    assert paying.send("/credit", "/credit", **fields).status_code == status


def test_where_no_till_is_no_credit_is_offered(alice: Visitor) -> None:
    assert 'href="/credit"' not in alice.page("/")
    assert alice.get("/credit").status_code == 404


def test_who_comes_back_from_paying_is_told_what_follows(paying: Visitor) -> None:
    assert "as soon as the payment is confirmed" in paying.page("/credit?back=paid")
    assert "Nothing was paid" in paying.page("/credit?back=unpaid")
    assert paying.get("/credit?back=https://thief.example").status_code == 422
