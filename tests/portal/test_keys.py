"""Keys: made and revoked here they hold at once, whatever the forge and the aggregator do."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from aggregator.config.document import database_in
from gitmeter.keys.secret import digest_of
from portal.api.customers.keys import KEYS_MAX
from portal.serving.following import forget_read
from tests.portal.place import Client, PortalPlace, problem


def make(client: Client, *scopes: str, **more: object) -> dict[str, object]:
    """Make a key."""
    found = client.ask("POST", "/v1/keys", json={"scopes": scopes} | more)
    assert found.status_code == 201, found.text
    made: dict[str, object] = found.json()
    return made


def test_a_key_opens_what_it_says_from_the_moment_it_is_shown(place: PortalPlace) -> None:
    """Without a pull, and its secret is in no file of the desk or of git."""
    key = place.key()
    place.pull()
    made = make(place.client(key), "balance:read", rpm=7)
    secret = str(made["key"])
    fresh = place.client(secret)
    assert fresh.json("/v1/me")["scopes"] == ["balance:read"]
    assert fresh.json("/v1/me")["rpm"] == 7
    assert fresh.get("/v1/balance").status_code == 200
    assert problem(fresh.get("/v1/keys")) == (403, "forbidden")
    place.pushed()  # git removes its temporary files
    files = [each for each in place.world.folder.rglob("*") if each.is_file()]
    assert not any(secret.encode() in each.read_bytes() for each in files)


def test_a_key_is_in_the_ledger_with_the_next_pull(place: PortalPlace) -> None:
    """It is then known to every portal, and this one need not remember it."""
    key = place.key()
    place.pull()
    made = make(place.client(key), "balance:read")
    assert place.desk is not None
    place.pushed()
    place.pull()
    place.world.later(minutes=2)
    assert forget_read(place.desk, place.ledgers) == 0
    assert place.desk.unbilled.claims(digest_of(str(made["key"]))) == []
    assert place.client(str(made["key"])).get("/v1/balance").status_code == 200
    assert place.world.held() == []


def test_a_key_that_was_revoked_stays_closed_when_the_ledger_is_restored(
    place: PortalPlace,
) -> None:
    """From a backup that is older than the revocation, which the portal had forgotten since."""
    key = place.key()
    place.pull()
    client = place.client(key)
    made = make(client, "balance:read")
    place.pushed()
    place.pull()
    ledger = database_in(place.config.state)
    earlier = ledger.with_name("earlier.db")
    with closing(sqlite3.connect(ledger)) as now, closing(sqlite3.connect(earlier)) as copy:
        now.backup(copy)
    assert client.ask("DELETE", f"/v1/keys/{made['key_id']}").status_code == 204
    assert place.desk is not None
    place.pushed()
    place.pull()
    place.world.later(minutes=2)
    assert forget_read(place.desk, place.ledgers) == 0
    earlier.replace(ledger)
    for log in ("-wal", "-shm"):
        ledger.with_name(ledger.name + log).unlink(missing_ok=True)
    revoked = place.client(str(made["key"]))
    assert problem(revoked.get("/v1/balance")) == (401, "unauthorized")
    assert client.get("/v1/balance").status_code == 200
    place.pull()
    place.world.later(minutes=2)
    assert forget_read(place.desk, place.ledgers) == 0
    assert problem(revoked.get("/v1/balance")) == (401, "unauthorized")


def test_a_revoked_key_opens_nothing_any_more(place: PortalPlace) -> None:
    """Here from the next request on, with or without the forge; then there is no such key."""
    key = place.key()
    place.pull()
    client = place.client(key)
    made = make(client, "balance:read")
    shutil.rmtree(place.world.repo("desk-1").path)
    path = f"/v1/keys/{made['key_id']}"
    assert client.ask("DELETE", path).status_code == 204
    assert problem(place.client(str(made["key"])).get("/v1/balance")) == (401, "unauthorized")
    assert problem(client.ask("DELETE", path)) == (404, "not-found")
    assert client.ask("DELETE", f"/v1/keys/{key.key_id}").status_code == 204
    assert problem(client.get("/v1/keys")) == (401, "unauthorized")


def test_a_clock_that_is_set_back_opens_nothing_again(place: PortalPlace) -> None:
    """Neither a key that was revoked, nor an account that was suspended."""
    key = place.key()
    place.pull()
    client = place.client(key)
    made = make(client, "balance:read")
    place.world.later(minutes=10)
    place.pull()
    assert client.ask("DELETE", f"/v1/keys/{made['key_id']}").status_code == 204
    place.world.settle("suspend", reason="abuse")
    place.pull()
    place.world.later(minutes=-5)
    assert problem(place.client(str(made["key"])).get("/v1/me")) == (401, "unauthorized")
    assert client.json("/v1/me")["suspended"]


def test_a_key_that_ends_is_closed_by_the_clock(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    made = make(place.client(key), "balance:read", until="2026-11-02T01:00:00Z")
    client = place.client(str(made["key"]))
    place.world.later(minutes=54)
    assert client.get("/v1/me").status_code == 200
    place.world.later(minutes=1)
    assert problem(client.get("/v1/me")) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"scopes": ["usage:read", "topups:write"]}, "no more than the key that makes it"),
        ({"scopes": ["balance:everything"]}, "there is no scope balance:everything"),
        ({"scopes": ["staff"]}, "there is no scope staff"),
        ({"scopes": ["s*"]}, "there is no scope s*"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["usage:read"], "rpm": 0}, "rpm"),
        ({"scopes": ["usage:read"], "until": "2026-11-02T01:30:00Z"}, "a full hour"),
        ({"scopes": ["usage:read"], "until": "2026-11-01T00:00:00Z"}, "still to come"),
        ({"scopes": ["usage:read"], "until": "2027-02-30T00:00:00Z"}, "date and time that exists"),
        ({"scopes": ["usage:read"], "surprise": 1}, "surprise"),
        ([], "must be a table"),
    ],
)
def test_a_key_that_may_not_be_is_refused(place: PortalPlace, body: object, said: str) -> None:
    key = place.key()
    place.pull()
    found = place.client(key).ask("POST", "/v1/keys", json=body)
    assert problem(found) == (422, "invalid")
    assert said in found.json()["detail"]
    assert place.desk is not None
    assert place.desk.spool.store.count() == 0


def test_a_key_neither_outlives_nor_outruns_the_one_that_makes_it(place: PortalPlace) -> None:
    """A key that leaked for an hour would be there for ever."""
    key = place.key("alice", "keys:write", rpm=50, until="2026-11-02T03:00:00Z")
    place.pull()
    client = place.client(key)
    made = make(client, "keys:write")
    assert (made["rpm"], made["until"]) == (50, "2026-11-02T03:00:00Z")
    earlier = make(client, "keys:write", rpm=49, until="2026-11-02T02:00:00Z")
    assert (earlier["rpm"], earlier["until"]) == (49, "2026-11-02T02:00:00Z")
    for more in ({"rpm": 51}, {"until": "2026-11-02T04:00:00Z"}):
        found = client.ask("POST", "/v1/keys", json={"scopes": ["keys:write"]} | more)
        assert problem(found) == (422, "invalid")
    other = place.key()
    place.pull()
    most = place.config.rpm
    make(place.client(other), "usage:read", rpm=most)
    body = {"scopes": ["usage:read"], "rpm": most + 1}
    assert problem(place.client(other).ask("POST", "/v1/keys", json=body)) == (422, "invalid")


def test_an_account_has_no_more_keys_than_it_may(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    client = place.client(key)
    made = [make(client, "usage:read") for _ in range(KEYS_MAX - 1)]
    found = client.ask("POST", "/v1/keys", json={"scopes": ["usage:read"]})
    assert problem(found) == (409, "too-many-keys")
    assert client.ask("DELETE", f"/v1/keys/{made[0]['key_id']}").status_code == 204
    make(client, "usage:read")
    shown = client.json("/v1/keys")
    assert len(shown["keys"]) == shown["most"] == KEYS_MAX


def test_of_two_claims_of_one_key_neither_opens_anything(place: PortalPlace) -> None:
    """Unless one of them is the books'."""
    key = place.key("alice", "usage:read")
    place.pull()
    assert place.client(key).get("/v1/me").status_code == 200
    place.world.settle(
        "key", user="bob", key_id=key.key_id, sha256=key.sha256, scopes=["usage:read"]
    )
    place.pull()
    assert problem(place.client(key).get("/v1/me")) == (401, "unauthorized")
