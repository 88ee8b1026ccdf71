"""A node that pushed nothing for longer than expected is an incident, and no other node is."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.incidents.silence import WatchedRepo, file_silence, silent_repos
from gitmeter.roles.role import Role
from tests.support.ledger.world import NOW, World, money_line, usage_line

DAY_S = 86_400


def ago(seconds: int | None) -> datetime | None:
    return None if seconds is None else NOW - timedelta(seconds=seconds)


def repo(
    name: str = "n", *, limit_s: int = DAY_S, heard_s: int | None = None, added_s: int | None = None
) -> WatchedRepo:
    return WatchedRepo(name, name.partition(".")[0], limit_s, ago(heard_s), ago(added_s))


@pytest.mark.parametrize(
    ("repos", "silent"),
    [
        ([repo(heard_s=DAY_S)], []),
        ([repo(heard_s=DAY_S + 1)], ["n"]),
        ([repo(heard_s=10 * DAY_S, limit_s=0)], []),
        ([repo(heard_s=61, limit_s=60)], ["n"]),
        ([repo(heard_s=-60)], []),
        ([repo()], []),
        ([repo(added_s=DAY_S + 1)], ["n"]),
        ([repo(added_s=DAY_S)], []),
        # a node that was away and was registered again has time to push
        ([repo(heard_s=90 * DAY_S, added_s=60)], []),
        # the newest of a node's repos counts; the earlier ones stay silent
        ([repo(heard_s=90 * DAY_S), repo("n.2027", heard_s=60)], []),
        ([repo(heard_s=90 * DAY_S), repo("n.2027", heard_s=2 * DAY_S)], ["n.2027"]),
        ([repo(heard_s=2 * DAY_S), repo("n.2027")], ["n"]),
        # the shortest time that any of them states
        ([repo(heard_s=90, limit_s=0), repo("n.2027", limit_s=60)], ["n"]),
        ([repo(heard_s=90, limit_s=DAY_S), repo("n.2027", limit_s=60)], ["n"]),
        ([repo(heard_s=2 * DAY_S), repo("m", heard_s=60)], ["n"]),
        ([], []),
    ],
)
def test_which_nodes_are_silent(repos: list[WatchedRepo], silent: list[str]) -> None:
    assert list(silent_repos(repos, NOW)) == silent
    assert sorted(silent_repos(reversed(repos), NOW)) == sorted(silent)


REPOS = st.lists(
    st.builds(
        repo,
        st.sampled_from(("a", "a.2027", "b", "b.2")),
        limit_s=st.sampled_from((0, 60, DAY_S)),
        heard_s=st.none() | st.integers(-100, 2 * DAY_S),
        added_s=st.none() | st.integers(0, 2 * DAY_S),
    ),
    max_size=6,
    unique_by=lambda repo: repo.name,
)


@given(REPOS, st.integers(0, 3 * DAY_S))
def test_silence_lasts_until_records_arrive(repos: list[WatchedRepo], later_s: int) -> None:
    """Time alone never ends it, news do; each node is named by one repo, always the same."""
    silent = silent_repos(repos, NOW)
    nodes = [name.partition(".")[0] for name in silent]
    assert len(set(nodes)) == len(nodes)
    later = NOW + timedelta(seconds=later_s)
    assert silent.keys() <= silent_repos(repos, later).keys()
    heard = [item._replace(heard_at=later) for item in repos]
    assert silent_repos(heard, later) == {}


def file(world: World) -> list[tuple[str, str]]:
    with world.ledger() as ledger, ledger.store.transaction():
        file_silence(ledger.store, world.config, world.now)
    return sorted(found for found in world.open_kinds() if found[1] == "silent")


def test_it_opens_and_closes_with_what_is_pulled(tmp_path: Path) -> None:
    """By the date of the newest applied commit, also after a rebuild; never for the books."""
    world = World(tmp_path, silent_after_s=3600)
    world.rules()
    world.usage(usage_line(seq=1), when=NOW - timedelta(minutes=59))
    world.usage(usage_line(seq=1, node="node-2"), repo="node-2", when=NOW - timedelta(hours=9))
    world.repo("node-3")
    world.pull()
    assert file(world) == [("node-2", "silent")]
    world.now += timedelta(minutes=2)
    assert file(world) == [("node-1", "silent"), ("node-2", "silent")]
    world.forget()
    assert file(world) == [("node-1", "silent"), ("node-2", "silent")]
    world.usage(usage_line(seq=2), when=world.now)
    world.pull()
    assert file(world) == [("node-2", "silent")]
    world.configure("node-2", silent_after_s=0)
    assert file(world) == []
    world.configure("node-2", silent_after_s=None)
    assert file(world) == [("node-2", "silent")]
    world.configure("node-2", retired_at=NOW)
    assert file(world) == []


def test_a_registered_node_that_never_pushed_becomes_silent(tmp_path: Path) -> None:
    world = World(tmp_path, silent_after_s=3600)
    world.repo("node-1")
    world.configure("node-1", registered_at=NOW - timedelta(minutes=30))
    world.pull()
    assert file(world) == []
    world.now += timedelta(minutes=31)
    assert file(world) == [("node-1", "silent")]
    (incident,) = [row for row in world.incidents() if row["kind"] == "silent"]
    assert incident["detail"].startswith("no records since it was registered")


@pytest.mark.parametrize("role", ["till", "desk"])
def test_a_till_or_desk_is_silent_only_where_its_repo_says_so(tmp_path: Path, role: Role) -> None:
    """Money does not come by the hour."""
    world = World(tmp_path, silent_after_s=3600)
    world.repo("till-1", role=role)
    world.pay(money_line(node="till-1"), repo="till-1", when=NOW - timedelta(days=9))
    world.pull()
    assert file(world) == []
    world.configure("till-1", silent_after_s=DAY_S)
    assert file(world) == [("till-1", "silent")]
    (incident,) = [row for row in world.incidents() if row["kind"] == "silent"]
    assert "Check with `doctor` of its program" in incident["advice"]
    world.configure("till-1", silent_after_s=0)
    assert file(world) == []
