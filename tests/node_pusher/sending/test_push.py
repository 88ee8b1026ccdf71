"""Records reach the remote once each, wherever a tick dies and whatever the remote does."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gitmeter.git_remote.failures import (
    AccessDeniedError,
    PushRefusedError,
    RepoGoneError,
    UnreachableError,
)
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import ExitCode
from node_pusher.home.errors import BusyError, NonFastForwardError
from node_pusher.home.home import Home
from node_pusher.home.locks import push_lock
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import commit_unsent
from node_pusher.sending.push import PushReport, push
from node_pusher.spool.api import Spool
from node_pusher.spool.plan import Span
from tests.node_pusher.conftest import (
    NODE,
    START,
    MakeHome,
    commit_file,
    files_of,
    record,
    spool_count,
)
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter, accept_pushes, refuse_pushes
from tests.support.sshd import SshServer
from wire_format.commit_message import parse_message
from wire_format.lines import Folder
from wire_format.paths import folder_of
from wire_format.segment import decode_segment

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def server(tmp_path: Path, remote_dir: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path, tokens={remote_dir.name: {"wr1te": "write"}}) as running:
        yield running


@pytest.fixture
def http_home(tmp_path: Path, server: GitHttpServer, make_home: MakeHome) -> Home:
    """A home whose remote is served over http, with a token."""
    token = write_secret(tmp_path / "token", "wr1te\n")
    return make_home("http-home", Remote(server.url("remote.git"), token_file=token))


def _seqs(remote_dir: Path) -> list[int]:
    """The numbers of all records on the remote, sorted; every line must be valid."""
    found: list[int] = []
    for path, data in files_of(remote_dir).items():
        if folder_of(path) is Folder.USAGE:
            segment = decode_segment(data, Folder.USAGE)
            assert segment.rejects == ()
            found += [line.seq for line in segment.records]
    return sorted(found)


def _tip(remote_dir: Path) -> str | None:
    return RepoWriter(remote_dir).tip()


def test_a_tick_brings_everything_and_empties_the_spool(home: Home, remote_dir: Path) -> None:
    record(home, 5)
    report = push(home, START)
    assert report == PushReport(1, 1, 5, _tip(remote_dir))
    assert _seqs(remote_dir) == [1, 2, 3, 4, 5]
    assert spool_count(home) == 0


def test_a_tick_without_news_changes_nothing(home: Home, remote_dir: Path) -> None:
    claim = _tip(remote_dir)
    assert push(home, START) == PushReport(0, 0, 0, claim)
    assert _tip(remote_dir) == claim
    record(home)
    head = push(home, START).head
    assert push(home, START + HOUR) == PushReport(0, 0, 0, head)


def test_over_http_with_a_token(http_home: Home, remote_dir: Path) -> None:
    record(http_home, 3)
    assert push(http_home, START).retired == 3
    record(http_home, 2)
    assert push(http_home, START + HOUR).pushed == 1
    assert _seqs(remote_dir) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_over_ssh_with_a_key(
    tmp_path: Path, remote_dir: Path, make_home: MakeHome, kind: str
) -> None:
    with SshServer(tmp_path / "sshd") as server:
        key = server.rsa_key_file if kind == "rsa" else server.key_file
        home = make_home("ssh-home", server.remote(remote_dir, key))
        record(home, 3)
        assert push(home, START).retired == 3
    assert _seqs(remote_dir) == [1, 2, 3]


def test_git_log_reads_as_a_billing_history(home: Home, remote_dir: Path) -> None:
    record(home, 4)
    push(home, START)
    record(home, 1)
    push(home, START + DAY)
    shown = _git(remote_dir, "log", "--stat", "--format=%an <%ae> %ci%n%B")
    assert (
        shown
        == """\
embedder-01 <embedder-01@node-pusher.invalid> 2026-11-22 13:05:00 +0000
usage: embedder-01 seq 5..5 (1 record)

hero_os/seconds  1 in 1 record

Node: embedder-01
Seq: 5..5
Records: 1
First-Ts: 2026-11-21T13:05:00Z
Last-Ts: 2026-11-21T13:05:00Z


 usage/2026/11/22/0000000000000005.jsonl | 1 +
 1 file changed, 1 insertion(+)
