"""Names, kinds of files, merges, numbers and keys chosen to confuse are rejected or held."""

import subprocess
import unicodedata
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode, ObjectType

from tests.support.ledger.world import DAY, World
from tests.support.repos import RepoWriter, segment_path, usage_line
from wire_format.fields import EPOCH_SIZE, INT_MAX

FOLDER = f"usage/{DAY:%Y/%m/%d}"
FIRST = segment_path(DAY, 1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two nodes; the second has a record to bill."""
    found = World(tmp_path)
    found.rules()
    found.usage(usage_line(node="node-2", user="bob"), repo="node-2")
    found.repo("node-1")
    return found


def only_node_1_is_held(world: World, kind: str) -> None:
    """The second node was billed in the same pass."""
    assert world.open_kinds() == [("node-1", kind)]
    assert world.balance("bob")["list_cost_nano"] > 0


def commit_raw(writer: RepoWriter, names: list[bytes], kind: FileMode, oid: pygit2.Oid) -> None:
    """Commit `usage/` with names that a tree builder would refuse."""
    mode = b"40000" if kind is FileMode.TREE else b"%o" % kind
    data = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(str(oid)) for name in names)
    top = writer.repo.TreeBuilder()
    top.insert("usage", writer.repo.odb.write(ObjectType.TREE, data), FileMode.TREE)
    who = pygit2.Signature("node", "node@example.invalid", 1_750_000_000, 0)
    writer.repo.create_commit("refs/heads/main", who, who, "usage", top.write(), [])


@pytest.mark.parametrize(
    "name", [b"..", b".", b".git", b".GIT", b"git~1", b".g\xe2\x80\x8cit"], ids=repr
)
@pytest.mark.parametrize("kind", [FileMode.TREE, FileMode.BLOB])
def test_names_that_a_checkout_would_follow_are_not_even_fetched(
    world: World, name: bytes, kind: FileMode
) -> None:
    writer = world.repo("node-1")
    line = writer.repo.create_blob(usage_line())
    builder = writer.repo.TreeBuilder()
    builder.insert("x", line, FileMode.BLOB)
    commit_raw(writer, [name], kind, builder.write() if kind is FileMode.TREE else line)
    world.pull()
    only_node_1_is_held(world, "content refused")
    assert world.state.mirrors.open_named("node-1").head is None


CAFE = "caf\u00e9.jsonl"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([unicodedata.normalize(form, CAFE) for form in ("NFC", "NFD")], id="forms"),
        pytest.param(["0000000000000001.JSONL", "0000000000000001.jsonL"], id="case"),
        pytest.param(["\x1b[2J\x07.jsonl", "a\nb.jsonl", "\x7f\x01"], id="control"),
        pytest.param(["\u202elnosj.1", "\u200b.jsonl", "\uff10\uff11.jsonl"], id="direction"),
        pytest.param(["0000000000000001.jsonl\x20", "\x20", "-rf", "a\\b", "*"], id="shell"),
        pytest.param(["9" * 250, "0000000000000000.jsonl", "9999999999999999.jsonl"], id="numbers"),
    ],
)
def test_strange_names_are_refused_one_by_one(world: World, names: list[str]) -> None:
    """Each is a separate row, and a good file beside them is billed."""
    paths = [f"{FOLDER}/{name}" for name in names]
    world.repo("node-1").commit({**dict.fromkeys(paths, usage_line(seq=9)), FIRST: usage_line()})
    report = world.pull()["node-1"]
    assert (report.incident, report.admitted, report.rejected) == (None, 1, len(names))
    assert sorted(row["path"] for row in world.rejects()) == sorted(paths)
    assert world.verify().matches


@pytest.mark.parametrize(
    "top", ["USAGE", "Usage", "usage\u0301", "\uff55sage", "usage ", "payment", "x/usage"]
)
def test_folders_that_only_look_like_a_segments_are_ignored(world: World, top: str) -> None:
    """On a file system that ignores case they would be the same folder; in git they are not."""
    day = FIRST.partition("/")[2]
    world.repo("node-1").commit({f"{top}/{day}": usage_line(user="mallory"), FIRST: usage_line()})
    report = world.pull()["node-1"]
    assert (report.incident, report.admitted, report.rejected) == (None, 1, 0)


@pytest.mark.parametrize("kind", [FileMode.LINK, FileMode.COMMIT, FileMode.BLOB])
@pytest.mark.parametrize("name", ["usage", "usage/2025", FOLDER])
def test_anything_but_a_folder_in_the_place_of_a_folder_bills_nothing(
    world: World, kind: FileMode, name: str
) -> None:
    """And concerns its own repo alone: a link is never followed, a submodule never fetched."""
    writer = world.repo("node-1")
    target = writer.repo.create_blob(b"../../node-2.git")
    if kind is FileMode.COMMIT:
        target = pygit2.Oid(hex="1" * 40)
    index = pygit2.Index()
    index.add(pygit2.IndexEntry(name, target, kind))
    tree = index.write_tree(writer.repo)
    who = pygit2.Signature("node", "node@example.invalid", 1_750_000_000, 0)
    writer.repo.create_commit("refs/heads/main", who, who, "usage", tree, [])
    report = world.pull()["node-1"]
    assert report.admitted == 0
    assert report.rejected == (0 if name == "usage" else 1)
    assert world.balance("bob")["list_cost_nano"] > 0


def test_a_merge_that_drops_files_is_an_edited_history(world: World) -> None:
    """Both of its parents have the segment; the merge itself does not."""
    writer = world.repo("node-1")
    base = writer.commit({FIRST: usage_line(seq=1)})
    side = writer.commit({segment_path(DAY, 2): usage_line(seq=2)}, parents=(base,), branch="side")
    world.pull()
    writer.merge(side, {FIRST: None})
    world.pull()
    only_node_1_is_held(world, "edited history")
    assert FIRST in world.incidents()[0]["detail"]


def test_a_merge_that_brings_lines_of_its_own_bills_them_once(world: World) -> None:
    """What neither parent has is read by comparison with the first parent, as in any commit."""
    writer = world.repo("node-1")
    base = writer.commit({FIRST: usage_line(seq=1)})
    second, third = segment_path(DAY, 2), segment_path(DAY, 3)
    side = writer.commit({second: usage_line(seq=2)}, parents=(base,), branch="side")
    writer.merge(side, {second: usage_line(seq=2), third: usage_line(seq=3)})
    assert world.pull()["node-1"].admitted == 3
    assert world.verify().matches


def test_a_merge_of_a_hundred_histories_is_one_commit(world: World) -> None:
    writer = world.repo("node-1")
    base = writer.commit({FIRST: usage_line(seq=1)})
    sides = [
        writer.commit({"notes": b"%d" % number}, parents=(), branch=f"side-{number}")
        for number in range(100)
    ]
    writer.commit({segment_path(DAY, 2): usage_line(seq=2)}, parents=(base, *sides))
    report = world.pull()["node-1"]
    assert (report.commits, report.admitted) == (2, 2)


def test_the_highest_seqs_are_billed_and_reported_correctly(world: World) -> None:
    """2^53 - 1 is a seq like any other; the seqs before it in its epoch are a gap."""
    path = segment_path(DAY, INT_MAX)
    world.repo("node-1").commit({path: usage_line(seq=INT_MAX)})
    assert world.pull()["node-1"].admitted == 1
    assert world.node()["highest_seq"] == INT_MAX
    first = (INT_MAX - 1) // EPOCH_SIZE * EPOCH_SIZE + 1
    assert world.node()["gaps"] == [{"first_seq": first, "last_seq": INT_MAX - 1}]
    assert world.verify().matches


@pytest.mark.parametrize("spread", ["one segment", "two segments of a commit", "two commits"])
def test_the_same_key_twice_counts_once_wherever_it_is(world: World, spread: str) -> None:
    """Same bytes: a duplicate. Other bytes: the line with fewer units counts, the other is held."""
    alike, fewer, more = usage_line(seq=1), usage_line(seq=2, units=3), usage_line(seq=2, units=5)
    writer, second = world.repo("node-1"), segment_path(DAY, 2)
    if spread == "one segment":
        writer.commit({FIRST: alike + alike + more + fewer})
    elif spread == "two segments of a commit":
        writer.commit({FIRST: alike + more, second: alike + fewer})
    else:
        writer.commits([{FIRST: alike + more}, {second: alike + fewer}])
    report = world.pull()["node-1"]
    assert (report.admitted, report.duplicates, report.held) == (2, 1, 1)
    assert world.charges()[0]["quantity"] == 1 + 3
    assert world.verify().matches


def test_quantities_beyond_every_range_are_held_or_cost_the_limit(world: World) -> None:
    """Eight segments of the largest numbers: held with a price, unpriced without; no sum fails."""
    writer = world.repo("node-1")
    lines = [
        usage_line(
            seq=seq,
            units=INT_MAX,
            user="whale",
            resource="free/air" if seq % 2 else "hero_os/seconds",
        )
        for seq in range(1, 8 * 150 + 1)
    ]
    files = {
        segment_path(DAY, first + 1): b"".join(lines[first : first + 150])
        for first in range(0, len(lines), 150)
    }
    writer.commit(files)
    world.pull()
    (charge,) = world.charges("whale")
    assert (charge["state"], charge["billed_cost_nano"]) == ("unpriced", 0)
    assert int(charge["quantity"]) == INT_MAX * len(lines) // 2 > 2**62
    assert world.node()["held"] == len(lines) // 2
    assert world.balance("whale")["balance_nano"] == 0
    assert world.balance("bob")["list_cost_nano"] > 0
    assert world.verify().matches


def test_a_history_of_thousands_of_empty_commits_is_read_once(world: World) -> None:
    """Nothing in them is billed; the next commit after them is, and the other node is too."""
    writer = world.repo("node-1")
    world.usage(usage_line(seq=1))
    tree = writer.repo[writer.tip() or ""].peel(pygit2.Tree).id
    who = pygit2.Signature("node", "node@example.invalid", 1_750_000_000, 0)
    tip = pygit2.Oid(hex=writer.tip() or "")
    for number in range(3000):
        tip = writer.repo.create_commit(None, who, who, str(number), tree, [tip])
    writer.force(str(tip))
    world.usage(usage_line(seq=2))
    report = world.pull()["node-1"]
    assert (report.commits, report.admitted, report.behind) == (3002, 2, 0)
    assert world.balance("bob")["list_cost_nano"] > 0
    assert world.pull()["node-1"].commits == 0


def test_what_is_printed_to_be_pasted_runs_nothing_of_a_path(world: World) -> None:
    """The command of `rejects` shows the file, whatever the file is called."""
    names = ("x;touch pwned;#", "y$(touch pwned).jsonl", "it's", "`touch pwned`", "a b\n c")
    for name in names:
        world.repo("node-1").commit({f"usage/{name}": b"looked at"})
    world.pull()
    said = world.run("rejects").ok().out
    commands = [line.strip() for line in said.splitlines() if line.startswith("  git ")]
    assert len(commands) == len(names)
    for command in commands:
        shown = subprocess.run(
            ["bash", "-c", command], cwd=world.folder, capture_output=True, check=False
        )
        assert shown.stdout == b"looked at", command
    assert not (world.folder / "pwned").exists()
