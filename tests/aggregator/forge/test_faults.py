"""Every way in which a forge can fail, and what the person is told: type, hint, retry."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Self

import orjson
import pytest

from aggregator.forge.answers import Access
from aggregator.forge.forgejo import Forgejo
from aggregator.forge.interface import (
    BadAnswerError,
    DeniedError,
    ForgeError,
    IncompleteListingError,
    NotThereError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import ExitCode
from tests.aggregator.forge.place import TIMEOUT_S, Place
from tests.support.http_faults import DRIP_S

SHORT_S = 1.0
LIST = "GET /api/v1/orgs/ops/repos"
CREATE = "POST /api/v1/orgs/ops/repos"


class Case(NamedTuple):
    """What a forge does wrong, and what comes of it."""

    fault: str
    error: type[ForgeError]
    says: str
    hint: str = ""


def name_of(case: Case) -> str:
    return case.fault


CASES = [
    Case("400", RefusedError, "400"),
    Case("401", DeniedError, "401", "token"),
    Case("403", DeniedError, "403", "write:organization and write:repository"),
    Case("404", NotThereError, "404", "does ops exist"),
    Case("408", UnavailableError, "408"),
    Case("409", RefusedError, "409"),
    Case("422", RefusedError, "422"),
    Case("429", RateLimitedError, "429"),
    Case("500", UnavailableError, "500", "log"),
    Case("502", UnavailableError, "502"),
    Case("503", UnavailableError, "503"),
    Case("redirect", BadAnswerError, "leads to", "redirects are refused"),
    Case("garbage", BadAnswerError, "not what a forge answers", "is this the address"),
    Case("garbage_json", BadAnswerError, "not what a forge answers"),
    Case("not_a_list", BadAnswerError, "not what a forge answers"),
    Case("huge", BadAnswerError, "more than 16777216 bytes"),
    Case("hang", UnavailableError, "no whole answer in 1 s"),
    Case("mute", UnavailableError, "no whole answer in 1 s"),
    Case("drip_head", UnavailableError, "no whole answer in 1 s"),
    Case("drip_body", UnavailableError, "no whole answer in 1 s"),
    Case("reset", UnavailableError, "", "is the forge up"),
    Case("slam", UnavailableError, "", "is the forge up"),
    Case("cut", UnavailableError, ""),
    Case("lose_answer", UnavailableError, ""),
]


LATE = frozenset({"hang", "mute", "drip_head", "drip_body"})
"""Only these are to meet the time limit, on a busy machine too."""


def limit_s(case: Case) -> float:
    return SHORT_S if case.fault in LATE else TIMEOUT_S


def check(case: Case, caught: ForgeError) -> None:
    assert case.says in str(caught)
    assert case.hint in caught.hint
    assert type(caught) is case.error
    retried = (UnavailableError, RateLimitedError, IncompleteListingError)
    assert caught.retry == isinstance(caught, retried)
    assert caught.exit_code == (ExitCode.TRY_LATER if caught.retry else ExitCode.FAILED)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_listing_that_fails_says_how(place: Place, case: Case) -> None:
    place.forge.create("billing-vm-01")
    place.forge.misbehave(case.fault)
    with pytest.raises(ForgeError) as caught:
        place.client(limit_s(case)).list_repos()
    check(case, caught.value)
    assert place.forge.admin_token not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_making_a_repo_that_fails_says_how(place: Place, case: Case) -> None:
    place.forge.misbehave(case.fault)
    with pytest.raises(ForgeError) as caught:
        place.client(limit_s(case)).create_repo("billing-vm-01", "main")
    check(case, caught.value)


LISTS = [
    Case("wrong_total", IncompleteListingError, "50 of 52 items"),
    Case("no_total", BadAnswerError, "no count of all items"),
    Case("link_loop", IncompleteListingError, "leads back"),
    Case("link_elsewhere", IncompleteListingError, "51 of 51"),
    Case("endless", IncompleteListingError, ""),
]


@pytest.mark.parametrize("case", LISTS, ids=name_of)
def test_pages_that_do_not_add_up_are_no_listing(place: Place, case: Case) -> None:
    for number in range(51):
        place.forge.create(f"r{number}")
    place.forge.misbehave(case.fault)
    with pytest.raises(ForgeError) as caught:
        place.client().list_repos()
    assert type(caught.value) is case.error
    assert case.hint in caught.value.hint


def test_the_token_never_goes_to_the_server_that_a_link_or_redirect_names(place: Place) -> None:
    for number in range(51):
        place.forge.create(f"r{number}")
    with Place(place.folder / "elsewhere") as other:
        place.forge.elsewhere = other.forge.base_url
        for fault in ("redirect", "link_elsewhere"):
            place.forge.misbehave(fault)
            with pytest.raises((BadAnswerError, IncompleteListingError)):
                place.client().list_repos()
        place.forge.misbehave("redirect")
        with pytest.raises(BadAnswerError):
            place.client().create_repo("new", "main")
        assert other.forge.requests == []


def _between_pages(place: Place, act: Callable[[], object], times: int) -> None:
    """Do something on the forge before each second page, `times` times."""
    left = [times]

    def before(request: str) -> None:
        if "page=2" in request and left[0]:
            left[0] -= 1
            act()

    place.forge.before = before


def test_a_repo_that_appears_between_two_pages_makes_the_list_be_read_again(place: Place) -> None:
    for number in range(60):
        place.forge.create(f"r{number}")
    _between_pages(place, lambda: place.forge.create("late"), 1)
    names = {repo.name for repo in place.client().list_repos().repos}
    assert names == {*(f"r{number}" for number in range(60)), "late"}


def test_a_list_that_never_stands_still_is_no_list(place: Place) -> None:
    for number in range(60):
        place.forge.create(f"r{number}")
    names = iter(f"late{number}" for number in range(9))
    _between_pages(place, lambda: place.forge.create(next(names)), 9)
    with pytest.raises(IncompleteListingError, match="changed meanwhile"):
        place.client().list_repos()
    assert place.forge.count(LIST) == 4


def test_a_repo_that_goes_between_two_pages_is_noticed(place: Place) -> None:
    for number in range(60):
        place.forge.create(f"r{number}")
    _between_pages(place, lambda: place.forge.delete("r0"), 1)
    assert len(place.client().list_repos().repos) == 59


def test_what_the_tokens_user_may_not_see_makes_a_list_incomplete(place: Place) -> None:
    place.forge.create("billing-vm-01")
    place.forge.create("billing-vm-02")
    place.use_token(place.forge.add_token("admin", sees=["billing-vm-01"]))
    with pytest.raises(IncompleteListingError) as caught:
        place.client().list_repos()
    assert "owner of the organisation" in caught.value.hint


def test_the_forge_says_itself_what_a_token_lacks(place: Place) -> None:
    place.use_token(place.forge.add_token("admin", scopes={"read:organization"}))
    assert place.client().list_repos().repos == ()
    with pytest.raises(DeniedError) as caught:
        place.client().create_repo("billing-vm-01", "main")
    assert "required scope(s)" in str(caught.value)
    assert "write:repository" in caught.value.hint


@pytest.mark.parametrize(
    ("message", "hint", "is_about_rights"),
    [
        ("", "must be an owner of ops", True),
        ("token does not have at least one of required scope(s): [write:organization]", "", True),
        ("Must be an organization owner", "", True),
        ("Given user is not allowed to create repository in organization ops.", "", True),
        (
            "This account is prohibited from signing in, please contact your site administrator.",
            *("look at the account of the token's user", False),
        ),
        ("You must change your password. Change it at: https://forge.example", "account", False),
        ("Repo is archived.", "", False),
    ],
)
def test_a_refusal_advises_scopes_only_where_it_is_about_rights(
    place: Place, message: str, hint: str, *, is_about_rights: bool
) -> None:
    """Else the forge's own message says why, and another token would not help."""
    place.forge.body = orjson.dumps({"message": message, "url": "https://forge.example/api"})
    place.forge.misbehave("403")
    with pytest.raises(DeniedError) as caught:
        place.client().list_repos()
    assert message in str(caught.value)
    assert hint in caught.value.hint
    assert ("write:repository" in caught.value.hint) is is_about_rights


