"""What happens to a repo when its head is not a fast-forward, with real repos and servers.

In each case the repo stays at its cursor, the incident says why, every other repo continues, and
nothing that was billed changes.
"""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from aggregator.incidents.kinds import IncidentKind
from cursors.position import HeadOutcome
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.ledger.world import DAY, NOW, World, segment_path, usage_line
from tests.support.repos import RepoWriter


def line(seq: int, units: int = 1) -> bytes:
    return usage_line(seq=seq, units=units, ts="2025-01-01T00:30:00Z")


FIRST, SECOND, THIRD = (segment_path(DAY, seq) for seq in (1, 2, 3))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("told"))
    made.rules()
    made.usage(usage_line(node="node-2", user="b:2"), repo="node-2")
    made.repo("node-1").commit({FIRST: line(1)})
    made.repo("node-1").commit({SECOND: line(2)})
    made.pull()
    return made


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    """Two commits of a node are billed; there are another node and the books."""
    return told.copied_to(tmp_path)


def others_go_on(world: World) -> None:
    """Check that the other node's next record is billed."""
    number = world.node("node-2")["highest_seq"] + 1
    world.usage(usage_line(node="node-2", seq=number, user="b:2"), repo="node-2")
    before = world.balance("b:2")["billed_cost_nano"]
    report = world.pull()["node-2"]
    assert (report.outcome, report.admitted) == (HeadOutcome.FAST_FORWARD, 1)
    assert world.balance("b:2")["billed_cost_nano"] > before


def held_at(world: World, cursor: str | None, kind: IncidentKind) -> None:
    """Check that the repo is still at this cursor, with one incident, and nothing else changed."""
    balance = world.balance()["billed_cost_nano"]
    report = world.pull()["node-1"]
    assert (report.incident, report.commits) == (kind, 0)
    assert report.detail
    assert world.node()["cursor"] == cursor
    assert world.open_kinds() == [("node-1", kind)]
    others_go_on(world)
    assert world.balance()["billed_cost_nano"] == balance
    assert world.open_kinds() == [("node-1", kind)]
    assert world.verify().matches


def recovered(world: World, records: int) -> None:
    """Check that the next pull continues without intervention and closes the incident."""
    report = world.pull()["node-1"]
    assert report.incident is None
    assert world.open_kinds() == []
    assert world.charges()[0]["records"] == records
    assert [row["kind"] for row in world.incidents(closed=True)]
    assert world.verify().matches


def test_nothing_new_changes_nothing(world: World) -> None:
    digest = world.digest()
    report = world.pull()["node-1"]
    assert (report.outcome, report.commits, report.behind) == (HeadOutcome.UNCHANGED, 0, 0)
    assert world.digest() == digest


def test_new_commits_are_read_from_the_cursor_on(world: World) -> None:
    world.repo("node-1").commits([{THIRD: line(3)}, {segment_path(DAY, 4): line(4)}])
    report = world.pull()["node-1"]
    assert (report.outcome, report.commits, report.admitted) == (HeadOutcome.FAST_FORWARD, 2, 2)
    assert report.duplicates == 0
    assert world.node()["cursor"] == world.repo("node-1").tip()


def test_an_empty_repo_is_not_an_incident(world: World) -> None:
    """A node that was set up and has recorded nothing yet."""
    world.repo("node-3")
    report = world.pull()["node-3"]
    assert (report.outcome, report.incident) == (HeadOutcome.EMPTY, None)
    assert world.node("node-3")["cursor"] is None
    world.usage(usage_line(node="node-3"), repo="node-3")
    assert world.pull()["node-3"].admitted == 1


def test_other_files_of_a_repo_are_ignored(world: World) -> None:
    """They may be added, changed and deleted; the cursor follows."""
    writer = world.repo("node-1")
    writer.commit({"README.md": b"1", "docs/x/y.md": b"2", "usage.md": b"3", "rules/x": b"4"})
    writer.commit({"README.md": b"2", "docs/x/y.md": None})
    writer.commit({"rules/prices.toml": b"not a rule book: this is no books repo"})
    report = world.pull()["node-1"]
    assert (report.commits, report.incident, report.rejected) == (3, None, 0)


def rewritten_by_force(writer: RepoWriter) -> None:
    first = str(writer.repo[str(writer.tip())].peel(pygit2.Commit).parent_ids[0])
    writer.commit({SECOND: line(2, units=7)}, parents=(first,))


def unrelated(writer: RepoWriter) -> None:
    writer.orphan({FIRST: line(1), SECOND: line(2), THIRD: line(3)})


