"""Signing in, what a session is, and when it ends."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from front.memory_file import MemoryFileError
from portal.desk.desk import MEMORY
from portal.pages.cookies import COOKIE
from portal.pages.forms import PROOF
from portal.records.sessions import OF_KEY_MAX
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace
from wire_format.instants import format_ts


def rows(place: PortalPlace) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(place.home / "portal.db")) as file:
        return file.execute("SELECT * FROM sessions").fetchall()


def is_in(visitor: Visitor) -> bool:
    found = visitor.get("/")
    if found.status_code == 303:
        assert found.headers["Location"] == "/sign-in"
    return found.status_code == 200


def test_a_key_opens_the_pages(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    assert "of 20.00 USD left" in visitor.page("/")


def test_nobody_sees_a_page_without_signing_in(place: PortalPlace) -> None:
    place.pull()
    assert not is_in(Visitor(place.url))


def test_the_key_is_in_no_address_and_the_id_in_no_file(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    assert visitor.get(f"/sign-in?key={key.secret}").status_code == 422
    kept = b"".join(path.read_bytes() for path in place.home.glob("portal.db*"))
    assert visitor.cookie.encode() not in kept
    assert sha256(visitor.cookie.encode()).hexdigest().encode() in kept
    assert key.secret.encode() not in kept


def test_the_cookie_is_for_this_site_and_no_script(place: PortalPlace) -> None:
    place.pull()
    given = Visitor(place.url).get("/sign-in").headers["Set-Cookie"]
    name, _, rest = given.partition("=")
    value, *stated = [each.strip().lower() for each in rest.split(";")]
    assert (name, len(value)) == (COOKIE, 43)
    assert sorted(stated) == ["httponly", "path=/", "samesite=lax", "secure"]


def test_each_sign_in_has_a_new_id(place: PortalPlace) -> None:
    """Whatever id somebody else has put into the browser."""
    key = place.key()
    place.pull()
    visitor = Visitor(place.url)
    visitor.get("/sign-in")
    before = visitor.cookie
    visitor.sign_in(key)
    assert visitor.cookie != before
    planted = Visitor(place.url)
    planted.cookie = before
    assert not is_in(planted)


def test_signing_in_once_more_ends_the_session_before(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    before = visitor.cookie
    assert visitor.send("/", "/sign-in", key=key.secret).status_code == 303
    left = Visitor(place.url)
    left.cookie = before
    assert (is_in(visitor), is_in(left), len(rows(place))) == (True, False, 1)


def test_signing_out_ends_the_session_on_the_server(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    copied = Visitor(place.url)
    copied.cookie = visitor.cookie
    assert is_in(copied)
    assert visitor.send("/", "/sign-out").headers["Location"] == "/sign-in"
    assert visitor.cookie == ""
    assert not is_in(copied)
    assert rows(place) == []


def test_it_ends_after_twelve_hours_and_with_the_key(place: PortalPlace) -> None:
    now = place.world.now
    key = place.key()
    short = place.key("alice", until=format_ts((now + timedelta(hours=2)).replace(minute=0)))
    place.pull()
    long_one, short_one = signed_in(place.url, key), signed_in(place.url, short)
    place.world.later(hours=3)
    assert (is_in(long_one), is_in(short_one)) == (True, False)
    place.world.later(hours=9)
    assert not is_in(long_one)


def test_a_clock_that_is_set_back_begins_no_session_again(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    place.world.now += timedelta(hours=12)
    assert not is_in(visitor)
    place.world.now -= timedelta(hours=1)
    assert not is_in(visitor)


@pytest.mark.parametrize("blank", ["\xa0", "\x85"])
def test_a_cookie_of_almost_the_name_is_none(place: PortalPlace, blank: str) -> None:
    """Browsers do not see the prefix in it, and let any site of the domain set it."""
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    name = f"{blank}{COOKIE}".encode("latin-1")
    headers = {"Cookie": name + f"={visitor.cookie}".encode()}
    found = requests.get(f"{place.url}/keys", headers=headers, allow_redirects=False, timeout=10)
    assert found.headers["Location"] == "/sign-in"


def test_it_ends_as_soon_as_the_key_is_revoked(place: PortalPlace) -> None:
    key, other = place.key(), place.key()
    place.pull()
    visitor, others = signed_in(place.url, key), signed_in(place.url, other)
    assert place.client(other).ask("DELETE", f"/v1/keys/{key.key_id}").status_code == 204
    assert (is_in(visitor), is_in(others)) == (False, True)


def test_a_suspended_account_may_still_read(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    place.world.settle("suspend", user="alice", reason="asked_for")
    place.pull()
    assert "This account is suspended" in visitor.page("/")


def test_a_role_that_changes_ends_it(place: PortalPlace) -> None:
    key = place.key("sam", "balance:read", "staff")
    place.world.settle("staff", user="sam", identity="staff:sam", role="support")
    place.world.pay_in("1.00", user="sam")
    place.pull()
    visitor = signed_in(place.url, key)
    assert is_in(visitor)
    place.world.later(minutes=1)
    place.world.settle("staff", user="sam", identity="staff:sam", role="admin")
    place.pull()
    assert not is_in(visitor)
    assert is_in(signed_in(place.url, key))


def test_an_account_has_some_sessions_and_the_oldest_goes(place: PortalPlace) -> None:
    key = place.key("alice", "balance:read", rpm=1000)
    place.pull()
    first, *others = (signed_in(place.url, key) for _ in range(OF_KEY_MAX + 1))
    assert len(rows(place)) == OF_KEY_MAX
    assert not is_in(first)
    assert all(is_in(each) for each in others)


def test_another_key_of_the_account_ends_nobody_s_session(place: PortalPlace) -> None:
    """However often somebody signs in with it."""
    key, least = place.key("alice", "balance:read"), place.key("alice", "allowed:x", rpm=1000)
    place.pull()
    owner = signed_in(place.url, key)
    for _ in range(OF_KEY_MAX + 1):
        signed_in(place.url, least)
    assert is_in(owner)


def test_signing_in_counts_as_a_request_of_the_key_and_signing_out_is_always_possible(
    place: PortalPlace,
) -> None:
    key = place.key("alice", "balance:read", rpm=3)
    place.pull()
    visitor = signed_in(place.url, key)
    token = visitor.token("/")
    found = [Visitor(place.url).sign_in(key).status_code for _ in range(4)]
    assert found == [303, 429, 429, 429]
    assert visitor.get("/").status_code == 429
    assert visitor.post("/sign-out", {PROOF: token}).headers["Location"] == "/sign-in"
    assert len(rows(place)) == 1


def test_sessions_outlive_a_restart(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    with place.serving():  # another process of the same home
        visitor.url = place.url
        assert is_in(visitor)


@pytest.mark.parametrize("shown", ["", "x", "a" * 43, "é" * 43, "../" * 10])
def test_what_is_no_session_opens_nothing(place: PortalPlace, shown: str) -> None:
    place.pull()
    visitor = Visitor(place.url)
    visitor.cookie = shown.encode().decode("latin-1")
    assert not is_in(visitor)


def test_guessing_is_slowed_and_the_owner_is_not(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    guesser = Visitor(place.url)
    token = guesser.token("/sign-in")
    wrong = {"form_token": token, "key": "oc_live_" + "0" * 32}
    most = place.config.guesses_per_minute
    found = [guesser.post("/sign-in", wrong).status_code for _ in range(most + 1)]
    assert found == [403] * most + [429]
    assert place.client("oc_live_" + "0" * 32).get("/v1/me").status_code == 429
    signed_in(place.url, key)


def test_pages_and_the_interface_have_one_limit(place: PortalPlace) -> None:
    key = place.key("alice", "balance:read", rpm=6)
    place.pull()
    visitor = signed_in(place.url, key)
    assert [visitor.get("/").status_code for _ in range(4)] == [200] * 4
    assert place.client(key).get("/v1/me").status_code == 200
    refused = visitor.get("/")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert place.client(key).get("/v1/me").status_code == 429


def test_a_file_of_an_earlier_version_gets_what_it_lacks(tmp_path: Path) -> None:
    """With what it remembers."""
    place = PortalPlace(tmp_path)
    with place.serving():
        assert place.desk is not None
        seal = place.desk.seal
    with closing(sqlite3.connect(place.home / "portal.db")) as file:
        file.executescript("DROP TABLE sessions; PRAGMA user_version = 1")
    key = place.key()
    place.world.pay_in("1.00")
    place.pull()
    with place.serving():
        assert place.desk is not None
        assert place.desk.seal == seal
        signed_in(place.url, key)


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    place = PortalPlace(tmp_path)
    with place.serving():
        pass
    with closing(sqlite3.connect(place.home / "portal.db")) as file:
        file.execute(f"PRAGMA user_version = {MEMORY.version + 1}")
    with pytest.raises(MemoryFileError, match="this program knows"), place.serving():
        pass
