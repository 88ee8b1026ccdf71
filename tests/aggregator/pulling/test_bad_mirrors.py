"""Whatever is wrong with one mirror is an incident of its repo; all others are billed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger import ingest, pending
from aggregator.ledger.reading.segment import read_segment
from aggregator.mirrors.commit_delta import AddedFile
from aggregator.mirrors.leftovers import being_packed, sweep_locks
from aggregator.mirrors.mirror import Mirror, MirrorError
from tests.support.ledger.running import PROGRAM
from tests.support.ledger.world import World, money_line, usage_line
from wire_format.faults import Fault
from wire_format.segment import Segment


def empty_ref(mirror: Path) -> None:
    (mirror / "refs/aggregator/applied").write_bytes(b"")


def garbled_ref(mirror: Path) -> None:
    (mirror / "refs/aggregator/applied").write_bytes(b"\xff\xfe\n")


def garbled_config(mirror: Path) -> None:
    (mirror / "config").write_bytes(b"\x01\x02[")


def config_that_is_no_text(mirror: Path) -> None:
    (mirror / "config").write_bytes(b"[gitmeter]\n\tnode = \xff\xfe\n\trole = books\n")


def garbled_packed_refs(mirror: Path) -> None:
    (mirror / "refs/aggregator/applied").unlink()
    (mirror / "packed-refs").write_bytes(b"xx\nyy\n")


def no_refs(mirror: Path) -> None:
    shutil.rmtree(mirror / "refs")


def no_objects(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")


def a_file_in_its_place(mirror: Path) -> None:
    shutil.rmtree(mirror)
    mirror.write_bytes(b"")


def of_another_owner(mirror: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    for path in (mirror, *mirror.rglob("*")):
        os.chown(path, 65534, 65534)


DAMAGES = [
    empty_ref,
    garbled_ref,
    garbled_config,
    garbled_packed_refs,
    no_refs,
    no_objects,
    a_file_in_its_place,
    of_another_owner,
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("told"))
    made.rules()
    made.usage(usage_line())
    made.usage(usage_line(node="node-2", user="b:2"), repo="node-2")
    made.pull()
    return made


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    return told.copied_to(tmp_path)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("damaged", ["node-1", "books"])
def test_a_damaged_mirror_stops_its_repo_alone(
    world: World, damage: Callable[[Path], None], damaged: str
) -> None:
    """A new process and a running one file it; with the mirror moved away everything is billed."""
    mirror = world.config.mirror_path(damaged)
    with world.ledger() as ledger:
        damage(mirror)
        world.pay(money_line(seq=1))
        world.usage(usage_line(seq=2))
        world.usage(usage_line(node="node-2", seq=2, user="b:2"), repo="node-2")
        for reports in (world.pull_into(ledger), world.pull()):
            assert reports[damaged].incident is IncidentKind.BAD_MIRROR
    assert world.open_kinds() == [(damaged, "bad mirror")]
    assert world.node("node-2")["records"] == 2
    billed = {name: world.node(name)["records"] for name in ("node-1", "books")}
    assert billed == {"node-1": 2, "books": 1} | {damaged: 1 if damaged == "node-1" else 0}
    mirror.rename(world.folder / "away")
    assert all(report.incident is None for report in world.pull().values())
    assert (world.node()["records"], world.node("books")["records"]) == (2, 1)
    assert world.verify().matches


@pytest.mark.parametrize("damage", [*DAMAGES, config_that_is_no_text])
def test_a_damaged_mirror_of_a_repo_that_is_no_longer_read_stops_nothing(
    world: World, damage: Callable[[Path], None]
) -> None:
    world.drop("node-2")
    damage(world.config.mirror_path("node-2"))
    world.usage(usage_line(seq=2))
    assert world.pull()["node-1"].admitted == 1
    assert world.open_kinds() == []


@pytest.mark.parametrize("lock", ["refs/heads/main.lock", "refs/aggregator/applied.lock"])
def test_a_lock_that_a_killed_git_left_is_gone_before_the_next_try(world: World, lock: str) -> None:
    """Without a restart: no process that holds the state's lock was started since."""
    with world.ledger() as ledger:
        (world.config.mirror_path("node-1") / lock).touch()
        world.usage(usage_line(seq=2))
        report = world.pull_into(ledger)["node-1"]
        assert (report.incident, report.admitted) == (None, 1)
    assert world.pull()["node-1"].incident is None
    assert world.verify().matches


def test_locks_of_a_mirror_that_is_being_packed_stay(world: World) -> None:
    mirror = world.config.mirror_path("node-1")
    lock = mirror / "packed-refs.lock"
    lock.touch()
    with being_packed(mirror):
        assert not sweep_locks(mirror)
        assert lock.exists()
    assert sweep_locks(mirror)
    assert not lock.exists()
    assert not sweep_locks(mirror)


def test_a_fetch_beside_a_lock_of_the_packing_blames_no_remote(world: World) -> None:
    mirror = world.config.mirror_path("node-1")
    (mirror / "refs/heads/main.lock").touch()
    world.usage(usage_line(seq=2))
    with world.ledger() as ledger:
        with being_packed(mirror):
            report = world.pull_into(ledger)["node-1"]
        assert (report.incident, report.retry) == (IncidentKind.NOT_READ, True)
        assert "main.lock" in report.detail
        assert world.pull_into(ledger)["node-1"].incident is None
    assert world.open_kinds() == []


def test_without_file_descriptors_a_repo_waits_and_none_is_called_damaged(world: World) -> None:
    """From just enough to open the ledger to enough for everything."""
    world.usage(usage_line(seq=2))
    config = world.write_config()
    kinds: set[str] = set()
    for descriptors in range(8, 40, 2):
        words = [sys.executable, "-c", PROGRAM, "--config", str(config), "pull"]
        limited = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *words]
        subprocess.run(limited, check=False, capture_output=True)
        kinds.update(row["kind"] for row in world.incidents(closed=True))
        if world.node()["records"] == 2:
            break
    assert kinds == {"not read"}
    assert world.pull()["node-1"].incident is None
    assert world.open_kinds() == []
    assert world.verify().matches


def test_what_was_written_before_a_fault_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batches before it are billed, and the report says so."""
    world.usage(usage_line(seq=2))
    world.usage(usage_line(seq=3))

    def read(mirror: Mirror, file: AddedFile) -> Segment | Fault:
        found = read_segment(mirror, file)
        if isinstance(found, Segment) and found.records[0].seq == 3:
            raise MirrorError("this one is lost")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "BATCH_WEIGHT", 1)
        patched.setattr(pending, "read_segment", read)
        report = world.pull()["node-1"]
    assert (report.incident, report.commits, report.admitted) == (IncidentKind.BAD_MIRROR, 1, 1)
    assert (report.behind, world.node()["highest_seq"]) == (1, 2)
    assert world.pull()["node-1"].admitted == 1
    assert world.verify().matches