def evil_merge(writer: RepoWriter) -> None:
    """The tip that was billed becomes the second parent of a merge."""
    tip = str(writer.tip())
    first = str(writer.repo[tip].peel(pygit2.Commit).parent_ids[0])
    side = writer.commit({THIRD: line(3)}, parents=(first,))
    writer.commit({SECOND: line(2)}, parents=(side, tip))


REWRITES: tuple[Callable[[RepoWriter], None], ...] = (
    rewritten_by_force,
    unrelated,
    evil_merge,
)


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.__name__)
def test_a_rewritten_repo_is_held_until_its_history_is_restored(
    world: World, rewrite: Callable[[RepoWriter], None]
) -> None:
    """The mirror keeps what was billed; once the old history is restored, billing continues."""
    writer = world.repo("node-1")
    cursor = str(writer.tip())
    rewrite(writer)
    held_at(world, cursor, IncidentKind.REWRITTEN)
    assert world.pull()["node-1"].outcome is HeadOutcome.REWRITTEN
    assert not world.pull()["node-1"].retry
    writer.force(cursor)
    recovered(world, records=2)
    writer.commit({THIRD: line(3)})
    recovered(world, records=3)


def test_a_repo_rewritten_again_and_again_has_one_open_incident(world: World) -> None:
    writer = world.repo("node-1")
    for units in (7, 8, 9):
        writer.orphan({FIRST: line(1, units=units)})
        world.pull()
        assert world.open_kinds() == [("node-1", "rewritten")]
    assert str(writer.tip()) in world.incidents()[0]["detail"]


def test_what_was_billed_survives_garbage_collection(world: World) -> None:
    """After a forced push nothing but our own ref names the old commits."""
    cursor = world.node()["cursor"]
    unrelated(world.repo("node-1"))
    world.pull()
    mirror = world.config.mirror_path("node-1")
    _git(mirror, "reflog", "expire", "--expire=now", "--all")
    _git(mirror, "gc", "--prune=now", "--quiet")
    held_at(world, cursor, IncidentKind.REWRITTEN)


def test_a_lost_database_is_rebuilt_from_what_was_billed_not_from_the_new_head(
    world: World,
) -> None:
    digest = world.digest()
    unrelated(world.repo("node-1"))
    world.pull()
    world.forget()
    held_at_head = world.pull()["node-1"]
    assert held_at_head.outcome is HeadOutcome.REWRITTEN
    assert world.digest() == digest


def _git(folder: Path, *arguments: str) -> None:
    from gitmeter.git_remote.runner import run_git

    result = run_git(arguments, cwd=folder, timeout_s=60)
    assert result.returncode == 0, result.stderr


def edit(writer: RepoWriter) -> None:
    writer.commit({FIRST: line(1, units=0), THIRD: line(3)})


def delete(writer: RepoWriter) -> None:
    writer.commit({FIRST: None, THIRD: line(3)})


def rename(writer: RepoWriter) -> None:
    writer.commit({FIRST: None, segment_path(DAY, 9): line(1), THIRD: line(3)})


def change_mode(writer: RepoWriter) -> None:
    _reinsert(writer, writer.repo.create_blob(line(1)), FileMode.BLOB_EXECUTABLE)


def change_type(writer: RepoWriter) -> None:
    _reinsert(writer, writer.repo.create_blob(b"elsewhere"), FileMode.LINK)


def replace_by_folder(writer: RepoWriter) -> None:
    writer.commit({FIRST: None, f"{FIRST}/more": line(3)})


def _reinsert(writer: RepoWriter, blob: pygit2.Oid, mode: FileMode) -> None:
    """Commit the first segment with another mode."""
    repo, tip = writer.repo, str(writer.tip())
    index = pygit2.Index()
    index.read_tree(repo[tip].peel(pygit2.Tree))
    index.add(pygit2.IndexEntry(FIRST, blob, mode))
    author = pygit2.Signature("node", "node@example.invalid", int(NOW.timestamp()) - 3600, 0)
    tree = index.write_tree(repo)
    made = repo.create_commit(None, author, author, "edit", tree, [pygit2.Oid(hex=tip)])
    writer.force(str(made))


EDITS: tuple[Callable[[RepoWriter], None], ...] = (
    edit,
    delete,
    rename,
    change_mode,
    change_type,
    replace_by_folder,
)


