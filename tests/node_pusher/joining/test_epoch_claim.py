"""An epoch is claimed on the remote before its first number is given: none is given twice."""

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import node_pusher.joining.epoch_claim
import node_pusher.joining.init
from gitmeter.git_remote.failures import (
    AccessDeniedError,
    PushRefusedError,
    RemoteError,
    UnreachableError,
)
from gitmeter.git_remote.remote import Remote
from gitmeter.roles.role import ROLES, Role
from gitmeter.signing.verdict import judge_commit
from node_pusher.home.errors import HomeError, NotInitialisedError
from node_pusher.home.home import Home, HomeRepo, new_home
from node_pusher.home.own_key import ensure_key, own_signers
from node_pusher.home.settings_file import read_home, write_home
from node_pusher.joining.init import init
from node_pusher.joining.trust import Vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.branch import push_in_parts
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from node_pusher.spool.store import Store
from tests.node_pusher.conftest import NODE, START, MakeHome, commit_file, files_of, record
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter, accept_pushes, refuse_pushes, segment_path

EPOCH = 1_000_000_000


@pytest.fixture
def server(tmp_path: Path, remote_dir: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path, tokens={remote_dir.name: {"t0ken": "write"}}) as running:
        yield running


@pytest.fixture
def wanted(tmp_path: Path, server: GitHttpServer) -> Home:
    """A home that is not made yet, on a remote over http."""
    token = write_secret(tmp_path / "token", "t0ken\n")
    return new_home(tmp_path / "new", NODE, Remote(server.url("remote.git"), token_file=token))


def tip_of(remote_dir: Path) -> str:
    return RepoWriter(remote_dir).tip() or ""


def gives_numbers(home: Home) -> bool:
    """Whether anything can be recorded there."""
    try:
        record(home)
    except NotInitialisedError:
        return False
    return True


def test_the_remote_holds_the_claim_once_a_home_is_made(home: Home, remote_dir: Path) -> None:
    files = files_of(remote_dir)
    assert set(files) == {"README.md", "epochs/0000000000"}
    assert files["epochs/0000000000"] == f"{NODE}\n".encode()
    repo = LedgerRepo(home.repo)
    assert repo.tip == repo.pushed == tip_of(remote_dir)
    raw = repo.raw_commit(repo.tip)
    assert judge_commit(raw, NODE, own_signers(home.path), START).verified


@pytest.mark.parametrize("role", ROLES)
def test_disks_that_die_before_their_first_push_leave_no_number_to_be_given_again(
    tmp_path: Path, remote_dir: Path, role: Role
) -> None:
    given: list[int] = []
    for number in range(4):
        home = new_home(tmp_path / f"disk-{number}", NODE, Remote(remote_dir.as_uri()), role=role)
        init(home, START, vouched=Vouched(tip=RepoWriter(remote_dir).tip()))
        with Spool.open(home.path, role=role) as spool:
            given.append(spool.record(user="alice", resource="r", units=number).seq)
        shutil.rmtree(home.path)
    assert given == [1, EPOCH + 1, 2 * EPOCH + 1, 3 * EPOCH + 1]


def test_the_claim_of_a_home_that_recorded_nothing_needs_nobody_to_vouch(
    make_home: MakeHome, home: Home
) -> None:
    """It is the only commit, and nothing in it is ever billed."""
    second = make_home("second")
    assert init(second, START).next_seq == EPOCH + 1
    with pytest.raises(HomeError, match="not among the allowed ones"):
        make_home("third")


@pytest.mark.parametrize("path", ["rules/prices.toml", "README.md", "epochs/notes.txt"])
def test_a_claim_is_seen_below_commits_that_state_no_epoch(
    home: Home, make_home: MakeHome, remote_dir: Path, path: str
) -> None:
    """A join fetches one commit; the claim must show in its tree."""
    commit_file(home, path, b"# new\n", "a file\n\nnothing else\n")
    push(home, START)
    joined = make_home("joined", vouched=Vouched(tip=tip_of(remote_dir)))
    assert init(joined, START).next_seq == EPOCH + 1


def test_the_highest_claim_counts_and_not_the_newest_segment(
    home: Home, make_home: MakeHome, remote_dir: Path
) -> None:
    record(home)
    tip = push(home, START).head
    RepoWriter(remote_dir).commit({"epochs/0000000007": f"{NODE}\n".encode()}, message="x")
    assert tip != tip_of(remote_dir)
    joined = make_home("joined", vouched=Vouched(tip=tip_of(remote_dir)))
    assert init(joined, START).next_seq == 8 * EPOCH + 1


def test_another_node_is_known_by_its_claim(
    home: Home, make_home: MakeHome, remote_dir: Path
) -> None:
    with pytest.raises(HomeError, match=f"is the repo of {NODE}, not of other-01"):
        make_home("other", node="other-01")
    RepoWriter(remote_dir).commit({"README.md": b"by hand"})
    with pytest.raises(HomeError, match=f"is the repo of {NODE}, not of other-01"):
        make_home("other", node="other-01", vouched=Vouched(tip=tip_of(remote_dir)))


