"""What a branch has gained comes whole and checked, by whatever way, or not at all."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from gitmeter.git_remote import http_pack
from gitmeter.git_remote.branch import fetch, read_branch
from gitmeter.git_remote.failures import (
    ContentRefusedError,
    GitTimeoutError,
    RemoteError,
    UnreachableError,
)
from gitmeter.git_remote.gained import FetchLimits, fetch_gained
from gitmeter.git_remote.remote import Remote
from gitmeter.git_remote.runner import run_git
from gitmeter.http_edge.client import HttpClient
from tests.gitmeter.git_remote.test_faulty_servers import ENDS, NEVER_ENDS
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter
from tests.support.sshd import SshServer

LONG_S = 60
SHORT_S = 1
LIMITS = FetchLimits(LONG_S, LONG_S, memory_bytes_max=1 << 30, file_bytes_max=1 << 30)
REF = "refs/heads/main"
TOKEN = "s3cret"  # noqa: S105 - made up


@pytest.fixture
def writer(tmp_path: Path) -> RepoWriter:
    made = RepoWriter(tmp_path / "node.git")
    made.commit({"a/1": b"1", "b/1": b"1"})
    return made


@pytest.fixture
def receiver(tmp_path: Path, writer: RepoWriter) -> Path:
    """It has the first commit, and a pack for it."""
    path = tmp_path / "receiver.git"
    pygit2.init_repository(str(path), bare=True)
    fetch(Remote(writer.url), path, f"+{REF}:{REF}", timeout_s=LONG_S)
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    tokens = {"node.git": {TOKEN: "read"}}
    with GitHttpServer(tmp_path, tokens=tokens) as running:  # type: ignore[arg-type] # literals
        yield running


@pytest.fixture
def remote(tmp_path: Path, server: GitHttpServer) -> Remote:
    return Remote(server.url("node.git"), write_secret(tmp_path / "token", TOKEN))


def head(path: Path) -> str:
    return str(pygit2.Repository(str(path)).references[REF].target)


def files(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


def is_whole(path: Path, tip: str) -> bool:
    """Whether a repo has everything that a commit reaches."""
    listed = run_git(["rev-list", "--objects", tip], cwd=path, timeout_s=LONG_S)
    return listed.returncode == 0


def gained(remote: Remote, receiver: Path, tip: str, limits: FetchLimits = LIMITS) -> str | None:
    return fetch_gained(remote, receiver, "main", tip=tip, known=head(receiver), limits=limits)


@pytest.mark.parametrize("way", ["file", "http", "ssh"])
def test_what_was_gained_comes_as_one_pack_and_moves_no_ref(
    tmp_path: Path, writer: RepoWriter, remote: Remote, receiver: Path, way: str
) -> None:
    """As a `.keep` would, a file besides it would stay for ever."""
    for number in range(2, 5):
        tip = writer.commit({f"a/{number}": b"2" * number})
    before, known = files(receiver), head(receiver)
    with SshServer(tmp_path / "sshd") as sshd:
        remotes = {"file": Remote(writer.url), "http": remote, "ssh": sshd.remote(writer.path)}
        assert gained(remotes[way], receiver, tip) == tip
    assert sorted(name[-4:] for name in files(receiver) - before) == [".idx", "pack"]
    assert is_whole(receiver, tip)
    assert head(receiver) == known


def test_over_http_one_request_brings_it(
    writer: RepoWriter, server: GitHttpServer, remote: Remote, receiver: Path
) -> None:
    tip = writer.commit({"a/2": b"2"})
    assert gained(remote, receiver, tip) == tip
    assert server.requests == ["POST /node.git/git-upload-pack"]


def test_the_probe_and_the_pack_share_a_connection(
    writer: RepoWriter, server: GitHttpServer, remote: Remote, receiver: Path
) -> None:
    """A handshake takes longer than either, at both ends."""
    tip = writer.commit({"a/2": b"2"})
    with HttpClient() as client:
        assert read_branch(remote, "main", LONG_S, client=client).commit == tip
        found = fetch_gained(
            *(remote, receiver, "main"),
            tip=tip,
            known=head(receiver),
            limits=LIMITS,
            client=client,
        )
    assert found == tip
    assert (server.count(), server.connections) == (2, 1)


def test_a_server_that_does_not_know_our_commit_is_left_to_git(
    tmp_path: Path, server: GitHttpServer, remote: Remote, receiver: Path
) -> None:
    """It would send everything: git finds out what both have."""
    other = RepoWriter(tmp_path / "other.git")
    tip = other.commit({"x": b"1"})
    before = files(receiver)
    assert gained(Remote(server.url("other.git")), receiver, tip) is None
    assert files(receiver) == before


def test_more_than_a_few_commits_are_left_to_git(
    writer: RepoWriter, remote: Remote, receiver: Path
) -> None:
    tip = writer.commit({"a/2": os.urandom(http_pack.PACK_BYTES_MAX)})
    before = files(receiver)
    assert gained(remote, receiver, tip) is None
    assert files(receiver) == before


@pytest.mark.parametrize("fault", [*ENDS, *NEVER_ENDS])
def test_whatever_else_a_server_answers_is_left_to_git(
    writer: RepoWriter, server: GitHttpServer, remote: Remote, receiver: Path, fault: str
) -> None:
    """In time: git asks again, and finds words for it."""
    tip = writer.commit({"a/2": b"2"})
    before = files(receiver)
    server.misbehave(fault)
    answer_s = SHORT_S if fault in NEVER_ENDS else LONG_S
    assert gained(remote, receiver, tip, LIMITS._replace(answer_timeout_s=answer_s)) is None
    assert files(receiver) == before
    server.behave()
    assert gained(remote, receiver, tip) == tip


def pack_of(writer: RepoWriter, names: Iterable[str]) -> bytes:
    """A pack of exactly these objects."""
    listed = "".join(f"{name}\n" for name in names).encode()
    command = ["pack-objects", "--stdout", "-q"]
    return run_git(command, cwd=writer.path, timeout_s=LONG_S, stdin=listed).stdout


def new_objects(writer: RepoWriter) -> dict[str, str]:
    """Push two commits; return the objects that they bring."""
    found: dict[str, str] = {}
    for folder in "ab":
        commit = writer.repo[writer.commit({f"{folder}/2": folder.encode()})].peel(pygit2.Commit)
        tree = commit.tree[folder].peel(pygit2.Tree)
        names = (commit.id, commit.tree_id, tree.id, tree["2"].id)
        kinds = ("commit", "tree", "folder", "file")
        found |= {f"{kind} {folder}": str(name) for kind, name in zip(kinds, names, strict=True)}
    return found


def refused(server: GitHttpServer, remote: Remote, receiver: Path, tip: str) -> None:
    """Check that the server's pack leaves nothing here, and that the right one is taken then."""
    before = files(receiver)
    with pytest.raises(ContentRefusedError):
        gained(remote, receiver, tip)
    assert {name for name in files(receiver) - before if "tmp_pack" not in name} == set()
    server.pack = None
    assert gained(remote, receiver, tip) == tip
    assert is_whole(receiver, tip)


