"""Archives of repos that are no longer read: each mirror packed into one file.

    archived/<repo>.bundle   what its accepted tips reach, and its fetched head; any git reads it
    archived/<repo>.json     node, role, accepted tips and the bundle's SHA-256; written last

A repo is archived if the second file exists and its mirror does not: where both exist, the mirror
counts. To read an archived repo, its mirror is unpacked into a temporary folder, shared by all
users in the process and removed when the last of them drops it.
"""

import hashlib
import os
import shutil
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from pydantic import ValidationError

from aggregator.config.known_repo import KnownRepo
from aggregator.mirrors.bundles import (
    AGGREGATOR_REFS,
    HEADS,
    NotTakenError,
    NotWrittenError,
    read_bundle,
    write_bundle,
)
from aggregator.mirrors.mirror import APPLIED_REF, KEPT_REFS, Mirror, MirrorError
from aggregator.mirrors.saved_repo import SavedRepo
from cursors.tips import Tips
from gitmeter.support.files import sync_file, sync_folder, write_durably
from gitmeter.support.locks import open_folder, try_lock

_FOLDER: Final = "archived"
_UNPACKED: Final = "unpacked-"
_MAKING: Final = ".making-"
_REMOVING: Final = ".removing-"


class ArchivedRepos:
    """The archived repos of a state directory.

    Args:
        state: the state directory.

    Attributes:
        folder: the folder of the archives; it may not exist.
    """

    def __init__(self, state: Path) -> None:
        self.folder = state / _FOLDER
        self._lock = threading.Lock()
        self._open: weakref.WeakValueDictionary[KnownRepo, Mirror] = weakref.WeakValueDictionary()

    def names(self) -> list[str]:
        """Names of the repos that have an archive, even if they have a mirror as well; sorted."""
        return sorted(file.name.removesuffix(".json") for file in self.folder.glob("*.json"))

    def undescribed(self) -> list[str]:
        """Names of the repos whose bundle lacks the file that describes it; sorted."""
        bundles = {file.name.removesuffix(".bundle") for file in self.folder.glob("*.bundle")}
        return sorted(bundles - set(self.names()))

    def has(self, name: str) -> bool:
        """Whether this repo has an archive."""
        return self._facts(name).exists()

    def read(self, name: str) -> SavedRepo:
        """The description of an archived repo.

        Raises:
            MirrorError: the description cannot be read, or is that of another repo.
        """
        try:
            found = SavedRepo.model_validate_json(self._facts(name).read_bytes())
        except (OSError, ValidationError) as error:
            raise self._error(name, f"{self._facts(name)} cannot be used: {error}") from error
        if found.name != name:
            raise self._error(name, f"{self._facts(name)} describes {found.name}")
        return found

    def checked_bundle(self, name: str) -> Path:
        """The bundle of a repo, after its SHA-256 was checked.

        Raises:
            MirrorError: the bundle is damaged or missing.
        """
        bundle = self.bundle(name)
        try:
            with bundle.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise self._error(name, f"{bundle} cannot be read: {error.strerror}") from error
        if sha256 != self.read(name).bundle_sha256:
            raise self._error(name, f"{bundle} is damaged: its SHA-256 is not the recorded one")
        return bundle

    def open(self, repo: KnownRepo) -> Mirror:
        """A mirror of an archived repo, unpacked; it is removed once nothing refers to it.

        Raises:
            MirrorError: the archive is damaged or missing.
        """
        with self._lock:
            mirror = self._open.get(repo)
            if mirror is None:
                mirror = self._unpacked(repo)
                self._open[repo] = mirror
            return mirror

    def put(self, repo: KnownRepo, mirror: Mirror) -> SavedRepo:
        """Archive what a mirror has as billed; the mirror stays.

        The archive is unpacked and compared with the mirror before it counts. The caller holds the
        state's lock.

        Raises:
            MirrorError: the mirror is damaged, or nothing of it was billed.
            NotWrittenError: the archive cannot be written.
        """
        applied = mirror.applied
        if applied is None:
            raise MirrorError(f"nothing of {repo.name} was billed: there is nothing to archive")
        refs = {APPLIED_REF: applied} | {KEPT_REFS + tip: tip for tip in mirror.kept}
        if mirror.head is not None:
            refs[f"refs/heads/{repo.branch}"] = mirror.head
        with self._making(repo.name) as work:
            write_bundle(mirror.path, refs, work / "bundle", work / "refs.git")
            try:
                proof = _unpack(work / "bundle", work / "proof.git", repo)
            except NotTakenError as error:
                raise MirrorError(f"the mirror {mirror.path} is damaged: {error}") from error
            if (proof.applied, proof.kept, proof.head) != (applied, mirror.kept, mirror.head):
                raise MirrorError(f"the mirror {mirror.path} changed while it was archived")
            with (work / "bundle").open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            sync_file(work / "bundle")
            (work / "bundle").replace(self.bundle(repo.name))
            sync_folder(self.folder)
        saved = SavedRepo.of(repo, Tips(applied, mirror.kept - {applied}), sha256)
        facts_text = saved.model_dump_json(indent=2).encode() + b"\n"
        write_durably(self._facts(repo.name), facts_text, None)
        return saved

    def bring_back(self, repo: KnownRepo, path: Path) -> None:
        """Replace the archive of a repo by a mirror at `path`; an existing mirror stays.

        The caller holds the state's lock.

        Raises:
            MirrorError: the archive is damaged or missing, or the existing mirror lacks a commit
                of the archive.
        """
        if path.exists():
            self._check_covered(repo.name, Mirror(path, repo))
        else:
            with self._making(repo.name) as work:
                self._checked_unpack(repo, work / "mirror.git")
                sync_folder(work)
                (work / "mirror.git").replace(path)
                sync_folder(path.parent)
        self.bundle(repo.name).unlink(missing_ok=True)
        self._facts(repo.name).unlink(missing_ok=True)
        sync_folder(self.folder)

    def _check_covered(self, name: str, mirror: Mirror) -> None:
        saved = self.read(name)
        if not all(map(mirror.has_commit, (saved.cursor, *saved.kept))):
            raise MirrorError(
                f"the mirror {mirror.path} lacks what the archive of {name} has",
                hint="move that mirror away: the archive takes its place",
            )

    def remove_mirror(self, path: Path) -> None:
        """Remove the mirror of a repo that was archived; other processes see it go in one step."""
        if path.exists():
            going = self.folder / f"{_REMOVING}{path.name}"
            shutil.rmtree(going, ignore_errors=True)
            path.replace(going)
            sync_folder(path.parent)
            shutil.rmtree(going)

    def sweep(self) -> None:
        """Remove temporary folders of processes that died; the caller holds the state's lock."""
        for folder in (*self.folder.glob(f"{_REMOVING}*"), *self.folder.glob(f"{_MAKING}*")):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in self.folder.glob(f"{_UNPACKED}*"):
            descriptor = open_folder(folder)
            try:
                if try_lock(descriptor):  # else a process is reading in it
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)

    def _facts(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def bundle(self, name: str) -> Path:
        """The path of a repo's bundle."""
        return self.folder / f"{name}.bundle"

    @contextmanager
    def _making(self, name: str) -> Iterator[Path]:
        """A temporary folder beside the archives, emptied first."""
        work = self.folder / f"{_MAKING}{name}"
        shutil.rmtree(work, ignore_errors=True)
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            work.mkdir(mode=0o700)
        except OSError as error:
            raise NotWrittenError(f"{work} cannot be made: {error.strerror}") from error
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _unpacked(self, repo: KnownRepo) -> Mirror:
        writable = os.access(self.folder, os.W_OK)
        work = Path(mkdtemp(prefix=_UNPACKED, dir=self.folder if writable else None))
        descriptor = open_folder(work)
        try:
            try_lock(descriptor, shared=True)  # so that `sweep` leaves it
            mirror = self._checked_unpack(repo, work / f"{repo.name}.git")
        except BaseException:
            _forget(work, descriptor)
            raise
        weakref.finalize(mirror, _forget, work, descriptor)
        return mirror

    def _checked_unpack(self, repo: KnownRepo, to: Path) -> Mirror:
        bundle, saved = self.checked_bundle(repo.name), self.read(repo.name)
        try:
            mirror = _unpack(bundle, to, repo)
        except NotTakenError as error:
            raise self._error(repo.name, f"git refuses {bundle}: {error}") from error
        if mirror.applied != saved.cursor or mirror.kept - {saved.cursor} != set(saved.kept):
            raise self._error(repo.name, f"{bundle} has other tips than recorded")
        return mirror

    def _error(self, name: str, fault: str) -> MirrorError:
        return MirrorError(
            f"the archive of {name} cannot be used: {fault}",
            hint=f"restore {self.bundle(name)} and {self._facts(name).name} from a backup, or, if"
            " the remote still has that repo, move both away to fetch it again",
        )


def _unpack(bundle: Path, to: Path, repo: KnownRepo) -> Mirror:
    Mirror(to, repo)
    read_bundle(bundle, to, AGGREGATOR_REFS, HEADS)
    return Mirror(to, repo)  # the first one has listed its packs before the new one came


def _forget(work: Path, descriptor: int) -> None:
    shutil.rmtree(work, ignore_errors=True)
    os.close(descriptor)
