"""Which files differ between two trees, at a cost that depends only on what differs.

libgit2's own diff opens every subtree of both trees, equal or not, so its cost grows with the
number of files below: 0.07 ms a commit in a new repo, 3.5 ms after 40,000 commits. Opening only
what differs costs the same after any number of commits.
"""

from collections.abc import Iterator
from typing import NamedTuple

from pygit2 import Oid, Repository, Tree
from pygit2.enums import FileMode


class TreeEntry(NamedTuple):
    """The object at a path.

    Attributes:
        id: the object's hash.
        mode: git's file mode.
    """

    id: Oid
    mode: int


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


def changes(
    repository: Repository,
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
        repository: where the trees are.
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
    opener = _Opener(repository, bytes_max)
    pending: list[tuple[bytes, Oid | None, Oid | None]] = [(b"", before, after)]
    while pending:
        prefix, old_id, new_id = pending.pop()
        old, new = opener.entries(old_id), opener.entries(new_id)
        for name in old.keys() | new.keys():
            was, now = old.get(name), new.get(name)
            if was == now or (not prefix and name not in tops):
                continue
            path = prefix + name
            may_open = path.count(b"/") < depth_max
            was_tree, now_tree = (_tree(entry) if may_open else None for entry in (was, now))
            if was_tree or now_tree:
                pending.append((path + b"/", was_tree, now_tree))
            was_file, now_file = None if was_tree else was, None if now_tree else now
            if was_file is not None or now_file is not None:
                yield Change(path, was_file, now_file)


class _Opener:
    """Opens trees until their bytes exceed the limit."""

    def __init__(self, repository: Repository, bytes_max: int) -> None:
        self._repository = repository
        self._bytes_left = bytes_max

    def entries(self, tree: Oid | None) -> dict[bytes, TreeEntry]:
        if tree is None:
            return {}
        self._bytes_left -= int(self._repository.odb.read_header(tree)[1])
        if self._bytes_left < 0:
            raise OversizedFoldersError
        opened = self._repository[tree].peel(Tree)
        return {entry.raw_name or b"": TreeEntry(entry.id, entry.filemode) for entry in opened}


def _tree(entry: TreeEntry | None) -> Oid | None:
    return entry.id if entry is not None and entry.mode == FileMode.TREE else None