def test_the_last_epoch_is_not_gone_past(remote_dir: Path, make_home: MakeHome) -> None:
    claim = {"epochs/0009007198": f"{NODE}\n".encode()}
    RepoWriter(remote_dir).commit(claim)
    with pytest.raises(HomeError, match="no numbers are left"):
        make_home()


@pytest.mark.parametrize("fault", ["hook", "read-only token", "server"])
def test_where_the_claim_is_not_taken_nothing_gives_numbers(
    wanted: Home, server: GitHttpServer, remote_dir: Path, fault: str
) -> None:
    error: type[RemoteError] = UnreachableError
    if fault == "hook":
        error = PushRefusedError
        refuse_pushes(remote_dir, "closed for inventory")
    elif fault == "read-only token":
        error = AccessDeniedError
        server.tokens = {"remote.git": {"t0ken": "read"}}
    else:
        server.misbehave("503", where="POST /remote.git/git-receive-pack", times=None)
    with pytest.raises(error, match="init claims the numbers") as raised:
        init(wanted, START)
    if fault != "server":
        assert "must be allowed to push to main" in raised.value.hint
    assert not gives_numbers(wanted)
    assert not wanted.spool_file.exists()
    assert RepoWriter(remote_dir).tip() is None
    if fault == "hook":
        accept_pushes(remote_dir)
    server.tokens = {"remote.git": {"t0ken": "write"}}
    server.behave()
    assert init(wanted, START).next_seq == 1


def test_a_claim_whose_answer_is_lost_is_found_by_reading_back(
    wanted: Home, server: GitHttpServer
) -> None:
    server.misbehave("lose_answer", where="POST /remote.git/git-receive-pack")
    assert init(wanted, START).next_seq == 1
    assert gives_numbers(wanted)


def test_a_claim_that_cannot_be_read_back_may_stand_and_costs_an_epoch(
    wanted: Home, server: GitHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pushed_then_cut(repo: HomeRepo, commits: Sequence[str]) -> RemoteError | None:
        said = push_in_parts(repo, commits)
        server.misbehave("503", times=None)
        return said

    with monkeypatch.context() as patch:
        patch.setattr(node_pusher.joining.epoch_claim, "push_in_parts", pushed_then_cut)
        with pytest.raises(UnreachableError, match="init needs the remote"):
            init(wanted, START)
    assert not gives_numbers(wanted)
    server.behave()
    assert init(wanted, START).next_seq == EPOCH + 1


def test_of_two_homes_made_at_once_each_gets_an_epoch(
    make_home: MakeHome, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is made between the look and the push."""

    def others_first(repo: HomeRepo, commits: Sequence[str]) -> RemoteError | None:
        monkeypatch.setattr(node_pusher.joining.epoch_claim, "push_in_parts", push_in_parts)
        made.append(make_home("other"))
        return push_in_parts(repo, commits)

    made: list[Home] = []
    monkeypatch.setattr(node_pusher.joining.epoch_claim, "push_in_parts", others_first)
    made.append(make_home("home"))
    assert [init(home, START).next_seq for home in made] == [1, EPOCH + 1]
    assert {"epochs/0000000000", "epochs/0000000001"} <= set(files_of(remote_dir))
    record(made[1])
    assert push(made[1], START).retired == 1


@pytest.mark.parametrize(
    ("owner", "place"), [(Store, "raise_next_seq"), (node_pusher.joining.init, "write_home")]
)
def test_an_init_that_dies_after_its_claim_wastes_that_epoch(
    make_home: MakeHome,
    remote_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    place: str,
) -> None:
    class DeathError(Exception):
        pass

    def die(*_: object) -> None:
        raise DeathError

    with monkeypatch.context() as patch:
        patch.setattr(owner, place, die)
        with pytest.raises(DeathError):
            make_home()
    home = make_home()
    record(home)
    assert push(home, START).retired == 1
    assert segment_path(START.date(), EPOCH + 1) in files_of(remote_dir)


def test_a_home_from_before_claims_is_asked_for_none(tmp_path: Path, remote_dir: Path) -> None:
    home = new_home(tmp_path / "old", NODE, Remote(remote_dir.as_uri()))
    home.path.mkdir()
    LedgerRepo.create(home.repo)
    ensure_key(home.path, home.node)
    Store.create(home.spool_file, NODE).close()
    write_home(home)
    assert (init(home, START).outcome, init(home, START).next_seq) == ("unchanged", 1)
    assert RepoWriter(remote_dir).tip() is None
    record(home)
    assert push(home, START).retired == 1
    assert set(files_of(remote_dir)) == {"README.md", segment_path(START.date(), 1)}


def test_a_rejoin_takes_over_the_new_address_of_a_token(wanted: Home, tmp_path: Path) -> None:
    init(wanted, START)
    token = write_secret(tmp_path / "token-2", "t0ken\n")
    moved = dataclasses.replace(wanted.repo.remote, token_file=token)
    init(new_home(wanted.path, NODE, moved), START, rejoin=True)
    assert read_home(wanted.path).repo.remote.token_file == token
