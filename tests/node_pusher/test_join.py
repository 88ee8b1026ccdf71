"""Numbers are never given twice, whoever makes a home and whatever was restored."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_remote.failures import RepoGoneError, UnreachableError
from git_remote.remote import Remote
from node_pusher.commit import commit_files
from node_pusher.home import Home
from node_pusher.join import InitReport, first_seq_above, init
from node_pusher.ledger_repo import LedgerRepo
from node_pusher.outcomes import HomeError, NonFastForwardError
from node_pusher.push import push
from node_pusher.spool import Spool
from support.errors import ExitCode
from tests.node_pusher.conftest import NODE, START, MakeHome, files_of, record, spool_count
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter, bare_repo, segment_path, usage_line

EPOCH = 1_000_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path) as running:
        yield running


def _home(tmp_path: Path, url: str, name: str = "home", node: str = NODE) -> Home:
    return Home(tmp_path / name, node, Remote(url))


def test_an_empty_remote_starts_at_one(tmp_path: Path, remote_dir: Path) -> None:
    home = _home(tmp_path, remote_dir.as_uri())
    assert init(home, START) == InitReport(NODE, 1, 0, "created")
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert Home.load(home.path) == home


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
    assert init(home, START) == InitReport(NODE, 4, 0, "unchanged")
    push(home, START)
    assert init(home, START) == InitReport(NODE, 4, 0, "unchanged")


def test_another_node_or_remote_in_the_same_folder_is_refused(home: Home, tmp_path: Path) -> None:
    other = bare_repo(tmp_path / "other.git").as_uri()
    for wanted in (
        _home(tmp_path, home.remote.url, node="other-01"),
        _home(tmp_path, other),
    ):
        with pytest.raises(HomeError, match="is the home of embedder-01"):
            init(wanted, START)


def test_the_files_that_open_the_remote_may_change(home: Home, tmp_path: Path) -> None:
    url = "http://127.0.0.1/x.git"
    settings = home.path / "node.toml"
    settings.write_text(settings.read_text().replace(home.remote.url, url))
    token = tmp_path / "token"
    init(Home(home.path, NODE, Remote(url, token_file=token)), START)
    assert Home.load(home.path).remote.token_file == token
    init(Home(home.path, NODE, Remote(url)), START)
    assert Home.load(home.path).remote.token_file == token


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
    assert init(joined, START) == InitReport(NODE, EPOCH + 1, 1, "joined")
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
    init(joined, START)
    repo = LedgerRepo(joined)
    assert len(list(repo.history())) == 1
    tip = repo.tip
    assert tip is not None
    assert not [blob for _, blob in repo.paths(tip) if blob in repo._repo]


def test_a_server_that_cannot_filter_is_joined_too(
    tmp_path: Path, remote_dir: Path, home: Home, server: GitHttpServer
) -> None:
    record(home)
    push(home, START)
    RepoWriter(remote_dir).repo.config["uploadpack.allowFilter"] = False
    joined = _home(tmp_path, server.url("remote.git"), "joined")
    assert init(joined, START).outcome == "joined"
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
    assert init(home, START).next_seq == 6 * EPOCH + 1


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
        init(_home(tmp_path, writer.url), START)


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
    assert init(home, START, rejoin=True) == InitReport(NODE, EPOCH + 1, 1, "rejoined")
    record(home, 1)
    assert push(home, START).retired == 2
    files = files_of(remote_dir)
    day = START.date()
    first_sent = files[segment_path(day, 3)]
    again = files[segment_path(day.replace(day=20), 3)]
    assert first_sent.startswith(again)
    assert segment_path(day, EPOCH + 1) in files
    assert spool_count(home) == 0


def test_a_rejoin_without_reason_changes_nothing(home: Home) -> None:
    record(home)
    assert init(home, START, rejoin=True).outcome == "unchanged"
    push(home, START)
    record(home)
    assert init(home, START, rejoin=True) == InitReport(NODE, 3, 0, "unchanged")


def test_a_rejoin_names_the_files_it_leaves_behind_and_keeps_them(
    tmp_path: Path, remote_dir: Path, make_home: MakeHome
) -> None:
    first = make_home("first")
    record(first)
    push(first, START)
    second = make_home("second")
    commit_files(first, {"rules/prices.toml": b"# mine\n"}, "rules: mine\n", START)
    record(second)
    push(second, START)
    report = init(first, START, rejoin=True)
    assert [subject.split(" ", 1)[1] for subject in report.left_behind] == ["rules: mine"]
    kept = list((first.repo_dir / "refs" / "rejoin" / "left").iterdir())
    assert len(kept) == 1
    record(first)
    assert push(first, START).retired == 1


def test_a_home_with_commits_that_were_never_pushed_sends_their_records_after_a_rejoin(
    remote_dir: Path, make_home: MakeHome, tmp_path: Path
) -> None:
    first, second = make_home("first"), make_home("second")
    record(first, 2)
    away = remote_dir.rename(tmp_path / "away.git")
    with pytest.raises(RepoGoneError):
        push(first, START)
    away.rename(remote_dir)
    record(second, 1)
    push(second, START)
    with pytest.raises(NonFastForwardError):
        push(first, START)
    init(first, START, rejoin=True)
    assert push(first, START).retired == 2


def test_a_new_epoch_is_above_what_the_home_itself_gave(home: Home, remote_dir: Path) -> None:
    with Spool.open(home.path) as spool:
        spool.store.raise_next_seq(2 * EPOCH + 5)
    RepoWriter(remote_dir).commit({"README.md": b"x"})
    assert init(home, START, rejoin=True).next_seq == 3 * EPOCH + 1
