"""Write a backup: the ledger and all billed commits, in one file.

A backup takes no lock on the state and delays no other process. The database is copied first, as
one consistent snapshot; the accepted tips in that copy determine what is saved of each mirror. A
mirror only ever gains commits, so those are still in it however far an aggregator gets meanwhile.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from aggregator.backup.backup_file import DATABASE_MEMBER, BackupWriter, LackingRepo, Manifest
from aggregator.config.known_repo import KnownRepo
from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.bundles import NotWrittenError, write_bundle
from aggregator.mirrors.mirror import APPLIED_REF, KEPT_REFS, Mirror, MirrorError
from aggregator.mirrors.saved_repo import SavedRepo, bundle_member
from aggregator.proof.digest import digest
from aggregator.store.schema import SCHEMA_VERSION
from aggregator.store.store import CopyNotWrittenError, open_for_reading
from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError
from gitmeter.support.files import sync_folder
from gitmeter.support.locks import open_folder, try_lock
from wire_format.instants import format_ts

_ROOM_HINT: Final = (
    "make room there (a backup is as large as the database and the packs of the mirrors, and twice"
    " that while it is written), or choose another place"
)
Progress = Callable[[str, int, int], object]
"""Called with the repo's name, the number of repos done and the number of all repos."""


class BackupError(GitmeterError):
    """The backup could not be written; no part of it is left."""


class BackupBusyError(BackupError):
    """Another process is writing the same file."""

    retry = True


def backup(
    config: Config, path: Path, now: datetime, on_progress: Progress, *, force: bool = False
) -> Manifest:
    """Write a whole backup to `path`, or change nothing there.

    A mirror that cannot be saved does not prevent the backup: the manifest names it as lacking.

    Args:
        config: the configuration, with the state directory.
        path: the file; written in a folder beside it, synced, then renamed to it.
        now: the time of creation in the manifest.
        on_progress: called after each repo.
        force: replace a file that exists.

    Returns:
        The manifest of the backup.

    Raises:
        NoDatabaseError: nothing was pulled yet.
        SchemaVersionError: the database has another schema version.
        BackupError: the file exists or cannot be written.
        BackupBusyError: another process is writing the same file.
    """
    if path.exists() and not force:
        raise BackupError(f"{path} is there already", hint="choose another name, or use --force")
    with _work_folder(path) as work:
        manifest = _write(config, work, now, on_progress)
        (work / "backup.tar").replace(path)
    sync_folder(path.parent)
    return manifest


@contextmanager
def _work_folder(path: Path) -> Iterator[Path]:
    """A folder beside the file, always the same, so that the next backup removes a killed one's."""
    work = path.with_name(f".{path.name}.partial")
    work.mkdir(mode=0o700, exist_ok=True)
    descriptor = open_folder(work)
    try:
        if not _is_ours_alone(work, descriptor):
            raise BackupBusyError(
                f"another process writes {path}", hint="wait for it, or choose another file"
            )
        _empty(work)
        try:
            yield work
        finally:
            shutil.rmtree(work)
    finally:
        os.close(descriptor)


def _is_ours_alone(work: Path, descriptor: int) -> bool:
    """Lock the folder, unless the process that held the lock before has removed it meanwhile."""
    try:
        return try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), work.stat())
    except FileNotFoundError:
        return False


def _write(config: Config, work: Path, now: datetime, on_progress: Progress) -> Manifest:
    database = work / DATABASE_MEMBER
    _snapshot(config.database_path, database)
    with closing(open_for_reading(database)) as store:
        billed = store.cursors.tips()
        ledger_digest = digest(store)
    with (work / "backup.tar").open("xb") as stream:
        os.fchmod(stream.fileno(), 0o600)
        writer = BackupWriter(stream, int(now.timestamp()))
        saved: list[SavedRepo] = []
        lacking: list[LackingRepo] = []
        for done, (name, tips) in enumerate(billed.items(), 1):
            try:
                saved.append(_save(config, name, tips, writer, work))
            except MirrorError as error:
                lacking.append(LackingRepo(name=name, reason=str(error)))
            on_progress(name, done, len(billed))
        manifest = Manifest(
            created_at=format_ts(now),
            schema_version=SCHEMA_VERSION,
            digest=ledger_digest,
            database_sha256=writer.add(DATABASE_MEMBER, database),
            repos=tuple(saved),
            lacking=tuple(lacking),
        )
        writer.finish(manifest)
        stream.flush()
        os.fsync(stream.fileno())
    return manifest


def _snapshot(source: Path, copy: Path) -> None:
    try:
        with open_for_reading(source) as store:
            store.copy_to(copy)
    except CopyNotWrittenError as error:
        raise BackupError(str(error), hint=_ROOM_HINT) from error


def _save(config: Config, name: str, tips: Tips, writer: BackupWriter, work: Path) -> SavedRepo:
    """Add what the accepted tips of one repo reach to the backup."""
    archived = ArchivedRepos(config.state)
    mirror = config.mirror_path(name)
    if archived.has(name) and not mirror.exists():
        return _save_archived(archived, name, tips, writer, work)
    repo = Mirror.known_repo(mirror) if mirror.exists() else None
    if repo is None:
        raise MirrorError(f"the mirror {mirror} is gone")
    return _save_mirror(repo, mirror, tips, writer, work)


def _save_archived(
    archived: ArchivedRepos, name: str, tips: Tips, writer: BackupWriter, work: Path
) -> SavedRepo:
    """Add an archived repo; its bundle as it is, if it has exactly what was billed."""
    saved = archived.read(name)
    if saved.tips == tips:
        writer.add(bundle_member(name), archived.checked_bundle(name))
        return saved
    mirror = archived.open(saved.known_repo)
    return _save_mirror(saved.known_repo, mirror.path, tips, writer, work)


def _save_mirror(
    repo: KnownRepo, mirror: Path, tips: Tips, writer: BackupWriter, work: Path
) -> SavedRepo:
    bundle = work / "bundle"
    refs = {APPLIED_REF: tips.cursor} | {KEPT_REFS + tip: tip for tip in tips.kept}
    try:
        write_bundle(mirror, refs, bundle, work / "refs.git")
    except NotWrittenError as error:
        raise BackupError(str(error), hint=_ROOM_HINT) from error
    sha256 = writer.add(bundle_member(repo.name), bundle)
    bundle.unlink()
    return SavedRepo.of(repo, tips, sha256)


def _empty(folder: Path) -> None:
    for child in folder.iterdir():
        shutil.rmtree(child) if child.is_dir() else child.unlink()
