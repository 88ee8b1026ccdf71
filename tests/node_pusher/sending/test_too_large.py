"""A push too large for the server is sent in parts that fit; if none fits, the cause is named."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pygit2
import pytest

import node_pusher.sending.divide
from gitmeter.git_remote.failures import TooLargeError
from gitmeter.support.errors import ExitCode
from node_pusher.home.home import Home
from node_pusher.joining.init import init
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import locked_repo
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from tests.node_pusher.conftest import START, commit_file, files_of, spool_count
from tests.support.git_http import GitHttpServer

SENDING = "POST /remote.git/git-receive-pack"


@pytest.fixture
def home(http_home: Home) -> Home:
    return http_home


@pytest.fixture
def limits(server: GitHttpServer, remote_dir: Path) -> dict[str, Callable[[int], None]]:
    """Who may find a push too large: a web server in front, or git itself."""

    def by_git(bytes_max: int) -> None:
        pygit2.Repository(str(remote_dir)).config["receive.maxInputSize"] = bytes_max

    def by_web_server(bytes_max: int) -> None:
        server.body_bytes_max = bytes_max or None

    return {"git": by_git, "web server": by_web_server}


def record(home: Home, count: int) -> None:
    """Record uses that do not compress: about 60 bytes each."""
    with Spool.open(home.path, clock=lambda: START) as spool:
        spool.record_many(
            {"user": os.urandom(40).hex(), "resource": "r", "units": 1, "ts": START}
            for _ in range(count)
        )


def commit_offline(home: Home, server: GitHttpServer, commits: int, records: int) -> str:
    """Commit records while the server is away; the tip."""
    server.misbehave("503")
    for _ in range(commits):
        record(home, records)
        with pytest.raises(Exception, match="wait"):
            push(home, START)
    server.behave()
    return LedgerRepo(home.repo).tip or ""


def seqs_of(remote_dir: Path) -> list[int]:
    """The numbers of all records on the remote, sorted."""
    return sorted(
        int(line.split(b'"seq":', 1)[1].split(b",", 1)[0])
        for path, data in files_of(remote_dir).items()
        if path.startswith("usage/")
        for line in data.splitlines()
    )


@pytest.mark.parametrize("who", ["git", "web server"])
def test_what_waited_for_long_is_sent_in_parts(
    home: Home,
    server: GitHttpServer,
    remote_dir: Path,
    limits: dict[str, Callable[[int], None]],
    who: str,
) -> None:
    tip = commit_offline(home, server, commits=7, records=200)
    limits[who](40_000)
    report = push(home, START)
    assert (report.head, report.pushed, report.retired) == (tip, 7, 1400)
    assert seqs_of(remote_dir) == list(range(1, 1401))
    assert 2 < server.count(SENDING) < 20


def test_a_month_offline_goes_through_a_web_server_that_takes_a_mebibyte(
    home: Home, server: GitHttpServer, remote_dir: Path
) -> None:
    """As nginx does unless told: 720 hourly commits of more than that."""
    with Spool.open(home.path, clock=lambda: START) as spool:
        spool.record_many(
            {
                "user": os.urandom(40).hex(),
                "resource": "r",
                "units": 1,
                "ts": START - timedelta(hours=hour),
            }
            for hour in reversed(range(720))
            for _ in range(40)
        )
    server.body_bytes_max = 1024 * 1024
    report = push(home, START, by_hour=True)
    assert (report.pushed, report.retired) == (720, 28_800)
    assert 2 < server.count(SENDING) < 20
    assert seqs_of(remote_dir) == list(range(1, 28_801))


@pytest.mark.parametrize("who", ["git", "web server"])
@pytest.mark.parametrize("by_hour", [False, True])
def test_a_commit_that_is_too_large_alone_is_made_again_in_smaller_ones(
    home: Home,
    remote_dir: Path,
    limits: dict[str, Callable[[int], None]],
    who: str,
    *,
    by_hour: bool,
) -> None:
    limits[who](20_000)
    record(home, 1000)
    report = push(home, START, by_hour=by_hour)
    assert report.retired == 1000
    assert report.pushed > 2
    assert seqs_of(remote_dir) == list(range(1, 1001))
    assert spool_count(home) == 0
    record(home, 1)
    assert push(home, START).pushed == 1


def test_what_the_server_never_takes_is_said_and_sent_once_it_does(
    home: Home, server: GitHttpServer, remote_dir: Path
) -> None:
    server.body_bytes_max = 300
    record(home, 3)
    with pytest.raises(TooLargeError, match=r"413.*nothing is lost: 3 commits wait") as raised:
        push(home, START)
    assert "client_max_body_size" in raised.value.hint
    assert raised.value.exit_code is ExitCode.FAILED
    assert spool_count(home) == 3
    server.body_bytes_max = None
    assert push(home, START).retired == 3
    assert seqs_of(remote_dir) == [1, 2, 3]


def test_a_file_that_is_no_segment_is_never_taken_apart(home: Home, server: GitHttpServer) -> None:
    server.body_bytes_max = 20_000
    commit_file(home, "rules/prices.toml", os.urandom(30_000), "Rules")
    record(home, 1000)
    with pytest.raises(TooLargeError, match="2 commits wait"):
        push(home, START)
    server.body_bytes_max = None
    assert push(home, START).pushed == 2


def test_dying_while_commits_are_made_smaller_loses_nothing(
    home: Home, server: GitHttpServer, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.body_bytes_max = 20_000
    record(home, 500)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(node_pusher.sending.divide, "commit_unsent", die)
        with pytest.raises(KeyboardInterrupt):
            push(home, START)
    assert push(home, START).retired == 500
    assert seqs_of(remote_dir) == list(range(1, 501))


def test_what_a_rejoin_sends_with_its_claim_goes_in_parts_too(
    home: Home, server: GitHttpServer, remote_dir: Path
) -> None:
    commit_offline(home, server, commits=4, records=200)
    server.body_bytes_max = 20_000
    assert init(home, START + timedelta(hours=1), rejoin=True).outcome == "rejoined"
    push(home, START + timedelta(hours=1))
    assert seqs_of(remote_dir) == list(range(1, 801))
    with locked_repo(home) as repo:
        assert repo.pushed == repo.tip
