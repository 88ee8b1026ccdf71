"""Which files differ between two trees, at a cost that depends only on what differs.

libgit2's own diff opens every subtree of both trees, equal or not, so its cost grows with the
number of files below: 0.07 ms a commit in a new repo, 3.5 ms after 40,000 commits. Opening only
what differs costs the same after any number of commits.

Trees are read as bytes, because an object for each entry costs ten times as much; those of a commit
are remembered, because they are its child's trees before.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

import pygit2
from pygit2 import Oid, Repository
from pygit2.enums import FileMode, ObjectType

TREE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Most bytes of all trees together that are opened to compare a commit with its first parent.

A segment takes 50 bytes in the tree of its day, which is read twice, before and after: enough for
80,000 segments a day. It bounds the time as well: 290,000 entries of the shortest kind."""

_ENTRY: Final = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)
"""Of a tree object: mode, name, and the hash of the object."""

_TYPE_BITS: Final = 0o170000
_HASH_BYTES: Final = 20
_REMEMBERED: Final = 16
_REMEMBERED_BYTES_MAX: Final = 512 * 1024
"""Of one tree: a day with 10,000 segments."""


class TreeEntry(NamedTuple):
    """The object at a path.

    Attributes:
        id: the object's hash, 20 bytes.
        kind: what git's file mode says that it is; its other bits are permissions.
    """

    id: bytes
    kind: int


class Change(NamedTuple):
    """A path that differs.

    Attributes:
        path: the path, in bytes.
        before, after: the file at that path; None where there is none.
    """

    path: bytes
    before: TreeEntry | None
    after: TreeEntry | None


class OversizedFoldersError(Exception):
    """The trees that differ take more bytes than are opened for one commit."""


class Trees:
    """The trees of a repository.

    Args:
        repository: where they are.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._remembered: OrderedDict[bytes, tuple[int, frozenset[bytes]]] = OrderedDict()

    def changes(
        self,
        before: Oid | None,
        after: Oid,
        tops: frozenset[bytes],
        depth_max: int,
        bytes_max: int,
    ) -> Iterator[Change]:
        """Every file that differs below the top-level folders `tops`, in no order.

        Folders deeper than `depth_max` are not opened and count as files, because a tree of a few
        kilobytes can refer to one folder again and again and so describe millions of paths.

        Args:
            before: the first tree; None for an empty one.
            after: the second tree.
            tops: names of the top-level folders to compare.
            depth_max: how many folders a file may be in, one inside the other.
            bytes_max: most bytes of all trees together; the size of each is checked before it is
                opened.

        Raises:
            OversizedFoldersError: the trees take more than `bytes_max`.
            KeyError: a tree is missing.
            pygit2.GitError: a tree is damaged.
        """
        bytes_left = bytes_max
        pending: list[tuple[bytes, bytes | None, bytes | None]] = [
            (b"", None if before is None else before.raw, after.raw)
        ]
        while pending:
            prefix, old_id, new_id = pending.pop()
            old_bytes, old = self._open(old_id, bytes_left)
            new_bytes, new = self._open(new_id, bytes_left - old_bytes)
            bytes_left -= old_bytes + new_bytes
            was, now = _by_name(old - new), _by_name(new - old)
            for name in was.keys() | now.keys():
                if not prefix and name not in tops:
                    continue
                path = prefix + name
                entries = (was.get(name), now.get(name))
                may_open = path.count(b"/") < depth_max
                was_tree, now_tree = (_tree(entry) if may_open else None for entry in entries)
                if was_tree or now_tree:
                    pending.append((path + b"/", was_tree, now_tree))
                was_file, now_file = (
                    None if tree else entry
                    for tree, entry in zip((was_tree, now_tree), entries, strict=True)
                )
                if was_file is not None or now_file is not None:
                    yield Change(path, was_file, now_file)

    def _open(self, tree: bytes | None, bytes_max: int) -> tuple[int, frozenset[bytes]]:
        """The size of a tree in bytes, and its entries, each as the bytes that stand for it."""
        if tree is None:
            return 0, frozenset()
        found = self._remembered.get(tree)
        if found is None:
            oid = Oid(raw=tree)
            size_bytes = int(self._repository.odb.read_header(oid)[1])
            if size_bytes > bytes_max:
                raise OversizedFoldersError
            found = size_bytes, _entries(tree, *self._repository.odb.read(oid))
            if size_bytes <= _REMEMBERED_BYTES_MAX:
                self._remembered[tree] = found
                if len(self._remembered) > _REMEMBERED:
                    self._remembered.popitem(last=False)
        elif found[0] > bytes_max:
            raise OversizedFoldersError
        return found


def _entries(tree: bytes, kind: int, data: bytes) -> frozenset[bytes]:
    entries = _ENTRY.findall(data)
    if kind != ObjectType.TREE or sum(map(len, entries)) != len(data):
        raise pygit2.GitError(f"{tree.hex()} is no tree, or a damaged one")
    return frozenset(entries)


def _by_name(entries: frozenset[bytes]) -> dict[bytes, TreeEntry]:
    found = {}
    for entry in entries:
        mode, name = entry[: -1 - _HASH_BYTES].split(b" ", 1)
        found[name] = TreeEntry(entry[-_HASH_BYTES:], int(mode, 8) & _TYPE_BITS)
    return found


def _tree(entry: TreeEntry | None) -> bytes | None:
    return entry.id if entry is not None and entry.kind == FileMode.TREE else None
