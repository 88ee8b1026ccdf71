"""A mirror says whose it is, also after its configuration was read once and is not read again."""

from pathlib import Path

import pygit2
import pytest

from aggregator.config.known_repo import KnownRepo
from aggregator.mirrors.mirror import Mirror
from tests.support.ledger.world import World, usage_line


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.usage(usage_line())
    made.pull()
    return made


def named(world: World) -> KnownRepo | None:
    return Mirror.known_repo(world.config.mirror_path("node-1"))


def test_another_right_to_bill_is_saved_at_once(world: World) -> None:
    mirrors, repo = world.state.mirrors, world.state.repos.named("node-1")
    for allow in ((), ("vm/*",), ("vm/*", "llm/*"), ()):
        changed = repo._replace(allow=allow)
        for _ in range(2):
            mirrors.open(changed)
            assert named(world) == changed


@pytest.mark.parametrize("key", ["gitmeter.node", "gitmeter.role", "gitmeter.allow"])
def test_a_configuration_that_was_changed_behind_us_is_mended(world: World, key: str) -> None:
    """As after a backup was restored over it."""
    mirrors, repo = world.state.mirrors, world.state.repos.named("node-1")
    mirrors.open(repo)
    pygit2.Config(str(world.config.mirror_path("node-1") / "config"))[key] = "books"
    assert named(world) != repo
    mirrors.open(repo)
    assert named(world) == repo


def test_a_mirror_that_was_moved_away_is_made_again(world: World) -> None:
    mirrors, repo = world.state.mirrors, world.state.repos.named("node-1")
    mirrors.open(repo)
    world.config.mirror_path("node-1").rename(world.folder / "away")
    assert mirrors.open(repo).head is None
    assert named(world) == repo