@pytest.mark.parametrize("kind", ["commit a", "tree", "folder", "file"])
def test_a_pack_without_an_object_that_another_one_names_is_refused(
    writer: RepoWriter, server: GitHttpServer, remote: Remote, receiver: Path, kind: str
) -> None:
    """Be it of the newest commit or of the one before, or that commit itself."""
    objects = new_objects(writer)
    for missing in (name for name in objects if name.startswith(kind)):
        server.pack = pack_of(writer, (objects[name] for name in objects if name != missing))
        with pytest.raises(ContentRefusedError):
            gained(remote, receiver, objects["commit b"])
    refused(server, remote, receiver, objects["commit b"])


def damaged(writer: RepoWriter, objects: list[str]) -> bytes:
    pack = bytearray(pack_of(writer, objects))
    pack[len(pack) // 2] ^= 0xFF
    return bytes(pack)


def commit_against_the_form(writer: RepoWriter) -> str:
    """A commit whose time has a zero in front, which git's checks refuse."""
    tree = writer.repo.TreeBuilder().write()
    text = f"tree {tree}\nauthor a <a@b> 01 +0000\ncommitter a <a@b> 1 +0000\n\nx\n"
    return str(writer.repo.odb.write(ObjectType.COMMIT, text.encode()))


def against_the_form(writer: RepoWriter, objects: list[str]) -> bytes:
    tree = str(writer.repo.TreeBuilder().write())
    return pack_of(writer, [*objects, tree, commit_against_the_form(writer)])


def with_another_type(writer: RepoWriter, objects: list[str]) -> bytes:
    """With a folder in which a folder counts as a file."""
    folder = writer.repo[objects[0]].peel(pygit2.Tree).id
    bad = writer.repo.odb.write(ObjectType.TREE, b"100644 2\0" + bytes.fromhex(str(folder)))
    return pack_of(writer, [*objects, str(bad)])


def no_pack(writer: RepoWriter, objects: list[str]) -> bytes:
    del writer, objects
    return b"PACK of something else"


@pytest.mark.parametrize("make", [damaged, against_the_form, with_another_type, no_pack])
def test_a_pack_that_is_not_sound_is_refused(
    writer: RepoWriter,
    server: GitHttpServer,
    remote: Remote,
    receiver: Path,
    make: Callable[[RepoWriter, list[str]], bytes],
) -> None:
    objects = new_objects(writer)
    server.pack = make(writer, list(objects.values()))
    refused(server, remote, receiver, objects["commit b"])


def test_what_comes_from_a_disk_is_checked_as_well(writer: RepoWriter, receiver: Path) -> None:
    tip = commit_against_the_form(writer)
    writer.force(tip)
    with pytest.raises(ContentRefusedError):
        gained(Remote(writer.url), receiver, tip)


def test_a_pack_that_is_cut_short_is_a_fault_of_the_way(
    writer: RepoWriter, server: GitHttpServer, remote: Remote, receiver: Path
) -> None:
    """And so it is tried again, unlike content that is refused."""
    objects = new_objects(writer)
    server.pack = pack_of(writer, objects.values())[:-30]
    with pytest.raises(UnreachableError):
        gained(remote, receiver, objects["commit b"])


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (LIMITS._replace(file_bytes_max=100_000), ContentRefusedError),
        (LIMITS._replace(timeout_s=0), GitTimeoutError),
    ],
)
def test_git_works_within_limits(
    writer: RepoWriter,
    remote: Remote,
    receiver: Path,
    limits: FetchLimits,
    error: type[RemoteError],
) -> None:
    tip = writer.commit({"a/2": os.urandom(300_000)})
    for way in (Remote(writer.url), remote):
        with pytest.raises(error):
            gained(way, receiver, tip, limits)
