"""Where a token may show: in the headers of requests to its own server, and nowhere else."""

import base64
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pygit2
import pytest

from gitmeter.git_remote.branch import fetch, read_branch
from gitmeter.git_remote.failures import RemoteError, RepoGoneError
from gitmeter.git_remote.gained import FetchLimits, fetch_gained
from gitmeter.git_remote.remote import Remote, environment
from gitmeter.git_remote.runner import run_git
from tests.support.certificates import Authority
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.local_http import LocalHttpServer
from tests.support.repos import RepoWriter

TIMEOUT_S = 30
REFSPEC = "+refs/heads/main:refs/remotes/origin/main"
TOKEN = "v3ry-s3cret"  # noqa: S105 - made up
SHAPES = (TOKEN, base64.b64encode(f"git:{TOKEN}".encode()).decode())
"""As it stands in its file, and as it is sent."""

Reach = Callable[[Remote, Path], object]


def probe(remote: Remote, repo: Path) -> object:
    del repo
    return read_branch(remote, "main", TIMEOUT_S)


def fetched(remote: Remote, repo: Path) -> object:
    fetch(remote, repo, REFSPEC, timeout_s=TIMEOUT_S)
    return None


def gained(remote: Remote, repo: Path) -> object:
    """As the aggregator fetches what is new; our commit is one that no server knows."""
    limits = FetchLimits(TIMEOUT_S, TIMEOUT_S)
    assert fetch_gained(remote, repo, "main", tip="1" * 40, known="2" * 40, limits=limits) is None
    return fetched(remote, repo)


def pushed(remote: Remote, repo: Path) -> object:
    RepoWriter(repo).commit({"a": b"2"}, branch="other")
    result = run_git(
        ["push", "--porcelain", "--", remote.url, "refs/heads/other:refs/heads/other"],
        cwd=repo,
        timeout_s=TIMEOUT_S,
        environment=environment(remote),
    )
    if result.returncode:
        raise RepoGoneError(result.stderr)
    return None


REACHES: tuple[Reach, ...] = (probe, fetched, gained, pushed)


@pytest.fixture
def receiver(tmp_path: Path) -> Path:
    pygit2.init_repository(str(tmp_path / "receiver.git"), bare=True)
    return tmp_path / "receiver.git"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return write_secret(tmp_path / "token", f"{TOKEN}\n")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    RepoWriter(tmp_path / "node.git").commit({"a": b"1"})
    tokens = {"node.git": {TOKEN: "write"}}
    with GitHttpServer(tmp_path, tokens=tokens) as running:  # type: ignore[arg-type] # literals
        yield running


@pytest.fixture
def other(tmp_path: Path) -> Iterator[GitHttpServer]:
    """Another server, which has the same repos and asks for nothing."""
    with GitHttpServer(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("reach", "where"),
    [(reach, "") for reach in REACHES]
    + [(reach, "POST") for reach in REACHES if reach is not probe],  # a probe is one GET
)
def test_a_redirect_takes_the_token_nowhere(
    server: GitHttpServer,
    other: GitHttpServer,
    receiver: Path,
    token_file: Path,
    reach: Reach,
    where: str,
) -> None:
    """Whether the first request is redirected, or the one that carries the pack."""
    remote = Remote(server.url("node.git"), token_file)
    server.elsewhere = other.url("").rstrip("/")
    server.misbehave("redirect", where=where)
    with pytest.raises(RepoGoneError):
        reach(remote, receiver)
    assert server.count() > 0
    assert other.requests == []