@pytest.mark.parametrize("tamper", EDITS, ids=lambda tamper: tamper.__name__)
def test_an_edited_history_stops_before_the_edit(
    world: World, tamper: Callable[[RepoWriter], None]
) -> None:
    """Good commits before it are billed; the edit and everything after it is not."""
    writer = world.repo("node-1")
    good = writer.commit({segment_path(DAY, 5): line(5)})
    tamper(writer)
    bad = str(writer.tip())
    writer.commit({segment_path(DAY, 6): line(6)})
    report = world.pull()["node-1"]
    assert (report.commits, report.admitted, report.behind) == (1, 1, 2)
    assert bad in report.detail
    assert FIRST in report.detail
    held_at(world, good, IncidentKind.EDITED_HISTORY)
    assert world.charges()[0]["records"] == 3
    writer.force(good)
    recovered(world, records=3)


def test_an_edited_payment_holds_the_books(world: World) -> None:
    """Usage is billed under the rules and payments as they were."""
    from tests.support.ledger.world import money_line

    world.pay(money_line())
    world.pull()
    path = next(p for p in world.repo("books").files("main") if p.startswith("payments/"))
    world.repo("books").commit({path: money_line(amount="999")})
    assert world.pull()["books"].incident is IncidentKind.EDITED_HISTORY
    others_go_on(world)
    assert world.balance()["lifetime_paid_nano"] == 10 * 10**9


def test_a_side_branch_that_was_merged_counts_once(world: World) -> None:
    """The merge, compared with its first parent, adds what the side branch added."""
    writer = world.repo("node-1")
    base = str(writer.tip())
    side = writer.commit({THIRD: line(3)}, parents=(base,), branch="side")
    writer.commit({segment_path(DAY, 4): line(4)})
    writer.merge(side)
    report = world.pull()["node-1"]
    assert (report.commits, report.admitted, report.duplicates) == (2, 2, 0)
    assert world.charges()[0]["records"] == 4
    assert world.verify().matches


def test_a_merge_may_be_read_in_two_pulls(world: World) -> None:
    """First the main line alone, then the merge."""
    writer = world.repo("node-1")
    base = str(writer.tip())
    writer.commit({segment_path(DAY, 4): line(4)})
    world.pull()
    side = writer.commit({THIRD: line(3)}, parents=(base,), branch="side")
    writer.merge(side)
    assert world.pull()["node-1"].admitted == 1
    assert world.verify().matches


def test_a_commit_ahead_of_our_clock_waits_for_it(world: World) -> None:
    """Within the skew it is read; further ahead it is not, nor is what comes after it."""
    writer = world.repo("node-1")
    world.now = NOW
    near = writer.commit({THIRD: line(3)}, when=NOW + timedelta(seconds=300))
    writer.commit({segment_path(DAY, 4): line(4)}, when=NOW + timedelta(seconds=301))
    writer.commit({segment_path(DAY, 5): line(5)}, when=NOW)
    report = world.pull()["node-1"]
    assert (report.admitted, report.behind, report.retry) == (1, 2, True)
    held_at(world, near, IncidentKind.COMMIT_AHEAD)
    world.now = NOW + timedelta(seconds=1)
    recovered(world, records=5)


def test_a_missing_branch_is_shown_and_clears_itself(world: World) -> None:
    writer = world.repo("node-1")
    cursor = str(writer.tip())
    writer.delete_branch()
    held_at(world, cursor, IncidentKind.BRANCH_MISSING)
    assert world.pull()["node-1"].outcome is HeadOutcome.BRANCH_MISSING
    writer.force(cursor)
    recovered(world, records=2)


def test_a_branch_that_never_existed_beside_others_is_shown(world: World) -> None:
    """A wrong name in the configuration must not look like a node without records."""
    other = world.repo("node-3")
    other.commit({FIRST: usage_line(node="node-3")}, branch="trunk")
    report = world.pull()["node-3"]
    assert (report.outcome, report.retry) == (HeadOutcome.BRANCH_MISSING, True)
    assert "main" in report.detail
    other.force(str(other.tip("trunk")))
    assert world.pull()["node-3"].admitted == 1
    assert world.open_kinds() == []


def test_a_repo_that_is_gone_is_shown_and_clears_itself(world: World) -> None:
    path = world.repo("node-1").path
    cursor = world.node()["cursor"]
    away = path.rename(path.with_name("away"))
    held_at(world, cursor, IncidentKind.REPO_GONE)
    away.rename(path)
    recovered(world, records=2)


