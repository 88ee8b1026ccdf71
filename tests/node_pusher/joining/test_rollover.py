"""A node goes on in its next repo under the same numbers, wherever it is interrupted."""

import json
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pygit2
import pytest

import node_pusher.joining.rollover
import node_pusher.sending.moved_mark
import node_pusher.sending.push
from gitmeter.git_remote.failures import PushRefusedError, UnreachableError
from gitmeter.git_remote.remote import Remote
from gitmeter.signing.verdict import judge_commit
from gitmeter.support.errors import ExitCode
from node_pusher.home.errors import BusyError, HomeError
from node_pusher.home.home import Home, new_home
from node_pusher.home.locks import push_lock
from node_pusher.home.own_key import own_signers
from node_pusher.home.repo_place import opened_alike
from node_pusher.home.settings_file import read_home, write_home
from node_pusher.joining.init import init
from node_pusher.joining.rollover import RolloverReport, rollover
from node_pusher.joining.trust import Vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.correct import correct as record_correction
from node_pusher.sending.history import log, status
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from node_pusher.spool.store import Store
from tests.node_pusher.conftest import NODE, START, MakeHome, files_of, record, seqs_of, spool_count
from tests.support.checkpoint import Checkpoint
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.programs import NodePusher
from tests.support.repos import RepoWriter, accept_pushes, bare_repo, refuse_pushes
from wire_format.lines import Folder, Usage
from wire_format.segment import decode_segment

EPOCH = 1_000_000_000


@pytest.fixture
def next_dir(tmp_path: Path) -> Path:
    return bare_repo(tmp_path / "remote.2027.git")


def roll(home: Home, to: Path) -> RolloverReport:
    return rollover(read_home(home.path), Remote(to.as_uri()), START)


def now_home(home: Home) -> Home:
    return read_home(home.path)


def seqs_in(remote: Path) -> list[int]:
    """Every seq that a remote holds, each segment whole and valid."""
    return seqs_of(remote, Folder.USAGE)


def messages(remote: Path) -> list[str]:
    repo = pygit2.Repository(str(remote))
    return [commit.message for commit in repo.walk(repo.head.target)]


def test_numbers_go_on_in_the_next_repo(home: Home, remote_dir: Path, next_dir: Path) -> None:
    """What was recorded before is in the old repo, whether it was pushed or not."""
    record(home, 3)
    push(home, START)
    record(home, 2)
    report = roll(home, next_dir)
    assert (report.outcome, report.epoch, report.next_seq, report.pushed) == ("started", 0, 6, 1)
    assert report.remark == ""
    record(home, 4)
    assert push(now_home(home), START).retired == 4
    assert (seqs_in(remote_dir), seqs_in(next_dir)) == ([1, 2, 3, 4, 5], [6, 7, 8, 9])
    assert spool_count(home) == 0


def test_the_first_commit_says_what_it_continues_and_is_the_nodes_own(
    home: Home, remote_dir: Path, next_dir: Path
) -> None:
    record(home)
    left_at = push(home, START).head
    roll(home, next_dir)
    assert messages(next_dir) == [
        f"node: {NODE} goes on here in epoch 0\n\nNode: {NODE}\nEpoch: 0\nContinues: {left_at}\n"
    ]
    assert set(files_of(next_dir)) == {"README.md", "epochs/0000000000"}
    assert messages(remote_dir)[0] == (
        f"node: {NODE} goes on in another repo\n\nNode: {NODE}\nContinued-In: {next_dir.as_uri()}\n"
    )
    assert files_of(remote_dir)["epochs/moved"].decode() == f"{next_dir.as_uri()}\n"
    for each in now_home(home).repos:
        repo = LedgerRepo(each)
        assert repo.tip is not None
        assert repo.tip == repo.pushed
        assert judge_commit(repo.raw_commit(repo.tip), NODE, own_signers(home.path), START).verified


