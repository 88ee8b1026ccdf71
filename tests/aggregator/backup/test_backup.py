"""A backup is one provable state of the ledger, whenever it is made and wherever it is killed."""

import hashlib
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.backup.backup_file import BackupFileError, BackupReader
from aggregator.backup.make import BackupBusyError, BackupError, backup
from aggregator.backup.restore import Restored, RestoreError, restore, restore_from_copy
from aggregator.backup.staging import StateNotEmptyError
from aggregator.mirrors.state import State, StateLockedError
from aggregator.store.errors import NoDatabaseError
from tests.aggregator.daemon.test_daemon import daemon, records
from tests.support.git_http import GitHttpServer
from tests.support.ledger.copied import CopyWorld, tell_a_little, tell_with_rewrite
from tests.support.ledger.running import PROGRAM
from tests.support.ledger.world import BOOKS, World
from tests.support.repos import usage_line

KILLS = 5


def silent(*_: object) -> None:
    """Ignore progress."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    return tell_with_rewrite(World(tmp_path_factory.mktemp("told")))


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    """Books and two nodes, one of which was billed over a rewritten history too."""
    return told.copied_to(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "safe" / "state.tar"


def saved(world: World, file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    backup(world.config, file, world.now, silent)
    return file


def restored(world: World, file: Path, *, force: bool = False) -> Restored:
    return restore(world.config, file, world.now, silent, force=force)


def lose(world: World) -> None:
    shutil.rmtree(world.config.state)


def test_a_lost_state_is_restored_as_it_was(world: World, file: Path) -> None:
    """Including tips of histories that no remote has any more."""
    before, digest = world.state.mirrors.accepted_tips(), world.digest()
    done = restored_after_loss(world, saved(world, file))
    assert (done.digest, done.tips) == (digest, before)
    assert (done.rebuilt, done.unproved, done.lacking, done.aside) == ("", "", {}, None)
    assert world.state.mirrors.accepted_tips() == before
    assert (world.digest(), world.verify().matches) == (digest, True)
    assert {str(report.outcome) for report in world.pull().values()} == {"unchanged"}
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert not (world.config.state / "restore.new").exists()


def restored_after_loss(world: World, file: Path) -> Restored:
    lose(world)
    return restored(world, file)


def test_repos_are_restored_without_being_configured(world: World, file: Path) -> None:
    """Their mirrors record node and role."""
    digest = world.digest()
    saved(world, file)
    lose(world)
    alone = world.config.model_copy(update={"repo": ()})
    assert restore(alone, file, world.now, silent).digest == digest
    assert {repo.name for repo in State(alone).repos.all()} == {BOOKS, "node-1", "node-2"}


def test_an_older_backup_catches_up_with_the_next_pull(world: World, file: Path) -> None:
    """The ledger is that of an aggregator that lost nothing."""
    saved(world, file)
    world.usage(usage_line(seq=3), usage_line(seq=4, units=7))
    world.usage(usage_line(node="node-2", seq=2, user="bob"), repo="node-2")
    world.pull()
    undisturbed = world.digest()
    restored_after_loss(world, file)
    assert world.digest() != undisturbed
    world.pull()
    assert world.digest() == undisturbed
    assert world.verify().matches


def test_a_backup_made_while_a_daemon_pulls_is_one_state(tmp_path: Path, file: Path) -> None:
    """Each backup restores to the digest in its manifest, and the last one catches up."""
    world = World(tmp_path, pull_every_s=5, pull_jitter_s=0)
    file.parent.mkdir()
    with GitHttpServer(tmp_path / "remotes") as server:
        world.repo("node-2", url=server.url("node-2.git"))
        tell_a_little(world)
        files = []
        with daemon(world) as running:
            running.listen(lambda: records(world) > 0)
            for round_ in range(3):
                before = records(world)
                for seq in range(round_ * 40 + 3, round_ * 40 + 43):
                    world.usage(usage_line(seq=seq))
                files.append(file.with_name(f"{round_}.tar"))
                run_backup(world, files[-1])
                running.listen(lambda before=before: records(world) > before)  # type: ignore[misc]
            running.leave()
        world.pull()
        undisturbed = world.digest()
        for each in files:
            done = restored_after_loss(world, each)
            with BackupReader(each) as archive:
                assert done.digest == archive.manifest.digest
            assert world.verify().matches
            world.pull()
            assert world.digest() == undisturbed


def run_backup(world: World, file: Path) -> None:
    command = aggregator(world, "backup", str(file))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def aggregator(world: World, *arguments: str) -> list[str]:
    """The command line of the program, for a process of its own."""
    return [sys.executable, "-c", PROGRAM, "--config", str(world.write_config()), *arguments]


def test_a_backup_has_nothing_of_what_is_billed_while_it_is_made(world: World, file: Path) -> None:
    """The mirrors gain commits after the database was copied and before they are saved."""
    digest, tips = world.digest(), world.state.mirrors.accepted_tips()
    file.parent.mkdir()

    def bill_more(_repo: str, done: int, _total: int) -> None:
        world.usage(usage_line(seq=done + 2))
        world.usage(usage_line(node="node-2", seq=done + 1, user="bob"), repo="node-2")
        world.pull()

    backup(world.config, file, world.now, bill_more)
    done = restored_after_loss(world, file)
    assert (done.digest, done.tips) == (digest, tips)
    assert world.state.mirrors.accepted_tips() == tips


def test_an_existing_file_is_not_overwritten(world: World, file: Path) -> None:
    saved(world, file)
    before = file.read_bytes()
    with pytest.raises(BackupError, match="is there already"):
        backup(world.config, file, world.now, silent)
    assert file.read_bytes() == before
    backup(world.config, file, world.now.replace(year=2027), silent, force=True)
    assert file.read_bytes() != before


def test_only_its_owner_may_read_a_backup(world: World, file: Path) -> None:
    assert saved(world, file).stat().st_mode & 0o077 == 0


def test_two_backups_into_one_file_do_not_mix(world: World, file: Path) -> None:
    file.parent.mkdir()
    errors: list[BaseException] = []

    def meet(*_: object) -> None:
        try:
            backup(world.config, file, world.now, silent)
        except BackupBusyError as error:
            errors.append(error)

    backup(world.config, file, world.now, meet)
    assert len(errors) == 3
    assert restored_after_loss(world, file).unproved == ""


def test_a_backup_before_the_first_pull_says_so(tmp_path: Path, file: Path) -> None:
    file.parent.mkdir()
    with pytest.raises(NoDatabaseError):
        backup(World(tmp_path).config, file, World(tmp_path).now, silent)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("harm", ["gone", "a blob", "a pack of nothing"])
def test_a_damaged_mirror_does_not_prevent_the_backup_of_the_others(
    world: World, file: Path, harm: str
) -> None:
    """It is named by the backup and by the restore, and the ledger is restored whole."""
    mirror = world.config.mirror_path("node-2")
    if harm == "gone":
        shutil.rmtree(mirror)
    else:
        for path in (mirror / "objects").rglob("*"):
            if path.is_file() and (harm == "a blob" or path.suffix == ".pack"):
                path.unlink()  # truncated, it would take the process down that has it mapped
                path.write_bytes(b"")
    digest = world.digest()
    file.parent.mkdir()
    made = backup(world.config, file, world.now, silent)
    assert [repo.name for repo in made.lacking] == ["node-2"]
    assert len(made.repos) == 2
    done = restored_after_loss(world, file)
    assert list(done.lacking) == ["node-2"]
    assert done.unproved
    assert world.digest() == digest
    world.pull()
    assert world.verify().matches


@pytest.mark.parametrize("harm", ["database", "old schema"])
def test_the_database_is_rebuilt_if_that_of_the_backup_cannot_be_used(
    world: World, file: Path, harm: str
) -> None:
    digest = world.digest()
    saved(world, file)

    def change(name: str, data: bytes) -> bytes:
        if harm == "database" and name == "ledger.db":
            return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
        if harm == "old schema" and name == "manifest.json":
            return json.dumps(json.loads(data) | {"schema_version": 1, "digest": "0" * 64}).encode()
        return data

    rewritten(file, change)
    done = restored_after_loss(world, file)
    assert done.rebuilt
    assert (done.unproved, done.digest) == ("", digest)
    assert world.verify().matches


def rewritten(file: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Replace the content of members."""
    with tarfile.open(file) as tar:
        members = [(m, tar.extractfile(m)) for m in tar.getmembers()]
        contents = [(m.name, stream.read()) for m, stream in members if stream is not None]
    with tarfile.open(file, "w") as tar:
        for name, data in contents:
            info, new = tarfile.TarInfo(name), change(name, data)
            info.size = len(new)
            tar.addfile(info, io.BytesIO(new))


