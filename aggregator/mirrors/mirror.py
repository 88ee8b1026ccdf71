"""A bare copy of one repo on the aggregator's disk, and the refs that keep what was billed.

- `refs/heads/<branch>`: the head as it was last fetched, whatever it is.
- `refs/aggregator/applied`: the cursor; set before each fetch, so that git never collects what was
  billed, and `git log refs/aggregator/applied..main` shows what is still to come.
- `refs/aggregator/kept/<commit>`: where the cursor stood before a rewritten history was accepted;
  what was billed up to there stays billed.

Both together are the accepted tips: the ledger is made from what they reach.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pygit2
from pygit2 import Commit, Oid, Repository
from pygit2.enums import ObjectType

from aggregator.config.repos import KnownRepo, allow_of, allow_text
from gitmeter.support.errors import GitmeterError

COMMIT_BYTES_MAX: Final = 1024 * 1024
"""Of one commit object. A pusher's message names at most 40 resources: under 16 KiB."""
TREE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Of all folders together that comparing a commit with its first parent opens.

A segment takes 50 bytes of its day's folder, which is read twice, before and after: enough for
80,000 segments a day. It bounds time as well: 290,000 entries of the shortest kind."""

APPLIED_REF: Final = "refs/aggregator/applied"
KEPT_REFS: Final = "refs/aggregator/kept/"
_LOCKS: Final = (
    "*.lock",
    "refs/**/*.lock",
    "objects/*.lock",
    "objects/info/**/*.lock",
    "objects/pack/*.lock",
)
_IDENTITY_KEYS: Final = ("gitmeter.node", "gitmeter.role", "gitmeter.branch", "gitmeter.allow")

# A pack is verified when it is fetched; hashing every blob again makes reading three times slower.
pygit2.settings.enable_strict_hash_verification(value=False)
# libgit2 would map whole packs and keep 256 MB of objects; nothing is read twice in a walk.
pygit2.settings.mwindow_size = 4 << 20
pygit2.settings.mwindow_mapped_limit = 32 << 20
pygit2.settings.cache_max_size(16 << 20)
pygit2.settings.enable_fsync_gitdir(value=True)


class MirrorError(GitmeterError):
    """A mirror on the aggregator's own disk cannot be used."""


class OversizedObjectError(MirrorError):
    """A commit object is larger than any that is read; the mirror itself is sound.

    Attributes:
        commit: which.
    """

    def __init__(self, commit: str, size_bytes: int) -> None:
        super().__init__(
            f"commit {commit} has {size_bytes} bytes; at most {COMMIT_BYTES_MAX} are read",
            hint="look at it with `git cat-file -p` in the mirror; no pusher writes such a commit",
        )
        self.commit = commit


class Mirror:
    """One mirror, open for one pass: a long-lived one would keep deleted packs open.

    Args:
        path: the bare repository; made when it is not there.
        repo: the repo that it mirrors; noted in the mirror's own configuration.
    """

    def __init__(self, path: Path, repo: KnownRepo) -> None:
        self.path = path
        self._head_ref = f"refs/heads/{repo.branch}"
        try:
            if not (path / "HEAD").exists():
                pygit2.init_repository(str(path), bare=True, initial_head=repo.branch)
            self.repository = Repository(str(path))
            facts = (repo.node, repo.role, repo.branch, allow_text(repo.allow))
            self._remember(dict(zip(_IDENTITY_KEYS, facts, strict=True)))
        except (OSError, pygit2.GitError) as error:
            raise MirrorError(
                f"the mirror {path} cannot be opened: {error}",
                hint="check that the state directory belongs to the aggregator's user",
            ) from error

    @staticmethod
    def known_repo(path: Path) -> KnownRepo | None:
        """The repo that a mirror says it mirrors, or None when it is not one of ours.

        Raises:
            MirrorError: it was billed, or cannot be read, and does not say whose it is.
        """
        with readable(path):
            config = pygit2.Config(str(path / "config"))
            if not all(key in config for key in _IDENTITY_KEYS):
                if APPLIED_REF in pygit2.Repository(str(path)).references:
                    raise MirrorError(f"the mirror {path} was billed and has lost whose it is")
                return None
            node, role, branch, allow = (str(config[key]) for key in _IDENTITY_KEYS)
            return KnownRepo(path.stem, node, role, branch, allow_of(allow))

    def _remember(self, facts: dict[str, str]) -> None:
        config = self.repository.config
        for key, value in facts.items():
            if key not in config or config[key] != value:
                config[key] = value

    @property
    def head(self) -> str | None:
        """The fetched head of the branch, or None."""
        return self._read(self._head_ref)

    @property
    def applied(self) -> str | None:
        """The commit that was last recorded as billed, or None."""
        return self._read(APPLIED_REF)

    @property
    def kept(self) -> frozenset[str]:
        """The tips that accepted rewrites left behind."""
        with self.reading():
            names = list(self.repository.references)
        return frozenset(
            name.removeprefix(KEPT_REFS) for name in names if name.startswith(KEPT_REFS)
        )

    def keep(self, commit: str) -> None:
        """Keep what was billed up to a commit that the next cursor will not build on."""
        with self.reading():
            self.repository.references.create(KEPT_REFS + commit, Oid(hex=commit), force=True)

    def advance_applied(self, commit: str) -> None:
        """Record a commit as billed, unless one that builds on it was recorded before.

        That is so when an older copy of the database was put back: what was billed since stays
        known, and is billed again from the same commits.
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
        """Whether a commit is `base` or has it among its ancestors."""
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
        """All bytes of a commit object, its signature among them.

        Raises:
            MirrorError: it is not in the mirror.
            OversizedObjectError: it is too large to be read.
        """
        self.commit(commit)
        return self.read_blob(commit)

    def blob_size(self, blob: str) -> int:
        """Size in bytes, read from the object's header alone."""
        with self.reading():
            return self._header(Oid(hex=blob))[1]

    def read_blob(self, blob: str) -> bytes:
        """The bytes of a blob, or of any other object."""
        with self.reading():
            return bytes(self.repository.odb.read(Oid(hex=blob))[1])

    def find_blob(self, commit: str, path: str) -> str | None:
        """The blob of a file in a commit's tree, or None when it is not a file there."""
        with self.reading():
            tree = self.commit(commit).tree
            if path not in tree or tree[path].type != ObjectType.BLOB:
                return None
            return str(tree[path].id)

    def reading(self) -> AbstractContextManager[None]:
        """See `readable`."""
        return readable(self.path)

    def _header(self, oid: Oid) -> tuple[int, int]:
        """Type and size of an object, without reading it."""
        kind, size = self.repository.odb.read_header(oid)
        return int(kind), int(size)

    def _read(self, name: str) -> str | None:
        with self.reading():
            reference = self.repository.references.get(name)
            return None if reference is None else str(reference.target)


def sweep_locks(mirror: Path) -> None:
    """Remove what a git that was killed left locked; nobody else works in the mirror now.

    A fetch locks refs; a gc the commit graph, the packs' index and its own state too.
    """
    for pattern in _LOCKS:
        for lock in mirror.glob(pattern):
            lock.unlink(missing_ok=True)


@contextmanager
def readable(mirror: Path) -> Iterator[None]:
    """Turn what git says of a mirror that is damaged or lacks an object into a `MirrorError`."""
    try:
        yield
    except (KeyError, OSError, pygit2.GitError) as error:
        raise MirrorError(
            f"the mirror {mirror} lacks an object or is damaged: {error}",
            hint="restore the mirror from a backup, or move it away to fetch it again",
        ) from error
