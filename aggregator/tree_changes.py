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
    repository: Repository, before: Tree | None, after: Tree, tops: frozenset[bytes]
) -> Iterator[Change]:
    """Every file that differs below the top-level folders `tops`, in no order.

    A stack and not recursion: how deep a tree goes is up to whoever writes the repo.

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
            was_tree, now_tree = _is_tree(was), _is_tree(now)
            if was_tree or now_tree:
                pending.append((path + b"/", _open(repository, was), _open(repository, now)))
            was_file, now_file = None if was_tree else was, None if now_tree else now
            if was_file is not None or now_file is not None:
                yield Change(path, was_file, now_file)


def _entries(tree: Tree | None) -> dict[bytes, Entry]:
    if tree is None:
        return {}
    return {entry.raw_name or b"": Entry(entry.id, entry.filemode) for entry in tree}


def _is_tree(entry: Entry | None) -> bool:
    return entry is not None and entry.mode == FileMode.TREE


def _open(repository: Repository, entry: Entry | None) -> dict[bytes, Entry]:
    """What is in a subtree; nothing where there is a file or nothing at all."""
    if entry is None or not _is_tree(entry):
        return {}
    return _entries(repository[entry.id].peel(Tree))