def test_other_limits_are_reported_and_applied_by_the_next_pull(world: World, file: Path) -> None:
    saved(world, file)
    world.settings["skew_s"] = 299
    done = restored_after_loss(world, file)
    assert "other limits" in done.unproved
    world.pull()
    assert world.verify().matches


MEMBERS = {
    "a path that leads out": ("../../escaped", tarfile.REGTYPE, ""),
    "an absolute path": ("/tmp/escaped", tarfile.REGTYPE, ""),  # noqa: S108 - never made
    "a mirror that leads out": ("mirrors/../../x.bundle", tarfile.REGTYPE, ""),
    "a symbolic link": ("ledger.db", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": ("mirrors/x.bundle", tarfile.LNKTYPE, "ledger.db"),
    "a device": ("mirrors/x.bundle", tarfile.CHRTYPE, ""),
    "a folder": ("mirrors", tarfile.DIRTYPE, ""),
    "another file": ("mirrors/x.sh", tarfile.REGTYPE, ""),
    "a member twice": ("manifest.json", tarfile.REGTYPE, ""),
}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_hostile_member_is_refused_before_anything_is_written(
    world: World, file: Path, member: str
) -> None:
    saved(world, file)
    lose(world)
    name, kind, link = MEMBERS[member]
    with tarfile.open(file, "a") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        tar.addfile(info, io.BytesIO())
    with pytest.raises(BackupFileError):
        restored(world, file)
    assert not world.config.state.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"repos": [{"name": "../../x"}]},
        {"digest": "no"},
        {"repos": "twice"},
        {"repos": "branch"},
    ],
    ids=str,
)
def test_a_manifest_that_no_backup_has_is_refused(
    world: World, file: Path, change: dict[str, object]
) -> None:
    saved(world, file)

    def other(name: str, data: bytes) -> bytes:
        if name != "manifest.json":
            return data
        manifest = json.loads(data)
        repos = manifest["repos"]
        changes = {"twice": repos + repos, "branch": [repos[0] | {"branch": "../../x"}]}
        value = change.get("repos")
        made = {"repos": changes[value]} if isinstance(value, str) else change
        return json.dumps(manifest | made).encode()

    rewritten(file, other)
    lose(world)
    with pytest.raises(BackupFileError, match="manifest"):
        restored(world, file)


