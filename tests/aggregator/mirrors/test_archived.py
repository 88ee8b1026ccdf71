"""An archived repo is one file, and stays a part of the ledger like any other."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from aggregator.backup.archive_repo import archive_repo, unarchive_repo
from aggregator.backup.make import backup
from aggregator.backup.restore import restore
from aggregator.cli.context import opening
from aggregator.config.known_repo import KnownRepo
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors import archives
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State
from cursors.position import HeadOutcome
from gitmeter.support.errors import ExitCode
from tests.support.ledger.copied import CopyWorld, tell_with_rewrite
from tests.support.ledger.world import DAY, NOW, World
from tests.support.memory import MEMORY
from tests.support.repos import decision_line, segment_path, usage_line

STEPS_MIN = 8


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    return tell_with_rewrite(World(tmp_path_factory.mktemp("told")))


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    return told.copied_to(tmp_path)


def forget_repo(world: World, name: str) -> None:
    """Take a repo out of the configuration."""
    world.drop(name)


def archive(world: World, name: str = "node-1", *, force: bool = False) -> None:
    """Archive a repo, as a new process does."""
    state = world.state
    with state.locked(), closing(opening(state).open_or_rebuild()) as store:
        archive_repo(state, store, name, force=force)


def bring_back(world: World, name: str = "node-1") -> None:
    state = world.state
    with state.locked():
        unarchive_repo(state, name)


def archive_folder(world: World) -> Path:
    return world.config.state / "archived"


def files(world: World) -> set[str]:
    return {path.name for path in archive_folder(world).iterdir()}


def sound(world: World, digest: str) -> None:
    """Check that the ledger is as it was, verified against git and rebuilt from it."""
    assert world.digest() == world.rebuilt_digest() == digest
    assert world.verify().matches
    for kept in (True, False):
        if not kept:
            world.forget()
        with closing(opening(world.state).open_or_rebuild()):
            pass
        assert world.digest() == digest
    opening(world.state).rebuild_in_place()
    assert world.digest() == digest
    assert not any(name.startswith(("unpacked", ".making", ".removing")) for name in files(world))


def test_an_archived_repo_is_one_file_and_stays_billed(world: World) -> None:
    before, digest = world.state.mirrors.accepted_tips(), world.digest()
    known = world.state.repos.all()
    forget_repo(world, "node-1")
    archive(world)
    assert not world.config.mirror_path("node-1").exists()
    assert files(world) == {"node-1.bundle", "node-1.json"}
    assert world.state.mirrors.accepted_tips() == before
    assert sorted(world.state.repos.all()) == sorted(known)
    sound(world, digest)
    world.usage(usage_line(node="node-2", seq=2, user="bob"), repo="node-2")
    assert world.pull()["node-2"].admitted == 1
    sound(world, world.digest())


def test_any_git_can_read_an_archive(world: World, tmp_path: Path) -> None:
    archive(world, force=True)
    saved = json.loads((archive_folder(world) / "node-1.json").read_text())
    assert {saved["node"], saved["role"], saved["branch"], saved["allow"]} == {
        "node-1", "usage", "main", "",
    }  # fmt: skip
    bundle, kept = str(archive_folder(world) / "node-1.bundle"), saved["kept"][0]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for command in (
        ["init", "--quiet"],
        ["bundle", "verify", "--quiet", bundle],
        ["fetch", "--quiet", bundle, "refs/*:refs/*"],
        ["cat-file", "-e", f"{saved['cursor']}:{segment_path(DAY, 1)}"],
        ["merge-base", "--is-ancestor", kept, f"refs/aggregator/kept/{kept}"],
    ):
        subprocess.run(["git", *command], cwd=elsewhere, check=True)


def test_an_archived_repo_is_explained_to_the_line(world: World) -> None:
    charge = next(c for c in world.charges() if c["records"])
    asked = ("explain", "alice", charge["resource"], charge["hour"], "--json")
    before = world.run(*asked).json
    forget_repo(world, "node-1")
    archive(world)
    assert world.run(*asked).json == before
    assert files(world) == {"node-1.bundle", "node-1.json"}


def test_a_line_in_an_archive_is_shown_with_what_to_do_first(world: World) -> None:
    """The git command names a mirror that does not exist."""
    world.usage(b"{}\n")
    world.pull()
    forget_repo(world, "node-1")
    charge = next(c for c in world.charges() if c["records"])
    asked = (("explain", "alice", charge["resource"], charge["hour"]), ("rejects",))
    first = "first `aggregator unarchive node-1`"
    for is_away in (False, True, False):
        if is_away:
            archive(world)
        elif world.state.archives.has("node-1"):
            bring_back(world)
        for command in asked:
            out = world.run(*command).out
            assert f"git -C {world.config.mirror_path('node-1')} show " in out
            assert (first in out) is is_away, command


def test_a_correction_reads_its_original_out_of_an_archive(world: World) -> None:
    """The node rolled over; a record in its next repo may correct one in the old repo."""
    forget_repo(world, "node-1")
    archive(world)
    world.repo("node-1.2027", node="node-1")
    line = usage_line(seq=3, units=-1, corrects=1, reason="one too many")
    world.usage(line, repo="node-1.2027")
    assert world.pull()["node-1.2027"].admitted == 1
    assert world.held() == []
    sound(world, world.digest())


def test_a_duplicate_of_an_archived_line_is_one(world: World) -> None:
    forget_repo(world, "node-1")
    archive(world)
    world.repo("node-1.2027", node="node-1")
    world.usage(usage_line(seq=1), usage_line(seq=2), repo="node-1.2027")
    digest = world.digest()
    assert world.pull()["node-1.2027"].duplicates == 2
    assert world.digest() == digest


def test_a_repo_that_is_still_read_is_not_archived_unasked(world: World) -> None:
    done = world.run("archive", "node-1")
    assert done.code == ExitCode.FAILED
    assert "node-1 is still read" in done.err
    assert not archive_folder(world).exists()
    assert world.config.mirror_path("node-1").exists()


def test_a_pull_goes_on_from_what_was_archived(world: World) -> None:
    """It bills nothing twice and the next commit as always; the mirror then stays."""
    digest, before = world.digest(), world.state.mirrors.accepted_tips()
    archive(world, force=True)
    report = world.pull()["node-1"]
    assert (report.outcome, report.commits, report.incident) == (HeadOutcome.UNCHANGED, 0, None)
    assert (world.digest(), world.state.mirrors.accepted_tips()) == (digest, before)
    assert files(world) == set()
    assert world.config.mirror_path("node-1").exists()
    world.usage(usage_line(seq=3))
    assert world.pull()["node-1"].admitted == 1
    assert world.verify().matches


def test_a_pull_with_a_lost_database_goes_on_from_what_was_archived(world: World) -> None:
    """Also if the remote has a history that was not accepted."""
    digest = world.digest()
    archive(world, force=True)
    world.forget()
    world.repo("node-1").orphan({segment_path(DAY, 5): usage_line(seq=50)})
    assert world.pull()["node-1"].incident is IncidentKind.REWRITTEN
    assert world.digest() == digest


def retire(world: World, name: str = "node-1") -> None:
    world.configure(name, retired_at=NOW)


def note_recreated(world: World, name: str, forge_id: str) -> None:
    """Note, as the daemon does, that the forge lists another repo under that name."""
    with world.ledger() as ledger, ledger.store.transaction():
        row = ledger.store.repos.row(KnownRepo(name, name, "usage", "main"))
        kind = IncidentKind.RECREATED
        ledger.store.incidents.open(row.id, kind, forge_id, "another one", world.now)


def refused(world: World, name: str = "node-1") -> str:
    """Check that archiving is refused and changes nothing; returns the message."""
    said = world.run("archive", name)
    assert said.code == ExitCode.FAILED
    assert world.config.mirror_path(name).exists()
    assert not world.state.archives.has(name)
    return said.err


def test_what_was_pushed_and_not_pulled_is_not_archived_unread(world: World) -> None:
    """It would never be billed: an archived repo that is retired is not probed again."""
    world.usage(usage_line(seq=3))
    retire(world)
    error = refused(world)
    assert "what is in between is not billed" in error
    assert "`aggregator pull`" in error
    assert world.pull()["node-1"].admitted == 1
    assert world.run("archive", "node-1").code == 0
    assert world.pull().keys() == {"books", "node-2"}
    sound(world, world.digest())


def test_a_repo_that_was_set_back_may_be_archived(world: World) -> None:
    """All that its remote has was billed, and nothing more comes from a retired node."""
    writer = world.repo("node-1")
    before = str(writer.tip())
    world.usage(usage_line(seq=3))
    world.pull()
    writer.force(before)
    retire(world)
    assert world.run("archive", "node-1").code == 0
    sound(world, world.digest())


def test_a_repo_that_is_held_is_not_archived(world: World) -> None:
    """The decision that ends its incident would have no effect any more."""
    tip = world.repo("node-1").orphan({segment_path(DAY, 3): usage_line(seq=9)})
    assert world.pull()["node-1"].incident is IncidentKind.REWRITTEN
    retire(world)
    assert "is not billed" in refused(world)
    world.decide(decision_line(kind="accept_tip", repo="node-1", tip=tip, seq=3))
    world.pull()
    assert world.run("archive", "node-1").code == 0
    sound(world, world.digest())


def test_what_was_fetched_and_held_is_not_archived_when_it_is_no_longer_configured(
    world: World,
) -> None:
    world.repo("node-1").orphan({segment_path(DAY, 3): usage_line(seq=9)})
    world.pull()
    forget_repo(world, "node-1")
    assert "is not billed" in refused(world)
    assert world.run("archive", "node-1", "--force").code == 0


def test_an_open_incident_prevents_archiving(world: World) -> None:
    """Even if the remote has returned with the history that was billed."""
    remote = world.folder / "remotes" / "node-1.git"
    away = remote.rename(remote.with_name("away"))
    world.pull()
    away.rename(remote)
    retire(world)
    assert f"has an open incident: {IncidentKind.REPO_GONE}" in refused(world)
    world.pull()
    assert world.run("archive", "node-1").code == 0


@pytest.mark.parametrize("how", ["gone", "empty", "created again"])
def test_where_the_remote_cannot_be_compared_only_force_archives(world: World, how: str) -> None:
    digest, remote = world.digest(), world.folder / "remotes" / "node-1.git"
    world.configure("node-1", retired_at=NOW, forge_id=8 if how == "created again" else None)
    if how == "gone":
        shutil.rmtree(remote)
    elif how == "empty":
        world.repo("node-1").delete_branch()
    else:
        world.repo("node-1").orphan({"note": b"of another owner"})
        note_recreated(world, "node-1", "8")
    head = world.state.mirrors.open_named("node-1").head
    assert "--force: what was not pulled is lost then" in refused(world)
    assert world.state.mirrors.open_named("node-1").head == head
    assert world.run("archive", "node-1", "--force").code == 0
    sound(world, digest)


@pytest.mark.parametrize("is_set_back", [False, True])
def test_a_repo_that_was_read_a_day_after_it_was_closed_is_not_asked_again(
    world: World, *, is_set_back: bool
) -> None:
    """Under systemd its token exists only while the daemon runs, which must be stopped."""
    if is_set_back:
        before = str(world.repo("node-1").tip())
        world.usage(usage_line(seq=3))
        world.pull()
        world.repo("node-1").force(before)
    world.configure("node-1", retired_at=world.now, forge_id=8)
    world.now += timedelta(hours=1)
    world.pull()
    remote = world.folder / "remotes" / "node-1.git"
    away = remote.rename(remote.with_name("away"))
    assert "after the daemon has probed it a day later" in refused(world)
    away.rename(remote)
    world.now += timedelta(days=1)
    world.pull()
    remote.rename(away)
    assert world.run("archive", "node-1").code == 0
    sound(world, world.digest())


def test_both_commands_may_be_repeated(world: World) -> None:
    digest = world.digest()
    forget_repo(world, "node-1")
    first = world.run("archive", "node-1", "--json").json
    assert Path(first["file"]).stat().st_size == first["size_bytes"]
    assert world.run("archive", "node-1", "--json").json == first
    assert world.run("unarchive", "node-1").code == 0
    assert files(world) == set()
    sound(world, digest)
    again = world.run("unarchive", "node-1")
    assert (again.code, "node-1 is not archived" in again.err) == (ExitCode.FAILED, True)
    second = world.run("archive", "node-1", "--json").json
    assert {k: second[k] for k in ("cursor", "kept")} == {k: first[k] for k in ("cursor", "kept")}
    sound(world, digest)


def test_the_reason_why_a_repo_cannot_be_archived_is_stated(world: World) -> None:
    world.repo("node-3")
    world.pull()
    forget_repo(world, "node-3")
    assert "nothing of node-3 was billed" in world.run("archive", "node-3").err
    assert "no repo is called node-9" in world.run("archive", "node-9").err
    shutil.rmtree(world.config.mirror_path("node-2") / "objects")
    assert world.run("archive", "node-2", "--force").code == ExitCode.FAILED
    assert not (archive_folder(world) / "node-2.json").exists()


def cut(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-40])


def flip(bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)


def lose(bundle: Path) -> None:
    bundle.unlink()


def lose_facts(bundle: Path) -> None:
    bundle.with_suffix(".json").write_text("{}")


@pytest.mark.parametrize("damage", [cut, flip, lose, lose_facts])
@pytest.mark.parametrize("database", ["there", "lost"])
def test_a_damaged_archive_is_as_bad_as_a_lost_mirror(
    world: World, damage: Callable[[Path], None], database: str
) -> None:
    """No ledger is made without it, and `verify` does not pass."""
    forget_repo(world, "node-1")
    archive(world)
    damage(archive_folder(world) / "node-1.bundle")
    with pytest.raises(MirrorError):
        world.verify()
    if database == "lost" and damage is not lose_facts:
        world.forget()
        with pytest.raises(MirrorError, match="archive of node-1"):
            opening(world.state).open_or_rebuild()
        assert not world.config.database_path.exists()
    else:
        with pytest.raises(MirrorError):
            opening(world.state).rebuild_in_place()
        assert world.digest()


def test_a_pull_that_meets_a_damaged_archive_holds_that_repo_alone(world: World) -> None:
    archive(world, force=True)
    cut(archive_folder(world) / "node-1.bundle")
    world.usage(usage_line(node="node-2", seq=2, user="bob"), repo="node-2")
    reports = world.pull()
    assert reports["node-1"].incident is IncidentKind.BAD_MIRROR
    assert reports["node-2"].admitted == 1
    assert not world.config.mirror_path("node-1").exists()


def test_a_backup_has_archived_repos_too(world: World, tmp_path: Path) -> None:
    """They come back as mirrors."""
    digest, before = world.digest(), world.state.mirrors.accepted_tips()
    forget_repo(world, "node-1")
    archive(world)
    file = tmp_path / "state.tar"
    manifest = backup(world.config, file, world.now, lambda *_: None)
    assert manifest.lacking == ()
    shutil.rmtree(world.config.state)
    done = restore(world.config, file, world.now, lambda *_: None)
    assert (done.digest, done.tips, done.unproved) == (digest, before, "")
    assert world.config.mirror_path("node-1").exists()
    assert world.verify().matches


def test_a_backup_names_a_damaged_archive(world: World, tmp_path: Path) -> None:
    forget_repo(world, "node-1")
    archive(world)
    flip(archive_folder(world) / "node-1.bundle")
    manifest = backup(world.config, tmp_path / "state.tar", world.now, lambda *_: None)
    assert [repo.name for repo in manifest.lacking] == ["node-1"]
    assert "damaged" in manifest.lacking[0].reason


def test_a_restore_moves_archives_aside_with_the_rest(world: World, tmp_path: Path) -> None:
    """Otherwise the next rebuild would count repos that are not in the backup."""
    file = tmp_path / "state.tar"
    backup(world.config, file, world.now, lambda *_: None)
    world.repo("node-3")
    world.usage(usage_line(node="node-3", user="carol"), repo="node-3")
    world.pull()
    forget_repo(world, "node-3")
    archive(world, "node-3")
    done = restore(world.config, file, world.now, lambda *_: None, force=True)
    assert done.aside is not None
    assert (done.aside / "archived" / "node-3.json").exists()
    assert "node-3" not in world.state.mirrors.accepted_tips()
    assert world.rebuilt_digest() == world.digest() == done.digest


def test_an_archived_repo_stays_on_the_copy_remote(tmp_path: Path) -> None:
    world = CopyWorld(tmp_path)
    tell_with_rewrite(world)
    assert world.copy() == {}
    before = world.copied()
    forget_repo(world, "node-1")
    archive(world)
    world.now = world.now.replace(day=2)
    assert world.copy() == {}
    assert world.copied() == before
    world.copies.repo.references.delete("refs/accepted/node-1/applied")
    world.now = world.now.replace(day=3)
    assert world.copy() == {}
    assert world.copied() == before


def test_an_unpacked_mirror_is_shared_and_removed_after_its_last_use(
    world: World,
) -> None:
    archive(world, force=True)
    state = world.state
    first, second = state.mirrors.open_named("node-1"), state.mirrors.open_named("node-1")
    path = first.path
    assert first is second
    del first
    assert path.exists()
    del second
    assert not path.parent.exists()


def test_what_a_dead_reader_left_is_removed_and_what_a_living_one_uses_stays(world: World) -> None:
    archive(world, force=True)
    left = archive_folder(world) / "unpacked-of-the-dead"
    (left / "node-1.git").mkdir(parents=True)
    reader = State(world.config)
    mirror = reader.mirrors.open_named("node-1")
    with world.state.locked():
        pass
    assert not left.exists()
    assert mirror.applied is not None
    assert mirror.path.exists()


class DeathError(BaseException):
    """The process dies here."""


class Killer:
    """Makes the process die before or after the n-th change that it makes on disk."""

    def __init__(self, step: int | None, *, after: bool) -> None:
        self.steps = 0
        self._step = step
        self._after = after

    def on_disk(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, with a death before or after it."""

        def done(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of any function
            if self._step is not None and self.steps >= self._step:
                raise DeathError  # the dead clean nothing up
            self.steps += 1
            if self.steps == self._step and not self._after:
                raise DeathError
            found = work(*arguments, **named)
            if self.steps == self._step:
                raise DeathError
            return found

        return done

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Watch every change that archiving makes on disk."""
        for owner, name in (
            (archives, "write_bundle"),
            (archives, "read_bundle"),
            (archives, "sync_folder"),
            (archives, "sync_file"),
            (Path, "replace"),
            (Path, "unlink"),
            (shutil, "rmtree"),
            (os, "fsync"),
        ):
            patch.setattr(owner, name, self.on_disk(getattr(owner, name)))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("work", [archive, bring_back])
def test_each_step_may_be_the_last(work: Callable[[World], None], *, after: bool) -> None:
    """The ledger verifies at once, and the same command finishes what was begun."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        world = tell_with_rewrite(World(Path(folder)))
        forget_repo(world, "node-1")
        if work is bring_back:
            archive(world)
        state, template = world.config.state, Path(folder) / "template"
        shutil.copytree(state, template)
        step, finished = 0, False
        while not finished:
            step += 1
            shutil.rmtree(state)
            shutil.copytree(template, state)
            with pytest.MonkeyPatch.context() as patch:
                Killer(step, after=after).watch(patch)
                try:
                    work(world)
                    finished = True
                except DeathError:
                    pass
            assert world.verify().matches, step
            if not finished and (work is archive or world.state.archives.has("node-1")):
                work(world)
            there = world.config.mirror_path("node-1").exists()
            assert there is (work is bring_back), step
            assert files(world) == (set() if there else {"node-1.bundle", "node-1.json"}), step
            assert world.verify().matches, step
        assert step > STEPS_MIN


def test_an_archive_that_cannot_be_unpacked_now_stops_its_repo_alone(world: World) -> None:
    """Its repo is configured again while the disk has no room for it."""
    kept = world._repos["node-1"]
    forget_repo(world, "node-1")
    world.pull()
    archive(world)
    world._repos["node-1"] = kept
    in_the_way = archive_folder(world) / f"{archives._MAKING}node-1"
    in_the_way.write_bytes(b"")
    reports = world.pull()
    assert reports.pop("node-1").incident is IncidentKind.NOT_READ
    assert {report.incident for report in reports.values()} == {None}
    in_the_way.unlink()
    assert world.pull()["node-1"].incident is None
