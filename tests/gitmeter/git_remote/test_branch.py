"""Probing and fetching over files, http and ssh: the answer, or the right kind of error."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from gitmeter.git_remote.branch import BranchStatus, RemoteBranch, fetch, read_branch
from gitmeter.git_remote.failures import (
    AccessDeniedError,
    ContentRefusedError,
    GitTimeoutError,
    ObjectFormatError,
    RepoGoneError,
    UnreachableError,
)
from gitmeter.git_remote.remote import Remote
from gitmeter.git_remote.runner import run_git
from tests.support.files import write_secret
from tests.support.git_http import Fault, GitHttpServer
from tests.support.repos import RepoWriter, bare_repo
from tests.support.sshd import SshServer

TIMEOUT_S = 20
REFSPEC = "+refs/heads/main:refs/remotes/origin/main"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    tokens = {"node.git": {"wr1te": "write", "r3ad": "read"}}
    with GitHttpServer(tmp_path, tokens=tokens) as running:  # type: ignore[arg-type] # literals
        yield running


@pytest.fixture
def writer(tmp_path: Path) -> RepoWriter:
    return RepoWriter(tmp_path / "node.git")


@pytest.fixture
def receiver(tmp_path: Path) -> Path:
    pygit2.init_repository(str(tmp_path / "receiver.git"), bare=True)
    return tmp_path / "receiver.git"


def _http(server: GitHttpServer, folder: Path, token: str = "r3ad") -> Remote:  # noqa: S107 - made up
    file = write_secret(folder / "token", token)
    return Remote(server.url("node.git"), token_file=file)


def _target(repo: Path) -> str:
    return str(pygit2.Repository(str(repo)).references["refs/remotes/origin/main"].target)


@pytest.mark.parametrize("transport", ["file", "http"])
def test_a_branch_is_present_missing_or_the_repo_is_empty(
    tmp_path: Path, writer: RepoWriter, server: GitHttpServer, transport: str
) -> None:
    remote = Remote(writer.url) if transport == "file" else _http(server, tmp_path)
    assert read_branch(remote, "main", TIMEOUT_S) == RemoteBranch(BranchStatus.EMPTY, None)
    commit = writer.commit({"a": b"1"})
    assert read_branch(remote, "main", TIMEOUT_S) == RemoteBranch(BranchStatus.PRESENT, commit)
    assert read_branch(remote, "other", TIMEOUT_S) == RemoteBranch(BranchStatus.MISSING, None)


@pytest.mark.parametrize("transport", ["file", "http"])
def test_fetch_brings_the_branch_and_no_tags(
    tmp_path: Path, writer: RepoWriter, server: GitHttpServer, receiver: Path, transport: str
) -> None:
    remote = Remote(writer.url) if transport == "file" else _http(server, tmp_path)
    commit = writer.commit({"a": b"1"})
    writer.repo.references.create("refs/tags/v1", pygit2.Oid(hex=commit))
    fetch(remote, receiver, REFSPEC, timeout_s=TIMEOUT_S)
    assert _target(receiver) == commit
    assert not (receiver / "FETCH_HEAD").exists()
    assert list(pygit2.Repository(str(receiver)).references) == ["refs/remotes/origin/main"]


def test_ssh_reads_and_fetches_with_the_key_and_the_known_host(
    tmp_path: Path, writer: RepoWriter, receiver: Path
) -> None:
    with SshServer(tmp_path / "sshd") as server:
        remote = server.remote(writer.path)
        assert read_branch(remote, "main", TIMEOUT_S).status is BranchStatus.EMPTY
        commit = writer.commit({"a": b"1"})
        assert read_branch(remote, "main", TIMEOUT_S).commit == commit
        fetch(remote, receiver, REFSPEC, timeout_s=TIMEOUT_S)
        assert _target(receiver) == commit


def test_ssh_stops_at_a_wrong_host_a_strange_key_and_a_missing_repo(
    tmp_path: Path, writer: RepoWriter, receiver: Path
) -> None:
    with SshServer(tmp_path / "sshd") as server:
        url, key, known = server.url(writer.path), server.key_file, server.known_hosts_file
        for hosts in (server.wrong_known_hosts_file, server.empty_known_hosts_file):
            impostor = Remote(url, ssh_key_file=key, known_hosts_file=hosts)
            with pytest.raises(AccessDeniedError, match=r"(?i)host (key|identification)") as raised:
                read_branch(impostor, "main", TIMEOUT_S)
            assert "known_hosts" in raised.value.hint
            with pytest.raises(AccessDeniedError, match=r"(?i)host (key|identification)"):
                fetch(impostor, receiver, REFSPEC, timeout_s=TIMEOUT_S)
        stranger = Remote(url, ssh_key_file=server.stranger_key_file, known_hosts_file=known)
        with pytest.raises(AccessDeniedError, match="Permission denied"):
            read_branch(stranger, "main", TIMEOUT_S)
        gone = Remote(server.url(tmp_path / "gone.git"), ssh_key_file=key, known_hosts_file=known)
        with pytest.raises(RepoGoneError):
            read_branch(gone, "main", TIMEOUT_S)
    with pytest.raises(UnreachableError):
        read_branch(Remote(url, ssh_key_file=key, known_hosts_file=known), "main", TIMEOUT_S)


def test_a_wrong_token_is_refused_and_not_tried_for_ever(
    tmp_path: Path, writer: RepoWriter, server: GitHttpServer, receiver: Path
) -> None:
    writer.commit({"a": b"1"})
    remote = _http(server, tmp_path, token="wr0ng")  # noqa: S106 - made up
    with pytest.raises(AccessDeniedError, match="token was not accepted"):
        read_branch(remote, "main", TIMEOUT_S)
    assert server.count() < 5
    with pytest.raises(AccessDeniedError):
        fetch(remote, receiver, REFSPEC, timeout_s=TIMEOUT_S)
    with pytest.raises(AccessDeniedError):
        read_branch(Remote(server.url("node.git")), "main", TIMEOUT_S)


@pytest.mark.parametrize("name", ["gone.git", "folder"])
def test_a_missing_repo_is_gone(
    tmp_path: Path, server: GitHttpServer, receiver: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    for url in (server.url(name), (tmp_path / name).as_uri()):
        with pytest.raises(RepoGoneError):
            read_branch(Remote(url), "main", TIMEOUT_S)
        with pytest.raises(RepoGoneError):
            fetch(Remote(url), receiver, REFSPEC, timeout_s=TIMEOUT_S)


@pytest.mark.parametrize("fault", ["500", "503", "reset"])
def test_a_server_out_of_order_is_unreachable(
    tmp_path: Path, writer: RepoWriter, server: GitHttpServer, receiver: Path, fault: Fault
) -> None:
    writer.commit({"a": b"1"})
    remote = _http(server, tmp_path)
    server.misbehave(fault)
    with pytest.raises(UnreachableError):
        read_branch(remote, "main", TIMEOUT_S)
    with pytest.raises(UnreachableError):
        fetch(remote, receiver, REFSPEC, timeout_s=TIMEOUT_S)
    server.behave()
    assert read_branch(remote, "main", TIMEOUT_S).status is BranchStatus.PRESENT


def test_a_server_that_hangs_is_given_up(
    tmp_path: Path, writer: RepoWriter, server: GitHttpServer, receiver: Path
) -> None:
    remote = _http(server, tmp_path)
    server.misbehave("hang")
    with pytest.raises(UnreachableError):
        read_branch(remote, "main", 1)
    with pytest.raises(GitTimeoutError):
        fetch(remote, receiver, REFSPEC, timeout_s=1)


def test_fetch_follows_no_redirect(
    tmp_path: Path, writer: RepoWriter, server: GitHttpServer, receiver: Path
) -> None:
    writer.commit({"a": b"1"})
    server.misbehave("redirect")
    with pytest.raises(RepoGoneError) as raised:
        fetch(_http(server, tmp_path), receiver, REFSPEC, timeout_s=TIMEOUT_S)
    assert "moved" in raised.value.hint


@pytest.mark.parametrize(
    ("location", "moved_to"),
    [
        ("/ops/new.git{query}", "{server}ops/new.git"),
        ("https://new.example/ops/new.git{query}", "https://new.example/ops/new.git"),
        ("https://new.example/login", None),
        ("http://new.example/ops/new.git{query}", None),
        ("https://user:word@new.example/ops/new.git{query}", None),
        ("https://[new.example/ops/new.git{query}", None),
        ("https://new.example/" + "a" * 1000 + ".git{query}", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("status", ["301", "307"])
def test_the_address_to_which_a_repo_has_moved_is_named(
    tmp_path: Path, server: GitHttpServer, status: str, location: str, moved_to: str | None
) -> None:
    """Only as far as it may be the address of a repo."""
    stated = location.format(query="/info/refs?service=git-upload-pack")
    server.headers["Location"] = stated
    server.misbehave(status)
    with pytest.raises(RepoGoneError) as raised:
        read_branch(_http(server, tmp_path), "main", TIMEOUT_S)
    expected = None if moved_to is None else moved_to.format(server=server.url(""))
    assert raised.value.moved_to == expected
    assert (f"the server names {expected}" in str(raised.value)) == (expected is not None)
    assert "new address" in raised.value.hint
    assert server.count() == 1


def test_nobody_listening_is_unreachable(receiver: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/node.git"
    with pytest.raises(UnreachableError):
        read_branch(Remote(url), "main", TIMEOUT_S)
    with pytest.raises(UnreachableError):
        fetch(Remote(url), receiver, REFSPEC, timeout_s=TIMEOUT_S)


def test_the_users_rewriting_of_addresses_is_not_followed(
    tmp_path: Path, writer: RepoWriter
) -> None:
    writer.commit({"a": b"1"})
    rewrite = f'[url "file:///nowhere/"]\n\tinsteadOf = {tmp_path.as_uri()}/\n'
    (Path.home() / ".gitconfig").write_text(rewrite)
    try:
        assert read_branch(Remote(writer.url), "main", TIMEOUT_S).commit is not None
    finally:
        (Path.home() / ".gitconfig").unlink()


def test_objects_that_fail_the_check_are_refused(
    tmp_path: Path, writer: RepoWriter, receiver: Path
) -> None:
    tree = writer.repo.TreeBuilder().write()
    zero_padded = f"tree {tree}\nauthor a <a@b> 01 +0000\ncommitter a <a@b> 1 +0000\n\nx\n"
    bad = writer.repo.odb.write(pygit2.enums.ObjectType.COMMIT, zero_padded.encode())
    writer.force(str(bad))
    with pytest.raises(ContentRefusedError):
        fetch(Remote(writer.url), receiver, REFSPEC, timeout_s=TIMEOUT_S)


def test_a_pack_past_the_file_limit_is_refused(writer: RepoWriter, receiver: Path) -> None:
    writer.commit({"big": bytes(range(256)) * 4096 + os.urandom(400_000)})
    with pytest.raises(ContentRefusedError):
        fetch(Remote(writer.url), receiver, REFSPEC, timeout_s=TIMEOUT_S, file_bytes_max=100_000)


def test_a_blob_larger_than_memory_is_streamed(
    tmp_path: Path, writer: RepoWriter, server: GitHttpServer, receiver: Path
) -> None:
    commit = writer.commit({"zeros": bytes(300_000_000)})
    fetch(
        _http(server, tmp_path),
        receiver,
        REFSPEC,
        timeout_s=120,
        memory_bytes_max=200_000_000,
        file_bytes_max=10_000_000,
    )
    assert _target(receiver) == commit


def test_a_sha256_repo_is_refused(tmp_path: Path, server: GitHttpServer) -> None:
    run_git(["init", "--bare", "--object-format=sha256", "x.git"], cwd=tmp_path, timeout_s=30)
    tree = run_git(["mktree"], cwd=tmp_path / "x.git", timeout_s=30, stdin=b"").stdout.decode()
    person = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER")
              for what in ("NAME", "EMAIL")}  # fmt: skip
    commit = run_git(
        ["commit-tree", "-m", "x", tree.strip()],
        cwd=tmp_path / "x.git",
        timeout_s=30,
        environment=person,
    ).stdout.decode()
    run_git(["update-ref", "refs/heads/main", commit.strip()], cwd=tmp_path / "x.git", timeout_s=30)
    for url in ((tmp_path / "x.git").as_uri(), server.url("x.git")):
        for branch in ("main", "other"):
            with pytest.raises(ObjectFormatError) as raised:
                read_branch(Remote(url), branch, TIMEOUT_S)
            assert "sha1" in raised.value.hint


def test_bare_repos_of_the_support_module_allow_filters(tmp_path: Path) -> None:
    """What joining over http relies on elsewhere in the tests."""
    repo = pygit2.Repository(str(bare_repo(tmp_path / "x.git")))
    assert repo.config["uploadpack.allowFilter"] == "true"