def test_a_repo_that_cannot_be_made_without_a_word_may_be_one_too_many(place: Place) -> None:
    """Gitea answers 500 at its limit. Where it has words, or is asked for else, it is not that."""
    place.forge.body = b'{"message":"","url":"https://forge.example/api/swagger"}'
    place.forge.misbehave("500")
    with pytest.raises(UnavailableError) as caught:
        place.client().create_repo("billing-vm-01", "main")
    assert "MAX_CREATION_LIMIT" in caught.value.hint
    with pytest.raises(UnavailableError) as caught:
        place.client().list_repos()
    assert "MAX_CREATION_LIMIT" not in caught.value.hint
    place.forge.body = b'{"message":"database is locked"}'
    with pytest.raises(UnavailableError, match="database is locked") as caught:
        place.client().create_repo("billing-vm-01", "main")
    assert "MAX_CREATION_LIMIT" not in caught.value.hint


def test_another_organisation_is_not_there(place: Place) -> None:
    access = Access(Remote(f"{place.forge.base_url}/api/v1", place.token_file), "others")
    forge = Forgejo(access, place.forge.base_url, require_signed_commits=False)
    with pytest.raises(NotThereError) as caught:
        forge.list_repos()
    assert "does others exist" in caught.value.hint


def test_nobody_at_the_address_says_so(place: Place) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    access = Access(Remote(f"http://127.0.0.1:{port}/api/v1", place.token_file), "ops")
    with pytest.raises(UnavailableError, match="Connection refused"):
        Forgejo(access, "", require_signed_commits=False).list_repos()


