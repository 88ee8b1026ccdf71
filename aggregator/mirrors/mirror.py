"""A bare copy of one repo on the aggregator's disk, and the refs that keep what was billed.

- `refs/heads/<branch>`: the head as it was fetched last, accepted or not.
- `refs/aggregator/applied`: the cursor; set before each fetch, so that git never collects what was
  billed, and `git log refs/aggregator/applied..main` shows what is still to be billed.
- `refs/aggregator/kept/<commit>`: a kept tip, where the cursor was before a rewritten history was
  accepted; what was billed up to there stays billed.

The last two are the accepted tips: the ledger is made from what they reach.
"""

import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pygit2
from pygit2 import Commit, Oid, Repository
from pygit2.enums import ObjectType

from aggregator.config.known_repo import KnownRepo, allow_of, allow_text
from aggregator.mirrors.tree_diff import Trees
from gitmeter.git_remote.libgit2 import ignore_user_settings, mend_head
from gitmeter.roles.role import ROLES
from gitmeter.support.errors import GitmeterError

COMMIT_BYTES_MAX: Final = 1024 * 1024
"""Most bytes of one commit object. A pusher's message names at most 40 resources: under 16 KiB."""

APPLIED_REF: Final = "refs/aggregator/applied"
KEPT_REFS: Final = "refs/aggregator/kept/"
_FAULTS: Final = (KeyError, OSError, ValueError, pygit2.GitError)
"""What libgit2 raises about a damaged repository; ValueError where text is not UTF-8."""

_OUT_OF_RESOURCES: Final = ("too many open files", "no space left on device", "quota exceeded")
_IDENTITY_KEYS: Final = ("gitmeter.node", "gitmeter.role", "gitmeter.branch", "gitmeter.allow")

# A pack is verified when it is fetched; hashing every blob again makes reading three times slower.
pygit2.settings.enable_strict_hash_verification(value=False)
# libgit2 would map whole packs and cache 256 MB of objects, but a walk reads little twice.
pygit2.settings.mwindow_size = 4 << 20
pygit2.settings.mwindow_mapped_limit = 32 << 20
pygit2.settings.cache_max_size(4 << 20)
pygit2.settings.enable_fsync_gitdir(value=True)
ignore_user_settings()


class MirrorError(GitmeterError):
    """A mirror on the aggregator's own disk cannot be used."""


class OutOfResourcesError(MirrorError):
    """This machine is out of descriptors or room; the mirror itself may be sound."""

    retry = True


class OversizedObjectError(MirrorError):
    """A commit object is larger than any that is read; the mirror itself is sound.

    Attributes:
        commit: its hash.
    """

    def __init__(self, commit: str, size_bytes: int) -> None:
        super().__init__(
            f"commit {commit} has {size_bytes} bytes; at most {COMMIT_BYTES_MAX} are read",
            hint="look at it with `git cat-file -p` in the mirror; no pusher writes such a commit",
        )
        self.commit = commit


