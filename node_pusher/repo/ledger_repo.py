"""The bare repo of a home: commits written with a tree builder, without index or work tree.

Its state is two refs. The branch is what was committed here; `refs/remotes/origin/...` is the last
commit of which the records were seen on the remote *and* retired from the spool. It moves last, so
after a crash the commits above it name the records that must not be committed again.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import pygit2

from gitmeter.git_remote.branch import BIG_FILE_BYTES
from gitmeter.git_remote.libgit2 import ignore_user_settings, mend_head
from gitmeter.roles.role import FACES_STRANGERS
from node_pusher.home.errors import NonFastForwardError
from node_pusher.home.home import HomeRepo
from node_pusher.home.own_key import load_own_key
from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.remote_files import fetch_blob
from node_pusher.repo.repo_errors import missing_object, repo_errors
from node_pusher.repo.shallow import shallow_ends
from node_pusher.repo.trees import added_segments, files, grow
from node_pusher.spool.plan import SegmentFile
from wire_format.commit_message import parse_message
from wire_format.paths import SegmentPath

_MAIL_DOMAIN: Final = "node-pusher.invalid"
_CONFIG: Final = {
    "gc.autoDetach": "false",  # a detached child would outlive the push lock
    "maintenance.autoDetach": "false",
    "repack.writeBitmaps": "false",  # git gc fails to write them in a shallow clone
    "core.fsync": "committed",
    "core.bigFileThreshold": str(BIG_FILE_BYTES),  # as in `gitmeter.git_remote.branch`
}


class LedgerRepo:
    """An open repo of a home. Open one per push and drop it: it keeps deleted packs open.

    Attributes:
        home_repo: which repo it is.
    """

    def __init__(self, home_repo: HomeRepo) -> None:
        ignore_user_settings()
        pygit2.settings.enable_fsync_gitdir(True)  # noqa: FBT003 - commits count once they are on disk
        with repo_errors(home_repo.path):
            mend_head(home_repo.path, home_repo.branch)
            self._repo = pygit2.Repository(str(home_repo.path))
        self.home_repo = home_repo
        self._branch = f"refs/heads/{home_repo.branch}"
        self._pushed = f"refs/remotes/origin/{home_repo.branch}"

    @classmethod
    def create(cls, home_repo: HomeRepo) -> "LedgerRepo":
        """Open the repo, after making it where there is none."""
        ignore_user_settings()
        if not (home_repo.path / "HEAD").exists():
            pygit2.init_repository(str(home_repo.path), bare=True, initial_head=home_repo.branch)
        repo = cls(home_repo)
        for key, value in _CONFIG.items():
            repo._repo.config[key] = value
        return repo

    @property
    def tip(self) -> str | None:
        """The newest commit made here."""
        return self.target(self._branch)

    @property
    def tip_at(self) -> datetime | None:
        """The date of the newest commit made here."""
        newest = next(self.history(), None)
        return None if newest is None else newest.committed_at

    @property
    def pushed(self) -> str | None:
        """The last commit that was seen on the remote, with its records retired."""
        return self.target(self._pushed)

    def target(self, ref: str) -> str | None:
        """The commit a ref names; None where there is no such ref."""
        reference = self._repo.references.get(ref)
        return None if reference is None else str(reference.target)

    def set_pushed(self, commit: str) -> None:
        """Note that everything up to `commit` is on the remote and retired."""
        self._repo.references.create(self._pushed, pygit2.Oid(hex=commit), force=True)

    def note_lost(self, commit: str | None) -> None:
        """Note that of what was pushed the remote has nothing above `commit`; None for nothing."""
        if commit is not None:
            self.set_pushed(commit)
        else:
            self.forget(self._pushed)

    def set_tip(self, commit: str) -> None:
        """Move the branch to `commit`, whatever it named before."""
        self._repo.references.create(self._branch, pygit2.Oid(hex=commit), force=True)

    def forget(self, ref: str) -> None:
        """Remove a ref, where there is one."""
        if ref in self._repo.references:
            self._repo.references.delete(ref)

    def keep(self, commit: str, ref: str) -> None:
        """Name a commit by a ref of its own, which keeps it."""
        self._repo.references.create(ref, pygit2.Oid(hex=commit), force=True)

    def commit(self, added: Mapping[str, bytes], message: str, when: datetime) -> str:
        """Add or replace files on top of the branch; returns the commit, signed and on disk.

        Raises:
            HomeError, SigningKeyError: there is no key to sign with, or it cannot be used.
        """
        commit = self.write_commit(added, message, when, self.tip)
        self.set_tip(commit)
        return commit

    def write_commit(
        self, added: Mapping[str, bytes], message: str, when: datetime, parent: str | None
    ) -> str:
        """As `commit`, on top of any commit or of none; no ref moves.

        Of a till or desk it is dated no earlier than its parent, which would hold the repo.
        """
        base = None if parent is None else self._tree(parent)
        if parent is not None and self.home_repo.role in FACES_STRANGERS:
            when = max(when, next(self.history(parent)).committed_at)
        blobs = [(path.split("/"), self._repo.create_blob(data)) for path, data in added.items()]
        node = self.home_repo.node
        signature = pygit2.Signature(node, f"{node}@{_MAIL_DOMAIN}", int(when.timestamp()), 0)
        parents: list[str | pygit2.Oid] = [] if parent is None else [pygit2.Oid(hex=parent)]
        tree = grow(self._repo, base, blobs)
        text = str(self._repo.create_commit_string(signature, signature, message, tree, parents))
        signed = load_own_key(self.home_repo.home).sign(text.encode()).decode().rstrip("\n")
        return str(self._repo.create_commit_with_signature(text, signed, "gpgsig"))

    def read_file(self, path: str, commit: str | None = None) -> bytes | None:
        """A file at a commit, by default the tip; None when there is none.

        Raises:
            RemoteError: the home was joined without file contents, and the remote does not provide
                this one.
            HomeError: it is missing though the home was not joined.
        """
        at = commit or self.tip
        if at is None:
            return None
        try:
            entry = self._tree(at) / path
        except KeyError:
            return None
        if not isinstance(entry, pygit2.Blob):
            return None
        try:
            return entry.data
        except KeyError:
            return self.fetch_blob(str(entry.id))

    def blob_here(self, blob: str) -> bytes | None:
        """A blob; None when this repo, joined without file contents, does not have it.

        Raises:
            HomeError: it is missing though the home was not joined.
        """
        found = self._repo.get(blob)
        if found is None and not self.is_partial():
            raise missing_object(self.home_repo.path, blob)
        return found.data if isinstance(found, pygit2.Blob) else None

    def has_path(self, path: str) -> bool:
        """Whether the tip has such a file; needs no blob, so it works in a partial clone."""
        tip = self.tip
        return tip is not None and path in self._tree(tip)

    def blob_at(self, commit: str, path: str) -> str | None:
        """The id of the blob at a path of a commit; None where there is no file."""
        try:
            entry = self._tree(commit) / path
        except KeyError:
            return None
        return str(entry.id) if isinstance(entry, pygit2.Blob) else None

    def folder_id(self, name: str, commit: str) -> str | None:
        """What identifies the content of a folder in the root of a commit; None without one."""
        tree = self._tree(commit)
        return str(tree[name].id) if name in tree else None

    def paths(self, commit: str) -> Iterator[tuple[str, str]]:
        """Path and blob id of every file at a commit, in folders as deep as a segment's.

        Raises:
            HomeError: there are more than a pusher can have written.
        """
        yield from files(self._tree(commit))

    def segments_of(self, commit: str) -> list[SegmentFile]:
        """The segments that a commit added to its first parent.

        Raises:
            KeyError: not all of it is here, as in a clone without file contents.
        """
        return [self.segment(path, blob) for path, blob in self.added_by(commit)]

    def segment(self, path: SegmentPath, blob: str) -> SegmentFile:
        """The segment at a path with the content of a blob.

        Raises:
            KeyError: the blob is not here.
        """
        data = self._repo[blob].peel(pygit2.Blob).data
        return SegmentFile(path.folder, path.first_seq, data)

    def added_by(self, commit: str) -> list[tuple[SegmentPath, str]]:
        """The paths and blob ids of the segments that a commit added to its first parent, by seq.

        Raises:
            KeyError: the parent is not here, as at the end of a shallow clone.
        """
        found = self._repo[commit].peel(pygit2.Commit)
        base = self._tree(str(found.parent_ids[0])) if found.parent_ids else None
        return sorted(added_segments(base, found.tree), key=lambda each: each[0].first_seq)

    def raw_commit(self, commit: str) -> bytes:
        """All bytes of a commit, its signature included."""
        return self._repo.read(pygit2.Oid(hex=commit))[1]

    def top_names(self, commit: str) -> set[str]:
        """Names in the root folder of a commit."""
        return {entry.name for entry in self._tree(commit) if entry.name is not None}

    def history(self, start: str | None = None) -> Iterator[CommitInfo]:
        """Commits from `start`, by default the tip, along first parents, newest first.

        A shallow clone ends at the commits that git lists; libgit2 knows only those that were
        listed when it opened the repo.
        """
        at = start or self.tip
        ends = shallow_ends(self.home_repo.path)
        while at is not None:
            commit = self._repo[at].peel(pygit2.Commit)
            yield CommitInfo(at, commit.message, commit.commit_time, parse_message(commit.message))
            at = str(commit.parent_ids[0]) if commit.parent_ids and at not in ends else None

    def waiting(self) -> list[CommitInfo]:
        """Commits above the last one known to be pushed, newest first.

        Raises:
            NonFastForwardError: the branch does not build on what was pushed.
        """
        return self.above(self.pushed)

    def above(self, base: str | None) -> list[CommitInfo]:
        """Commits from the tip down to `base`, without it, newest first.

        Raises:
            NonFastForwardError: the branch does not build on `base`.
        """
        found: list[CommitInfo] = []
        for info in self.history():
            if info.commit == base:
                return found
            found.append(info)
        if base is None:
            return found
        raise NonFastForwardError(
            f"the remote holds {base[:12]}, a commit that this home has not made; nothing was"
            " pushed and nothing is lost",
            hint="if this machine is a copy of another one, only one of them may go on as this"
            " node: give the other a home, a node and a repo of its own. If this home was restored"
            " from a backup, or somebody else pushed there, `init` with --rejoin takes over what"
            " the remote holds",
        )

    def builds_on(self, commit: str) -> bool:
        """Whether the branch has `commit` among its first parents."""
        return any(info.commit == commit for info in self.history())

    def fetch_blob(self, blob: str) -> bytes:
        """A blob, from the remote where the home was joined without it.

        Raises:
            RemoteError: the remote does not provide it.
            HomeError: it is missing though the home was not joined.
        """
        found = self.blob_here(blob)
        return fetch_blob(self.home_repo, blob) if found is None else found

    def is_partial(self) -> bool:
        """Whether it was joined without file contents, so that some of them may not be here."""
        return any(entry.name.endswith(".promisor") for entry in self._repo.config)

    def _tree(self, commit: str) -> pygit2.Tree:
        return self._repo[commit].peel(pygit2.Tree)
