"""A hostile repo, a broken mirror or a changed configuration stops at most the repo concerned."""

import shutil
from collections.abc import Container
from hashlib import sha256
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from aggregator.cli.context import opening
from aggregator.ledger import ingest
from aggregator.ledger.ingest import Ingest, Rules, Stretch
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.segments import SegmentReader, StoppedError, segment_reader
from aggregator.mirrors.mirror import MirrorError
from aggregator.proof.verify import LimitsChangedError
from aggregator.store.segment_rows import SegmentPlace
from cursors.position import advance
from gitmeter.counting.held import KEPT_BYTES_MAX
from tests.support.ledger.world import DAY, PRICES, World
from tests.support.repos import RepoWriter, decision_line, segment_path, usage_line
from wire_format.fields import SEGMENTS_PER_COMMIT_MAX


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two nodes; the second has a record to bill."""
    found = World(tmp_path)
    found.rules()
    found.repo("node-1")
    found.usage(usage_line(node="node-2", user="bob"), repo="node-2")
    return found


def only_node_1_is_held(world: World, kind: str) -> None:
    """The second node was billed in the same pass."""
    assert world.open_kinds() == [("node-1", kind)]
    assert world.balance("bob")["list_cost_nano"] > 0


def commit_tree(writer: RepoWriter, root: pygit2.Oid) -> None:
    """Commit a tree as it is."""
    who = pygit2.Signature("node", "node@example.invalid", 1_750_000_000, 0)
    writer.repo.create_commit("refs/heads/main", who, who, "usage", root, [])


def test_endlessly_nested_folders_are_not_opened(world: World) -> None:
    """A tree of a few kilobytes may stand for millions of paths."""
    writer = world.repo("node-1")
    entry = (writer.repo.create_blob(b"x"), FileMode.BLOB)
    for _ in range(12):
        builder = writer.repo.TreeBuilder()
        for name in range(20):
            builder.insert(f"{name:02d}", *entry)
        entry = (builder.write(), FileMode.TREE)
    top = writer.repo.TreeBuilder()
    top.insert("usage", *entry)
    commit_tree(writer, top.write())
    world.pull()
    only_node_1_is_held(world, "oversized commit")


@pytest.mark.parametrize("segments", [SEGMENTS_PER_COMMIT_MAX, SEGMENTS_PER_COMMIT_MAX + 1])
def test_a_commit_holds_a_bounded_number_of_segments(world: World, segments: int) -> None:
    files = {segment_path(DAY, seq): usage_line(seq=seq) for seq in range(1, segments + 1)}
    world.repo("node-1").commit(files)
    report = world.pull()["node-1"]
    if segments == SEGMENTS_PER_COMMIT_MAX:
        assert report.admitted == segments
    else:
        assert (report.admitted, report.behind) == (0, 1)
        only_node_1_is_held(world, "oversized commit")


def test_only_the_start_of_a_long_held_line_is_kept_with_the_hash_of_all_of_it(
    world: World,
) -> None:
    """A flood of such lines does not fill the database; what a decision names stays exact."""
    meta = {f"k{number:02d}": "x" * 200 for number in range(16)}
    lines = [usage_line(node="node-2", seq=seq, meta=meta) for seq in (1, 2)]
    world.repo("node-1").commit({segment_path(DAY, 1): b"".join(lines)})
    world.pull()
    rows = sorted(world.held(), key=lambda row: row["seq"])
    assert [row["line"].encode() for row in rows] == [line[:KEPT_BYTES_MAX] for line in lines]
    assert [row["line_sha256"] for row in rows] == [sha256(line).hexdigest() for line in lines]


def test_only_the_start_of_an_endless_line_is_kept_with_the_hash_of_all_of_it(world: World) -> None:
    for number, last in enumerate((b"a", b"b"), start=1):
        world.repo("node-1").commit({segment_path(DAY, number): b"x" * 100_000 + last})
    world.pull()
    rows = world.rejects()
    assert [len(row["line"]) for row in rows] == [KEPT_BYTES_MAX] * 2
    with world.reading() as store:
        hashes = store._connection.execute("SELECT DISTINCT line_sha256 FROM reject").fetchall()
    assert len(hashes) == 2


def test_paths_that_are_not_text_are_distinguished(world: World) -> None:
    writer = world.repo("node-1")
    blob = writer.repo.create_blob(usage_line(seq=1))
    raw = b"".join(
        b"100644 " + name + b"\0" + bytes.fromhex(str(blob)) for name in (b"\xfe", b"\xff")
    )
    top = writer.repo.TreeBuilder()
    top.insert("usage", writer.repo.odb.write(pygit2.enums.ObjectType.TREE, raw), FileMode.TREE)
    commit_tree(writer, top.write())
    assert world.pull()["node-1"].rejected == 2
    assert [row["path"] for row in world.rejects()] == ["usage/\\xfe", "usage/\\xff"]


def test_a_lock_left_by_a_dead_process_is_removed(world: World) -> None:
    world.usage(usage_line(seq=1))
    world.pull()
    mirror = world.config.mirror_path("node-1")
    (mirror / "refs" / "aggregator" / "applied.lock").touch()
    world.usage(usage_line(seq=2))
    with world.state.locked():
        assert world.pull()["node-1"].admitted == 1
    assert world.open_kinds() == []


def test_a_ref_that_lost_its_content_stops_its_repo_alone(world: World) -> None:
    """As after a power cut."""
    world.usage(usage_line(seq=1))
    world.pull("node-1")
    (world.config.mirror_path("node-1") / "refs" / "heads" / "main").write_bytes(b"")
    world.pull()
    only_node_1_is_held(world, "bad mirror")


def test_a_line_known_from_a_mirror_that_is_gone_holds_its_repo_alone(world: World) -> None:
    """A node's previous repo is no longer configured, and its mirror is gone."""
    world.usage(usage_line(seq=1), repo="old")
    world._repos["old"] = world._repos["old"].model_copy(update={"node": "node-1"})
    world.pull("old")
    world.drop("old")
    shutil.rmtree(world.config.mirror_path("old"))
    world.usage(usage_line(seq=1), usage_line(seq=2))
    world.pull()
    only_node_1_is_held(world, "bad mirror")


