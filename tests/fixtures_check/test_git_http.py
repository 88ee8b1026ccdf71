"""The test server speaks what a forge speaks, to the git program and to libgit2."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from tests.support.git_http import Access, Fault, GitHttpServer
from tests.support.repos import RepoWriter, bare_repo, refuse_pushes

HEADER = "http.extraHeader=Authorization: token "
TOKENS: dict[str, dict[str, Access]] = {"node.git": {"n0de": "write", "aggr": "read"}}


def git(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={
            "PATH": "/usr/bin:/bin",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            "HOME": "/nowhere",
        },
    )


@pytest.fixture
def work(tmp_path: Path) -> RepoWriter:
    """A repo with something to push."""
    writer = RepoWriter(tmp_path / "work.git")
    writer.commit({"a": b"1"})
    return writer


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The folder the server serves, with `node.git` empty in it."""
    (tmp_path / "served").mkdir()
    bare_repo(tmp_path / "served" / "node.git")
    return tmp_path / "served"


def test_git_pushes_and_clones(served: Path, work: RepoWriter, tmp_path: Path) -> None:
    """A whole round, requests counted."""
    with GitHttpServer(served) as server:
        assert git("push", server.url("node.git"), "main", cwd=work.path).returncode == 0
        clone = tmp_path / "clone"
        assert git("clone", "-q", server.url("node.git"), str(clone)).returncode == 0
        assert (clone / "a").read_bytes() == b"1"
        assert server.count("POST /node.git/git-receive-pack") == 1


def test_a_large_push_in_chunks_and_gzipped_requests(
    served: Path, work: RepoWriter, tmp_path: Path
) -> None:
    """Over http.postBuffer git sends chunks, and a fetch with many haves sends gzip."""
    for number in range(60):
        work.commit({f"{number}": f"{number}".encode() * 100})
    with GitHttpServer(served) as server:
        url = server.url("node.git")
        small = ("-c", "http.postBuffer=65536", "-c", "core.compression=0")
        work.commit({"large": bytes(range(256)) * 4096})
        assert git(*small, "push", url, "main", cwd=work.path).returncode == 0
        clone = tmp_path / "clone.git"
        assert git("clone", "-q", "--bare", url, str(clone)).returncode == 0
        mine = RepoWriter(clone)
        for number in range(60):
            mine.commit({f"mine-{number}": b""})
        RepoWriter(served / "node.git").commit({"more": b"2"})
        fetched = git("-c", "protocol.version=0", "fetch", url, "main:other", cwd=clone)
        assert fetched.returncode == 0, fetched.stderr
        assert RepoWriter(clone).files("other")["more"] == b"2"


def test_pygit2_pushes_lists_and_fetches(served: Path, work: RepoWriter, tmp_path: Path) -> None:
    """With a token, through libgit2's own http client."""
    callbacks = pygit2.RemoteCallbacks(credentials=pygit2.UserPass("x", "n0de"))
    with GitHttpServer(served, tokens=TOKENS) as server:
        remote = work.repo.remotes.create_anonymous(server.url("node.git"))
        remote.push(["refs/heads/main"], callbacks=callbacks)
        mirror = pygit2.init_repository(str(tmp_path / "mirror.git"), bare=True)
        remote = mirror.remotes.create_anonymous(server.url("node.git"))
        heads = {head.name: str(head.oid) for head in remote.list_heads(callbacks=callbacks)}
        assert heads["refs/heads/main"] == work.tip()
        remote.fetch(["refs/heads/main:refs/heads/main"], callbacks=callbacks)
        assert str(mirror.references["refs/heads/main"].target) == work.tip()


@pytest.mark.parametrize(
    ("token", "reads", "writes"),
    [("n0de", True, True), ("aggr", True, False), ("wrong", False, False), ("", False, False)],
)
def test_tokens(served: Path, work: RepoWriter, token: str, *, reads: bool, writes: bool) -> None:
    """A private repo answers 401 without a token of its own and 403 to a push with `read`."""
    options = ("-c", HEADER + token) if token else ()
    with GitHttpServer(served, tokens=TOKENS) as server:
        url = server.url("node.git")
        assert (git(*options, "ls-remote", url).returncode == 0) is reads
        pushed = git(*options, "push", url, "main", cwd=work.path)
        assert (pushed.returncode == 0) is writes
        if reads and not writes:
            assert "403" in pushed.stderr
    assert (RepoWriter(served / "node.git").tip() is not None) is writes


def test_a_token_does_not_open_another_repo(served: Path, work: RepoWriter) -> None:
    bare_repo(served / "other.git")
    tokens: dict[str, dict[str, Access]] = {
        "node.git": {"n0de": "write"},
        "other.git": {"0ther": "write"},
    }
    with GitHttpServer(served, tokens=tokens) as server:
        url = server.url("other.git")
        assert git("-c", HEADER + "n0de", "push", url, "main", cwd=work.path).returncode != 0
        assert git("-c", HEADER + "0ther", "push", url, "main", cwd=work.path).returncode == 0


def test_hooks_run(served: Path, work: RepoWriter) -> None:
    """A pre-receive hook refuses a push, and its words reach the client."""
    refuse_pushes(served / "node.git", "closed for stock-taking")
    with GitHttpServer(served) as server:
        pushed = git("push", "--porcelain", server.url("node.git"), "main", cwd=work.path)
    assert pushed.returncode != 0
    assert "closed for stock-taking" in pushed.stderr
    assert RepoWriter(served / "node.git").tip() is None


def test_a_missing_repo_is_404(served: Path) -> None:
    with GitHttpServer(served) as server:
        assert "not found" in git("ls-remote", server.url("gone.git")).stderr


@pytest.mark.parametrize(
    ("fault", "says"),
    [("500", "500"), ("503", "503"), ("reset", "unable to access"), ("redirect", "302")],
)
def test_faults_once(served: Path, fault: Fault, says: str) -> None:
    """A fault is seen by the client as often as told, and then no more."""
    with GitHttpServer(served) as server:
        server.misbehave(fault, where="info/refs", times=1)
        failed = git("-c", "http.followRedirects=false", "ls-remote", server.url("node.git"))
        assert failed.returncode != 0
        assert says in failed.stderr
        assert git("ls-remote", server.url("node.git")).returncode == 0


def test_a_redirect_is_served_to_those_who_follow_it(served: Path) -> None:
    """So a test can tell a client that follows from one that does not."""
    with GitHttpServer(served) as server:
        server.misbehave("redirect")
        url = server.url("node.git")
        assert git("-c", "http.followRedirects=true", "ls-remote", url).returncode == 0
        assert server.count("GET /moved/node.git/") == 1


def test_a_hang_lasts_until_released(served: Path) -> None:
    """Nothing is answered until the server behaves again."""
    with GitHttpServer(served) as server:
        server.misbehave("hang")
        ended = threading.Event()

        def ask() -> None:
            git("ls-remote", server.url("node.git"))
            ended.set()

        client = threading.Thread(target=ask)
        client.start()
        _wait_until(lambda: server.count() == 1)
        assert not ended.is_set()
        server.behave()
        client.join(timeout=30)
        assert ended.is_set()


def test_a_lost_answer_has_still_done_the_work(served: Path, work: RepoWriter) -> None:
    """The push arrives, and the client believes that it failed."""
    with GitHttpServer(served) as server:
        server.misbehave("lose_answer", where="POST /node.git/git-receive-pack")
        assert git("push", server.url("node.git"), "main", cwd=work.path).returncode != 0
    assert RepoWriter(served / "node.git").tip() == work.tip()


def _wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not condition():
        pause.wait(0.01)
