"""What was billed is pushed to the copy remote after every pull, and recovered if it is lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.backup.restore import RestoreError, restore_from_copy
from aggregator.copies.noted import copied_at
from aggregator.incidents.kinds import IncidentKind
from tests.aggregator.daemon.test_daemon import daemon
from tests.support.files import write_secret
from tests.support.git_http import Access, GitHttpServer
from tests.support.ledger.copied import CopyWorld, tell_a_little
from tests.support.ledger.world import BOOKS, DAY
from tests.support.repos import decision_line, segment_path, set_hook, usage_line


def silent(*_: object) -> None:
    """Ignore progress."""


@pytest.fixture(params=["file", "http"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CopyWorld]:
    """A little usage of two nodes; the copy remote is a folder, or a server that needs a token."""
    if request.param == "file":
        made = CopyWorld(tmp_path)
        tell_a_little(made)
        yield made
        return
    token = write_secret(tmp_path / "token", "c0py")
    tokens: dict[str, dict[str, Access]] = {"copies.git": {"c0py": "write"}}
    with GitHttpServer(tmp_path / "elsewhere", tokens=tokens) as server:
        copy = {"url": server.url("copies.git"), "token_file": str(token)}
        made = CopyWorld(tmp_path, copy)
        tell_a_little(made)
        yield made


def rewrite(world: CopyWorld) -> str:
    """Replace the history of node-1 by another with the same records; return the new tip."""
    lines = usage_line(seq=1), usage_line(seq=2)
    return world.repo("node-1").orphan({segment_path(DAY, 1): b"".join(lines), "note": b"new"})


def accept(world: CopyWorld, tip: str) -> None:
    """Record the operator's decision to accept a rewritten history."""
    line = decision_line(kind="accept_tip", repo="node-1", tip=tip, seq=2)
    world.repo(BOOKS).commit({segment_path(DAY, 2, folder="decisions"): line})


def test_after_a_pull_the_copy_remote_has_every_cursor(world: CopyWorld) -> None:
    world.pull()
    assert world.copy() == {}
    tips = world.state.mirrors.accepted_tips()
    assert len(tips) == 3
    assert world.copied() == {f"{name}/applied": tip.cursor for name, tip in tips.items()}
    assert world.node()["copied_at"] == "2026-01-01T00:00:00Z"
    world.usage(usage_line(seq=3))
    world.pull()
    assert world.copy() == {}
    assert world.copied()["node-1/applied"] == world.node()["cursor"]


def test_an_accepted_rewrite_keeps_the_old_tip_and_moves_the_cursor(world: CopyWorld) -> None:
    world.pull()
    world.copy()
    before = world.node()["cursor"]
    accept(world, rewrite(world))
    world.pull()
    assert world.copy() == {}
    assert world.node()["cursor"] != before
    copied = world.copied()
    assert copied["node-1/applied"] == world.node()["cursor"]
    assert copied[f"node-1/kept/{before}"] == before


def test_a_mirror_that_was_lost_is_filled_from_the_copies_when_the_node_rewrote(
    world: CopyWorld,
) -> None:
    """The incident is then the rewritten history, not a lost one."""
    world.pull()
    world.copy()
    billed, digest = world.node()["cursor"], world.digest()
    rewrite(world)
    for path in world.config.mirrors_path.iterdir():
        shutil.rmtree(path)
    world.pull()
    assert world.open_kinds() == [("node-1", IncidentKind.REWRITTEN)]
    assert world.node()["cursor"] == billed
    assert world.digest() == digest
    assert world.verify().matches
    refs = world.state.mirrors.open_named("node-1").repository.references
    assert not [ref for ref in refs if "copied" in ref]


def test_a_mirror_is_filled_although_its_remote_is_gone(world: CopyWorld) -> None:
    world.pull()
    world.copy()
    shutil.rmtree(world.repo("node-1").path)
    shutil.rmtree(world.config.mirror_path("node-1"))
    world.pull()
    assert world.open_kinds() == [("node-1", IncidentKind.REPO_GONE)]
    assert world.verify().matches


def test_kept_tips_are_recovered_too(world: CopyWorld) -> None:
    accepted_rewrite(world)
    digest, tips = world.digest(), world.state.mirrors.accepted_tips()
    shutil.rmtree(world.config.mirrors_path)
    world.pull()
    assert world.state.mirrors.accepted_tips() == tips
    assert world.incidents() == []
    assert world.digest() == digest
    assert world.verify().matches


