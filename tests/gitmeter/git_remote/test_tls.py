"""Certificates are verified by the probe and by the git program, and nothing can switch it off."""

from collections.abc import Callable, Iterator
from pathlib import Path
from ssl import SSLContext

import pygit2
import pytest

from gitmeter.git_remote.branch import BranchStatus, fetch, read_branch
from gitmeter.git_remote.failures import AccessDeniedError, RemoteConfigError, UnreachableError
from gitmeter.git_remote.gained import FetchLimits, fetch_gained
from gitmeter.git_remote.remote import Remote, environment
from gitmeter.git_remote.runner import run_git
from tests.support.certificates import Authority
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter

TIMEOUT_S = 30
REFSPEC = "+refs/heads/main:refs/remotes/origin/main"
Reach = Callable[[Remote, Path], object]


def probe(remote: Remote, repo: Path) -> object:
    del repo
    return read_branch(remote, "main", TIMEOUT_S).status


def fetched(remote: Remote, repo: Path) -> object:
    fetch(remote, repo, REFSPEC, timeout_s=TIMEOUT_S)
    return BranchStatus.PRESENT


def gained(remote: Remote, repo: Path) -> object:
    """As the aggregator fetches what is new; our commit is one that no server knows."""
    limits = FetchLimits(TIMEOUT_S, TIMEOUT_S)
    assert fetch_gained(remote, repo, "main", tip="1" * 40, known="2" * 40, limits=limits) is None
    return fetched(remote, repo)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


@pytest.fixture
def receiver(tmp_path: Path) -> Path:
    pygit2.init_repository(str(tmp_path / "receiver.git"), bare=True)
    return tmp_path / "receiver.git"


def serving(folder: Path, tls: SSLContext) -> Iterator[tuple[GitHttpServer, Remote]]:
    RepoWriter(folder / "node.git").commit({"a": b"1"})
    write_secret(folder / "token", "s3cret")
    tokens = {"node.git": {"s3cret": "read"}}
    with GitHttpServer(folder, tls=tls, tokens=tokens) as server:  # type: ignore[arg-type] # literals
        yield server, Remote(server.url("node.git"), token_file=folder / "token")


@pytest.mark.parametrize("reach", [probe, fetched, gained])
@pytest.mark.usefixtures("trusted")
def test_a_server_of_a_trusted_authority_is_let_in(
    tmp_path: Path, authority: Authority, receiver: Path, reach: Reach
) -> None:
    for _, remote in serving(tmp_path, authority.good()):
        assert reach(remote, receiver) is BranchStatus.PRESENT


def untrusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> SSLContext:
    monkeypatch.delenv("SSL_CERT_FILE")
    return authority.good()


def of_a_stranger(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> SSLContext:
    del monkeypatch
    folder = authority.file.parent / "stranger"
    folder.mkdir(exist_ok=True)
    return Authority(folder).good()


def of_another_host(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> SSLContext:
    del monkeypatch
    return authority.of_another_host()


def expired(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> SSLContext:
    del monkeypatch
    return authority.expired()


@pytest.mark.parametrize("reach", [probe, fetched, gained])
@pytest.mark.parametrize("bad", [untrusted, of_a_stranger, of_another_host, expired])
@pytest.mark.usefixtures("trusted")
def test_any_other_certificate_is_refused_before_the_token_is_sent(
    tmp_path: Path,
    authority: Authority,
    receiver: Path,
    reach: Reach,
    bad: Callable[[Authority, pytest.MonkeyPatch], SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for server, remote in serving(tmp_path, bad(authority, monkeypatch)):
        with pytest.raises(AccessDeniedError, match=r"(?i)certificate") as raised:
            reach(remote, receiver)
        assert "TLS certificate" in raised.value.hint
        assert server.requests == []


@pytest.mark.parametrize("reach", [probe, fetched, gained])
def test_nothing_around_us_switches_the_check_off(
    tmp_path: Path,
    authority: Authority,
    receiver: Path,
    reach: Reach,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither the environment nor what stands in the configuration of the repo or the user."""
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    for where in (receiver / "config", Path.home() / ".gitconfig"):
        with where.open("a") as config:
            config.write("[http]\n\tsslVerify = false\n")
    try:
        for _, remote in serving(tmp_path, authority.good()):
            with pytest.raises(AccessDeniedError, match=r"(?i)certificate"):
                reach(remote, receiver)
    finally:
        (Path.home() / ".gitconfig").unlink()


@pytest.mark.usefixtures("trusted")
def test_an_authority_file_that_is_replaced_counts_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that runs for months sees a new authority without a restart."""
    mine = tmp_path / "mine"
    mine.mkdir()
    first, second = Authority(mine), Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(first.file))
    for _, remote in serving(tmp_path, second.good()):
        with pytest.raises(AccessDeniedError):
            probe(remote, mine)
        first.file.write_bytes(second.file.read_bytes())
        assert probe(remote, mine) is BranchStatus.PRESENT


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n"])
def test_an_authority_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(RemoteConfigError, match="SSL_CERT_FILE"):
        read_branch(Remote("https://127.0.0.1:9/node.git"), "main", TIMEOUT_S)


@pytest.mark.usefixtures("trusted")
def test_a_handshake_that_never_ends_is_given_up(
    tmp_path: Path, authority: Authority, receiver: Path
) -> None:
    for server, remote in serving(tmp_path, authority.good()):
        server.misbehave("mute")
        for reach in (probe, fetched, gained):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(f"{__name__}.TIMEOUT_S", 1)
                with pytest.raises(UnreachableError):
                    reach(remote, receiver)


@pytest.mark.usefixtures("trusted")
def test_a_push_looks_at_the_certificate_too(tmp_path: Path, authority: Authority) -> None:
    """With the variables that the pusher gives to git."""
    mine = RepoWriter(tmp_path / "mine.git")
    mine.commit({"a": b"2"}, branch="other")
    for certificate, is_taken in ((authority.expired(), False), (authority.good(), True)):
        with GitHttpServer(tmp_path, tls=certificate) as server:
            RepoWriter(tmp_path / "node.git")
            remote = Remote(server.url("node.git"))
            pushed = run_git(
                ["push", "--quiet", remote.url, "refs/heads/other:refs/heads/other"],
                cwd=mine.path,
                timeout_s=TIMEOUT_S,
                environment=environment(remote),
            )
        assert (pushed.returncode == 0) is is_taken, pushed.stderr