WAITS = [
    ("429", {"Retry-After": "7"}, 7),
    ("503", {"Retry-After": "7"}, 7),
    ("429", {"Retry-After": "99999999999"}, 86_400),
    ("429", {"Retry-After": "soon"}, None),
    ("429", {"Retry-After": "-5"}, None),
    ("429", {"Retry-After": "Fri, 01 Jan 2999 00:00:00 GMT"}, 86_400),
    ("429", {"Retry-After": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0),
    ("429", {}, None),
]


@pytest.mark.parametrize(("fault", "headers", "asked_s"), WAITS)
def test_a_forge_that_asks_to_wait_is_understood(
    place: Place, fault: str, headers: dict[str, str], asked_s: int | None
) -> None:
    place.forge.headers |= headers
    place.forge.misbehave(fault)
    with pytest.raises(RateLimitedError) as caught:
        place.client().list_repos()
    assert caught.value.retry_after_s == asked_s
    assert place.forge.count(LIST) == 1


def test_a_command_waits_when_it_is_asked_to_and_goes_on(place: Place) -> None:
    waits: list[int] = []
    place.forge.headers["Retry-After"] = "3"
    place.forge.misbehave("429", times=2)
    place.client(wait=waits.append).create_repo("billing-vm-01", "main")
    assert waits == [3, 3]
    assert place.forge.count(CREATE) == 3


@pytest.mark.parametrize(("asked", "waits"), [("60", 5), ("61", 0)])
def test_a_command_waits_neither_long_nor_for_ever(place: Place, asked: str, waits: int) -> None:
    waited: list[int] = []
    place.forge.headers["Retry-After"] = asked
    place.forge.misbehave("429")
    with pytest.raises(RateLimitedError):
        place.client(wait=waited.append).list_repos()
    assert len(waited) == waits


class Dripper:
    """Says the start of an answer without a length, then bytes for ever: no read is ever late."""

    def __init__(self, head: bytes) -> None:
        self.asked = b""
        self._head = head
        self._server = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = self._server.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            try:
                self.asked = connection.recv(65536)
                connection.sendall(self._head)
                while not self._over.wait(DRIP_S):
                    connection.sendall(b" ")
            except OSError:
                return


@pytest.fixture
def dripper() -> Iterator[Dripper]:
    with Dripper(b"HTTP/1.1 200 OK\r\nX-Total-Count: 0\r\n\r\n[]") as running:
        yield running


def test_an_answer_cut_by_the_limit_is_never_taken_for_a_whole_one(
    place: Place, dripper: Dripper
) -> None:
    """Without a length, the end of the connection is the end of the answer."""
    access = Access(
        Remote(f"http://127.0.0.1:{dripper.port}/api/v1", place.token_file), "ops", None, SHORT_S
    )
    with pytest.raises(UnavailableError, match="no whole answer"):
        Forgejo(access, "", require_signed_commits=False).list_repos()


def test_a_server_that_never_finishes_tls_is_given_up(place: Place) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        remote = Remote(f"https://127.0.0.1:{mute.getsockname()[1]}/api/v1", place.token_file)
        access = Access(remote, "ops", None, SHORT_S)
        with pytest.raises(UnavailableError, match="no whole answer"):
            Forgejo(access, "", require_signed_commits=False).list_repos()


def test_proxies_are_taken_from_the_environment_and_bounded_alike(
    place: Place, dripper: Dripper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{dripper.port}")
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY")
    with pytest.raises(UnavailableError, match="no whole answer"):
        place.client(SHORT_S).list_repos()
    assert place.forge.requests == []
    assert dripper.asked.startswith(b"GET http://127.0.0.1")


def test_nothing_stays_open(place: Place) -> None:
    """Connections, threads and files are given back, whatever happened."""
    client = place.client(SHORT_S * 5)
    client.list_repos()
    threads, files = threading.active_count(), _open_files()
    for fault in ("500", "cut", "huge", "reset", "redirect", "drip_head"):
        place.forge.misbehave(fault)
        with pytest.raises(ForgeError):
            client.list_repos()
        place.forge.behave()
        client.list_repos()
    _settle(threads, files)
    assert _open_files() <= files


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _settle(threads: int, files: int) -> None:
    """Let the server's own threads end, and close their ends of the connections."""
    pause = threading.Event()
    for _ in range(200):
        if threading.active_count() <= threads and _open_files() <= files:
            return
        pause.wait(0.02)
