"""Trees of a bare repo: adding files without an index, and listing them."""

from collections.abc import Iterator, Sequence
from typing import Final

import pygit2
from pygit2.enums import FileMode

from node_pusher.home.errors import HomeError
from wire_format.paths import InvalidPathError, SegmentPath, parse_path

ENTRIES_MAX: Final = 2_000_000
"""Files and folders of one commit: two centuries of hourly segments."""

_FOLDERS_DEEP: Final = 4
"""Of a segment: `usage/2025/01/31`."""


def grow(
    repo: pygit2.Repository,
    base: pygit2.Tree | None,
    blobs: Sequence[tuple[list[str], pygit2.Oid]],
) -> pygit2.Oid:
    """A tree with blobs added; costs the folders on their paths, not the size of the repo.

    Args:
        repo: where it is written.
        base: the tree to add to; None for an empty one.
        blobs: each with the parts of its path.
    """
    builder = repo.TreeBuilder() if base is None else repo.TreeBuilder(base)
    folders: dict[str, list[tuple[list[str], pygit2.Oid]]] = {}
    for parts, blob in blobs:
        if len(parts) == 1:
            builder.insert(parts[0], blob, FileMode.BLOB)
        else:
            folders.setdefault(parts[0], []).append((parts[1:], blob))
    for name, inner in folders.items():
        entry = base[name] if base is not None and name in base else None
        below = entry if isinstance(entry, pygit2.Tree) else None
        builder.insert(name, grow(repo, below, inner), FileMode.TREE)
    return builder.write()


def files(tree: pygit2.Tree) -> Iterator[tuple[str, str]]:
    """Path and blob id of every file of a tree, in folders no deeper than a segment's.

    A tree of a few kilobytes can describe millions of paths.

    Raises:
        HomeError: it describes more than a pusher can have written.
    """
    left = ENTRIES_MAX
    folders = [("", tree)]
    while folders:
        prefix, folder = folders.pop()
        for entry in folder:
            if (left := left - 1) < 0:
                raise HomeError(f"a history of more than {ENTRIES_MAX} files is no pusher's")
            path = f"{prefix}{entry.name}"
            if not isinstance(entry, pygit2.Tree):
                yield path, str(entry.id)
            elif path.count("/") < _FOLDERS_DEEP:
                folders.append((f"{path}/", entry))


def added_segments(
    base: pygit2.Tree | None, tree: pygit2.Tree
) -> Iterator[tuple[SegmentPath, str]]:
    """The paths and blob ids of the segments that a tree has and `base` has not."""
    diff = tree.diff_to_tree(swap=True) if base is None else base.diff_to_tree(tree)
    for delta in diff.deltas:
        try:
            yield parse_path(delta.new_file.path), str(delta.new_file.id)
        except InvalidPathError:
            continue