def test_a_home_may_roll_over_again_and_again(
    home: Home, tmp_path: Path, remote_dir: Path, next_dir: Path
) -> None:
    third = bare_repo(tmp_path / "remote.2028.git")
    for to in (next_dir, third):
        record(home)
        roll(home, to)
    record(home)
    push(now_home(home), START)
    assert [seqs_in(each) for each in (remote_dir, next_dir, third)] == [[1], [2], [3]]
    repos = [Path(each["folder"]).name for each in status(now_home(home))["earlier_repos"]]
    assert repos == ["repo.2.git", "repo.git"]
    entries = list(log(now_home(home), None, earlier=True))
    assert [entry["remote"] for entry in entries if entry["records"]] == [
        each.as_uri() for each in (third, next_dir, remote_dir)
    ]
    assert len(list(log(now_home(home), None))) == 2


def test_the_same_command_again_changes_nothing(
    home: Home, remote_dir: Path, next_dir: Path
) -> None:
    record(home)
    roll(home, next_dir)
    settings = (home.path / "node.toml").read_bytes()
    before = [RepoWriter(each).tip() for each in (remote_dir, next_dir)]
    record(home)
    again = roll(home, next_dir)
    assert (again.outcome, again.pushed, again.remark) == ("unchanged", 0, "")
    assert (home.path / "node.toml").read_bytes() == settings
    assert [RepoWriter(each).tip() for each in (remote_dir, next_dir)] == before


def test_a_retry_gets_its_old_number_after_a_rollover(home: Home, next_dir: Path) -> None:
    use: Any = {"user": "alice", "resource": "r", "units": 1, "id": "job-1"}
    with Spool.open(home.path, clock=lambda: START) as spool:
        first = spool.record(**use)
        roll(home, next_dir)
        again = spool.record(**use)
    assert (again.seq, again.repeated) == (first.seq, True)


def test_records_of_every_repo_can_be_corrected(
    home: Home, tmp_path: Path, remote_dir: Path, next_dir: Path
) -> None:
    """Also by a service that opened its spool before the rollover."""
    with Spool.open(home.path, clock=lambda: START) as spool:
        spool.record(user="alice", resource="r", units=10)
        record_correction(spool, 1, units=-1, reason="one too many")
        roll(home, next_dir)
        assert record_correction(spool, 1, total=5, reason="half").units_before == 9
        push(now_home(home), START)
        assert record_correction(spool, 1, total=0, reason="a test").units_before == 5
        spool.record(user="alice", resource="r", units=7)
        push(now_home(home), START)
        roll(home, bare_repo(tmp_path / "third.git"))
        assert record_correction(spool, 5, total=0, reason="a test too").units_before == 7
    lines = [
        line
        for path, data in files_of(next_dir).items()
        if path.startswith("usage/")
        for line in decode_segment(data, Folder.USAGE).records
    ]
    assert [
        (line.corrects, line.units)
        for line in lines
        if isinstance(line, Usage) and line.corrects is not None
    ] == [(1, -4), (1, -5)]


def test_a_home_that_was_joined_corrects_what_only_its_earlier_remote_has(
    home: Home, make_home: MakeHome, remote_dir: Path, next_dir: Path
) -> None:
    record(home)
    tip = push(home, START).head
    pygit2.Repository(str(remote_dir)).config["uploadpack.allowFilter"] = True
    pygit2.Repository(str(remote_dir)).config["uploadpack.allowAnySHA1InWant"] = True
    joined = make_home("joined", vouched=Vouched(tip=tip))
    roll(joined, next_dir)
    with Spool.open(joined.path, clock=lambda: START) as spool:
        assert record_correction(spool, 1, total=0, reason="a test").units_before == 1


def test_a_disk_lost_before_its_first_push_there_costs_no_number_twice(
    home: Home, make_home: MakeHome, next_dir: Path
) -> None:
    roll(home, next_dir)
    record(home, 5)
    shutil.rmtree(home.path)
    again = make_home("again", remote=Remote(next_dir.as_uri()))
    assert init(again, START).next_seq == EPOCH + 1


def test_a_rollover_in_a_later_epoch_claims_that_one(
    home: Home, make_home: MakeHome, remote_dir: Path, next_dir: Path
) -> None:
    later = make_home("later", vouched=Vouched(tip=RepoWriter(remote_dir).tip()))
    record(later)
    assert roll(later, next_dir).next_seq == EPOCH + 2
    assert "epochs/0000000001" in files_of(next_dir)
    again = make_home("again", remote=Remote(next_dir.as_uri()))
    assert init(again, START).next_seq == 2 * EPOCH + 1


