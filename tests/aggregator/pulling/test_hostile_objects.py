"""Objects that are huge when unpacked cost a limited amount of memory and hold only one repo."""

import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

import pygit2
import pytest
from pygit2.enums import FileMode, ObjectType

from aggregator.mirrors.mirror import COMMIT_BYTES_MAX
from aggregator.mirrors.tree_diff import TREE_BYTES_MAX
from tests.support.git_http import GitHttpServer
from tests.support.ledger.measured import measured_pull
from tests.support.ledger.world import DAY, World
from tests.support.repos import RepoWriter, decision_line, segment_path, usage_line

MB = 1_000_000
HUGE_BYTES = 250 * MB
FETCH_MEMORY_BYTES = 120 * MB
FETCH_FILE_BYTES = 20 * MB
OURS_BYTES_MAX = 100 * MB
"""Memory of the aggregator itself, in addition to that of its code."""


BOTH_WAYS = pytest.mark.parametrize("world", ["first fetch", "gained"], indirect=True)
"""What follows comes with the first fetch, or on top of a commit that was fetched before."""


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A node with its repo on a server, another with its repo on disk."""
    found = World(tmp_path)
    found.settings |= {
        "fetch_memory_bytes_max": FETCH_MEMORY_BYTES,
        "fetch_file_bytes_max": FETCH_FILE_BYTES,
        "connect_timeout_s": 60,
    }
    found.rules()
    found.usage(usage_line(node="node-2", user="bob"), repo="node-2")
    with GitHttpServer(tmp_path / "remotes") as server:
        writer = found.repo("node-1", url=server.url("node-1.git"))
        if getattr(request, "param", "") == "gained":
            writer.commit({"readme": b"a"})
            found.pull()
        yield found


def commit_blob(writer: RepoWriter, path: str, blob: pygit2.Oid) -> str:
    """Commit a blob that already exists."""
    parent = writer.tip()
    base = None if parent is None else writer.repo[parent].peel(pygit2.Tree)
    index = pygit2.Index()
    if base is not None:
        index.read_tree(base)
    index.add(pygit2.IndexEntry(path, blob, FileMode.BLOB))
    return commit_tree(writer, index.write_tree(writer.repo))


def commit_tree(writer: RepoWriter, tree: pygit2.Oid) -> str:
    """Commit a tree, as it is, on top of the tip."""
    who = pygit2.Signature("node", "node@example.invalid", 1_750_000_000, 0)
    tip = writer.tip()
    parents = [] if tip is None else [pygit2.Oid(hex=tip)]
    return str(writer.repo.create_commit("refs/heads/main", who, who, "usage", tree, parents))


def raw_tree(writer: RepoWriter, entries: int) -> pygit2.Oid:
    """Write a folder of this many files, all of one blob, with sorted names."""
    blob = bytes.fromhex(str(writer.repo.create_blob(b"x")))
    data = b"".join(b"100644 %07d\0%b" % (number, blob) for number in range(entries))
    return writer.repo.odb.write(ObjectType.TREE, data)


def below_usage(writer: RepoWriter, tree: pygit2.Oid) -> str:
    """Commit a folder beside the existing years."""
    top = writer.repo[writer.tip() or ""].peel(pygit2.Tree)
    usage = writer.repo.TreeBuilder(top["usage"].peel(pygit2.Tree))
    usage.insert("wide", tree, FileMode.TREE)
    builder = writer.repo.TreeBuilder(top)
    builder.insert("usage", usage.write(), FileMode.TREE)
    return commit_tree(writer, builder.write())


def _pack_entry(kind: int, size: int) -> bytes:
    """The head of an object in a pack: its kind and size (gitformat-pack(5))."""
    first, rest = size & 15, size >> 4
    head = bytearray([kind << 4 | first])
    while rest:
        head[-1] |= 0x80
        head.append(rest & 0x7F)
        rest >>= 7
    return bytes(head)


def _varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def _deflated_zeros(count: int) -> bytes:
    pack, chunk = zlib.compressobj(), bytes(MB)
    return b"".join(pack.compress(chunk) for _ in range(count // MB)) + pack.flush()


def pack_of_a_delta(base_bytes: int, line: bytes) -> bytes:
    """A pack with a blob of zeros, and a line stored as a delta of it."""
    base = _pack_entry(3, base_bytes) + _deflated_zeros(base_bytes)
    delta = _varint(base_bytes) + _varint(len(line)) + bytes([len(line)]) + line
    back = _offset(len(base))
    entry = _pack_entry(6, len(delta)) + back + zlib.compress(delta)
    body = b"PACK" + (2).to_bytes(4, "big") + (2).to_bytes(4, "big") + base + entry
    return body + sha1(body).digest()  # noqa: S324 - git's own


def _offset(distance: int) -> bytes:
    """Encode the distance to the base of an offset delta."""
    out = bytearray([distance & 0x7F])
    while distance := distance >> 7:
        distance -= 1
        out.insert(0, 0x80 | (distance & 0x7F))
    return bytes(out)


class Huge(NamedTuple):
    """A huge blob of zeros, and a short line stored as a delta of it, in a pack of their own.

    Attributes:
        folder: with the pack and its index.
        blob: the id of the blob.
        line: the id of the line.
    """

    folder: Path
    blob: pygit2.Oid
    line: pygit2.Oid

    def given_to(self, writer: RepoWriter) -> pygit2.Oid:
        """Put both into a repo; returns the id of the blob."""
        shutil.copytree(self.folder, writer.path / "objects" / "pack", dirs_exist_ok=True)
        return self.blob


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Huge:
    """Made once: deflating and hashing it takes longer than most tests."""
    folder = tmp_path_factory.mktemp("huge")
    line = usage_line(seq=1).removesuffix(b"\n")[:120] + b"\n"
    pack = pack_of_a_delta(HUGE_BYTES, line)
    assert len(pack) < MB
    path = folder / f"pack-{pack[-20:].hex()}.pack"
    path.write_bytes(pack)
    subprocess.run(["git", "index-pack", str(path)], check=True, capture_output=True)
    zeros = sha1(b"blob %d\0" % HUGE_BYTES)  # noqa: S324 - git's own
    for _ in range(HUGE_BYTES // MB):
        zeros.update(bytes(MB))
    return Huge(folder, pygit2.Oid(hex=zeros.hexdigest()), pygit2.hash(line))


def only_node_1_is_held(world: World, kind: str) -> None:
    """Within the limits of memory, while the other node was billed."""
    took = measured_pull(world)
    assert took.incidents == {"node-1": kind}
    assert world.open_kinds() == [("node-1", kind)]
    assert took.added_bytes < OURS_BYTES_MAX
    assert took.git_bytes < FETCH_MEMORY_BYTES + OURS_BYTES_MAX
    assert world.balance("bob")["list_cost_nano"] > 0


@BOTH_WAYS
def test_a_segment_of_hundreds_of_megabytes_is_refused_by_its_header(
    world: World, huge: Huge
) -> None:
    """Its pack has a few hundred kilobytes. The file is rejected; the lines after it are billed."""
    writer = world.repo("node-1")
    commit_blob(writer, segment_path(DAY, 1), huge.given_to(writer))
    writer.commit({segment_path(DAY, 2): usage_line(seq=2)})
    took = measured_pull(world)
    assert took.incidents == {}
    assert took.added_bytes < OURS_BYTES_MAX
    assert took.git_bytes < FETCH_MEMORY_BYTES + OURS_BYTES_MAX
    (reject,) = world.rejects()
    assert (reject["code"], reject["line_no"]) == ("refused_file", 0)
    assert str(HUGE_BYTES) in reject["reason"]
    assert world.charges()[0]["records"] == 1


def test_rules_of_hundreds_of_megabytes_leave_the_old_ones_in_force(
    world: World, huge: Huge
) -> None:
    books = world.repo("books")
    commit_blob(books, "rules/prices.toml", huge.given_to(books))
    world.usage(usage_line(seq=1))
    took = measured_pull(world)
    assert world.open_kinds() == [("books", "bad rule book")]
    assert took.added_bytes < OURS_BYTES_MAX
    assert world.charges()[0]["state"] == "rated"


@BOTH_WAYS
def test_a_short_line_stored_as_a_delta_of_a_huge_blob_is_refused_by_the_fetch(
    world: World, huge: Huge
) -> None:
    """To read the line, all of the blob must be in memory; git reaches its limit first."""
    writer = world.repo("node-1")
    commit_blob(writer, "notes", huge.given_to(writer))
    commit_blob(writer, segment_path(DAY, 1), huge.line)
    only_node_1_is_held(world, "content refused")
    (incident,) = world.incidents()
    assert "git fsck" in incident["detail"] or "memory" in incident["detail"]


@pytest.mark.parametrize("bytes_more", [0, 1])
def test_a_commit_message_of_megabytes_holds_the_repo(world: World, bytes_more: int) -> None:
    writer = world.repo("node-1")
    good = world.usage(usage_line(seq=1))
    head = (
        len(writer.repo.odb.read(pygit2.Oid(hex=good))[1]) - len("usage") + len(f"parent {good}\n")
    )
    message = "x" * (COMMIT_BYTES_MAX - head + bytes_more)
    writer.commit({segment_path(DAY, 2): usage_line(seq=2)}, message=message)
    if bytes_more:
        only_node_1_is_held(world, "oversized object")
    else:
        assert measured_pull(world).incidents == {}


@BOTH_WAYS
def test_a_commit_message_of_hundreds_of_megabytes_is_not_even_fetched(world: World) -> None:
    writer = world.repo("node-1")
    writer.commit({segment_path(DAY, 2): usage_line(seq=2)}, message="x" * (200 * MB))
    only_node_1_is_held(world, "content refused")


def wide(writer: RepoWriter) -> pygit2.Oid:
    """A million files; their names alone would exceed the limit on memory."""
    return raw_tree(writer, 4 * TREE_BYTES_MAX // 35)


def wide_folders_of_empty_folders(writer: RepoWriter) -> pygit2.Oid:
    """No folder is too large, but 400 million would be opened before the first file is found."""
    oid = writer.repo.TreeBuilder().write()
    for _ in range(2):
        entry = bytes.fromhex(str(oid))
        data = b"".join(b"40000 %07d\0%b" % (number, entry) for number in range(20_000))
        oid = writer.repo.odb.write(ObjectType.TREE, data)
    return oid


@pytest.mark.parametrize("make", [wide, wide_folders_of_empty_folders])
def test_folders_of_millions_of_names_are_not_opened(
    world: World, make: Callable[[RepoWriter], pygit2.Oid]
) -> None:
    """The commits before are billed."""
    world.usage(usage_line(seq=1))
    writer = world.repo("node-1")
    below_usage(writer, make(writer))
    only_node_1_is_held(world, "oversized commit")
    assert world.charges()[0]["records"] == 1
    # nor when a person looks at what is held, or accepts it
    assert "no decision accepts it" in world.run("rewrites").ok().out
    world.decide(decision_line(kind="accept_tip", repo="node-1", tip=str(writer.tip())))
    world.pull()
    assert ("node-1", "oversized commit") in world.open_kinds()
    assert world.charges()[0]["records"] == 1
    assert world.verify().matches