class Mirror:
    """One mirror, open for one pass: open for longer, it would keep deleted packs open.

    Dropped, it is closed at once; pygit2 leaves that to Python's garbage collection.

    Args:
        path: the bare repository; created where it does not exist.
        repo: the repo that it mirrors; saved in the mirror's git configuration.
        is_settled: whether it is known to be saved there.

    Attributes:
        path: the bare repository.
        repository: the same, open in libgit2.
        trees: its trees.

    Raises:
        MirrorError: it cannot be opened or created.
    """

    def __init__(self, path: Path, repo: KnownRepo, *, is_settled: bool = False) -> None:
        self.path = path
        self._head_ref = f"refs/heads/{repo.branch}"
        try:
            if not (path / "HEAD").exists():
                pygit2.init_repository(str(path), bare=True, initial_head=repo.branch)
            mend_head(path, repo.branch)
            self.repository = Repository(str(path))
            self.trees = Trees(self.repository)
            weakref.finalize(self, self.repository.free)
            if not is_settled:
                facts = (repo.node, repo.role, repo.branch, allow_text(repo.allow))
                self._remember(dict(zip(_IDENTITY_KEYS, facts, strict=True)))
        except _FAULTS as error:
            raise _mirror_error(
                f"the mirror {path} cannot be opened: {error}",
                "check that the state directory belongs to the aggregator's user",
                error,
            ) from error

    @staticmethod
    def known_repo(path: Path) -> KnownRepo | None:
        """The repo that a mirror names as its own; None if it was never set up as a mirror.

        Raises:
            MirrorError: the mirror cannot be read, or was billed and has lost its node.
        """
        with readable(path):
            config = pygit2.Config(str(path / "config"))
            if not all(key in config for key in _IDENTITY_KEYS):
                if APPLIED_REF in pygit2.Repository(str(path)).references:
                    raise MirrorError(f"the mirror {path} was billed and no longer names its node")
                return None
            node, role, branch, allow = (str(config[key]) for key in _IDENTITY_KEYS)
            if role not in ROLES:
                raise MirrorError(f"the mirror {path} names no role that there is")
            return KnownRepo(path.stem, node, role, branch, allow_of(allow))

    def _remember(self, facts: dict[str, str]) -> None:
        config = self.repository.config
        for key, value in facts.items():
            if key not in config or config[key] != value:
                config[key] = value

    @property
    def head(self) -> str | None:
        """The head as it was fetched last, or None before the first fetch."""
        return self._read(self._head_ref)

    def move_head(self, commit: str) -> None:
        """Record a commit as the head that was fetched last; a `MirrorError` if it is not here."""
        with self.reading():
            if not self.has_commit(commit):
                raise KeyError(commit)
            self.repository.references.create(self._head_ref, Oid(hex=commit), force=True)

    @property
    def applied(self) -> str | None:
        """The last commit that was recorded as billed, or None."""
        return self._read(APPLIED_REF)

    @property
    def kept(self) -> frozenset[str]:
        """The kept tips."""
        with self.reading():
            names = list(self.repository.references)
        return frozenset(
            name.removeprefix(KEPT_REFS) for name in names if name.startswith(KEPT_REFS)
        )

    def keep(self, commit: str) -> None:
        """Make a commit a kept tip, because the next cursor will not build on it."""
        with self.reading():
            self.repository.references.create(KEPT_REFS + commit, Oid(hex=commit), force=True)

    def advance_applied(self, commit: str) -> None:
        """Record a commit as billed, unless a commit that builds on it is recorded already.

        That is the case after an older copy of the database was restored: what was billed after
        that copy stays recorded, and is billed again from the same commits.
        """
        applied = self.applied
        if applied == commit or not self.has_commit(commit):
            return
        with self.reading():
            if (
                applied is None
                or applied in self.kept
                or self.repository.descendant_of(commit, applied)
            ):
                self.repository.references.create(APPLIED_REF, Oid(hex=commit), force=True)

    def builds_on(self, commit: str, base: str) -> bool:
        """Whether a commit is `base` or a descendant of it."""
        with self.reading():
            return commit == base or self.repository.descendant_of(commit, base)

    def chain(self, tip: str) -> Iterator[str]:
        """A commit and its first parents, newest first.

        Raises:
            MirrorError: one of them is not in the mirror.
        """
        commit: str | None = tip
        while commit is not None:
            yield commit
            commit = self.first_parent(commit)

    def has_commit(self, commit: str) -> bool:
        """Whether the commit is in the mirror."""
        oid = Oid(hex=commit)
        with self.reading():
            return oid in self.repository and self._header(oid)[0] == ObjectType.COMMIT

    def first_parent(self, commit: str) -> str | None:
        """A commit's first parent, or None for a root commit.

        Raises:
            MirrorError: the commit is not in the mirror.
            OversizedObjectError: it is too large to be read.
        """
        parents = self.commit(commit).parent_ids
        return str(parents[0]) if parents else None

    def commit(self, commit: str) -> Commit:
        """The commit object.

        Raises:
            MirrorError: it is not in the mirror.
            OversizedObjectError: it is too large to be read.
        """
        oid = Oid(hex=commit)
        with self.reading():
            if (size := self._header(oid)[1]) > COMMIT_BYTES_MAX:
                raise OversizedObjectError(commit, size)
            return self.repository[oid].peel(Commit)

    def raw_commit(self, commit: str) -> bytes:
        """All bytes of a commit object, its signature included.

        Raises:
            MirrorError: it is not in the mirror.
            OversizedObjectError: it is too large to be read.
        """
        self.commit(commit)
        return self.read_blob(commit)

    def blob_size(self, blob: str) -> int:
        """The size of a blob in bytes, read from the object's header alone.

        Raises:
            MirrorError: it is not in the mirror.
        """
        with self.reading():
            return self._header(Oid(hex=blob))[1]

    def read_blob(self, blob: str) -> bytes:
        """The bytes of a blob, or of any other object.

        Raises:
            MirrorError: it is not in the mirror.
        """
        with self.reading():
            return bytes(self.repository.odb.read(Oid(hex=blob))[1])

    def find_blob(self, commit: str, path: str) -> str | None:
        """The blob of a file in a commit's tree, or None when there is no file at that path."""
        with self.reading():
            tree = self.commit(commit).tree
            if path not in tree or tree[path].type != ObjectType.BLOB:
                return None
            return str(tree[path].id)

    def reading(self) -> AbstractContextManager[None]:
        """Turn errors about this mirror into a `MirrorError`, as `readable` does."""
        return readable(self.path)

    def _header(self, oid: Oid) -> tuple[int, int]:
        """Type and size of an object, without reading it."""
        kind, size = self.repository.odb.read_header(oid)
        return int(kind), int(size)

    def _read(self, name: str) -> str | None:
        with self.reading():
            reference = self.repository.references.get(name)
            return None if reference is None else str(reference.target)


@contextmanager
def readable(mirror: Path) -> Iterator[None]:
    """Turn errors about a mirror that is damaged or lacks an object into a `MirrorError`."""
    try:
        yield
    except _FAULTS as error:
        raise _mirror_error(
            f"the mirror {mirror} lacks an object or is damaged: {error}",
            "restore the mirror from a backup, or move it away to fetch it again",
            error,
        ) from error


def _mirror_error(message: str, hint: str, error: Exception) -> MirrorError:
    if any(words in str(error).lower() for words in _OUT_OF_RESOURCES):
        return OutOfResourcesError(str(error), hint="check this machine's limits and its disk")
    return MirrorError(message, hint=hint)