embedder-01 <embedder-01@node-pusher.invalid> 2026-11-21 13:05:00 +0000
usage: embedder-01 seq 1..4 (4 records)

hero_os/seconds                  4 in 2 records
llm/openai/gpt-4o/output_tokens  6 in 2 records

Node: embedder-01
Seq: 1..4
Records: 4
First-Ts: 2026-11-21T13:04:57Z
Last-Ts: 2026-11-21T13:05:00Z


 usage/2026/11/21/0000000000000001.jsonl | 4 ++++
 1 file changed, 4 insertions(+)
embedder-01 <embedder-01@node-pusher.invalid> 2026-11-21 13:05:00 +0000
node: embedder-01 starts epoch 0 at seq 1

Node: embedder-01
Epoch: 0


 README.md         | 10 ++++++++++
 epochs/0000000000 |  1 +
 2 files changed, 11 insertions(+)
"""
    )
    trailers = "--format=%h %(trailers:key=Records,valueonly,separator=%x2C)"
    shown = _git(remote_dir, "log", trailers)
    assert [line.split()[1:] for line in shown.splitlines()] == [["1"], ["4"], []]


def test_a_month_offline_is_several_commits_and_one_push(
    http_home: Home, server: GitHttpServer, remote_dir: Path
) -> None:
    for day in range(30):
        record(http_home, 10, start=START + day * DAY)
    server.misbehave("reset")
    now = START + 30 * DAY
    with pytest.raises(UnreachableError, match="nothing is lost: 30 commits wait here") as raised:
        push(http_home, now, by_hour=True)
    assert raised.value.exit_code is ExitCode.TRY_LATER
    assert spool_count(http_home) == 300
    server.behave()
    before = server.count("POST /remote.git/git-receive-pack")
    report = push(http_home, now + HOUR)
    assert (report.committed, report.pushed, report.retired) == (0, 30, 300)
    assert server.count("POST /remote.git/git-receive-pack") == before + 1
    assert _seqs(remote_dir) == list(range(1, 301))


def test_a_refused_push_keeps_the_records(http_home: Home, remote_dir: Path) -> None:
    record(http_home, 3)
    before = _tip(remote_dir)
    refuse_pushes(remote_dir, "closed for inventory")
    with pytest.raises(PushRefusedError, match=r"closed for inventory.*1 commit waits") as raised:
        push(http_home, START)
    assert raised.value.exit_code is ExitCode.TRY_LATER
    assert (spool_count(http_home), _tip(remote_dir)) == (3, before)
    accept_pushes(remote_dir)
    record(http_home, 1)
    assert push(http_home, START + HOUR).retired == 4
    assert _seqs(remote_dir) == [1, 2, 3, 4]


def test_the_remote_is_believed_and_not_the_push(
    http_home: Home, server: GitHttpServer, remote_dir: Path
) -> None:
    """The push arrives and its answer is lost: the branch that is read back decides."""
    record(http_home, 3)
    server.misbehave("lose_answer", where="POST /remote.git/git-receive-pack")
    assert push(http_home, START) == PushReport(1, 1, 3, _tip(remote_dir))
    assert spool_count(http_home) == 0


def test_unable_to_read_back_nothing_is_retired_and_nothing_sent_twice(
    http_home: Home, server: GitHttpServer, remote_dir: Path
) -> None:
    record(http_home, 3)
    server.misbehave("reset", where="service=git-upload-pack", times=None)
    with pytest.raises(UnreachableError):
        push(http_home, START)
    assert spool_count(http_home) == 3
    server.behave()
    assert push(http_home, START + HOUR).retired == 3
    assert _seqs(remote_dir) == [1, 2, 3]


def test_a_token_that_may_not_push_is_an_error_of_its_own(
    http_home: Home, server: GitHttpServer
) -> None:
    record(http_home)
    server.tokens = {"remote.git": {"wr1te": "read"}}
    with pytest.raises(AccessDeniedError, match="nothing is lost") as raised:
        push(http_home, START)
    assert raised.value.exit_code is ExitCode.FAILED
    assert spool_count(http_home) == 1


def test_a_repo_that_is_gone_keeps_the_records(home: Home, remote_dir: Path) -> None:
    record(home)
    remote_dir.rename(remote_dir.with_name("away.git"))
    with pytest.raises(RepoGoneError, match="nothing is lost: 1 commit waits"):
        push(home, START)
    remote_dir.with_name("away.git").rename(remote_dir)
    assert push(home, START).retired == 1


@pytest.mark.parametrize("transport", ["file", "http"])
def test_a_foreign_commit_on_the_remote_stops_the_push(
    request: pytest.FixtureRequest, remote_dir: Path, transport: str
) -> None:
    mine: Home = request.getfixturevalue("home" if transport == "file" else "http_home")
    record(mine)
    push(mine, START)
    foreign = RepoWriter(remote_dir).commit({"notes.txt": b"hello"})
    record(mine)
    with pytest.raises(NonFastForwardError, match=foreign[:12]) as raised:
        push(mine, START)
    assert raised.value.exit_code is ExitCode.FAILED
    assert "--rejoin" in raised.value.hint
    assert _tip(remote_dir) == foreign
    assert spool_count(mine) == 1


def test_a_remote_that_was_rewritten_is_not_pushed_over(home: Home, remote_dir: Path) -> None:
    record(home)
    push(home, START)
    RepoWriter(remote_dir).orphan({"a": b"1"})
    with pytest.raises(NonFastForwardError):
        push(home, START)


def test_a_remote_restored_from_a_backup_gets_the_missing_commits_again(
    home: Home, remote_dir: Path
) -> None:
    record(home)
    first = push(home, START).head
    record(home)
    push(home, START)
    assert first is not None
    RepoWriter(remote_dir).force(first)
    push(home, START)
    assert _seqs(remote_dir) == [1, 2]


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from node_pusher.sending import push as module
from node_pusher.home.settings_file import read_home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.spool.store import Store

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

place = sys.argv[2]
if place == "before the push":
    module.push_in_parts = die
elif place == "after the push":
    push = module.push_in_parts
    module.push_in_parts = lambda *args: (push(*args), die())
elif place == "after the read-back":
    Store.retire_spans = die
elif place == "after retiring":
    LedgerRepo.set_pushed = die
elif place == "between two commits":
    commit = LedgerRepo.commit
    def once(self, *args):
        LedgerRepo.commit = die
        return commit(self, *args)
    LedgerRepo.commit = once
module.push(read_home(Path(sys.argv[1])), datetime.fromisoformat(sys.argv[3]), by_hour=True)
"""


