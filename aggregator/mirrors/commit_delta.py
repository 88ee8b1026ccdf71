"""What one commit changes: new segments, and edits that are not allowed.

A commit is compared with its first parent. It may add segments; an edit or a deletion in a segment
folder means that history was tampered with. Files elsewhere are ignored, except the rule book's.
"""

import sys
from datetime import UTC, datetime
from typing import Final, NamedTuple

import pygit2

from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.tree_diff import TREE_BYTES_MAX, OversizedFoldersError, TreeEntry
from wire_format.fields import SEGMENTS_PER_COMMIT_MAX
from wire_format.lines import Folder
from wire_format.paths import folder_of
from wire_format.rule_book import RULE_PATHS

_LATEST_S: Final = int(datetime(9000, 1, 1, tzinfo=UTC).timestamp())
"""A commit may claim any time; beyond this one, arithmetic with dates fails."""

_TOPS: Final = frozenset(path.partition("/")[0].encode() for path in (*Folder, *RULE_PATHS))
"""The top-level folders that are read."""

_REGULAR: Final = 0o100000
"""The kind of a file that is neither a symbolic link nor a submodule."""

_DEPTH_MAX: Final = 4
"""Folders above a segment: `usage/2026/11/21`."""


class Limits(NamedTuple):
    """What is read of one commit at most.

    Attributes:
        segments_max: segments that it adds, or that it changes.
        tree_bytes_max: bytes of all trees together that are opened to compare it.
    """

    segments_max: int
    tree_bytes_max: int


OF_A_PUSHER: Final = Limits(SEGMENTS_PER_COMMIT_MAX, TREE_BYTES_MAX)
ACCEPTED: Final = Limits(10_000, TREE_BYTES_MAX)
"""Of a commit that the operator accepted or looks at: a large import, and no bomb."""

BILLED: Final = Limits(sys.maxsize, sys.maxsize)
"""Of a commit that was billed before, under whatever limits there were."""


class AddedFile(NamedTuple):
    """A file that a commit adds to a segment folder.

    Attributes:
        path, blob: its path and blob.
        is_regular: False for a symbolic link or a submodule.
    """

    path: str
    blob: str
    is_regular: bool


class EditedFile(NamedTuple):
    """A path in a segment folder that a commit changes or deletes.

    Attributes:
        path: the path.
        after: the new file there; None when the file was deleted, or replaced by a folder.
    """

    path: str
    after: AddedFile | None


class CommitDelta(NamedTuple):
    """What one commit changes, compared with its first parent.

    Attributes:
        commit: its hash.
        committed_at: its committer time (UTC).
        parent: hash and time of its first parent; None of a first commit.
        is_merge: whether it has other parents too.
        added: new files in segment folders, by path.
        edited: files in segment folders that it changes or deletes, by path.
        touches_rules: whether it changes the rule book.
        oversized: which limit of a commit it exceeds; empty when none. An oversized commit must
            not be applied, because not all of its files are listed.
    """

    commit: str
    committed_at: datetime
    parent: tuple[str, datetime] | None
    is_merge: bool
    added: tuple[AddedFile, ...]
    edited: tuple[EditedFile, ...]
    touches_rules: bool
    oversized: str


def commit_delta(mirror: Mirror, commit: str, limits: Limits = OF_A_PUSHER) -> CommitDelta:
    """Compare a commit with its first parent.

    Args:
        mirror: the mirror that has it.
        commit: its hash.
        limits: at which to stop.

    Raises:
        MirrorError: the commit or its parent is not in the mirror.
        OversizedObjectError: one of the two is too large to be read.
    """
    found = mirror.commit(commit)
    parent = mirror.commit(str(found.parent_ids[0])) if found.parent_ids else None
    added: list[AddedFile] = []
    edited: list[EditedFile] = []
    touches_rules = False
    oversized = ""
    with mirror.reading():
        before = None if parent is None else parent.tree_id
        differing = mirror.trees.changes(
            before,
            found.tree_id,
            _TOPS,
            _DEPTH_MAX,
            limits.tree_bytes_max,
        )
        try:
            for change in differing:
                path = change.path.decode(errors="backslashreplace")
                if folder_of(path) is None:
                    touches_rules = touches_rules or path in RULE_PATHS
                elif change.before is None and change.after is not None:
                    added.append(_file(path, change.after))
                else:
                    after = None if change.after is None else _file(path, change.after)
                    edited.append(EditedFile(path, after))
                if max(len(added), len(edited)) > limits.segments_max:
                    oversized = f"adds or changes more than {limits.segments_max} segments"
                    break
        except OversizedFoldersError:
            oversized = f"changes folders of more than {limits.tree_bytes_max} bytes together"
    return CommitDelta(
        commit,
        committed_at(found),
        None if parent is None else (str(parent.id), committed_at(parent)),
        len(found.parent_ids) > 1,
        tuple(sorted(added)),
        tuple(sorted(edited, key=lambda file: file.path)),
        touches_rules,
        oversized,
    )


def committed_at(found: pygit2.Commit) -> datetime:
    """When a commit says that it was made; no later than a year 9999 can say."""
    return datetime.fromtimestamp(min(found.commit_time, _LATEST_S), UTC)


def _file(path: str, entry: TreeEntry) -> AddedFile:
    return AddedFile(path, entry.id.hex(), is_regular=entry.kind == _REGULAR)
