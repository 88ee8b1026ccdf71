"""Whatever a server does to a push: it ends, nothing is lost, and the next good answer ends it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import node_pusher.sending.branch
import node_pusher.sending.push
from gitmeter.git_remote.failures import (
    AccessDeniedError,
    RemoteError,
    RepoGoneError,
    UnreachableError,
)
from gitmeter.git_remote.remote import Remote
from gitmeter.support.terminal import escape_lines
from node_pusher.home.home import Home
from node_pusher.sending.push import push
from tests.node_pusher.conftest import START, MakeHome, files_of, record, spool_count
from tests.support.git_http import GitHttpServer
from tests.support.repos import set_hook
from tests.support.sshd import SshServer

SENDING = "POST /remote.git/git-receive-pack"
LATER = START + timedelta(hours=1)
NEVER_ENDS = ("hang", "drip_head", "drip_body")
ENDS: dict[str, type[Exception]] = {
    "reset": UnreachableError,
    "cut": UnreachableError,
    "garbage": UnreachableError,
    "redirect": RepoGoneError,
    "401": AccessDeniedError,
    "403": AccessDeniedError,
    "404": RepoGoneError,
    "410": RepoGoneError,
    "429": UnreachableError,
    "500": UnreachableError,
    "503": UnreachableError,
}


@pytest.fixture
def home(http_home: Home) -> Home:
    """A home whose remote is served over http, with records to push."""
    record(http_home, 3)
    return http_home


def _said(home: Home) -> RemoteError | None:
    """What a push ends with; None when it went well."""
    try:
        push(home, START)
    except RemoteError as error:
        return error
    return None


def _arrives(home: Home, remote_dir: Path) -> None:
    """Every record is on the remote, once."""
    push(home, LATER)
    assert spool_count(home) == 0
    assert b"".join(files_of(remote_dir).values()).count(b'"units"') == 3


@pytest.mark.parametrize("fault", ENDS)
def test_a_push_that_is_answered_wrong_keeps_the_records(
    home: Home, server: GitHttpServer, remote_dir: Path, fault: str
) -> None:
    """A push that was cut may have arrived: the branch that is read back decides."""
    server.misbehave(fault, where=SENDING)
    error = _said(home)
    if fault == "cut" and error is None:
        assert spool_count(home) == 0
    else:
        assert isinstance(error, ENDS[fault])
        assert "nothing is lost: 1 commit waits" in str(error)
        assert spool_count(home) == 3
    server.behave()
    _arrives(home, remote_dir)


@pytest.mark.parametrize("fault", [*NEVER_ENDS, "mute"])
def test_a_push_to_a_server_that_never_ends_is_given_up(
    home: Home,
    server: GitHttpServer,
    remote_dir: Path,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the push, and at the question before it."""
    monkeypatch.setattr(node_pusher.sending.branch, "PUSH_TIMEOUT_S", 1)
    if fault == "mute":
        monkeypatch.setattr(node_pusher.sending.push, "PROBE_TIMEOUT_S", 1)
    server.misbehave(fault, where="" if fault == "mute" else SENDING)
    error = _said(home)
    if fault.startswith("drip") and error is None:
        assert spool_count(home) == 0, "only the answer was slow: the commits had arrived"
    else:
        assert isinstance(error, UnreachableError)
        assert "nothing is lost: 1 commit waits" in str(error)
        assert spool_count(home) == 3
    monkeypatch.undo()
    server.behave()
    _arrives(home, remote_dir)


def test_a_wrong_or_unknown_host_key_stops_a_push(
    tmp_path: Path, remote_dir: Path, make_home: MakeHome
) -> None:
    with SshServer(tmp_path / "sshd") as server:
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_bytes(server.known_hosts_file.read_bytes())
        home = make_home(
            "ssh-home",
            Remote(
                server.url(remote_dir), ssh_key_file=server.key_file, known_hosts_file=known_hosts
            ),
        )
        record(home, 3)
        claimed = files_of(remote_dir)
        for impostor in (server.wrong_known_hosts_file, server.empty_known_hosts_file):
            known_hosts.write_bytes(impostor.read_bytes())
            with pytest.raises(AccessDeniedError, match=r"(?i)host (key|identification)"):
                push(home, START)
            assert (spool_count(home), files_of(remote_dir)) == (3, claimed)
        known_hosts.write_bytes(server.known_hosts_file.read_bytes())
        _arrives(home, remote_dir)


def test_what_a_hook_says_reaches_the_person_and_not_the_terminal(
    home: Home, remote_dir: Path
) -> None:
    """`node-pusher` prints errors through `escape_lines`."""
    set_hook(remote_dir, "pre-receive", r"printf '\033[2J\033]0;owned\007\rclosed\n' >&2; exit 1")
    with pytest.raises(UnreachableError, match="closed") as raised:
        push(home, START)
    shown = escape_lines(str(raised.value))
    assert "owned" in shown
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown) is None