@pytest.mark.parametrize("reach", REACHES)
def test_a_redirect_from_https_to_http_is_not_followed(
    tmp_path: Path,
    other: GitHttpServer,
    receiver: Path,
    token_file: Path,
    reach: Reach,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    RepoWriter(tmp_path / "node.git").commit({"a": b"1"})
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with GitHttpServer(tmp_path, tls=authority.good()) as server:
        server.elsewhere = other.url("").rstrip("/")
        server.misbehave("redirect")
        with pytest.raises(RepoGoneError):
            reach(Remote(server.url("node.git"), token_file), receiver)
        assert server.count() == (2 if reach is gained else 1)
    assert other.requests == []


class _PlainFiles(SimpleHTTPRequestHandler):
    """A server of files, as git's old protocol is content with."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Not printed."""


def test_alternates_of_the_old_protocol_are_not_followed(
    tmp_path: Path, other: GitHttpServer, receiver: Path, token_file: Path
) -> None:
    """A server of plain files may name others for objects; git would send them the token."""
    tip = RepoWriter(tmp_path / "node.git").commit({"a": b"1"})
    hollow = RepoWriter(tmp_path / "hollow.git")
    (hollow.path / "info").mkdir(exist_ok=True)
    (hollow.path / "info" / "refs").write_text(f"{tip}\trefs/heads/main\n")
    (hollow.path / "objects" / "info").mkdir(exist_ok=True)
    alternates = hollow.path / "objects" / "info" / "http-alternates"
    alternates.write_text(other.url("node.git/objects") + "\n")
    handler = partial(_PlainFiles, directory=str(tmp_path))
    with LocalHttpServer(handler) as plain:
        url = f"http://127.0.0.1:{plain.server_port}/hollow.git"
        with pytest.raises(RemoteError):
            fetch(Remote(url, token_file), receiver, REFSPEC, timeout_s=TIMEOUT_S)
    assert any("/objects/" in path for path in _PlainFiles.asked), "git did look for objects"
    assert other.requests == []


def _fails(reach: Reach, remote: Remote, repo: Path) -> None:
    with pytest.raises(RemoteError):
        reach(remote, repo)


def children_of(pid: int) -> list[int]:
    """Processes that descend from a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            below = [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue
        for child in below:
            found += [child, *children_of(child)] if Path(f"/proc/{child}/task").exists() else []
    return found


@pytest.mark.parametrize("reach", [fetched, pushed])
def test_no_command_line_shows_the_token(
    server: GitHttpServer, receiver: Path, token_file: Path, reach: Reach
) -> None:
    """Looked at while git and all that it started wait for the server."""
    remote = Remote(server.url("node.git"), token_file)
    server.misbehave("hang")
    reaching = threading.Thread(target=_fails, args=(reach, remote, receiver))
    reaching.start()
    seen: dict[str, str] = {}
    pause = threading.Event()
    while server.count() == 0:
        pause.wait(0.01)
    for child in children_of(os.getpid()):
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            seen[line] = Path(f"/proc/{child}/environ").read_bytes().decode()
        except OSError:
            continue
    server.behave()
    reaching.join()
    assert any("remote-http" in line for line in seen)
    assert any(SHAPES[1] in variables for variables in seen.values()), "looked at the wrong ones"
    assert not [line for line in seen if any(shape in line for shape in SHAPES)]


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("fault", ["401", "403", "500", "garbage", "reset", "redirect"])
def test_no_error_shows_the_token(
    server: GitHttpServer, receiver: Path, token_file: Path, reach: Reach, fault: str
) -> None:
    server.misbehave(fault)
    with pytest.raises(RemoteError) as raised:
        reach(Remote(server.url("node.git"), token_file), receiver)
    assert not [shape for shape in SHAPES if shape in f"{raised.value!r} {raised.value.hint}"]


def test_the_token_is_bound_to_its_own_address(token_file: Path) -> None:
    """Git would not send it to another server, whatever leads it there."""
    variables = environment(Remote("https://forge.example/node.git", token_file))
    name = next(key for key, value in variables.items() if SHAPES[1] in value)
    key = variables[name.replace("VALUE", "KEY")]
    assert key == "http.https://forge.example/node.git.extraHeader"


def test_the_user_s_own_credentials_are_not_used(
    server: GitHttpServer, receiver: Path, tmp_path: Path
) -> None:
    """Neither a credential helper nor what a file of passwords holds."""
    writer = RepoWriter(tmp_path / "node.git")
    config = Path.home() / ".gitconfig"
    config.write_text(f'[credential]\n\thelper = "!echo password={TOKEN}; echo username=git"\n')
    try:
        for reach in (probe, fetched, gained):
            with pytest.raises(RemoteError):
                reach(Remote(server.url("node.git")), receiver)
    finally:
        config.unlink()
    assert writer.tip() is not None
    assert [proof for proof in server.authorizations if proof] == []