@pytest.mark.parametrize("part", ["mirrors/node-1.bundle", "manifest.json", "ledger.db"])
def test_a_backup_that_contradicts_itself_leaves_the_state_empty(
    world: World, file: Path, part: str
) -> None:
    """A bundle of other commits, a digest of another ledger, another database: each is found."""
    saved(world, file)
    other = World(world.folder / "other")
    tell_a_little(other)
    other.usage(usage_line(seq=3, units=99))
    other.pull()
    with_other = saved(other, world.folder / "other.tar")
    with tarfile.open(with_other) as tar:
        stream = tar.extractfile(part)
        assert stream is not None
        foreign = stream.read()

    def change(name: str, data: bytes) -> bytes:
        if name != "manifest.json":
            return foreign if name == part else data
        manifest = json.loads(data)
        sha256 = hashlib.sha256(foreign).hexdigest()
        if part == "ledger.db":
            manifest["database_sha256"] = sha256
        elif part == "manifest.json":
            manifest["digest"] = json.loads(foreign)["digest"]
        else:
            next(r for r in manifest["repos"] if r["name"] == "node-1")["bundle_sha256"] = sha256
        return json.dumps(manifest).encode()

    rewritten(file, change)
    lose(world)
    with pytest.raises(RestoreError):
        restored(world, file)
    assert not list(world.config.state.glob("ledger.db*"))
    assert list(world.config.mirrors_path.iterdir()) == []
    assert not (world.config.state / "restore.new").exists()


