"""Numbers are never given twice, whoever makes a home and whatever was restored."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from pygit2.config import Config

from gitmeter.git_remote.failures import ObjectFormatError, RepoGoneError, UnreachableError
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import ExitCode
from node_pusher.home.errors import HomeError, NonFastForwardError
from node_pusher.home.home import Home, new_home
from node_pusher.home.repo_place import is_branch
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import InitReport, init
from node_pusher.joining.remote_history import first_seq_above
from node_pusher.joining.trust import Vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import commit_unsent
from node_pusher.sending.push import push
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
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter, bare_repo, segment_path, usage_line

EPOCH = 1_000_000_000


class _DiedError(BaseException):
    """The process ends here."""


def _home(tmp_path: Path, url: str, name: str = "home", node: str = NODE) -> Home:
    return new_home(tmp_path / name, node, Remote(url))


def brief(report: InitReport) -> tuple[str, int, int, str]:
    """Whose home, its next seq and epoch, and what `init` did."""
    return (report.node, report.next_seq, report.epoch, report.outcome)


def keys_of(home: Home) -> Vouched:
    """What a person vouches for who brings the keys of another machine."""
    return Vouched(signers_file=home.path / "allowed_signers")


def test_an_empty_remote_starts_at_one(tmp_path: Path, remote_dir: Path) -> None:
    home = _home(tmp_path, remote_dir.as_uri())
    assert brief(init(home, START)) == (NODE, 1, 0, "created")
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert read_home(home.path) == home


@pytest.mark.parametrize(
    ("folder", "settings", "spool"), [(0o700, 0o600, 0o600), (0o2770, 0o640, 0o660)]
)
def test_the_spool_is_open_to_the_group_where_the_folder_is(
    tmp_path: Path, remote_dir: Path, folder: int, settings: int, spool: int
) -> None:
    """Services of the group record into a home that systemd or the operator made for sharing."""
    home = _home(tmp_path, remote_dir.as_uri())
    home.path.mkdir()
    home.path.chmod(folder)
    init(home, START)
    assert (home.path / "node.toml").stat().st_mode & 0o777 == settings
    assert home.spool_file.stat().st_mode & 0o777 == spool


def test_the_same_init_again_changes_nothing(home: Home) -> None:
    record(home, 3)
    assert brief(init(home, START)) == (NODE, 4, 0, "unchanged")
    push(home, START)
    assert brief(init(home, START)) == (NODE, 4, 0, "unchanged")


def test_another_node_or_remote_in_the_same_folder_is_refused(home: Home, tmp_path: Path) -> None:
    other = bare_repo(tmp_path / "other.git").as_uri()
    for wanted in (
        _home(tmp_path, home.repo.remote.url, node="other-01"),
        _home(tmp_path, other),
    ):
        with pytest.raises(HomeError, match="is the home of embedder-01"):
            init(wanted, START)


def test_the_files_that_open_the_remote_may_change(home: Home, tmp_path: Path) -> None:
    url = "http://127.0.0.1/x.git"
    settings = home.path / "node.toml"
    settings.write_text(settings.read_text().replace(home.repo.remote.url, url))
    token = tmp_path / "token"
    init(new_home(home.path, NODE, Remote(url, token_file=token)), START)
    assert read_home(home.path).repo.remote.token_file == token
    init(new_home(home.path, NODE, Remote(url)), START)
    assert read_home(home.path).repo.remote.token_file == token


@pytest.mark.parametrize("key", ["token_file", "ssh_key_file", "known_hosts_file"])
def test_a_file_without_a_name_is_refused_when_the_settings_are_read(home: Home, key: str) -> None:
    settings = home.path / "node.toml"
    settings.write_text(f'{settings.read_text()}{key} = ""\n')
    with pytest.raises(HomeError, match=f"{key} is empty"):
        read_home(home.path)


@pytest.mark.parametrize(
    ("highest", "first"),
    [(0, EPOCH), (1, EPOCH), (EPOCH, EPOCH), (EPOCH + 1, 2 * EPOCH), (3 * EPOCH, 3 * EPOCH)],
)
def test_a_new_epoch_starts_above_everything(highest: int, first: int) -> None:
    assert first_seq_above(highest) == first + 1


@pytest.mark.parametrize("transport", ["file", "http"])
def test_a_remote_with_history_is_joined_in_a_new_epoch(
    tmp_path: Path, remote_dir: Path, home: Home, server: GitHttpServer, transport: str
) -> None:
    for _ in range(3):
        record(home, 2)
        push(home, START)
    url = remote_dir.as_uri() if transport == "file" else server.url("remote.git")
    joined = _home(tmp_path, url, "joined")
    assert brief(init(joined, START, vouched=keys_of(home))) == (NODE, EPOCH + 1, 1, "joined")
    record(joined, 2)
    push(joined, START)
    assert segment_path(START.date(), EPOCH + 1) in files_of(remote_dir)
    assert segment_path(START.date(), 1) in files_of(remote_dir)


def test_joining_fetches_one_commit_and_no_old_records(
    tmp_path: Path, remote_dir: Path, home: Home
) -> None:
    for _ in range(3):
        record(home, 2)
        push(home, START)
    joined = _home(tmp_path, remote_dir.as_uri(), "joined")
    init(joined, START, vouched=keys_of(home))
    repo = LedgerRepo(joined.repo)
    claim, fetched = repo.history()
    assert claim.message.startswith(f"node: {NODE} starts epoch 1 at seq {EPOCH + 1}\n")
    assert fetched.message.startswith("usage: ")
    here = [path for path, blob in repo.paths(claim.commit) if blob in repo._repo]
    assert {path.partition("/")[0] for path in here} == {"epochs"}


def test_a_server_that_cannot_filter_is_joined_too(
    tmp_path: Path, remote_dir: Path, home: Home, server: GitHttpServer
) -> None:
    record(home)
    push(home, START)
    RepoWriter(remote_dir).repo.config["uploadpack.allowFilter"] = False
    joined = _home(tmp_path, server.url("remote.git"), "joined")
    assert init(joined, START, vouched=keys_of(home)).outcome == "joined"
    record(joined)
    assert push(joined, START).retired == 1


def test_numbers_below_the_tips_trailer_count_too(tmp_path: Path, remote_dir: Path) -> None:
    """The highest number may stand in any segment, not only in the newest commit."""
    writer = RepoWriter(remote_dir)
    high = usage_line(node=NODE, seq=5 * EPOCH + 7)
    low = usage_line(node=NODE, seq=3)
    writer.commit({segment_path(START.date(), 5 * EPOCH + 7): high})
    writer.commit({segment_path(START.date(), 3): low}, message=(
        f"usage\n\nNode: {NODE}\nSeq: 3..3\nRecords: 1\nFirst-Ts: 2026-11-21T13:05:00Z\n"
        "Last-Ts: 2026-11-21T13:05:00Z\n"))  # fmt: skip
    home = _home(tmp_path, writer.url)
    vouched = Vouched(tip=writer.tip())
    assert init(home, START, vouched=vouched).next_seq == 6 * EPOCH + 1


def test_the_repo_of_another_node_is_refused(tmp_path: Path, remote_dir: Path, home: Home) -> None:
    record(home)
    push(home, START)
    with pytest.raises(HomeError, match="repo of embedder-01, not of other-01"):
        init(_home(tmp_path, remote_dir.as_uri(), "other", "other-01"), START)
    assert not (tmp_path / "other" / "node.toml").exists()


def test_the_repo_of_another_node_is_known_by_its_lines_too(
    tmp_path: Path, remote_dir: Path
) -> None:
    writer = RepoWriter(remote_dir)
    writer.commit({segment_path(START.date(), 1): usage_line(node="other-01")}, message="x")
    with pytest.raises(HomeError, match="repo of other-01"):
        init(_home(tmp_path, writer.url), START, vouched=Vouched(tip=writer.tip()))


def test_a_repo_of_something_else_is_refused(tmp_path: Path, remote_dir: Path) -> None:
    writer = RepoWriter(remote_dir)
    writer.commit({"README.md": b"code", "src/main.c": b"int main(){}"})
    with pytest.raises(HomeError, match="no pusher has written: src"):
        init(_home(tmp_path, writer.url), START)


def test_a_repo_with_only_a_readme_is_joined(tmp_path: Path, remote_dir: Path) -> None:
    writer = RepoWriter(remote_dir)
    writer.commit({"README.md": b"made by the forge", "LICENSE": b""})
    home = _home(tmp_path, writer.url)
    assert init(home, START).outcome == "joined"
    record(home)
    assert push(home, START).retired == 1


def test_another_branch_is_not_taken_for_an_empty_repo(tmp_path: Path, remote_dir: Path) -> None:
    RepoWriter(remote_dir).commit({"a": b"1"}, branch="master")
    with pytest.raises(HomeError, match="no main") as raised:
        init(_home(tmp_path, remote_dir.as_uri()), START)
    assert "--branch" in raised.value.hint


def test_init_needs_the_remote_and_leaves_nothing_half_made(
    tmp_path: Path, remote_dir: Path, server: GitHttpServer
) -> None:
    home = _home(tmp_path, server.url("remote.git"))
    server.misbehave("503")
    with pytest.raises(UnreachableError, match="init needs the remote") as raised:
        init(home, START)
    assert raised.value.exit_code is ExitCode.TRY_LATER
    with pytest.raises(RepoGoneError):
        init(_home(tmp_path, (tmp_path / "none.git").as_uri()), START)
    server.behave()
    assert init(home, START).outcome == "created"


@pytest.mark.parametrize("transport", ["file", "http"])
def test_an_empty_repo_of_another_object_format_is_named_as_such(
    tmp_path: Path, server: GitHttpServer, transport: str
) -> None:
    """A forge offers sha256, and over http an empty repo does not say that it is one."""
    there = tmp_path / "sha256.git"
    subprocess.run(["git", "init", "-q", "--bare", "--object-format=sha256", there], check=True)
    subprocess.run(["git", "-C", there, "config", "http.receivepack", "true"], check=True)
    url = there.as_uri() if transport == "file" else server.url("sha256.git")
    with pytest.raises(ObjectFormatError) as raised:
        init(_home(tmp_path, url), START)
    assert "sha1" in raised.value.hint
    assert raised.value.exit_code is ExitCode.FAILED
    assert not (tmp_path / "home" / "node.toml").exists()
    assert not (tmp_path / "home" / "repo.git").exists()


def test_a_restored_backup_rejoins_in_a_new_epoch_and_sends_what_waits(
    tmp_path: Path, remote_dir: Path, home: Home
) -> None:
    record(home, 2)
    push(home, START)
    record(home, 1)  # seq 3 is in the backup, unsent
    backup = tmp_path / "backup"
    shutil.copytree(home.path, backup)
    record(home, 1)
    push(home, START)  # the node goes on and sends 3 and 4
    shutil.rmtree(home.path)
    shutil.copytree(backup, home.path)

    with pytest.raises(NonFastForwardError):
        push(home, START)
    assert init(home, START).outcome == "unchanged"
    assert brief(init(home, START, rejoin=True)) == (NODE, EPOCH + 1, 1, "rejoined")
    record(home, 1)
    assert push(home, START).retired == 2
    files = files_of(remote_dir)
    day = START.date()
    first_sent = files[segment_path(day, 3)]
    again = files[segment_path(day.replace(day=20), 3)]
    assert first_sent.startswith(again)
    assert segment_path(day, EPOCH + 1) in files
    assert spool_count(home) == 0


def test_a_rejoin_goes_on_in_a_new_epoch_even_if_the_remote_is_not_ahead(
    home: Home, tmp_path: Path
) -> None:
    """Numbers that a lost disk gave and never pushed are not given again by its backup."""
    record(home, 2)
    push(home, START)
    shutil.copytree(home.path, tmp_path / "backup")
    record(home, 5)
    shutil.rmtree(home.path)
    (tmp_path / "backup").rename(home.path)
    assert brief(init(home, START, rejoin=True)) == (NODE, EPOCH + 1, 1, "rejoined")
    record(home)
    assert brief(init(home, START, rejoin=True)) == (NODE, 2 * EPOCH + 1, 2, "rejoined")
    assert push(home, START).retired == 1


def test_a_rejoin_sends_commits_that_wait_once(
    home: Home, remote_dir: Path, tmp_path: Path
) -> None:
    away = remote_dir.rename(tmp_path / "away.git")
    record(home, 2)
    with pytest.raises(RepoGoneError):
        push(home, START)
    away.rename(remote_dir)
    init(home, START, rejoin=True)
    assert push(home, START).retired == 2
    assert len([path for path in files_of(remote_dir) if path.startswith("usage/")]) == 1


def test_a_rejoin_names_the_files_it_leaves_behind_and_keeps_them(
    tmp_path: Path, remote_dir: Path, make_home: MakeHome
) -> None:
    first = make_home("first")
    record(first)
    push(first, START)
    second = make_home("second", vouched=keys_of(first))
    commit_file(first, "rules/prices.toml", b"# mine\n", "rules: mine\n")
    record(second)
    push(second, START)
    report = init(first, START, rejoin=True, vouched=keys_of(second))
    assert [subject.split(" ", 1)[1] for subject in report.left_behind] == ["rules: mine"]
    kept = list((first.repo.path / "refs" / "rejoin" / "left").iterdir())
    assert len(kept) == 1
    record(first)
    assert push(first, START).retired == 1


def overtaken(remote_dir: Path, make_home: MakeHome) -> tuple[Home, Home]:
    """A home with two records in a commit that was never pushed, and the one that pushed first."""
    first, second = make_home("first"), make_home("second")
    record(first, 2)
    away = remote_dir.rename(remote_dir.with_name("away.git"))
    with pytest.raises(RepoGoneError):
        push(first, START)
    away.rename(remote_dir)
    record(second, 1)
    push(second, START)
    return first, second


def test_a_home_with_commits_that_were_never_pushed_sends_their_records_after_a_rejoin(
    remote_dir: Path, make_home: MakeHome
) -> None:
    first, second = overtaken(remote_dir, make_home)
    with pytest.raises(NonFastForwardError):
        push(first, START)
    init(first, START, rejoin=True, vouched=keys_of(second))
    assert push(first, START).retired == 2


def test_a_new_epoch_is_above_what_the_home_itself_gave(home: Home, remote_dir: Path) -> None:
    with Spool.open(home.path) as spool:
        spool.store.raise_next_seq(2 * EPOCH + 5)
    tip = RepoWriter(remote_dir).commit({"README.md": b"x"})
    report = init(home, START, rejoin=True, vouched=Vouched(tip=tip))
    assert report.next_seq == 3 * EPOCH + 1


def _lose_spool(home: Home) -> None:
    for file in home.path.glob("spool.db*"):
        file.unlink()


@pytest.mark.parametrize("reachable", [True, False])
def test_a_lost_spool_goes_on_in_a_new_epoch_and_loses_no_new_record(
    tmp_path: Path, remote_dir: Path, home: Home, *, reachable: bool
) -> None:
    """A waiting commit holds seq 1 and 2; new records must not have these numbers."""
    away = remote_dir.rename(tmp_path / "away.git")
    record(home, 2)
    with pytest.raises(RepoGoneError):
        push(home, START)
    _lose_spool(home)
    if not reachable:
        with pytest.raises(RepoGoneError):
            init(home, START)
        with pytest.raises(HomeError, match="the spool is missing"):
            record(home)
    away.rename(remote_dir)
    report = init(home, START)
    assert brief(report) == (NODE, EPOCH + 1, 1, "rejoined")
    assert report.spool_lost
    record(home, 2)
    push(home, START)
    files = files_of(remote_dir)
    assert segment_path(START.date(), 1) in files
    assert segment_path(START.date(), EPOCH + 1) in files
    assert spool_count(home) == 0


def test_a_lost_spool_of_a_home_whose_repo_is_lost_too_is_joined_again(
    home: Home, remote_dir: Path
) -> None:
    record(home)
    push(home, START)
    _lose_spool(home)
    shutil.rmtree(home.repo.path)
    assert init(home, START).next_seq == EPOCH + 1
    record(home)
    assert push(home, START).retired == 1
    assert segment_path(START.date(), EPOCH + 1) in files_of(remote_dir)


def test_a_lost_spool_starts_above_what_others_pushed(home: Home, remote_dir: Path) -> None:
    """The remote went ahead by another home of this node, in epoch 3."""
    record(home)
    push(home, START)
    path = segment_path(START.date(), 3 * EPOCH + 1)
    tip = RepoWriter(remote_dir).commit({path: usage_line(node=NODE, seq=3 * EPOCH + 1)})
    _lose_spool(home)
    with pytest.raises(HomeError, match="not signed"):
        init(home, START)
    assert init(home, START, vouched=Vouched(tip=tip)).next_seq == 4 * EPOCH + 1


def test_a_rejoin_after_a_lost_spool_sends_what_waited_in_commits(
    remote_dir: Path, make_home: MakeHome
) -> None:
    first, second = overtaken(remote_dir, make_home)
    _lose_spool(first)
    report = init(first, START, rejoin=True, vouched=keys_of(second))
    assert (report.outcome, report.left_behind, report.spool_lost) == ("rejoined", (), True)
    assert push(first, START).retired == 2


def test_a_record_is_retired_only_when_the_remote_holds_its_line(home: Home) -> None:
    """A number that stands in a commit proves nothing about another line with that number."""
    record(home, 2)
    repo = LedgerRepo(home.repo)
    with Spool.open(home.path) as spool:
        commit_unsent(spool.store, repo, START)
        (segment,) = repo.segments_of(repo.tip or "")
        other = segment._replace(data=segment.data.replace(b'"units":1', b'"units":9'))
        assert spool.store.retire(other) == 1
        assert spool.store.lines(Span(1, 1)) == segment.data.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    ("node", "branch"), [("H5", "main"), ("", "main"), ("ok", "a b..c"), ("ok", "-x"), ("ok", "")]
)
def test_names_that_are_none_are_refused_before_anything_is_made(
    tmp_path: Path, remote_dir: Path, node: str, branch: str
) -> None:
    wanted = new_home(tmp_path / "new", node, Remote(remote_dir.as_uri()), branch)
    with pytest.raises(HomeError, match="not the name of a"):
        init(wanted, START)
    assert not wanted.path.exists()


def test_branches_are_named_as_git_names_them() -> None:
    names = ["main", "a/b", "a.b", "v1-x", "é", "a..b", "a.lock", "a.lock/b", ".a", "a/.b", "a/",
             "/a", "a//b", "a b", "a~", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{b", "a.",
             "-a", "HEAD", ""]  # fmt: skip
    for name in names:
        checked = subprocess.run(
            ["git", "check-ref-format", "--branch", name], capture_output=True, check=False
        )
        assert is_branch(name) is (checked.returncode == 0), name


def test_a_refused_init_does_not_stand_in_the_way_of_the_right_one(
    tmp_path: Path, home: Home
) -> None:
    record(home)
    push(home, START)
    with pytest.raises(HomeError, match="repo of embedder-01"):
        init(_home(tmp_path, home.repo.remote.url, "new", "other-01"), START)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["push.lock"]
    own = bare_repo(tmp_path / "own.git").as_uri()
    assert init(_home(tmp_path, own, "new", "other-02"), START).outcome == "created"


@pytest.mark.parametrize("notes", [0, 1])
def test_init_that_died_while_its_repo_was_noted_is_repeated(
    notes: int, tmp_path: Path, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the notes about its remote a repo has by then."""
    home, assign = _home(tmp_path, remote_dir.as_uri()), Config.__setitem__
    written: list[str] = []

    def write(config: Config, key: str, value: str) -> None:
        if key.startswith("gitmeter."):
            if len(written) == notes:
                raise _DiedError
            written.append(key)
        assign(config, key, value)

    monkeypatch.setattr(Config, "__setitem__", write)
    with pytest.raises(_DiedError):
        init(home, START)
    monkeypatch.undo()
    assert init(home, START).outcome == "joined"
    assert read_home(home.path) == home