@pytest.mark.parametrize(
    "place",
    [
        "between two commits",
        "before the push",
        "after the push",
        "after the read-back",
        "after retiring",
    ],
)
def test_a_tick_that_dies_loses_nothing_and_repeats_nothing(
    home: Home, remote_dir: Path, place: str
) -> None:
    for day in range(30):
        record(home, 2, start=START + day * DAY)
    command = [sys.executable, "-c", KILLED, str(home.path), place, (START + 30 * DAY).isoformat()]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    record(home, 1, start=START + 30 * DAY)
    push(home, START + 31 * DAY)
    assert _seqs(remote_dir) == list(range(1, 62))
    assert spool_count(home) == 0


def test_of_two_commits_only_the_one_that_arrived_is_retired(
    http_home: Home, remote_dir: Path
) -> None:
    record(http_home, 2)
    command = [sys.executable, "-c", KILLED, str(http_home.path), "after the push"]
    subprocess.run([*command, START.isoformat()], check=False)
    assert (_seqs(remote_dir), spool_count(http_home)) == ([1, 2], 2)
    record(http_home, 3)
    refuse_pushes(remote_dir)
    with pytest.raises(PushRefusedError, match="1 commit waits"):
        push(http_home, START + HOUR)
    assert spool_count(http_home) == 3
    accept_pushes(remote_dir)
    assert push(http_home, START + HOUR).retired == 3
    assert _seqs(remote_dir) == [1, 2, 3, 4, 5]


def test_locks_that_a_dead_process_left_are_swept(home: Home, remote_dir: Path) -> None:
    record(home)
    (home.repo.path / "refs" / "heads" / "main.lock").touch()
    (home.repo.path / "HEAD.lock").touch()
    assert push(home, START).retired == 1