def test_a_mirror_that_was_lost_is_fetched_again(world: World) -> None:
    """The cursor is found in it, so nothing is billed again."""
    shutil.rmtree(world.config.mirror_path("node-1"))
    world.repo("node-1").commit({THIRD: line(3)})
    report = world.pull()["node-1"]
    assert (report.outcome, report.admitted, report.duplicates) == (HeadOutcome.FAST_FORWARD, 1, 0)
    assert world.verify().matches


def test_a_mirror_that_lost_an_object_stops_its_repo_alone(world: World) -> None:
    """A damaged disk is shown as such, and does not stop the other repos."""
    writer = world.repo("node-1")
    writer.commit({THIRD: line(3)})
    world.fetch()
    cursor = world.node()["cursor"]
    mirror = world.config.mirror_path("node-1")
    blob = str(writer.repo.create_blob(line(3)))
    _git(mirror, "repack", "-adq")
    packs = list((mirror / "objects" / "pack").glob("*.pack"))
    for pack in packs:
        moved = pack.rename(mirror / pack.name)
        with moved.open("rb") as objects:
            _unpack(mirror, objects.read())
        pack.with_suffix(".idx").unlink()
    (mirror / "objects" / blob[:2] / blob[2:]).unlink()
    held_at(world, cursor, IncidentKind.BAD_MIRROR)
    shutil.rmtree(mirror)
    recovered(world, records=3)


def _unpack(mirror: Path, pack: bytes) -> None:
    from gitmeter.git_remote.runner import run_git

    for old in (mirror / "objects" / "pack").glob("*.rev"):
        old.unlink()
    assert run_git(["unpack-objects", "-q"], cwd=mirror, timeout_s=60, stdin=pack).returncode == 0


@pytest.mark.parametrize("fault", ["500", "503", "hang", "reset"])
def test_a_server_that_is_out_of_order_is_shown_and_clears_itself(
    fault: str, tmp_path: Path
) -> None:
    """The other repos are read in the same pass, and the next answer ends the incident."""
    world = World(tmp_path, connect_timeout_s=1)
    world.rules()
    world.usage(usage_line(node="node-2", user="b:2"), repo="node-2")
    with GitHttpServer(tmp_path / "remotes") as server:
        writer = world.repo("node-1", url=server.url("node-1.git"))
        writer.commit({FIRST: line(1)})
        world.pull()
        cursor = writer.tip()
        writer.commit({SECOND: line(2)})
        server.misbehave(fault)
        held_at(world, cursor, IncidentKind.UNREACHABLE)
        assert world.pull()["node-1"].retry
        server.behave()
        recovered(world, records=2)


def test_a_private_repo_that_refuses_us_is_shown(tmp_path: Path) -> None:
    """No record is lost: with the right token the next pull reads it."""
    world = World(tmp_path)
    with GitHttpServer(tmp_path / "remotes", tokens={"node-1.git": {"s3cret": "read"}}) as server:
        world.repo("node-1", url=server.url("node-1.git")).commit({FIRST: line(1)})
        world.rules()
        report = world.pull()["node-1"]
        assert report.incident is IncidentKind.UNREACHABLE
        assert not report.retry, "trying again does not help"
        assert "(hint: check the token or key" in report.detail
        assert report.detail in world.run("incidents").ok().out
        assert report.detail == world.incidents()[0]["detail"], "which notices have too"
        assert world.node()["cursor"] is None
        token = write_secret(tmp_path / "token", "s3cret\n")
        repo = world.config.repo[0]
        world._repos["node-1"] = repo.model_copy(update={"token_file": token})
        assert world.pull()["node-1"].admitted == 1
        assert not [kind for repo, kind in world.open_kinds() if repo == "node-1"]


@pytest.mark.parametrize("is_rewritten", [False, True])
def test_an_older_copy_of_the_database_catches_up(world: World, *, is_rewritten: bool) -> None:
    """With what was billed since, even if the remote no longer has it; incidents included."""
    path = world.config.database_path
    copy = path.with_name("copy.db")
    shutil.copyfile(path, copy)
    writer = world.repo("node-1")
    writer.commit({THIRD: usage_line(seq=1, ts="2025-01-01T00:45:00Z") + b"rotten\n"})
    world.pull()
    digest, kinds = world.digest(), world.open_kinds()
    assert kinds == [("node-1", "sequence reused")]
    if is_rewritten:
        unrelated(writer)
    world.forget()
    copy.rename(path)
    report = world.pull()["node-1"]
    assert world.digest() == digest
    assert set(kinds) <= set(world.open_kinds())
    assert (report.outcome is HeadOutcome.REWRITTEN) is is_rewritten
    assert world.verify().matches