def test_a_failed_init_leaves_no_half_of_a_repo_on_a_disk_that_removes_nothing(
    tmp_path: Path, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of what was removed would be taken for a damaged repo by the next try."""
    home = _home(tmp_path, remote_dir.as_uri())
    away = remote_dir.rename(tmp_path / "away.git")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "unlink", full)
    with pytest.raises(RepoGoneError):
        init(home, START)
    monkeypatch.undo()
    with pytest.raises(RepoGoneError):  # whatever was left is removed now
        init(home, START)
    assert not list(home.path.glob("repo*"))
    away.rename(remote_dir)
    assert init(home, START).outcome == "created"


def test_a_home_has_one_role(home: Home) -> None:
    with pytest.raises(HomeError, match="records usage"):
        read_home(home.path, "books")
    with pytest.raises(HomeError, match="records usage"):
        Spool.open(home.path, role="books")
    with pytest.raises(HomeError, match="records usage"):
        init(new_home(home.path, NODE, home.repo.remote, role="books"), START)
    settings = home.path / "node.toml"
    settings.write_text(settings.read_text().replace('role = "usage"\n', ""))
    with pytest.raises(HomeError, match="role"):
        read_home(home.path)


def test_settings_that_are_lost_cost_no_waiting_commit(
    home: Home, remote_dir: Path, tmp_path: Path
) -> None:
    away = remote_dir.rename(tmp_path / "away.git")
    record(home, 2)
    with pytest.raises(RepoGoneError):
        push(home, START)
    away.rename(remote_dir)
    (home.path / "node.toml").unlink()
    _lose_spool(home)
    assert init(home, START).next_seq == EPOCH + 1
    record(home)
    push(home, START)
    assert len([path for path in files_of(remote_dir) if path.startswith("usage/")]) == 2