def accepted_rewrite(world: CopyWorld) -> None:
    """Bill and copy a history that the cursor does not build on and only the copies still have."""
    world.pull()
    accept(world, rewrite(world))
    world.usage(usage_line(seq=3))
    world.pull()
    assert world.copy() == {}
    assert world.state.mirrors.accepted_tips()["node-1"].kept


def test_without_the_copies_lost_history_is_named(world: CopyWorld) -> None:
    world.pull()
    world.copy()
    rewrite(world)
    shutil.rmtree(world.config.mirror_path("node-1"))
    shutil.rmtree(world.copies.path)
    world.pull()
    [incident] = world.incidents()
    assert incident["kind"] == IncidentKind.LOST_HISTORY
    assert "the copy remote: " in incident["detail"]


def test_a_lost_state_is_restored_from_the_copies(world: CopyWorld) -> None:
    """With database and mirrors gone and a rewritten node, the ledger is the same."""
    accepted_rewrite(world)
    digest, tips = world.digest(), world.state.mirrors.accepted_tips()
    rewrite(world)
    shutil.rmtree(world.config.state)
    done = restore_from_copy(world.config, world.now, silent)
    assert (done.digest, done.tips) == (digest, tips)
    assert world.digest() == digest
    assert world.verify().matches
    assert world.pull()["node-1"].incident == IncidentKind.REWRITTEN
    assert world.copy() == {}


def test_a_rebuild_gets_lost_mirrors_from_the_copies(world: CopyWorld) -> None:
    world.pull()
    world.copy()
    digest = world.digest()
    shutil.rmtree(world.config.mirrors_path)
    rewrite(world)
    world.settings["skew_s"] = 299  # judged again, so the database is rebuilt first
    world.pull()
    assert world.digest() == digest
    assert world.open_kinds() == [("node-1", IncidentKind.REWRITTEN)]


def test_an_older_state_does_not_set_the_copies_back(world: CopyWorld) -> None:
    """Only the copies have what was billed since; it stays there, and the conflict is shown."""
    world.pull()
    older = world.folder / "older"
    shutil.copytree(world.config.state, older)
    first = world.repo("node-1").tip()
    world.usage(usage_line(seq=3))
    world.pull()
    world.copy()
    copied = world.copied()["node-1/applied"]
    assert first is not None
    assert copied != first
    world.repo("node-1").force(first)
    shutil.rmtree(world.config.state)
    older.rename(world.config.state)
    world.pull()
    failures = world.copy()
    assert list(failures) == ["node-1"]
    assert copied in failures["node-1"].detail
    assert not failures["node-1"].retry
    assert world.copied()["node-1/applied"] == copied


def test_a_copy_remote_that_is_down_is_shown_and_retried(tmp_path: Path) -> None:
    """And billing continues."""
    world = CopyWorld(tmp_path)
    tell_a_little(world)
    path = world.copies.path
    path.rename(path.with_name("away"))
    world.pull()
    assert set(world.copy()) == {BOOKS, "node-1", "node-2"}
    assert set(world.open_kinds()) == {
        (name, IncidentKind.COPY_FAILED) for name in (BOOKS, "node-1", "node-2")
    }
    world.usage(usage_line(seq=3))
    assert world.pull()["node-1"].admitted == 1
    path.with_name("away").rename(path)
    assert world.copy() == {}
    assert world.incidents() == []
    assert world.copied()["node-1/applied"] == world.node()["cursor"]


def test_a_repo_that_is_refused_does_not_keep_others_from_being_copied(tmp_path: Path) -> None:
    world = CopyWorld(tmp_path)
    tell_a_little(world)
    world.pull()
    with GitHttpServer(tmp_path / "elsewhere") as server:
        world.copy_table = {"url": server.url("copies.git")}
        set_hook(
            world.copies.path,
            "pre-receive",
            "while read -r _ _ ref; do case $ref in *node-1*) exit 1;; esac; done\n",
        )
        failures = world.copy()
    assert list(failures) == ["node-1"]
    assert "pre-receive hook declined" in failures["node-1"].detail
    assert sorted(world.copied()) == [f"{BOOKS}/applied", "node-2/applied"]