def test_nobody_joins_a_repo_that_was_left(
    home: Home, make_home: MakeHome, remote_dir: Path, next_dir: Path
) -> None:
    """A machine set up anew by an old script would give numbers that the next repo gives too."""
    record(home)
    roll(home, next_dir)
    with pytest.raises(HomeError, match=f"has left .* and goes on in {next_dir.as_uri()}"):
        make_home("anew", vouched=Vouched(tip=RepoWriter(remote_dir).tip()))
    assert not (home.path.parent / "anew" / "node.toml").exists()


def test_init_after_a_rollover(home: Home, next_dir: Path, tmp_path: Path) -> None:
    """At the next repo it changes nothing; the one that was left is named as that."""
    record(home)
    roll(home, next_dir)
    moved = new_home(home.path, NODE, Remote(next_dir.as_uri()))
    assert init(moved, START).outcome == "unchanged"
    assert [repo.path.name for repo in now_home(home).earlier_repos] == ["repo.git"]
    with pytest.raises(HomeError, match=r"has gone on from .* to "):
        init(home, START)
    rejoined = init(moved, START, rejoin=True)
    assert (rejoined.outcome, rejoined.next_seq) == ("rejoined", EPOCH + 1)
    with Spool.open(home.path, clock=lambda: START) as spool:
        assert record_correction(spool, 1, total=0, reason="a test").units_before == 1


def test_a_lost_spool_after_a_rollover_starts_the_next_epoch(home: Home, next_dir: Path) -> None:
    record(home)
    roll(home, next_dir)
    for file in home.path.glob("spool.db*"):
        file.unlink()
    report = init(now_home(home), START)
    assert (report.spool_lost, report.next_seq) == (True, EPOCH + 1)
    assert [repo.path.name for repo in now_home(home).earlier_repos] == ["repo.git"]


def test_lost_settings_are_made_again_with_the_earlier_repos(
    home: Home, remote_dir: Path, next_dir: Path
) -> None:
    record(home)
    roll(home, next_dir)
    record(home)
    push(now_home(home), START)
    before = now_home(home)
    (home.path / "node.toml").unlink()
    with pytest.raises(HomeError, match=r"has repos of .*, none of"):
        init(new_home(home.path, NODE, Remote("file:///nowhere.git")), START)
    with pytest.raises(HomeError, match="has left"):
        init(home, START)
    report = init(new_home(home.path, NODE, Remote(next_dir.as_uri())), START)
    assert report.left_behind == ()
    assert now_home(home) == before
    assert report.next_seq == EPOCH + 1
    assert spool_count(home) == 0


def test_settings_from_before_a_rollover_are_mended_by_the_same_command(
    home: Home, next_dir: Path, remote_dir: Path
) -> None:
    """A configuration that was restored from a backup."""
    record(home)
    settings = (home.path / "node.toml").read_bytes()
    roll(home, next_dir)
    record(home)
    push(now_home(home), START)
    (home.path / "node.toml").write_bytes(settings)
    record(home)
    assert roll(home, next_dir).outcome == "started"
    record(home)
    push(now_home(home), START)
    assert sorted(seqs_in(remote_dir) + seqs_in(next_dir)) == [1, 2, 3, 4]


def test_a_next_repo_must_be_empty(home: Home, make_home: MakeHome, next_dir: Path) -> None:
    record(home)
    settings = (home.path / "node.toml").read_bytes()
    RepoWriter(next_dir).commit({"README.md": b"by the forge"})
    with pytest.raises(HomeError, match="is not empty"):
        roll(home, next_dir)
    RepoWriter(next_dir).orphan({"README.md": b"by the forge"}, branch="other")
    RepoWriter(next_dir).delete_branch()
    with pytest.raises(HomeError, match="is not empty"):
        roll(home, next_dir)
    make_home("other", remote=Remote(bare_repo(home.path.parent / "o.git").as_uri()), node="o")
    with pytest.raises(HomeError, match="is not empty"):
        roll(home, home.path.parent / "o.git")
    assert (home.path / "node.toml").read_bytes() == settings