def test_a_second_pusher_on_the_same_home_ends_with_a_clear_message(home: Home) -> None:
    record(home)
    with push_lock(home.path), pytest.raises(BusyError, match="another process") as raised:
        push(home, START)
    assert raised.value.exit_code is ExitCode.TRY_LATER
    assert push(home, START).retired == 1


def test_records_appended_during_a_tick_wait_for_the_next(home: Home, remote_dir: Path) -> None:
    record(home, 2)
    with Spool.open(home.path) as spool:
        push(home, START)
        spool.record(user="a", resource="r", units=1, ts=START)
    assert spool_count(home) == 1
    push(home, START)
    assert _seqs(remote_dir) == [1, 2, 3]


def test_by_hour_each_clock_hour_is_a_commit_dated_at_its_end(home: Home, remote_dir: Path) -> None:
    for hour in (0, 1, 3):
        record(home, 2, start=START + hour * HOUR)
    now = START + 3 * HOUR + timedelta(minutes=10)
    assert push(home, now, by_hour=True).pushed == 3
    dates = _git(remote_dir, "log", "--reverse", "--format=%cI", "--", "usage").split()
    assert dates == [
        "2026-11-21T14:00:00+00:00",
        "2026-11-21T15:00:00+00:00",
        "2026-11-21T16:15:00+00:00",  # the hour is not over: now
    ]


def test_history_is_first_parent_and_whole(home: Home, remote_dir: Path) -> None:
    for hour in range(5):
        record(home, 3)
        push(home, START + hour * HOUR)
    assert _git(remote_dir, "fsck", "--strict", "--full") == ""
    summaries = [
        parse_message(message)
        for message in _git(remote_dir, "log", "-z", "--reverse", "--format=%B").split("\0")
    ]
    assert [(s.first_seq, s.last_seq) for s in summaries if s] == [
        (1, 3), (4, 6), (7, 9), (10, 12), (13, 15),
    ]  # fmt: skip


def test_plain_files_travel_with_the_next_push(home: Home, remote_dir: Path) -> None:
    commit_file(home, "rules/prices.toml", b"# none\n", "rules: empty\n")
    repo = LedgerRepo(home.repo)
    assert repo.read_file("rules/prices.toml") == b"# none\n"
    assert repo.read_file("rules/other.toml") is None
    record(home)
    assert push(home, START).pushed == 2
    assert files_of(remote_dir)["rules/prices.toml"] == b"# none\n"


def test_a_repo_with_many_loose_objects_is_packed(home: Home) -> None:
    repo = LedgerRepo(home.repo)
    repo._repo.config["gc.auto"] = 1
    for hour in range(30):
        record(home, 1)
        assert push(home, START + hour * HOUR).remark == ""
    assert list((home.repo.path / "objects" / "pack").glob("*.pack"))


def _git(repo: Path, *args: str) -> str:
    environment = {**os.environ, "TZ": "UTC"}
    return subprocess.run(
        ["git", "-C", str(repo), *args], capture_output=True, text=True, check=True,
        env=environment,
    ).stdout  # fmt: skip


def test_the_author_is_the_node(home: Home, remote_dir: Path) -> None:
    record(home)
    push(home, START)
    assert _git(remote_dir, "log", "--format=%an %cn").split() == [NODE] * 4


def test_no_segment_is_read_that_the_spool_has_whole(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the remote took is told by the ids of its blobs; `record` may go on meanwhile."""
    record(home, 3)
    with monkeypatch.context() as patch:
        patch.setattr(LedgerRepo, "segment", None)
        assert push(home, START).retired == 3
    assert spool_count(home) == 0


def test_a_line_that_is_not_the_one_that_was_pushed_stays_and_the_others_of_its_segment_go(
    home: Home,
) -> None:
    record(home, 3)
    with Spool.open(home.path) as spool:
        commit_unsent(spool.store, LedgerRepo(home.repo), START)
    with closing(sqlite3.connect(home.spool_file)) as file, file:
        changed = file.execute(
            "UPDATE records SET line = CAST(replace(line, 'user-1', 'user-9') AS BLOB)"
            " WHERE seq = 2"
        )
        assert changed.rowcount == 1
    assert push(home, START).retired == 2
    with Spool.open(home.path) as spool:
        assert b'"user-9"' in spool.store.lines(Span(2, 2))
    assert spool_count(home) == 1