def test_any_truncation_or_changed_byte_is_found_or_harmless(world: World, file: Path) -> None:
    """Whatever is restored has the digest that was saved."""
    digest, whole = world.digest(), saved(world, file).read_bytes()
    lose(world)
    found = 0
    choose = random.Random(5)
    for _ in range(40):
        at = choose.randrange(len(whole))
        data = bytearray(whole)
        if choose.random() < 0.3:
            del data[at:]
        else:
            data[at] ^= 1 << choose.randrange(8)
        file.write_bytes(data)
        try:
            done = restored(world, file)
        except (BackupFileError, RestoreError):
            found += 1
        else:
            assert (done.digest, done.unproved) == (digest, "")
            lose(world)
    assert found > 0


def test_a_file_that_is_not_a_backup_is_refused(world: World, tmp_path: Path) -> None:
    for data in (b"", b"hello", os.urandom(5000)):
        (tmp_path / "x.tar").write_bytes(data)
        with pytest.raises(BackupFileError):
            restored(world, tmp_path / "x.tar", force=True)
    assert world.verify().matches


def test_a_state_in_use_is_not_restored_over(world: World, file: Path) -> None:
    """Except with `force`, which keeps the former state."""
    saved(world, file)
    world.usage(usage_line(seq=3))
    world.pull()
    digest = world.digest()
    with pytest.raises(StateNotEmptyError, match=r"ledger\.db.*, mirrors"):
        restored(world, file)
    assert world.digest() == digest
    aside = restored(world, file, force=True).aside
    assert aside is not None
    assert world.digest() != digest
    old = World(world.folder / "old")
    old.config.state.mkdir(parents=True)
    for path in aside.iterdir():
        path.rename(old.config.state / path.name)
    assert old.digest() == digest


def test_a_state_with_only_a_mirror_is_not_restored_over(world: World, file: Path) -> None:
    saved(world, file)
    world.forget()
    with pytest.raises(StateNotEmptyError):
        restored(world, file)


def test_a_restore_holds_the_lock_of_the_state(world: World, file: Path) -> None:
    saved(world, file)
    with world.state.locked(), pytest.raises(StateLockedError):
        restored(world, file, force=True)