def test_with_nothing_new_no_request_is_made(tmp_path: Path) -> None:
    """Except once a day, when the copies are checked anyway."""
    with GitHttpServer(tmp_path / "elsewhere") as server:
        world = CopyWorld(tmp_path, {"url": server.url("copies.git")})
        tell_a_little(world)
        world.pull()
        assert world.copy() == {}
        asked = server.count()
        assert asked > 0
        world.pull()
        assert world.copy() == {}
        assert server.count() == asked
        world.copies.repo.references.delete("refs/accepted/node-1/applied")
        world.now = world.now.replace(day=2)
        assert world.copy() == {}
        assert "node-1/applied" in world.copied()


def test_a_repo_with_a_name_that_git_refuses_in_refs_is_copied_too(tmp_path: Path) -> None:
    world = CopyWorld(tmp_path)
    world.repo("a..b.lock", node="node-1")
    world.usage(usage_line(), repo="a..b.lock")
    world.pull()
    assert world.copy() == {}
    digest = world.digest()
    shutil.rmtree(world.config.state)
    assert restore_from_copy(world.config, world.now, silent).digest == digest


def test_a_copy_of_a_repo_that_is_not_configured_is_not_silently_left_out(tmp_path: Path) -> None:
    world = CopyWorld(tmp_path)
    tell_a_little(world)
    world.pull()
    world.copy()
    fewer = world.config.model_copy(
        update={"repo": world.config.repo[:1], "state": tmp_path / "new"}
    )
    with pytest.raises(RestoreError, match="node-1, node-2, which the configuration does not name"):
        restore_from_copy(fewer, world.now, silent)
    assert not list((tmp_path / "new").glob("ledger*"))


def test_the_commands_copy_show_and_restore(tmp_path: Path) -> None:
    world = CopyWorld(tmp_path)
    tell_a_little(world)
    assert world.run("pull").code == 0
    assert len(world.copied()) == 3
    assert "copy remote: 3 of 3 repos, the oldest as of " in world.run("nodes").out
    path = world.copies.path
    path.rename(path.with_name("away"))
    world.usage(usage_line(seq=3))
    said = world.run("pull", "--json")
    assert said.code == 1  # a repo that is gone needs a person
    assert "node-1: INCIDENT copy failed" in said.err
    assert {report["incident"] for report in said.json} == {None}
    path.with_name("away").rename(path)
    assert world.run("pull").code == 0
    digest = world.run("verify", "--json").json["digest"]
    shutil.rmtree(world.config.state)
    said = world.run("restore", "--from-copy", "--json")
    assert said.code == 0
    assert said.json["digest"] == digest
    assert world.run("restore", "--from-copy").code == 1
    assert world.run("restore").code == 2


def test_an_unsigned_tip_is_reported_when_it_is_restored_from_the_copies(tmp_path: Path) -> None:
    world = CopyWorld(tmp_path)
    tell_a_little(world)
    world.pull()
    world.copy()
    signers = tmp_path / "signers"
    signers.write_text("")
    repos = [repo.model_copy(update={"allow_unsigned": False}) for repo in world.config.repo]
    strict = world.config.model_copy(
        update={
            "repo": tuple(repos),
            "allowed_signers_file": signers,
            "state": tmp_path / "new",
        }
    )
    done = restore_from_copy(strict, world.now, silent)
    assert set(done.unsigned) == {BOOKS, "node-1", "node-2"}


def test_the_daemon_copies_beside_billing(tmp_path: Path) -> None:
    """A copy remote that never answers does not keep a pull waiting."""
    world = CopyWorld(tmp_path, pull_every_s=5, pull_jitter_s=0)
    tell_a_little(world)
    with GitHttpServer(tmp_path / "elsewhere") as server:
        world.pull()
        world.copy_table = {"url": server.url("copies.git")}
        world.settings["connect_timeout_s"] = 600
        server.misbehave("hang")
        with daemon(world) as running:
            running.listen(lambda: server.count() > 0)
            world.usage(usage_line(seq=3))
            running.listen(lambda: world.node()["records"] == 3)
            code, _ = running.leave()
    assert code == 0


def is_noted(world: CopyWorld) -> bool:
    """Whether the ledger has recorded the copy of node-1."""
    with world.reading() as store:
        return "node-1" in copied_at(store)


def test_the_daemon_records_what_was_copied(tmp_path: Path) -> None:
    world = CopyWorld(tmp_path)
    tell_a_little(world)
    with daemon(world) as running:
        running.listen(lambda: len(world.copied()) == 3 and is_noted(world))
        code, log = running.leave()
    assert (code, len(world.copied())) == (0, 3)
    assert "copied" in log
