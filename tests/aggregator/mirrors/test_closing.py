"""A mirror that is dropped is closed at once, however many of them a pass opens."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ledger.world import World, usage_line

NODES = 12


@pytest.fixture
def _no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def open_packs(world: World) -> int:
    """Packs of mirrors that this process has open."""
    links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - closed again
    targets = [os.readlink(link) for link in links if link.is_symlink()]  # noqa: PTH115 - as text
    return sum(
        t.startswith(str(world.config.mirrors_path)) and t.endswith(".pack") for t in targets
    )


@pytest.mark.usefixtures("_no_garbage_collection")
def test_a_pass_leaves_no_pack_open(tmp_path: Path) -> None:
    """Without help of the garbage collection, which may come after a thousand of them."""
    world = World(tmp_path)
    world.rules()
    for seq in (1, 2):
        for number in range(NODES):
            name = f"node-{number}"
            world.usage(usage_line(node=name, seq=seq), repo=name)
        world.pull()
        assert open_packs(world) == 0
    mirror = world.state.mirrors.open_named("node-1")
    assert mirror.commit(mirror.head or "").tree
    assert open_packs(world) > 0
