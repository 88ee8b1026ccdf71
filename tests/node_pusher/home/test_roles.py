"""Tills and desks have homes like a node's, and never date a commit before its parent."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitmeter.git_remote.remote import Remote
from gitmeter.roles.role import PROGRAMS, ROLES, Role
from gitmeter.signing.verdict import judge_commit
from gitmeter.support.errors import ExitCode
from node_pusher.doctor.examine import examine
from node_pusher.doctor.findings import Finding, Severity
from node_pusher.doctor.system import judge_service
from node_pusher.home.errors import FutureParentError, HomeError, NotInitialisedError
from node_pusher.home.home import Home, new_home
from node_pusher.home.own_key import own_signers
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import init
from node_pusher.joining.rollover import rollover
from node_pusher.joining.trust import Vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import AHEAD_MAX
from tests.node_pusher.conftest import START, files_of, seqs_of
from tests.support.repos import RepoWriter, bare_repo
from tests.support.tills import RoleProgram
from tests.support.tills import take as take_in
from wire_format.lines import Folder

OWN: Final[tuple[Role, ...]] = ("till", "desk")
SECOND: Final = timedelta(seconds=1)
DAYS: Final = timedelta(days=9)


def make(folder: Path, role: Role, remote: Path, *, name: str = "home") -> Home:
    """A home of a role, which `init` has made; its node has the name `<role>-1`."""
    home = new_home(folder / name, f"{role}-1", Remote(remote.as_uri()), role=role)
    init(home, START, vouched=Vouched(tip=RepoWriter(remote).tip()))
    return home


def take(home: Home, now: datetime, count: int = 1) -> list[int]:
    """Record payments, and return their numbers."""
    return take_in(home.path, home.settings.role, now, count)


def seqs_in(remote: Path) -> list[int]:
    """The numbers of all payments on a remote, each segment whole and valid."""
    return seqs_of(remote, Folder.PAYMENTS)


def dates(home: Home) -> list[datetime]:
    """The dates of the commits of the repo in use, newest first."""
    return [info.committed_at for info in LedgerRepo(read_home(home.path).repo).history()]


def is_in_order(home: Home) -> bool:
    """Whether no commit of any repo of a home is dated before its parent."""
    repos = [LedgerRepo(repo) for repo in read_home(home.path).repos]
    every = [[info.committed_at for info in repo.history()] for repo in repos]
    return all(found == sorted(found, reverse=True) for found in every)


@pytest.fixture(params=OWN)
def home(request: pytest.FixtureRequest, tmp_path: Path, remote_dir: Path) -> Home:
    """The home of a till, and that of a desk."""
    return make(tmp_path, request.param, remote_dir)


def test_money_goes_from_the_spool_to_the_remote_signed(home: Home, remote_dir: Path) -> None:
    assert take(home, START, 3) == [1, 2, 3]
    report = push(home, START)
    assert (report.committed, report.retired, report.remark) == (1, 3, "")
    assert (seqs_in(remote_dir), spool_count_of(home)) == ([1, 2, 3], 0)
    repo = LedgerRepo(home.repo)
    assert repo.tip is not None
    raw = repo.raw_commit(repo.tip)
    assert judge_commit(raw, home.node, own_signers(home.path), START).verified


def spool_count_of(home: Home) -> int:
    """How many records wait in the spool."""
    with Spool.open(home.path, role=home.settings.role) as spool:
        return spool.store.count()


@pytest.mark.parametrize("role", OWN)
def test_the_readme_of_a_repo_says_what_it_carries(
    tmp_path: Path, remote_dir: Path, role: Role
) -> None:
    make(tmp_path, role, remote_dir)
    assert files_of(remote_dir)["README.md"].decode().startswith(f"# {role.title()} `{role}-1`\n")


@pytest.mark.parametrize("own", ROLES)
@pytest.mark.parametrize("other", ROLES)
def test_a_program_touches_no_home_of_another_role(
    tmp_path: Path, remote_dir: Path, own: Role, other: Role
) -> None:
    home = make(tmp_path, own, remote_dir)
    if own == other:
        assert read_home(home.path, other).settings.role == own
        return
    for attempt in (
        lambda: read_home(home.path, other),
        lambda: Spool.open(home.path, role=other),
        lambda: init(new_home(home.path, home.node, home.repo.remote, role=other), START),
    ):
        with pytest.raises(HomeError, match=f"{PROGRAMS[other]} has no business there") as raised:
            attempt()
        assert f"use the program {PROGRAMS[own]} on it" in raised.value.hint


@pytest.mark.parametrize("role", OWN)
def test_where_there_is_no_home_it_says_what_is_missing(tmp_path: Path, role: Role) -> None:
    with pytest.raises(NotInitialisedError, match=f"no {role} lives in "):
        Spool.open(tmp_path, role=role)


def test_a_home_rolls_over_and_numbers_go_on(home: Home, tmp_path: Path, remote_dir: Path) -> None:
    take(home, START, 2)
    following = bare_repo(tmp_path / "remote.2027.git")
    report = rollover(home, Remote(following.as_uri()), START)
    assert (report.outcome, report.next_seq, report.remark) == ("started", 3, "")
    now = read_home(home.path)
    assert now.settings.role == home.settings.role
    take(now, START)
    push(now, START)
    assert (seqs_in(remote_dir), seqs_in(following)) == ([1, 2], [3])
    assert set(files_of(following)) >= {"README.md", "epochs/0000000000"}
    assert "epochs/moved" in files_of(remote_dir)


def test_a_home_that_is_lost_begins_again_in_the_next_epoch(
    home: Home, tmp_path: Path, remote_dir: Path
) -> None:
    take(home, START)
    push(home, START)
    again = make(tmp_path, home.settings.role, remote_dir, name="again")
    assert take(again, START) == [1_000_000_001]


# --- dates


@settings(max_examples=settings().max_examples // 2)
@given(steps=st.lists(st.timedeltas(-AHEAD_MAX, timedelta(hours=2)), min_size=1, max_size=6))
def test_no_commit_is_dated_before_its_parent_whatever_the_clock_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[timedelta]
) -> None:
    """Each is dated by the clock, or like its parent where that is later."""
    folder = tmp_path_factory.mktemp("till")
    home = make(folder, "till", bare_repo(folder / "remote.git"))
    now, newest = START, START
    for step in steps:
        now = max(now + step, newest - AHEAD_MAX).replace(microsecond=0)
        take(home, now)
        push(home, now)
        newest = max(now, newest)
        assert dates(home)[0] == newest
    assert is_in_order(home)


def test_a_commit_from_the_future_ends_with_a_way_out_instead_of_a_held_repo(
    home: Home, tmp_path: Path, remote_dir: Path
) -> None:
    """The clock was nine days ahead once. Nothing is lost, and `rollover` sends what waits."""
    take(home, START + DAYS)
    push(home, START + DAYS)
    take(home, START, 2)
    for _ in range(2):
        with pytest.raises(FutureParentError, match="dates no commit before its parent") as raised:
            push(home, START)
        assert raised.value.exit_code is ExitCode.FAILED
        program = PROGRAMS[home.settings.role]
        assert f"{program} --home {home.path} rollover --remote URL" in raised.value.hint
        assert "timedatectl" in raised.value.hint
    assert (seqs_in(remote_dir), spool_count_of(home)) == ([1], 2)
    following = bare_repo(tmp_path / "remote.2027.git")
    report = rollover(home, Remote(following.as_uri()), START)
    assert (report.outcome, report.next_seq) == ("started", 4)
    now = read_home(home.path)
    assert push(now, START).retired == 2
    assert (seqs_in(remote_dir), seqs_in(following)) == ([1], [2, 3])
    assert dates(now)[0] == START
    assert is_in_order(now), "the moved mark too is dated like the commit from the future"


def test_what_waits_to_be_pushed_is_pushed_by_that_rollover(
    home: Home, tmp_path: Path, remote_dir: Path
) -> None:
    take(home, START + DAYS)
    hidden = remote_dir.rename(tmp_path / "away.git")
    with pytest.raises(Exception, match="1 commit waits here"):
        push(home, START + DAYS)
    hidden.rename(remote_dir)
    take(home, START)
    following = bare_repo(tmp_path / "remote.2027.git")
    assert rollover(home, Remote(following.as_uri()), START).pushed == 1
    push(read_home(home.path), START)
    assert (seqs_in(remote_dir), seqs_in(following)) == ([1], [2])


def test_a_clock_that_is_set_right_needs_no_way_out(home: Home, remote_dir: Path) -> None:
    """It was the clock of the second push that was wrong."""
    take(home, START + DAYS)
    push(home, START + DAYS)
    take(home, START)
    with pytest.raises(FutureParentError):
        push(home, START)
    push(home, START + DAYS)
    assert seqs_in(remote_dir) == [1, 2]
    assert is_in_order(home)


def test_with_nothing_to_commit_a_push_is_as_ever(home: Home) -> None:
    take(home, START + DAYS)
    push(home, START + DAYS)
    assert "until the operator accepts it" in push(home, START).remark


def test_a_rejoin_claims_no_epoch_before_what_it_builds_on(
    home: Home, tmp_path: Path, remote_dir: Path
) -> None:
    take(home, START + 4 * SECOND)
    push(home, START + 4 * SECOND)
    again = make(tmp_path, home.settings.role, remote_dir, name="again")
    assert dates(again)[0] == START + 4 * SECOND


def test_history_is_not_imported_by_the_hour(home: Home) -> None:
    take(home, START)
    with pytest.raises(HomeError, match="dates its commits when they are made"):
        push(home, START, by_hour=True)
    assert push(home, START).retired == 1


# --- doctor


def look(home: Home, now: datetime) -> dict[str, Finding]:
    """What each check found."""
    return {found.check: found for found in examine(home.path, home.settings.role, now)}


def test_doctor_names_the_way_out_of_a_future(home: Home) -> None:
    take(home, START + DAYS)
    push(home, START + DAYS)
    found = look(home, START)["dates"]
    assert found.health is Severity.PROBLEM
    assert f"{PROGRAMS[home.settings.role]} --home {home.path} rollover" in found.do


def test_doctor_finds_nothing_in_days_without_money(home: Home) -> None:
    """Unlike a node, whose timer pushes every hour."""
    take(home, START)
    push(home, START)
    assert look(home, START + DAYS)["sent"].health is Severity.OK


@pytest.mark.parametrize("role", OWN)
def test_doctor_knows_no_home_of_another_role(tmp_path: Path, remote_dir: Path, role: Role) -> None:
    home = make(tmp_path, role, remote_dir)
    (found,) = examine(home.path, "usage", START)
    assert "node-pusher has no business there" in found.says


@pytest.mark.parametrize(
    ("service", "health", "words"),
    [
        (None, Severity.WARNING, "systemd does not answer"),
        ({"LoadState": "not-found"}, Severity.WARNING, "not installed"),
        ({"LoadState": "loaded", "ActiveState": "failed"}, Severity.PROBLEM, "is not running"),
        (
            {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "disabled"},
            Severity.WARNING,
            "does not start by itself",
        ),
        (
            {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"},
            Severity.OK,
            "pushes as it writes",
        ),
    ],
)
def test_service_what_its_facts_mean(
    service: dict[str, str] | None, health: Severity, words: str
) -> None:
    found = judge_service("till.service", service)
    assert found.health is health
    assert words in found.says
    assert found.do or health is Severity.OK


# --- the commands that programs share


@pytest.mark.parametrize("role", OWN)
def test_the_shared_commands_work_on_homes_of_the_role(
    tmp_path: Path, remote_dir: Path, role: Role
) -> None:
    program, node = RoleProgram(role, tmp_path / "home"), f"{role}-1"
    line = program("show-key", "--node", node).ok().out
    made = program.json("init", "--node", node, "--remote", remote_dir.as_uri())
    assert (made["outcome"], made["next_seq"]) == ("created", 1)
    assert f"{made['allowed_signers_line']}\n" == line == program("show-key").ok().out
    home = read_home(program.home, role)
    take(home, datetime.now(tz=START.tzinfo).replace(microsecond=0))
    assert program.json("push")["retired"] == 1
    entry, claim = program.json("log")
    assert (entry["records"], claim["records"]) == (1, 0)
    assert program.json("status")["next_seq"] == 2
    following = bare_repo(tmp_path / "remote.2027.git")
    assert program.json("rollover", "--remote", following.as_uri())["outcome"] == "started"
    assert len(program.json("log", "--all")) == 4
    moved = following.rename(tmp_path / "moved.git")
    assert "set-remote" in program("push").err
    assert program.json("set-remote", moved.as_uri())["outcome"] == "set"
    assert program.json("push")["pushed"] == 0
    assert program.json("rotate-key")["in_use"] is True
    checks = {check["check"]: check for check in program.json("doctor")["checks"]}
    assert checks["service"]["health"] == "warning"
    assert checks["settings"]["health"] == "ok"


@pytest.mark.parametrize("role", OWN)
def test_a_shared_command_is_refused_on_another_home(
    tmp_path: Path, remote_dir: Path, role: Role
) -> None:
    home = make(tmp_path, "usage", remote_dir)
    for command in (("push",), ("status",), ("rollover", "--remote", "file:///x")):
        said = RoleProgram(role, home.path)(*command)
        assert said.code == 1
        assert f"{PROGRAMS[role]} has no business there" in said.err
        assert "node-pusher" in said.err
