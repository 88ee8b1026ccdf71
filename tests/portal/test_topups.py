"""A payment begins at the portal and is offered by the till of this machine."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.config.tables import PortalConfig
from tests.portal.place import PortalPlace, problem
from tests.support.local_http import free_ports
from tests.till.place import TillPlace
from till.serving.service import serving

ASKED = {
    "usd": "20.00",
    "success_url": "https://portal.example/paid",
    "cancel_url": "https://portal.example/",
}


@pytest.fixture
def till(tmp_path: Path) -> Iterator[TillPlace]:
    """A till that serves."""
    public, local = (f"127.0.0.1:{port}" for port in free_ports(2))
    place = TillPlace(tmp_path / "till", listen={"public": public, "local": local})
    with place.open() as opened, serving(opened):
        yield place


@pytest.fixture
def place(tmp_path: Path, till: TillPlace) -> Iterator[PortalPlace]:
    """A portal that has this till."""
    url = f"http://{till.config.listen.local}/checkout"
    found = PortalPlace(tmp_path / "portal", till={"url": url})
    found.world.later(minutes=5)
    found.world.pay_in("1.00")
    with found.serving():
        yield found


def test_a_payment_begins_for_the_account_of_the_key(place: PortalPlace, till: TillPlace) -> None:
    key = place.key("alice", "topups:write")
    place.pull()
    found = place.client(key).ask("POST", "/v1/topups", json=ASKED)
    assert found.status_code == 201, found.text
    said = found.json()
    assert (said["usd"], said["amount"], said["currency"]) == ("20.00", "20.00", "USD")
    assert said["url"].startswith("https://")
    assert said["attempt"].startswith("topup:alice:")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"usd": "1.00"}, 422),
        ({"currency": "XXX"}, 422),
        ({"success_url": "https://thief.example/"}, 422),
        ({"usd": "99.00"}, 201),
        ({"usd": "101.00"}, 429),
        ({"user": "bob"}, 422),
    ],
)
def test_what_the_till_refuses_is_refused_in_its_words(
    place: PortalPlace, changed: dict[str, str], status: int
) -> None:
    key = place.key("alice", "topups:write")
    place.pull()
    found = place.client(key).ask("POST", "/v1/topups", json=ASKED | changed)
    assert found.status_code == status, found.text
    if status != 201:
        problem(found)
        assert found.json()["detail"]


def test_a_till_that_does_not_answer_is_not_now(tmp_path: Path) -> None:
    place = PortalPlace(tmp_path, till={"url": f"http://127.0.0.1:{free_ports(1)[0]}/checkout"})
    place.world.pay_in("1.00")
    key = place.key("alice", "topups:write")
    place.pull()
    with place.serving():
        refused = place.client(key).ask("POST", "/v1/topups", json=ASKED)
    assert problem(refused) == (503, "not-now")
    assert "127.0.0.1" not in refused.text


def test_a_till_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    """One account waits for as many answers as it may; all others are answered meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as till, ThreadPoolExecutor(2) as pool:
        url = f"http://127.0.0.1:{till.getsockname()[1]}/checkout"
        place = PortalPlace(tmp_path, till={"url": url})
        for user in ("alice", "bob"):
            place.world.pay_in("1.00", user=user)
        keys = [place.key(user, "topups:write", "keys:write") for user in ("alice", "bob")]
        place.pull()
        with place.serving():
            alice, bob = map(place.client, keys)
            held = [pool.submit(alice.ask, "POST", "/v1/topups", json=ASKED) for _ in range(2)]
            taken = [till.accept()[0] for _ in held]
            refused = alice.ask("POST", "/v1/topups", json=ASKED)
            assert problem(refused) == (429, "too-many-requests")
            assert bob.get("/v1/keys").status_code == 200
            for connection in taken:
                connection.close()
            assert [problem(each.result()) for each in held] == [(503, "not-now")] * 2


def test_without_a_till_payments_are_not_offered(tmp_path: Path) -> None:
    place = PortalPlace(tmp_path)
    assert isinstance(place.config, PortalConfig)
    place.world.pay_in("1.00")
    key = place.key("alice", "topups:write")
    place.pull()
    with place.serving():
        refused = place.client(key).ask("POST", "/v1/topups", json=ASKED)
    assert problem(refused) == (404, "not-offered")