def test_a_home_is_not_its_own_next_repo(home: Home, remote_dir: Path) -> None:
    with pytest.raises(HomeError, match="its only repo"):
        roll(home, remote_dir)


def test_books_have_no_rollover(tmp_path: Path, remote_dir: Path, next_dir: Path) -> None:
    books = new_home(tmp_path / "books", "books", Remote(remote_dir.as_uri()), role="books")
    init(books, START)
    with pytest.raises(HomeError, match="books have no rollover"):
        roll(books, next_dir)


@pytest.mark.parametrize("away", ["old", "next"])
def test_where_a_remote_does_not_answer_nothing_has_changed(tmp_path: Path, away: str) -> None:
    for name in ("old.git", "next.git"):
        bare_repo(tmp_path / name)
    with GitHttpServer(tmp_path) as server:
        home = new_home(tmp_path / "home", NODE, Remote(server.url("old.git")))
        init(home, START)
        record(home)
        settings = (home.path / "node.toml").read_bytes()
        to = Remote(server.url("next.git"))
        server.misbehave("503", where=f"/{away}.git/", times=None)
        with pytest.raises(UnreachableError):
            rollover(home, to, START)
        assert (home.path / "node.toml").read_bytes() == settings
        assert spool_count(home) == (1 if away == "old" else 0)
        assert RepoWriter(tmp_path / "next.git").tip() is None
        server.behave()
        assert rollover(home, to, START).outcome == "started"


def test_a_next_repo_that_refuses_leaves_the_home_where_it_is(
    home: Home, remote_dir: Path, next_dir: Path
) -> None:
    """A push over files passes hooks too, since it is the git program's."""
    record(home)
    refuse_pushes(next_dir, "closed for inventory")
    with pytest.raises(PushRefusedError, match="closed for inventory; this home stays"):
        roll(home, next_dir)
    record(home)
    push(now_home(home), START)
    assert seqs_in(remote_dir) == [1, 2]
    accept_pushes(next_dir)
    assert roll(home, next_dir).outcome == "started"


def test_a_push_whose_answer_is_lost_is_found_by_reading_back(tmp_path: Path) -> None:
    for name in ("old.git", "next.git"):
        bare_repo(tmp_path / name)
    with GitHttpServer(tmp_path) as server:
        home = new_home(tmp_path / "home", NODE, Remote(server.url("old.git")))
        init(home, START)
        server.misbehave("lose_answer", where="POST /next.git/git-receive-pack")
        assert rollover(home, Remote(server.url("next.git")), START).outcome == "started"


def test_an_old_repo_that_takes_no_mark_is_named_and_marked_later(
    home: Home, remote_dir: Path, next_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home)

    def closed_from_here_on(home: Home) -> None:
        write_home(home)
        refuse_pushes(remote_dir, "archived")

    monkeypatch.setattr(node_pusher.joining.rollover, "write_home", closed_from_here_on)
    report = roll(home, next_dir)
    assert (report.outcome, "archived" in report.remark) == ("started", True)
    assert "epochs/moved" not in files_of(remote_dir)
    accept_pushes(remote_dir)
    assert roll(home, next_dir).remark == ""
    assert "epochs/moved" in files_of(remote_dir)


