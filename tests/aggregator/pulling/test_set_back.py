"""A branch that is at an earlier commit of what was billed, as after a forge was restored.

Nothing is to be decided: what was billed stays billed, and the next push puts the rest back.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from cursors.position import HeadOutcome
from gitmeter.git_remote.remote import Remote
from gitmeter.git_remote.runner import run_git
from node_pusher.home.home import Home, new_home
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import init
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from tests.books.program import Books
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.ledger.rewritten_repos import (
    PATHS,
    billed_world,
    first_commit,
    line,
    others_go_on,
    sound,
)
from tests.support.ledger.world import BOOKS, PRICES, World
from tests.support.repos import RepoWriter

NODE = "node-1"
START = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return billed_world(tmp_path)


def set_back(world: World, repo: str = NODE) -> tuple[RepoWriter, str]:
    """Set the branch of a repo back to its first commit; returns the repo and its former tip."""
    writer = world.repo(repo)
    tip = str(writer.tip())
    writer.force(first_commit(writer))
    return writer, tip


def test_what_was_billed_stays_billed_until_the_commits_are_back(world: World) -> None:
    """The incident says how many commits are missing, and closes when they are there again."""
    writer, tip = set_back(world)
    digest = world.digest()
    report = world.pull()[NODE]
    assert (report.outcome, report.incident) == (HeadOutcome.SET_BACK, IncidentKind.SET_BACK)
    assert (report.commits, report.behind, report.retry) == (0, 0, True)
    assert report.detail == f"head {writer.tip()} lacks 1 billed commit up to {tip}"
    assert (world.node()["outcome"], world.node()["cursor"]) == ("set back", tip)
    assert (world.digest(), world.rebuilt_digest()) == (digest, digest)
    assert world.verify().matches
    others_go_on(world)
    assert world.open_kinds() == [(NODE, "set back")]
    writer.force(tip)
    sound(world, records=2)


def test_new_commits_may_come_with_those_that_were_missing(world: World) -> None:
    writer, tip = set_back(world)
    world.pull()
    writer.force(tip)
    writer.commit({PATHS[3]: line(3)})
    assert world.pull()[NODE].admitted == 1
    sound(world, records=3)


def test_a_commit_on_top_of_a_branch_that_was_set_back_is_a_rewrite(world: World) -> None:
    """It is a fork of what was billed, which only the operator can accept."""
    writer, _ = set_back(world)
    world.pull()
    writer.commit({PATHS[3]: line(3)})
    assert world.pull()[NODE].incident is IncidentKind.REWRITTEN
    assert world.open_kinds() == [(NODE, "rewritten")]


@pytest.mark.parametrize("repo", [NODE, BOOKS])
def test_no_decision_is_proposed(world: World, repo: str) -> None:
    """There is nothing to accept; the advice is to push again."""
    world.rules(PRICES + b"\n")  # the books have a second commit
    world.pull()
    set_back(world, repo)
    world.pull()
    assert world.run("rewrites").ok().out == "none\n"
    (row,) = world.run("incidents", "--json").ok().json
    assert (row["repo"], row["kind"], row["command"]) == (repo, "set back", None)
    assert "accept-tip" not in row["advice"]
    assert ("`books push`" in row["advice"]) is (repo == BOOKS)
    assert world.run("pull").code == 75, "it may end without anyone's intervention"


def test_the_mirror_can_put_the_commits_back(world: World) -> None:
    """As is advised where the node is gone; nothing has to be forced."""
    writer, tip = set_back(world)
    world.pull()
    mirror = world.config.mirror_path(NODE)
    run_git(["reflog", "expire", "--expire=now", "--all"], cwd=mirror, timeout_s=60)
    assert run_git(["gc", "--prune=now", "--quiet"], cwd=mirror, timeout_s=60).returncode == 0
    refspec = "refs/aggregator/applied:refs/heads/main"
    run_git(["push", "--quiet", str(writer.path), refspec], cwd=mirror, timeout_s=60)
    assert writer.tip() == tip
    sound(world, records=2)


def test_a_set_back_of_a_retired_nodes_repo_is_no_incident(world: World) -> None:
    """Nothing more comes from it, and no push would end the incident."""
    set_back(world)
    world.configure(NODE, retired_at=world.now)
    assert world.pull()[NODE].outcome is HeadOutcome.SET_BACK
    assert world.open_kinds() == []


class Node:
    """A node that signs and pushes over http with a token, and the aggregator that bills it.

    Attributes:
        world: the aggregator.
    """

    def __init__(self, world: World, server: GitHttpServer) -> None:
        self.world = world
        self._path = world.folder / "home"
        token = write_secret(world.folder / "token", "n0de\n")
        url = server.url(f"{NODE}.git")
        world.rules()
        world.repo(NODE, url=url)
        world.configure(NODE, allow_unsigned=False, token_file=token)
        init(new_home(self._path, NODE, Remote(url, token_file=token)), START)
        world.settings["allowed_signers_file"] = str(self._path / "allowed_signers")

    @property
    def home(self) -> Home:
        """The node's home."""
        return read_home(self._path)

    def record(self, number: int) -> None:
        """Record usage."""
        at = START + timedelta(minutes=number)
        with Spool.open(self._path, clock=lambda: at) as spool:
            spool.record(user="alice", resource="hero_os/seconds", units=100, ts=at)

    def push(self, number: int) -> str:
        """Push, as the timer does, and have it billed; returns the tip."""
        head = push(self.home, START + timedelta(minutes=number)).head
        assert head is not None
        self.world.pull()
        return head


@pytest.mark.parametrize("has_new_records", [False, True])
def test_the_next_push_of_a_node_puts_the_missing_commits_back(
    tmp_path: Path, *, has_new_records: bool
) -> None:
    """Whether it has new records or not; all of it is billed once."""
    world = World(tmp_path)
    with GitHttpServer(tmp_path / "remotes", tokens={f"{NODE}.git": {"n0de": "write"}}) as server:
        node = Node(world, server)
        tips = []
        for number in range(3):
            node.record(number)
            tips.append(node.push(number))
        digest = world.digest()
        world.repo(NODE).force(tips[0])
        report = world.pull()[NODE]
        assert report.incident is IncidentKind.SET_BACK
        assert "lacks 2 billed commits" in report.detail
        if has_new_records:
            node.record(3)
        head = node.push(3)
        assert world.repo(NODE).tip() == head
        assert world.open_kinds() == []
        assert world.charges()[0]["records"] == 3 + has_new_records
        assert (world.digest() == digest) is not has_new_records
        assert world.rebuilt_digest() == world.digest()
        assert world.verify().matches


def test_a_push_of_the_books_puts_their_missing_commits_back(tmp_path: Path) -> None:
    """And the payments that were set back are in the balance all the time."""
    books = Books(tmp_path)
    books.init().ok()
    for _ in range(2):
        books("pay", "alice", "10").ok()
        books.balance("alice")
    writer = RepoWriter(books.remote)
    tip = writer.tip()
    writer.force(first_commit(writer))
    assert books.aggregate("pull").code == 75
    assert "set back" in books.aggregate("incidents").ok().out
    assert books.balance("alice")["balance_usd"] == "20.00"
    assert writer.tip() == tip
    assert books.aggregate("incidents").ok().out == "no open incidents\n"