def test_a_rebuild_that_would_drop_a_billed_repo_is_refused(world: World) -> None:
    world.usage(usage_line(seq=1))
    world.pull()
    before = world.digest()
    shutil.rmtree(world.config.mirror_path("node-1"))
    with pytest.raises(MirrorError, match=r"no mirror .*: node-1"):
        opening(world.state).rebuild_in_place()
    assert world.digest() == before


def test_the_books_may_move_to_another_repo(world: World) -> None:
    """The rule book in force is the configured one's, whatever the repos are called."""
    world.usage(usage_line(seq=1))
    world.pull()
    moved = world.repo("accounts", node="books")
    moved.commit({"rules/prices.toml": PRICES.replace(b"3.60", b"7.20")})
    role = {"role": "books"}
    world._repos["accounts"] = world._repos["accounts"].model_copy(update=role)
    world.drop("books")
    world.pull()
    assert world.verify().matches


def test_verify_says_so_when_the_limits_changed(world: World) -> None:
    """Otherwise it would report differences in a ledger that is right under its own limits."""
    world.usage(usage_line(seq=1))
    world.pull()
    world.settings["skew_s"] = 7
    with pytest.raises(LimitsChangedError):
        world.verify()
    world.pull()
    assert world.verify().matches


def test_a_history_of_repeated_lines_can_be_interrupted_and_continued(world: World) -> None:
    world.usage(usage_line(seq=1))
    for _ in range(4):
        world.usage(usage_line(seq=1))
    world.fetch()
    with world.ledger() as ledger:
        mirror = world.state.mirrors.open_named("node-1")
        commits = advance(None, mirror.head, mirror.first_parent).commits
        rules = Rules(segment_reader(world.state), None, world.now, ReadAhead())
        identity = next(repo.identity for repo in world.config.repo if repo.name == "node-1")
        with ledger.store.transaction():
            row = ledger.store.repos.row(identity)
        done = iter([False, False, True])
        Ingest(ledger, row, mirror, rules).run(Stretch(commits), interrupted=lambda: next(done))
        assert ledger.store.cursors.of_repo("node-1") == commits[2]
    assert world.pull()["node-1"].commits == 2


