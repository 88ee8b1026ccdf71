"""Signing in to the pages with an issuer: there and back, and as nobody else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from gitmeter.http_edge.server import THREADS
from portal.api.checks import WAITING_MAX
from tests.portal.issuers.issuer import AUDIENCE, Issuer
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace

ADDRESS = "https://portal.example"


@pytest.fixture
def place(tmp_path: Path, issuer: Issuer) -> Iterator[PortalPlace]:
    """A portal where people sign in with it; alice has 20 dollars."""
    found = PortalPlace(
        tmp_path,
        issuer=[{"url": issuer.url, "audience": AUDIENCE, "name": "House of Keys"}],
        pages={"url": ADDRESS},
    )
    found.world.pay_in("20.00")
    found.pull()
    with found.serving():
        yield found


class Person:
    """Somebody with a browser, and a name at the issuer."""

    def __init__(self, place: PortalPlace, issuer: Issuer, subject: str = "ada") -> None:
        self.place = place
        self.issuer = issuer
        self.subject = subject
        self.visitor = Visitor(place.url)

    def go(self, onward: str = "", **claims: Any) -> dict[str, str]:  # noqa: ANN401
        """Go to the issuer, and sign in there; what one is sent back with."""
        path = "/sign-in/with/house-of-keys" + (f"?next={onward}" if onward else "")
        sent = self.visitor.get(path)
        assert sent.status_code == 303, sent.text
        now = self.place.world.now.timestamp()
        stated = {"sub": self.subject, "auth_time": int(now)} | claims
        return self.issuer.sign_in(sent.headers["Location"], now, **stated)

    def come_back(self, sent: dict[str, str]) -> requests.Response:
        """Come back from there, as browsers do: from another site."""
        path = f"/sign-in/back/house-of-keys?{urlencode(sent)}"
        return self.visitor.get(path, **{"Sec-Fetch-Site": "cross-site"})


def let_in(place: PortalPlace, issuer: Issuer, subject: str, user: str) -> None:
    """Say whose account a person has."""
    assert place.desk is not None
    place.desk.identities.add(issuer.url, subject, user, place.world.now)


def test_somebody_signs_in_and_sees_their_account(place: PortalPlace, issuer: Issuer) -> None:
    """With a new id of the session, and what else the issuer sends is of no matter."""
    let_in(place, issuer, "ada", "alice")
    ada = Person(place, issuer)
    assert "Sign in with House of Keys" in ada.visitor.page("/sign-in")
    before = ada.visitor.cookie
    came = ada.come_back(ada.go() | {"session_state": "x", "iss": issuer.url})
    assert (came.status_code, came.headers["Location"]) == (303, "/"), came.text
    assert ada.visitor.cookie not in {"", before}
    assert "of 20.00 USD left" in ada.visitor.page("/")


def test_nobody_is_signed_in_by_a_link(place: PortalPlace, issuer: Issuer) -> None:
    """Mallory's own code, opened in Ada's browser, would make her use his account."""
    let_in(place, issuer, "ada", "alice")
    let_in(place, issuer, "mallory", "mallory")
    ada, mallory = Person(place, issuer), Person(place, issuer, "mallory")
    sent = mallory.go()
    ada.go()
    refused = ada.come_back(sent)
    assert refused.status_code == 403
    assert ada.visitor.get("/").headers["Location"] == "/sign-in"
    assert mallory.come_back(sent).status_code == 303


def test_what_comes_back_must_be_whole(place: PortalPlace, issuer: Issuer) -> None:
    """Refused at the issuer, of another issuer, too late, twice, or not genuine."""
    let_in(place, issuer, "ada", "alice")
    ada = Person(place, issuer)
    sent = ada.go()
    for wrong in (
        {"error": "access_denied", "state": sent["state"]},
        sent | {"iss": "https://other.example"},
        {"code": sent["code"]},
        {"state": sent["state"]},
    ):
        assert ada.come_back(wrong).status_code == 403
    assert ada.come_back(ada.go(aud="shop")).status_code == 403
    late = ada.go()
    place.world.now += timedelta(minutes=11)
    assert ada.come_back(late).status_code == 403
    sent = ada.go()
    assert ada.come_back(sent).status_code == 303
    place.world.now += timedelta(seconds=1)
    assert ada.come_back(sent).status_code == 403
    assert ada.visitor.get("/sign-in/back/other?code=x").status_code == 404


def test_who_has_no_account_is_told_what_to_send(place: PortalPlace, issuer: Issuer) -> None:
    """And is not signed in."""
    stranger = Person(place, issuer, "<b>eve</b>")
    found = stranger.come_back(stranger.go())
    assert found.status_code == 403
    assert "&lt;b&gt;eve&lt;/b&gt;" in found.text
    assert issuer.url in found.text
    assert stranger.visitor.get("/").headers["Location"] == "/sign-in"


def test_a_session_ends_when_the_person_is_erased(place: PortalPlace, issuer: Issuer) -> None:
    """With the next request."""
    let_in(place, issuer, "ada", "alice")
    ada = Person(place, issuer)
    ada.come_back(ada.go())
    assert ada.visitor.get("/").status_code == 200
    assert place.desk is not None
    place.desk.identities.erase(place.desk.identities.all())
    assert ada.visitor.get("/").headers["Location"] == "/sign-in"


def test_signing_in_again_is_done_anew_by_the_same_person(
    place: PortalPlace, issuer: Issuer
) -> None:
    """Who is still signed in at the issuer, or is somebody else, does not go on."""
    let_in(place, issuer, "ada", "alice")
    let_in(place, issuer, "bea", "alice")
    ada = Person(place, issuer)
    ada.come_back(ada.go())
    assert "/sign-in/with/house-of-keys?next=new-key" in ada.visitor.page(
        "/sign-in/again?next=new-key"
    )
    now_s = int(place.world.now.timestamp())
    assert ada.come_back(ada.go("new-key", auth_time=now_s - 3_600)).status_code == 403
    assert ada.come_back(ada.go("new-key", auth_time=None)).status_code == 403
    assert ada.come_back(ada.go("new-key", sub="bea")).status_code == 403
    came = ada.come_back(ada.go("new-key"))
    assert (came.status_code, came.headers["Location"]) == (303, "/keys/new")
    assert ada.visitor.get("/sign-in/with/house-of-keys?next=https://x").status_code == 404


def test_a_session_ends_with_an_issuer_that_is_named_no_longer(
    place: PortalPlace, issuer: Issuer
) -> None:
    """From the restart on, as tokens of it open nothing."""
    let_in(place, issuer, "ada", "alice")
    ada = Person(place, issuer)
    ada.come_back(ada.go())
    assert ada.visitor.get("/").status_code == 200
    place.config = place.config.model_copy(update={"issuer": ()})
    with place.serving():
        ada.visitor.url = place.url
        assert ada.visitor.get("/").headers["Location"] == "/sign-in"


@pytest.mark.parametrize("auth_time", [None, -3_600])
def test_who_was_signed_in_at_the_issuer_has_shown_nothing_now(
    place: PortalPlace, issuer: Issuer, auth_time: int | None
) -> None:
    """Coming back silently is no recent sign-in: making a key asks for one."""
    let_in(place, issuer, "ada", "alice")
    ada = Person(place, issuer)
    now_s = int(place.world.now.timestamp())
    ada.come_back(ada.go(auth_time=None if auth_time is None else now_s + auth_time))
    assert "20.00" in ada.visitor.page("/")
    assert ada.visitor.get("/keys/new").headers["Location"] == "/sign-in/again?next=new-key"
    ada.come_back(ada.go("new-key"))
    assert ada.visitor.get("/keys/new").status_code == 200


def test_made_up_codes_are_counted(tmp_path: Path, issuer: Issuer) -> None:
    """Each costs the issuer two requests: a network has as many as it has wrong keys."""
    named = [{"url": issuer.url, "audience": AUDIENCE, "name": "House of Keys"}]
    place = PortalPlace(tmp_path, issuer=named, pages={"url": ADDRESS}, guesses_per_minute=5)
    place.pull()
    with place.serving():
        eve = Person(place, issuer)
        sent = eve.go()
        found = [eve.come_back(sent | {"code": f"made-up-{at}"}).status_code for at in range(12)]
        assert found == [503] * 9 + [429] * 3


def test_a_slow_issuer_holds_up_nothing_else(place: PortalPlace, issuer: Issuer) -> None:
    """Those who wait for it are few, further ones are refused, and the till is asked as before."""
    issuer.delay_s = 2
    statuses: list[int] = []

    def go() -> None:
        visitor = Visitor(place.url)
        statuses.append(visitor.get("/sign-in/with/house-of-keys").status_code)

    threads = [Thread(target=go) for _ in range(THREADS + WAITING_MAX + 4)]
    for thread in threads:
        thread.start()
    key = place.key()
    place.pull()
    assert place.client(key).json("/v1/balance")["balance_usd"] == "20.00"
    assert signed_in(place.url, key).get("/").status_code == 200
    for thread in threads:
        thread.join()
    assert sorted(set(statuses)) == [303, 503]
    assert statuses.count(503) == 4


def test_an_issuer_that_is_down_is_told(place: PortalPlace, issuer: Issuer) -> None:
    """As something that passes; keys go on opening."""
    ada = Person(place, issuer)
    sent = ada.go()
    issuer.answers.clear()
    assert ada.come_back(sent).status_code == 503
    assert ada.visitor.get("/sign-in/with/house-of-keys").status_code == 503


def test_strangers_send_nobody_to_the_issuer_all_the_time(tmp_path: Path, issuer: Issuer) -> None:
    """Each way there asks it where people sign in; wrong keys of a neighbour take nothing of it."""
    named = [{"url": issuer.url, "audience": AUDIENCE, "name": "House"}]
    place = PortalPlace(tmp_path, issuer=named, pages={"url": ADDRESS}, guesses_per_minute=5)
    place.pull()
    with place.serving():
        wrong = [place.client("oc_live_" + "0" * 32).get("/v1/me").status_code for _ in range(6)]
        found = [Visitor(place.url).get("/sign-in/with/house").status_code for _ in range(12)]
    assert wrong == [401] * 5 + [429]
    assert found == [303] * 10 + [429] * 2


def test_an_issuer_is_not_told_which_account_somebody_goes_on_to(
    place: PortalPlace, issuer: Issuer
) -> None:
    """So it goes on to the list of accounts."""
    let_in(place, issuer, "ada", "alice")
    ada = Person(place, issuer)
    ada.come_back(ada.go())
    stated = "account-credit:bob-2222"
    assert f"house-of-keys?next={stated}" in ada.visitor.page(
        f"/sign-in/again?next={stated}"
    ).replace("%3A", ":")
    sent = ada.go(stated)
    assert "bob" not in sent["state"]
    came = ada.come_back(sent)
    assert (came.status_code, came.headers["Location"]) == (303, "/house/accounts")
    assert ada.visitor.get("/sign-in/with/house-of-keys?next=new-key:bob").status_code == 404
