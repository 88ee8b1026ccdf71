"""Which files differ between two trees, at a cost that depends on what differs alone.

libgit2's own diff opens every subtree of both trees, equal or not, so its cost grows with the
number of files below: 0.07 ms a commit in a new repo, 3.5 ms after 40,000 commits. Opening only
what differs costs the same on any history.
"""

from collections.abc import Iterator
from typing import NamedTuple

from pygit2 import Oid, Repository, Tree
from pygit2.enums import FileMode


class Entry(NamedTuple):
    """What a path leads to.

    Attributes:
        id: the object.
        mode: git's file mode.
    """

    id: Oid
    mode: int


class Change(NamedTuple):
    """A path that differs.

    Attributes:
        path: its bytes.
        before, after: the file there; None where there is none.
    """

    path: bytes
    before: Entry | None
    after: Entry | None


def changes(
    repository: Repository, before: Tree | None, after: Tree, tops: frozenset[bytes], depth_max: int
) -> Iterator[Change]:
    """Every file that differs below the top-level folders `tops`, in no order.

    Folders deeper than `depth_max` are not opened and count as files: a tree of a few kilobytes can
    name the same folder over and over and stand for millions of paths.

    Raises:
        KeyError: a tree is missing.
        pygit2.GitError: a tree is damaged.
    """
    pending = [(b"", _entries(before), _entries(after))]
    while pending:
        prefix, old, new = pending.pop()
        for name in old.keys() | new.keys():
            was, now = old.get(name), new.get(name)
            if was == now or (not prefix and name not in tops):
                continue
            path = prefix + name
            may_open = path.count(b"/") < depth_max
            was_tree, now_tree = may_open and _is_tree(was), may_open and _is_tree(now)
            if was_tree or now_tree:
                pending.append(
                    (
                        path + b"/",
                        _entries_of(repository, was) if was_tree else {},
                        _entries_of(repository, now) if now_tree else {},
                    )
                )
            was_file, now_file = None if was_tree else was, None if now_tree else now
            if was_file is not None or now_file is not None:
                yield Change(path, was_file, now_file)


def _entries(tree: Tree | None) -> dict[bytes, Entry]:
    if tree is None:
        return {}
    return {entry.raw_name or b"": Entry(entry.id, entry.filemode) for entry in tree}


def _is_tree(entry: Entry | None) -> bool:
    return entry is not None and entry.mode == FileMode.TREE


def _entries_of(repository: Repository, entry: Entry | None) -> dict[bytes, Entry]:
    return {} if entry is None else _entries(repository[entry.id].peel(Tree))