def test_a_push_tells_the_repo_that_was_left_what_a_rollover_could_not(
    home: Home, tmp_path: Path, remote_dir: Path, next_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each that was left; else a machine that is set up there gives numbers for a second time."""
    third = bare_repo(tmp_path / "third.git")
    record(home)
    with monkeypatch.context() as patch:
        patch.setattr(node_pusher.joining.rollover, "mark_previous_repos", lambda *_: "")
        roll(home, next_dir)
        roll(home, third)
    refuse_pushes(remote_dir, "not now")
    record(home)
    assert "not now; until a push has put it there" in push(now_home(home), START).remark
    assert "epochs/moved" not in files_of(remote_dir)
    accept_pushes(remote_dir)
    assert push(now_home(home), START).remark == ""
    for left in (remote_dir, next_dir):
        assert files_of(left)["epochs/moved"].decode() == f"{third.as_uri()}\n"
    tips = [RepoWriter(left).tip() for left in (remote_dir, next_dir)]
    shutil.rmtree(remote_dir)
    assert push(now_home(home), START).remark == ""
    assert RepoWriter(next_dir).tip() == tips[1]


def test_a_repo_that_was_left_and_is_gone_is_named_once(
    home: Home, remote_dir: Path, next_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home)
    with monkeypatch.context() as patch:
        patch.setattr(node_pusher.joining.rollover, "mark_previous_repos", lambda *_: "")
        roll(home, next_dir)
    shutil.rmtree(remote_dir)
    record(home)
    assert "did not get the moved mark" in push(now_home(home), START).remark
    record(home)
    assert push(now_home(home), START).remark == ""
    assert seqs_in(next_dir) == [2, 3]


class Died(BaseException):
    """Where the process was killed."""


class Killer:
    """Lets the process die before or after the n-th thing that it puts on a disk."""

    def __init__(self, step: int | None = None, *, after: bool = False) -> None:
        self.steps = 0
        self._step = step
        self._after = after

    def on_disk(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, with a death before or after it."""

        def done(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of any function
            self.steps += 1
            if self.steps == self._step and not self._after:
                raise Died
            found = work(*arguments, **named)
            if self.steps == self._step:
                raise Died
            return found

        return done

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Watch everything that a rollover puts on disks, here and there."""
        for owner, name in (
            (LedgerRepo, "create"),
            (LedgerRepo, "write_commit"),
            (LedgerRepo, "set_tip"),
            (LedgerRepo, "set_pushed"),
            (Store, "retire_spans"),
            (Store, "note_push"),
            (node_pusher.sending.push, "push_in_parts"),
            (node_pusher.joining.rollover, "push_to_branch"),
            (node_pusher.sending.moved_mark, "push_to_branch"),
            (node_pusher.sending.moved_mark, "note_marked"),
            (node_pusher.joining.rollover, "note_place"),
            (Path, "replace"),
        ):
            patch.setattr(owner, name, self.on_disk(getattr(owner, name)))


STEPS_MIN = 15


def _steps(home: Home, to: Path) -> int:
    killer = Killer()
    with pytest.MonkeyPatch.context() as patch:
        killer.watch(patch)
        roll(home, to)
    return killer.steps


def _site(folder: Path) -> tuple[Home, Path, Path]:
    """A home with records that were pushed and others that were not, and two remotes."""
    old, to = (bare_repo(folder / name) for name in ("old.git", "next.git"))
    home = new_home(folder / "home", NODE, Remote(old.as_uri()))
    init(home, START)
    record(home, 2)
    push(home, START)
    record(home, 2)
    return home, old, to


@pytest.mark.parametrize("after", [False, True])
def test_wherever_a_rollover_dies_the_same_command_ends_alike(
    tmp_path: Path, *, after: bool
) -> None:
    """Records and a push in between, too; every record is on a remote once, in no third place."""
    home, old, to = _site(tmp_path / "site")
    site = Checkpoint(tmp_path / "site")
    steps = _steps(home, to)
    assert steps > STEPS_MIN
    for step in range(1, steps + 1):
        site.restore()
        with pytest.MonkeyPatch.context() as patch:
            Killer(step, after=after).watch(patch)
            with pytest.raises(Died):
                roll(home, to)
        record(home)
        if step % 2:
            push(now_home(home), START)
        roll(home, to)
        record(home)
        push(now_home(home), START)
        assert sorted(seqs_in(old) + seqs_in(to)) == [1, 2, 3, 4, 5, 6], step
        assert {1, 2, 3, 4} <= set(seqs_in(old)), step
        assert 6 in seqs_in(to), step
        assert files_of(old)["epochs/moved"].decode().strip() == to.as_uri(), step
        assert (now_home(home).repo.remote.url, now_home(home).repo.path.name) == (
            to.as_uri(),
            "repo.2.git",
        )
        assert [repo.remote.url for repo in now_home(home).earlier_repos] == [old.as_uri()]
        assert spool_count(home) == 0
        assert roll(home, to).remark == ""
        assert len([m for m in messages(to) if "goes on here" in m]) == 1, step


def test_records_taken_while_a_home_rolls_over_are_all_sent_once(
    home: Home, remote_dir: Path, next_dir: Path
) -> None:
    begun, done = threading.Event(), threading.Event()
    given: list[int] = []

    def service() -> None:
        with Spool.open(home.path, clock=lambda: START) as spool:
            while not done.is_set():
                given.append(spool.record(user="alice", resource="r", units=1).seq)
                begun.set()

    thread = threading.Thread(target=service)
    thread.start()
    try:
        begun.wait()
        roll(home, next_dir)
        push(now_home(home), START)
    finally:
        done.set()
        thread.join()
    push(now_home(home), START)
    assert sorted(seqs_in(remote_dir) + seqs_in(next_dir)) == given == [*range(1, len(given) + 1)]


def test_a_push_that_began_before_a_rollover_goes_to_the_next_repo(
    home: Home, remote_dir: Path, next_dir: Path
) -> None:
    """It has read the settings already, and waits for the lock."""
    record(home)
    roll(home, next_dir)
    record(home)
    push(home, START)
    assert (seqs_in(remote_dir), seqs_in(next_dir)) == ([1], [2])


def test_while_somebody_pushes_a_rollover_waits_its_turn(
    home: Home, next_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_pusher.joining.rollover, "LOCK_WAIT_S", 0)
    with push_lock(home.path), pytest.raises(BusyError):
        roll(home, next_dir)
    assert roll(home, next_dir).outcome == "started"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    return write_secret(tmp_path / "token", "t0ken\n")


def test_the_files_that_open_the_present_remote_open_the_next_one(token: Path) -> None:
    """But a token is sent to no other server."""
    present = Remote("https://forge.example/ops/n.git", token)
    same, other = "https://forge.example/ops/n.2027.git", "https://forge2.example/ops/n.git"
    assert opened_alike(present, Remote(same)) == Remote(same, token)
    assert opened_alike(present, Remote(other)) == Remote(other)
    assert opened_alike(present, Remote(other, token)) == Remote(other, token)
    assert opened_alike(present, Remote("file:///n.git")) == Remote("file:///n.git")
    key, hosts = Path("/k"), Path("/h")
    ssh = Remote("ssh://git@forge.example/ops/n.git", None, key, hosts)
    url = "ssh://git@forge.example/ops/n.2027.git"
    assert opened_alike(ssh, Remote(url)) == Remote(url, None, key, hosts)
    assert opened_alike(ssh, Remote(url, ssh_key_file=hosts)) == Remote(url, None, hosts, hosts)


def test_the_program_rolls_over(tmp_path: Path, remote_dir: Path, next_dir: Path) -> None:
    program = NodePusher(tmp_path / "home")
    assert program("init", "--node", NODE, "--remote", remote_dir.as_uri()).code == 0
    use = ("record", "--user", "alice", "--resource", "r", "--units", "1")
    assert program(*use).code == 0
    away = program("rollover", "--remote", "https://127.0.0.1:9/none.git")
    assert away.code == ExitCode.TRY_LATER
    assert "this home stays on its repo" in away.err
    told = program("rollover", "--remote", next_dir.as_uri())
    assert (told.code, told.err) == (0, "")
    assert told.out == f"{NODE}: went on to {next_dir.as_uri()}; the next record is seq 2\n"
    again = program.json("rollover", "--remote", next_dir.as_uri())
    assert again["outcome"] == "unchanged"
    assert f"earlier repo:   {remote_dir.as_uri()} (main)" in program("status").out
    assert program("correct", "1", "--to", "0", "--reason", "a test").code == 0
    assert program("push").code == 0
    assert [e["first_seq"] for e in json.loads(program("log", "--all", "--json").out)] == [
        2, None, None, 1, None,
    ]  # fmt: skip


def test_a_timestamp_is_no_part_of_the_claim(home: Home, next_dir: Path) -> None:
    """An interrupted rollover that goes on a day later uses the commit that it made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node_pusher.joining.rollover, "write_home", Killer(1).on_disk(write_home))
        with pytest.raises(Died):
            roll(home, next_dir)
    tip = RepoWriter(next_dir).tip()
    done = rollover(now_home(home), Remote(next_dir.as_uri()), START + timedelta(days=1))
    assert (done.head, RepoWriter(next_dir).tip()) == (tip, tip)
