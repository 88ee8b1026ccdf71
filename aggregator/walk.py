"""What one commit adds: new segments, and edits that must not be.

A commit is compared with its first parent. It may add segments; an edit or a deletion in a segment
folder means that history was tampered with. Files elsewhere are ignored, except the rule book's.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from pygit2.enums import FileMode

from aggregator.mirror import Mirror
from aggregator.tree_changes import changes
from wire_format.fields import SEGMENTS_PER_COMMIT_MAX
from wire_format.lines import Folder
from wire_format.paths import folder_of
from wire_format.rule_book import RULE_PATHS

_LATEST_S: Final = int(datetime(9000, 1, 1, tzinfo=UTC).timestamp())
"""A commit may claim any time; past this one dates cannot be computed with."""

_TOPS: Final = frozenset(path.partition("/")[0].encode() for path in (*Folder, *RULE_PATHS))
"""The top-level folders that mean anything here."""

_DEPTH_MAX: Final = 4
"""Folders above a segment: `usage/2026/11/21`."""


class AddedFile(NamedTuple):
    """A file that a commit adds in a segment folder.

    Attributes:
        path, blob: its path and blob.
        is_regular: False for a symbolic link or a submodule.
    """

    path: str
    blob: str
    is_regular: bool


class CommitDelta(NamedTuple):
    """What one commit does, compared with its first parent.

    Attributes:
        commit: its hash.
        committed_at: its committer time.
        added: new files in segment folders, by path.
        edited: paths in segment folders that it changes or deletes.
        touches_rules: whether it changes the rule book.

    Where more is added or edited than a commit may hold, the rest is not listed.
    """

    commit: str
    committed_at: datetime
    added: tuple[AddedFile, ...]
    edited: tuple[str, ...]
    touches_rules: bool


def commit_delta(mirror: Mirror, commit: str) -> CommitDelta:
    """Compare a commit with its first parent.

    Raises:
        MirrorError: the commit or its parent is not in the mirror.
    """
    found = mirror.commit(commit)
    parent = mirror.first_parent(commit)
    added: list[AddedFile] = []
    edited: list[str] = []
    touches_rules = False
    with mirror.reading():
        before = None if parent is None else mirror.commit(parent).tree
        for change in changes(mirror.repository, before, found.tree, _TOPS, _DEPTH_MAX):
            path = change.path.decode(errors="backslashreplace")
            if folder_of(path) is None:
                touches_rules = touches_rules or path in RULE_PATHS
            elif change.before is None and change.after is not None:
                regular = change.after.mode in {FileMode.BLOB, FileMode.BLOB_EXECUTABLE}
                added.append(AddedFile(path, str(change.after.id), regular))
            else:
                edited.append(path)
            if len(added) > SEGMENTS_PER_COMMIT_MAX or len(edited) > SEGMENTS_PER_COMMIT_MAX:
                break  # it will not be applied
    committed_at = datetime.fromtimestamp(min(found.commit_time, _LATEST_S), UTC)
    return CommitDelta(
        commit, committed_at, tuple(sorted(added)), tuple(sorted(edited)), touches_rules
    )