def killed_after(command: list[str], wait_s: float) -> int:
    """Start a process group, end it after a while, and return its exit code."""
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return process.wait(wait_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def spans(command: list[str]) -> list[float]:
    """Moments spread over the time that a command takes on this machine, after its start."""
    start_s = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    took_s = time.monotonic() - start_s
    return [took_s * (0.4 + 0.6 * number / KILLS) for number in range(KILLS)]


def test_a_killed_backup_leaves_no_partial_file(world: World, file: Path) -> None:
    """An older backup stays whole; the next one cleans up and succeeds."""
    digest = world.digest()
    command = aggregator(world, "backup", "--force", str(saved(world, file)))
    codes = [killed_after(command, wait_s) for wait_s in spans(command)]
    assert -signal.SIGKILL in codes
    with BackupReader(file) as archive:
        assert archive.manifest.digest == digest
    subprocess.run(command, check=True, capture_output=True)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert restored_after_loss(world, file).digest == digest


def test_a_killed_restore_can_be_repeated(world: World, file: Path) -> None:
    """However often, and wherever it was killed; an aggregator may be started in between."""
    digest = world.digest()
    saved(world, file)
    lose(world)
    command = aggregator(world, "restore", str(file))
    codes = []
    for wait_s in spans(command):
        lose(world)
        codes.append(killed_after(command, wait_s))
        if not world.config.database_path.exists():  # which comes last
            subprocess.run(command, check=True, capture_output=True)
        assert world.digest() == digest
        assert world.verify().matches
    assert -signal.SIGKILL in codes


@pytest.mark.parametrize("step", range(6))
def test_each_step_of_putting_in_place_may_be_the_last(
    world: World, file: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull in between continues from what is there, or from nothing; repeating works."""

    class DeathError(BaseException):
        pass

    left = [step]

    def mortal(original: Callable[..., object]) -> Callable[..., object]:
        def renamed(self: Path, target: Path) -> object:
            if world.config.state in target.parents or target.parent == world.config.state:
                if left[0] == 0:
                    raise DeathError
                left[0] -= 1
            return original(self, target)

        return renamed

    saved(world, file)
    digest = world.digest()
    world.usage(usage_line(seq=3))
    world.pull()
    with monkeypatch.context() as patch:
        for name in ("rename", "replace"):
            patch.setattr(Path, name, mortal(getattr(Path, name)))
        try:
            restored(world, file, force=True)
        except DeathError:
            died = True
        else:
            died = False
    assert died == (step < 4)
    if died:
        world.now = world.now.replace(day=2)
        restored(world, file, force=step == 0)
    assert world.digest() == digest
    assert world.verify().matches


def limited(bytes_max: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    return limit


@pytest.mark.parametrize("bytes_max", [0, 600, 20_000, 100_000, 135_000])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing(
    world: World, file: Path, bytes_max: int
) -> None:
    file.parent.mkdir()
    done = subprocess.run(
        aggregator(world, "backup", str(file)),
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=limited(bytes_max),
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not file.exists()
    assert list(file.parent.iterdir()) == []


def test_a_full_disk_while_restoring_leaves_the_state_empty(world: World, file: Path) -> None:
    saved(world, file)
    lose(world)
    done = subprocess.run(
        aggregator(world, "restore", str(file)),
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=limited(100_000),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert restored(world, file).unproved == ""


def test_a_backup_and_a_copy_remote_complement_each_other(tmp_path: Path, file: Path) -> None:
    """After a restored older backup and a node's rewrite, the copies have what is missing."""
    world = CopyWorld(tmp_path)
    tell_a_little(world)
    world.pull()
    saved(world, file)
    world.usage(usage_line(seq=3))
    world.pull()
    assert world.copy() == {}
    digest = world.digest()
    world.repo("node-1").orphan({"note": b"gone"})
    restored_after_loss(world, file)
    assert list(world.copy()) == ["node-1"]
    assert restore_from_copy(world.config, world.now, silent, force=True).digest == digest


def test_the_commands_report_what_they_did(world: World, file: Path) -> None:
    file.parent.mkdir()
    made = world.run("backup", str(file), "--json")
    assert made.code == 0
    assert made.json["digest"] == world.digest()
    assert made.json["size_bytes"] == file.stat().st_size
    assert world.run("backup", str(file)).code == 1
    assert "saved 3 repos in " in world.run("backup", str(file), "--force").out
    refused = world.run("restore", str(file))
    assert (refused.code, "--force" in refused.err) == (1, True)
    lose(world)
    said = world.run("restore", str(file))
    assert said.code == 0
    assert world.digest() in said.out
    lose(world)
    answer = world.run("restore", str(file), "--json").json
    assert answer["digest"] == world.digest()
    assert [repo["name"] for repo in answer["repos"]] == [BOOKS, "node-1", "node-2"]
    shutil.rmtree(world.config.mirror_path("node-2"))
    said = world.run("backup", str(file), "--force")
    assert (said.code, "NOT SAVED node-2" in said.out) == (1, True)
