"""Trees of a bare repo: adding files without an index, and listing them."""

from collections.abc import Iterator, Sequence

import pygit2
from pygit2.enums import FileMode


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


def files(tree: pygit2.Tree, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path, after `prefix`, and blob id of every file of a tree."""
    for entry in tree:
        path = f"{prefix}{entry.name}"
        if isinstance(entry, pygit2.Tree):
            yield from files(entry, f"{path}/")
        else:
            yield path, str(entry.id)
