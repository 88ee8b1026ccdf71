"""Opening an account for oneself: within limits, as nobody else, with the credit that is due."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from node_pusher.sending.push import push
from portal.api.request import Portal
from portal.pages.forms import PROOF
from portal.serving.following import give_due
from tests.portal.issuers.issuer import AUDIENCE, Issuer
from tests.portal.pages.test_vouching import ADDRESS, Person
from tests.portal.pages.visitor import FROM_HERE, Visitor, signed_in
from tests.portal.place import PortalPlace
from tests.portal.test_staff import WELCOME
from tests.support.writers import DESK_TEXT

BEHIND: Final = {"address": "127.0.0.1:0", "proxy": "127.0.0.1"}
_KEY: Final = re.compile(r"oc_live_[0-9a-f]{32}")
_USER: Final = re.compile(r"c-[0-9a-f]{16}")


@contextmanager
def portal(folder: Path, **config: Any) -> Iterator[PortalPlace]:  # noqa: ANN401
    """A portal where people open accounts."""
    sign_up = {"on": True, "per_network_a_day": 100} | config.pop("sign_up", {})
    place = PortalPlace(folder, sign_up=sign_up, **config)
    place.world.rule_files({"rules/writers.toml": (DESK_TEXT + WELCOME).encode()})
    place.pull()
    with place.serving():
        yield place


def opened(place: PortalPlace, visitor: Visitor | None = None) -> tuple[str, str]:
    """Open an account; its id and its key."""
    found = (visitor or Visitor(place.url)).send("/sign-up", "/sign-up")
    assert found.status_code == 200, found.text
    key, user = _KEY.search(found.text), _USER.search(found.text)
    assert key is not None
    assert user is not None
    return user[0], key[0]


def told(place: PortalPlace, user: str) -> list[tuple[str, str, str]]:
    """The lines about an account in git: what, by whom, and whether they count."""
    place.pushed()
    place.pull()
    lines = place.world.run("payments", user, "--json").ok().json["lines"]
    return [(line["kind"], line["by"], line["state"]) for line in lines]


def due(place: PortalPlace) -> int:
    """What is given as the ledger goes on."""
    assert place.desk is not None
    desk = place.desk
    return give_due(
        Portal(place.config, desk, lambda: push(desk.home, desk.clock())), place.ledgers
    )


def test_an_account_is_opened_with_a_key_that_opens_it(tmp_path: Path) -> None:
    """Its lines count, and nothing in them is about a person."""
    with portal(tmp_path) as place:
        assert "Open an account" in Visitor(place.url).page("/sign-in")
        user, key = opened(place)
        lines = told(place, user)
        assert lines == [
            ("open", "customer:sign-up", "counted"),
            ("key", "customer:sign-up", "counted"),
        ]
        assert place.client(key).json("/v1/balance")["balance_usd"] == "0.00"
        assert "0.00" in signed_in(place.url, key).page("/")
        assert due(place) == 0


def test_a_double_click_opens_one_account(tmp_path: Path, issuer: Issuer) -> None:
    """Of a person: what was begun twice at once ends once, and nothing is logged of them."""
    named = [{"url": issuer.url, "audience": AUDIENCE, "name": "House of Keys"}]
    with portal(tmp_path, issuer=named, pages={"url": ADDRESS}) as place:
        ada = Person(place, issuer)
        found = ada.come_back(ada.go())
        sealed = re.search(r'name="vouched" value="([^"]+)"', found.text)
        assert sealed is not None
        fields = {PROOF: ada.visitor.token("/sign-up"), "vouched": sealed[1]}
        cookie = ada.visitor.cookie

        def click(_: int) -> int:
            visitor = Visitor(place.url)
            visitor.cookie = cookie
            return visitor.post("/sign-up", fields).status_code

        with ThreadPoolExecutor(4) as clicks:
            statuses = sorted(clicks.map(click, range(4)))
        assert statuses == [303, 409, 409, 409]
        assert place.desk is not None
        assert place.desk.sign_ups.number_since(place.world.now - timedelta(days=1)) == 1


def test_one_line_of_a_provider_is_one_network(tmp_path: Path) -> None:
    """Of IPv6 it may have 65,536 of the narrow kind."""
    limits = {"per_network_a_day": 2}
    with portal(tmp_path, sign_up=limits, listen=BEHIND) as place:
        token, visitor = "", Visitor(place.url)
        token = visitor.token("/sign-up")
        found = [
            visitor.post(
                "/sign-up",
                {PROOF: token},
                FROM_HERE | {"X-Forwarded-For": f"2001:db8:{at // 4}:{at}::1"},
            ).status_code
            for at in range(6)
        ]
        assert found == [200, 200, 429, 429, 200, 200]


def test_where_it_is_off_there_is_no_such_page(tmp_path: Path) -> None:
    """Neither page nor form."""
    with portal(tmp_path, sign_up={"on": False}) as place:
        visitor = Visitor(place.url)
        assert "/sign-up" not in visitor.page("/sign-in")
        assert visitor.get("/sign-up").status_code == 404
        assert visitor.post("/sign-up", {PROOF: visitor.token("/sign-in")}).status_code == 404


def test_a_network_and_a_day_have_an_end(tmp_path: Path) -> None:
    """The day's also after a restart, as it is counted by lines; nothing is written beyond."""
    limits = {"per_network_a_day": 4, "a_day": 3}
    with portal(tmp_path, sign_up=limits) as place:
        found = [Visitor(place.url).send("/sign-up", "/sign-up").status_code for _ in range(5)]
        assert found == [200, 200, 200, 429, 429]
        with place.serving():
            assert Visitor(place.url).send("/sign-up", "/sign-up").status_code == 429
            place.world.now += timedelta(days=1, seconds=1)
            place.pull()
            opened(place)
            assert place.desk is not None
            assert place.desk.sign_ups.number_since(place.world.now - timedelta(days=9)) == 4


