"""Whatever a server does, a probe and a fetch end in time, with the right kind of error."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from gitmeter.git_remote import http_refs
from gitmeter.git_remote.branch import BranchStatus, fetch, read_branch
from gitmeter.git_remote.failures import (
    AccessDeniedError,
    GitTimeoutError,
    RemoteError,
    RepoGoneError,
    UnreachableError,
)
from gitmeter.git_remote.remote import Remote
from tests.support.git_http import GitHttpServer
from tests.support.http_faults import FAULTS
from tests.support.repos import RepoWriter

REFSPEC = "+refs/heads/main:refs/remotes/origin/main"
LONG_S = 60
SHORT_S = 1
"""For what never ends by itself. The test would take minutes if the limit did not hold."""

NEVER_ENDS = ("mute", "hang", "drip_head", "drip_body")
ENDS: dict[str, type[RemoteError]] = {
    "slam": UnreachableError,
    "reset": UnreachableError,
    "cut": UnreachableError,
    "garbage": UnreachableError,
    "garbage_git": UnreachableError,
    "redirect": RepoGoneError,
    "401": AccessDeniedError,
    "403": AccessDeniedError,
    "404": RepoGoneError,
    "410": RepoGoneError,
    "408": UnreachableError,
    "429": UnreachableError,
    "500": UnreachableError,
    "502": UnreachableError,
    "503": UnreachableError,
    "504": UnreachableError,
    "418": RemoteError,
}
PULL = "POST /node.git/git-upload-pack"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path) as running:
        yield running


@pytest.fixture
def remote(tmp_path: Path, server: GitHttpServer) -> Remote:
    RepoWriter(tmp_path / "node.git").commit({"a": b"1"})
    return Remote(server.url("node.git"))


@pytest.fixture
def receiver(tmp_path: Path) -> Path:
    pygit2.init_repository(str(tmp_path / "receiver.git"), bare=True)
    return tmp_path / "receiver.git"


def test_every_fault_is_in_the_table() -> None:
    """`lose_answer` is of use against pushes alone."""
    assert FAULTS - {"lose_answer"} == {*NEVER_ENDS, *(f for f in ENDS if not f.isdecimal())}


@pytest.mark.parametrize("fault", ENDS)
def test_a_probe_says_what_is_wrong_and_works_again_afterwards(
    server: GitHttpServer, remote: Remote, fault: str
) -> None:
    server.misbehave(fault)
    with pytest.raises(RemoteError) as raised:
        read_branch(remote, "main", LONG_S)
    assert type(raised.value) is ENDS[fault]
    assert remote.url in str(raised.value)
    assert "\x1b" not in str(raised.value)
    server.behave()
    assert read_branch(remote, "main", LONG_S).status is BranchStatus.PRESENT


@pytest.mark.parametrize("fault", ENDS)
@pytest.mark.parametrize("where", ["", PULL])
def test_a_fetch_says_what_is_wrong_and_works_again_afterwards(
    server: GitHttpServer, remote: Remote, receiver: Path, fault: str, where: str
) -> None:
    server.misbehave(fault, where=where)
    with pytest.raises(RemoteError) as raised:
        fetch(remote, receiver, REFSPEC, timeout_s=LONG_S)
    assert type(raised.value) is ENDS[fault]
    server.behave()
    fetch(remote, receiver, REFSPEC, timeout_s=LONG_S)


@pytest.mark.parametrize("fault", NEVER_ENDS)
def test_a_probe_of_a_server_that_never_ends_is_given_up(
    server: GitHttpServer, remote: Remote, fault: str
) -> None:
    """And leaves no thread behind that waits for it."""
    server.misbehave(fault)
    with pytest.raises(GitTimeoutError, match="no whole answer in 1 s"):
        read_branch(remote, "main", SHORT_S)
    server.behave()
    assert read_branch(remote, "main", LONG_S).status is BranchStatus.PRESENT
    assert [t for t in threading.enumerate() if isinstance(t, threading.Timer)] == []


@pytest.mark.parametrize(
    ("fault", "where"),
    [(fault, "") for fault in NEVER_ENDS]
    + [(fault, PULL) for fault in NEVER_ENDS if fault != "mute"],  # mute before it has a request
)
def test_a_fetch_from_a_server_that_never_ends_is_given_up(
    server: GitHttpServer, remote: Remote, receiver: Path, fault: str, where: str
) -> None:
    server.misbehave(fault, where=where)
    with pytest.raises(GitTimeoutError, match="longer than 1 s"):
        fetch(remote, receiver, REFSPEC, timeout_s=SHORT_S)
    server.behave()
    fetch(remote, receiver, REFSPEC, timeout_s=LONG_S)


@pytest.mark.parametrize(
    ("says", "means_s"), [("120", 120), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_how_long_to_stay_away_is_carried_along(
    server: GitHttpServer, remote: Remote, says: str, means_s: int | None
) -> None:
    server.headers["Retry-After"] = says
    server.misbehave("429")
    with pytest.raises(UnreachableError) as raised:
        read_branch(remote, "main", LONG_S)
    assert raised.value.retry_after_s == means_s


def test_a_server_with_endless_refs_is_not_read_to_the_end(
    tmp_path: Path, server: GitHttpServer, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wanted is found before them; what is not there is not looked for for ever."""
    monkeypatch.setattr(http_refs, "ANSWER_BYTES_MAX", 20_000)
    writer = RepoWriter(tmp_path / "node.git")
    tip = pygit2.Oid(hex=writer.tip() or "")
    packed = [f"{tip} refs/tags/v{number}\n" for number in range(1000)]
    (writer.path / "packed-refs").write_text("# pack-refs with: peeled \n" + "".join(packed))
    assert read_branch(remote, "main", LONG_S).commit == str(tip)
    with pytest.raises(UnreachableError, match="more than 20000 bytes"):
        read_branch(remote, "other", LONG_S)
