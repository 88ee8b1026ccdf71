"""What a git program that was killed leaves in a mirror is removed, and gc runs under limits."""

import random
from pathlib import Path

import pytest

from aggregator.mirrors.gc import PACKS_MAX, maintain, pack_count
from aggregator.mirrors.leftovers import being_packed, sweep_partial_packs
from gitmeter.git_remote.failures import RemoteError
from tests.support.ledger.world import World, usage_line

MIB = 1 << 20


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, fetch_file_bytes_max=MIB)
    made.rules()
    made.usage(usage_line(seq=1))
    made.pull()
    return made


def mirror(world: World) -> Path:
    return world.config.mirror_path("node-1")


def partial(world: World) -> list[str]:
    folder = mirror(world) / "objects" / "pack"
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("tmp_"))


def test_a_refused_fetch_leaves_no_partial_pack(world: World) -> None:
    """However often it is tried; and the repo is read once it is sound again."""
    noise = random.Random(1).randbytes(4 * MIB)
    sound = str(world.repo("node-1").tip())
    world.repo("node-1").commit({"noise": noise})
    for _ in range(2):
        assert world.pull()["node-1"].incident == "content refused"
        assert partial(world) == []
    world.repo("node-1").force(sound)
    world.usage(usage_line(seq=2))
    assert world.pull()["node-1"].admitted == 1


def test_what_a_killed_process_left_is_removed_by_the_next_writer(world: World) -> None:
    """Not while a gc writes there."""
    pack = mirror(world) / "objects" / "pack"
    left = [pack / "tmp_pack_1", pack / "tmp_idx_1", pack / ".tmp-7-pack-0.pack", pack / "a.keep"]
    for path in left:
        path.write_bytes(b"half")
    with being_packed(mirror(world)):
        sweep_partial_packs(mirror(world))
        assert all(path.exists() for path in left)
    with world.state.locked():
        assert not any(path.exists() for path in left)
    assert pack_count(mirror(world)) > 0


def test_packing_runs_under_a_limit_of_memory(world: World) -> None:
    """Too little is an error that leaves nothing behind; what is allowed by default is enough."""
    for seq in range(2, PACKS_MAX + 4):
        world.usage(usage_line(seq=seq))
        world.pull()
    with pytest.raises(RemoteError):
        maintain(mirror(world), memory_bytes_max=4 * MIB)
    assert partial(world) == []
    assert maintain(mirror(world))
    assert pack_count(mirror(world)) == 1
    assert world.verify().matches