def test_a_commit_that_overlaps_too_much_is_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of the same seqs again and again; the commits before it count, and no part of it."""
    monkeypatch.setattr(ingest, "LINES_READ_AGAIN_MAX", 100)
    lines = [usage_line(seq=seq, units=2) for seq in (1, 2, 3)]
    world.usage(*lines)
    world.usage(*[usage_line(seq=seq, units=1) for seq in (1, 2)])
    bad = world.usage(usage_line(seq=4), *[usage_line(seq=seq, units=0) for seq in (1, 2)])
    world.usage(usage_line(seq=5))
    report = world.pull()["node-1"]
    assert (report.incident, report.commits, report.behind) == ("oversized commit", 2, 2)
    assert bad in report.detail
    assert [charge["quantity"] for charge in world.charges()] == [4]
    world.decide(decision_line(kind="accept_tip", repo="node-1", tip=bad))
    report = world.pull()["node-1"]
    assert (report.incident, report.commits) == (None, 2)
    assert [charge["quantity"] for charge in world.charges()] == [4]
    assert world.verify().matches


def test_a_chain_of_corrections_is_not_read_over_and_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each correction corrects the one before it, so judging one could read all, one by one."""
    monkeypatch.setattr(ingest, "LINES_READ_AGAIN_MAX", 2000)
    chain = [
        usage_line(seq=seq, units=-1, corrects=seq - 1, reason="miscount") for seq in range(2, 200)
    ]
    world.usage(usage_line(seq=1, units=5), *chain)
    assert world.pull()["node-1"].incident is None
    world.usage(usage_line(seq=2, units=-2, corrects=1, reason="miscount"))
    assert world.pull()["node-1"].incident == "oversized commit"


def test_a_commit_that_overlaps_too_much_is_not_read_again_in_each_pass(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding out costs as much as is allowed; the operator may still accept it."""
    monkeypatch.setattr(ingest, "LINES_READ_AGAIN_MAX", 200)
    world.usage(*[usage_line(seq=seq, units=2) for seq in range(1, 90)])
    bad = world.usage(usage_line(seq=1, units=1))
    read: list[object] = []
    claims = SegmentReader.claims

    def noted(
        reader: SegmentReader, place: SegmentPlace, seqs: Container[int] | None = None
    ) -> object:
        read.append(place)
        return claims(reader, place, seqs)

    monkeypatch.setattr(SegmentReader, "claims", noted)
    with world.ledger() as ledger:
        assert world.pull_into(ledger)["node-1"].incident == "oversized commit"
        assert read
        read.clear()
        assert world.pull_into(ledger)["node-1"].incident == "oversized commit"
        assert not read
        world.decide(decision_line(kind="accept_tip", repo="node-1", tip=bad))
        assert world.pull_into(ledger)["node-1"].incident is None
    assert world.verify().matches


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_work_within_a_commit_can_be_stopped(world: World, steps: int) -> None:
    """At any step; nothing of its batch is written, and the next pass ends in the same ledger."""
    world.usage(usage_line(seq=1))
    world.usage(usage_line(seq=2), usage_line(seq=1, units=3))
    world.fetch()
    left = iter(range(steps))

    def on_step() -> None:
        if next(left, None) is None:
            raise StoppedError

    with world.ledger() as ledger:
        mirror = world.state.mirrors.open_named("node-1")
        commits = advance(None, mirror.head, mirror.first_parent).commits
        identity = next(repo.identity for repo in world.config.repo if repo.name == "node-1")
        with ledger.store.transaction():
            row = ledger.store.repos.row(identity)
        rules = Rules(segment_reader(world.state, on_step), None, world.now, ReadAhead())
        assert Ingest(ledger, row, mirror, rules).run(Stretch(commits)).commits == 0
        assert ledger.store.cursors.of_repo("node-1") is None
    assert world.pull()["node-1"].commits == 2
    assert world.verify().matches
