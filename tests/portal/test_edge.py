"""The edge: limits, tags, what is not served, and what a stranger can learn."""

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests

from docs.generate import DOCS
from portal.api.checks import WRITES_A_DAY
from portal.api.gate import FAULTS_MAX
from portal.api.routes import ROUTES
from tests.portal.place import PortalPlace, problem


def test_a_poll_is_answered_with_304_until_something_moves(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    client = place.client(key)
    first = client.get("/v1/balance")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Vary"] == "Authorization, Cookie"
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/v1/balance", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["As-Of"] == first.json()["as_of"]
    place.world.use(7)
    place.pull()
    assert client.get("/v1/balance", headers=known).status_code == 200


def test_the_end_of_a_grant_by_the_clock_alone_is_no_304(place: PortalPlace) -> None:
    key = place.key()
    place.world.grant("welcome", "5.00", days=1)
    place.world.later(hours=1)
    place.pull()
    client = place.client(key)
    first = client.get("/v1/balance")
    place.world.later(days=2)
    second = client.get("/v1/balance", headers={"If-None-Match": first.headers["ETag"]})
    assert second.json()["balance_usd"] != first.json()["balance_usd"]


def test_a_tag_of_one_account_is_none_of_another(place: PortalPlace) -> None:
    """Though both have the same to see."""
    alice, bob = place.key("ann", "balance:read"), place.key("ben", "balance:read")
    for user in ("ann", "ben"):
        place.world.pay_in("3.00", user=user)
    place.pull()
    first = place.client(alice).get("/v1/balance")
    known = {"If-None-Match": first.headers["ETag"]}
    second = place.client(bob).get("/v1/balance", headers=known)
    assert second.status_code == 200
    assert second.json() == first.json()


def test_a_key_has_as_many_requests_a_minute_as_it_says(place: PortalPlace) -> None:
    """The others of its account have theirs."""
    few, other = place.key("alice", "balance:read", rpm=3), place.key()
    place.pull()
    client = place.client(few)
    left = [client.get("/v1/me").headers["RateLimit"] for _ in range(3)]
    assert [each.split(";")[1] for each in left] == ["r=2", "r=1", "r=0"]
    refused = client.get("/v1/me")
    assert problem(refused) == (429, "too-many-requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert refused.headers["RateLimit-Policy"] == '"rpm";q=3;w=60'
    assert place.client(other).get("/v1/me").status_code == 200


def test_guessing_is_slowed_and_the_owner_is_not(place: PortalPlace) -> None:
    """The network of a guesser waits; a right key from the same one is answered."""
    key = place.key()
    place.pull()
    stranger = place.client("oc_live_" + "1" * 32)
    found = [stranger.get("/v1/me").status_code for _ in range(35)]
    assert set(found[:30]) == {401}
    assert found[-1] == 429
    assert place.client(key).get("/v1/me").status_code == 200


def test_a_guesser_who_forges_the_proxy_s_header_gains_nothing(tmp_path: Path) -> None:
    """The last address counts, however many lines the header has; two keys are none."""
    place = PortalPlace(
        tmp_path, guesses_per_minute=3, listen={"address": "127.0.0.1:0", "proxy": "127.0.0.1"}
    )
    key = place.key()
    place.pull()
    with place.serving():
        host, _, port = place.url.removeprefix("http://").rpartition(":")

        def asked(*lines: tuple[str, str]) -> int:
            connection = HTTPConnection(host, int(port), timeout=30)
            connection.putrequest("GET", "/v1/me")
            for name, value in lines:
                connection.putheader(name, value)
            connection.endheaders()
            with closing(connection):
                return connection.getresponse().status

        proxied = ("X-Forwarded-For", "203.0.113.7")
        found = [asked(("X-Forwarded-For", f"198.51.{n}.1"), proxied) for n in range(5)]
        assert found == [401] * 3 + [429] * 2
        right = ("Authorization", f"Bearer {key.secret}")
        assert asked(right) == 200
        assert asked(right, ("Authorization", "Bearer nonsense"), ("X-Forwarded-For", "::1")) == 401


def test_nonsense_is_not_answered_with_more_of_it(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    body = {f"unknown-{number}": 1 for number in range(2000)}
    found = place.client(key).ask("POST", "/v1/keys", json=body)
    assert problem(found) == (422, "invalid")
    assert len(found.json()["faults"]) == FAULTS_MAX


def test_an_account_that_settles_all_the_time_has_to_wait(place: PortalPlace) -> None:
    """Every line stays in git for ever; reading goes on, and staff are not held back."""
    key = place.key("alice", "settings:write", "balance:read", rpm=1_000_000)
    other = place.key("alice", "settings:write")
    place.pull()
    client = place.client(key)
    found = [
        client.ask("PATCH", "/v1/settings", json={"cap_usd": f"{number + 1}.00"}).status_code
        for number in range(WRITES_A_DAY + 1)
    ]
    assert found == [200] * WRITES_A_DAY + [429]
    refused = place.client(other).ask("PATCH", "/v1/settings", json={"cap_usd": "1.00"})
    assert problem(refused) == (429, "too-many-requests")
    assert client.get("/v1/settings").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/v1/", 404, "not-found"),
        ("GET", "/v1/nothing", 404, "not-found"),
        ("DELETE", "/v1/balance", 405, "method-not-allowed"),
        ("GET", "/v1/accounts/alice/allowed", 422, "invalid"),
        ("GET", "/v1/accounts/alice/allowed?resource=a%20b", 422, "invalid"),
        ("GET", "/v1/balance?user=bob", 422, "invalid"),
    ],
)
def test_what_is_not_served_is_a_problem(
    place: PortalPlace, method: str, path: str, status: int, kind: str
) -> None:
    key = place.key()
    place.pull()
    assert problem(place.client(key).ask(method, path)) == (status, kind)


def test_a_body_that_is_not_json_is_refused(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    client = place.client(key)
    text = {"Content-Type": "text/plain"}
    is_json = {"Content-Type": "application/json"}
    found = client.ask("POST", "/v1/keys", data='{"scopes":["usage:read"]}', headers=text)
    assert problem(found) == (415, "unsupported-media-type")
    found = client.ask("POST", "/v1/keys", data='{"scopes":', headers=is_json)
    assert problem(found) == (422, "invalid")
    found = client.ask("POST", "/v1/keys", data=b"[" * 70_000, headers=is_json)
    assert found.status_code == 413


def test_a_body_is_taken_as_it_is(place: PortalPlace) -> None:
    """Nothing of another type is made into a number, and what is no text is no JSON."""
    key = place.key()
    place.pull()
    client = place.client(key)
    is_json = {"Content-Type": "application/json; charset=utf-8"}
    for rpm in ("true", '"7"', "7.5", "1e400", "9" * 400):
        sent = f'{{"scopes":["usage:read"],"rpm":{rpm}}}'
        assert problem(client.ask("POST", "/v1/keys", data=sent, headers=is_json)) == (
            422,
            "invalid",
        )
    for body in (b"\xff\xfe", b'{"scopes":["\xff"]}', b'{"scopes":["\\ud800"]}', b"[" * 60_000):
        found = client.ask("POST", "/v1/keys", data=body, headers=is_json)
        assert problem(found) == (422, "invalid")
    assert len(client.json("/v1/keys")["keys"]) == 1


def test_a_parameter_is_stated_once(place: PortalPlace) -> None:
    """Of two values one would be taken, and nobody would know which."""
    key = place.key()
    place.pull()
    found = place.client(key).get("/v1/accounts/alice/allowed?resource=a&resource=b")
    assert problem(found) == (422, "invalid")
    assert found.json()["faults"] == ["resource: is stated more than once"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/keys", "GET, HEAD, POST"),
        ("OPTIONS", "/v1/balance", "GET, HEAD"),
        ("GET", "/v1/keys/0000000000000000", "DELETE"),
        ("POST", "/v1/openapi.json", "GET, HEAD"),
    ],
)
def test_what_may_be_done_is_said_where_something_else_was_asked(
    place: PortalPlace, method: str, path: str, allowed: str
) -> None:
    """All methods of a path, whichever row of the table they are in."""
    found = place.client().ask(method, path)
    assert problem(found) == (405, "method-not-allowed")
    assert found.headers["Allow"] == allowed


def test_the_head_of_an_answer_can_be_asked_for_alone(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    client = place.client(key)
    head = client.ask("HEAD", "/v1/balance")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == client.get("/v1/balance").headers["ETag"]


def test_nobody_is_sent_elsewhere(place: PortalPlace) -> None:
    """A redirect would lead to the address that the request names, without TLS, with the key."""
    key = place.key()
    place.pull()
    for path in ("/v1/balance/", "/v1//balance", "/v1/balance;"):
        assert problem(place.client(key).get(path)) == (404, "not-found")
    page = place.client(key).get("//v1/balance")
    assert (page.status_code, page.headers.get("Location")) == (404, None)


def test_an_account_may_have_any_character_of_a_path_in_its_name(place: PortalPlace) -> None:
    """Sent with per cent signs; what is no text is no account."""
    key = place.key("org/a?b%2Fc", "allowed:*")
    place.world.pay_in("1.00", user="org/a?b%2Fc")
    place.pull()
    client = place.client(key)
    said = client.json("/v1/accounts/org%2Fa%3Fb%252Fc/allowed?resource=llm/tokens")
    assert said["user"] == "org/a?b%2Fc"
    for name in ("org/a%3Fb%252Fc", "%FF", "%00", "%2E%2E"):
        found = client.get(f"/v1/accounts/{name}/allowed?resource=llm/tokens")
        assert problem(found) == (404, "not-found")


def test_a_name_of_a_host_that_is_none_changes_nothing(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    for host in ("[", "a b", "", "example\x7f:port"):
        found = place.client(key).get("/v1/balance", headers={"Host": host})
        assert found.status_code in {200, 400}, host


@pytest.mark.parametrize("form", ["W/{}", '"0", {}', "*", '{} ,"1"'])
def test_a_tag_is_known_in_each_form_that_clients_send(place: PortalPlace, form: str) -> None:
    """A proxy that compresses answers marks their tags as weak."""
    key = place.key()
    place.pull()
    client = place.client(key)
    tag = client.get("/v1/balance").headers["ETag"]
    known = {"If-None-Match": form.format(tag)}
    assert client.get("/v1/balance", headers=known).status_code == 304


def test_everybody_may_read_the_description(place: PortalPlace) -> None:
    """It is the document that is printed, and kept for an hour."""
    client = place.client()
    first = client.get("/v1/openapi.json")
    assert first.json() == json.loads((DOCS / "openapi.json").read_text())
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/v1/openapi.json", headers=known).status_code == 304


def test_an_old_ledger_is_read_and_nothing_is_written(place: PortalPlace) -> None:
    """The daemon is down: answers say how old they are, and nobody settles anything by them."""
    key = place.key()
    place.pull()
    client = place.client(key)
    place.world.later(minutes=14)
    assert client.ask("POST", "/v1/keys", json={"scopes": ["usage:read"]}).status_code == 201
    place.world.later(minutes=2)
    assert client.get("/v1/balance").status_code == 200
    refused = client.ask("POST", "/v1/keys", json={"scopes": ["usage:read"]})
    assert problem(refused) == (503, "ledger-too-old")
    assert refused.headers["Retry-After"] == "60"


def test_without_a_ledger_there_is_no_answer_yet(place: PortalPlace) -> None:
    """And afterwards there is, and again when a rebuild has replaced the file."""
    key = place.key()
    assert problem(place.client(key).get("/v1/me")) == (503, "not-now")
    for _ in range(2):
        place.pull()
        assert place.client(key).get("/v1/me").status_code == 200
        place.world.forget()


def test_every_route_refuses_who_shows_no_key_in_force(place: PortalPlace) -> None:
    """Whatever is asked for, before anything of the request is looked at."""
    ended = place.key("alice", "balance:*", until="2026-11-02T00:00:00Z")
    place.pull()
    for route in ROUTES:
        path = route.path.replace("{user}", "alice").replace("{key_id}", "0" * 16)
        for shown in (None, "oc_live_" + "f" * 32, ended):
            found = place.client(shown).ask(route.method, path)
            assert problem(found)[0] in {401, 429}, route


def test_nothing_of_a_key_is_logged(place: PortalPlace, capfd: pytest.CaptureFixture[str]) -> None:
    key = place.key()
    place.pull()
    for path in ("/v1/me", "/v1/nothing", f"/v1/balance?key={key.secret}"):
        place.client(key).get(path)
    requests.get(place.url + "/v1/me", headers={"Authorization": key.secret}, timeout=30)
    said = capfd.readouterr()
    assert key.secret not in said.out + said.err