def test_credit_comes_with_the_first_payment(tmp_path: Path) -> None:
    """Once, by whatever comes first, and to nobody who did not sign up here."""
    with portal(tmp_path, sign_up={"credit": "welcome"}) as place:
        (user, _), (other, _) = opened(place), opened(place)
        told(place, user)
        assert due(place) == 0
        place.world.pay_in("20.00", user="bob")
        place.world.pay_in("3.00", user=user)
        place.world.pay_in("9.00", user=user)
        place.pull()
        lines = place.world.run("payments", user, "--json").ok().json["lines"]
        (ref,) = [line["external_ref"] for line in lines if line["amount"] == "9.00"]
        place.world.refund("8.00", of_seq=int(ref.partition(":")[2]), user=user)
        place.pull()
        assert due(place) == 0
        place.world.pay_in("16.00", user=user)
        place.pull()
        assert due(place) == 1
        assert due(place) == 0
        assert told(place, user)[-1] == ("grant", "customer:sign-up", "counted")
        assert due(place) == 0
        place.world.later(hours=1)
        place.pull()
        assert place.world.balance(user)["balance_nano"] == 25 * 10**9  # 3 + 9 - 8 + 16 + 5
        assert place.world.balance("bob")["balance_nano"] == 20 * 10**9
        assert [kind for kind, _, _ in told(place, other)] == ["open", "key"]


def test_credit_may_be_given_at_once(tmp_path: Path) -> None:
    """Where the operator says so; a template that is not there gives nothing, and is logged."""
    at_once = {"credit": "welcome", "credit_after_usd": "0"}
    with portal(tmp_path / "one", sign_up=at_once) as place:
        user, _ = opened(place)
        assert [kind for kind, _, _ in told(place, user)] == ["open", "key", "grant"]
        assert due(place) == 0
    with portal(tmp_path / "two", sign_up=at_once | {"credit": "gold"}) as place:
        user, _ = opened(place)
        assert [kind for kind, _, _ in told(place, user)] == ["open", "key"]
        assert due(place) == 0


def test_nobody_signs_up_by_an_old_ledger_or_another_site(tmp_path: Path) -> None:
    """And a form needs its token."""
    with portal(tmp_path) as place:
        visitor = Visitor(place.url)
        token = visitor.token("/sign-up")
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert visitor.post("/sign-up", {PROOF: token}, cross).status_code == 403
        assert visitor.post("/sign-up", {PROOF: "0" * 64}).status_code == 403
        place.world.now += timedelta(hours=1)
        assert visitor.post("/sign-up", {PROOF: token}).status_code == 503
        assert place.desk is not None
        assert place.desk.spool.store.count() == 0


def test_who_comes_from_an_issuer_needs_no_key(tmp_path: Path, issuer: Issuer) -> None:
    """The account is theirs at once; the form is good for this browser, once, and not for long."""
    named = [{"url": issuer.url, "audience": AUDIENCE, "name": "House of Keys"}]
    with portal(tmp_path, issuer=named, pages={"url": ADDRESS}) as place:
        ada, mallory = Person(place, issuer), Person(place, issuer, "mallory")
        found = ada.come_back(ada.go())
        sealed = re.search(r'name="vouched" value="([^"]+)"', found.text)
        proof = re.search(rf'name="{PROOF}" value="([0-9a-f]+)"', found.text)
        assert found.status_code == 403
        assert sealed is not None
        assert proof is not None
        stolen = {PROOF: mallory.visitor.token("/sign-up"), "vouched": sealed[1]}
        assert mallory.visitor.post("/sign-up", stolen).status_code == 409
        fields = {PROOF: proof[1], "vouched": sealed[1]}
        came = ada.visitor.post("/sign-up", fields)
        assert (came.status_code, came.headers["Location"]) == (303, "/")
        place.pushed()
        place.pull()
        assert "0.00" in ada.visitor.page("/")
        again = Person(place, issuer)
        assert again.come_back(again.go()).headers["Location"] == "/"
        assert place.desk is not None
        (identity,) = place.desk.identities.all()
        assert _USER.fullmatch(identity.user)
        late = Person(place, issuer, "late")
        found = late.come_back(late.go())
        sealed = re.search(r'name="vouched" value="([^"]+)"', found.text)
        assert sealed is not None
        place.world.now += timedelta(minutes=11)
        place.pull()
        fields = {PROOF: late.visitor.token("/sign-up"), "vouched": sealed[1]}
        assert late.visitor.post("/sign-up", fields).status_code == 409
