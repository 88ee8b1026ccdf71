"""Restore a state directory from a backup, or from the copy remote and the configuration.

A backup is proved before anything is put in place: git checks every bundle, the ledger is
recomputed from the mirrors, and its digest must be the one in the manifest.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from aggregator.backup.backup_file import DATABASE_MEMBER, BackupReader, Manifest
from aggregator.backup.staging import Staging
from aggregator.config.settings import Config
from aggregator.copies.remote import CopyRemote
from aggregator.mirrors.bundles import AGGREGATOR_REFS, NotTakenError, read_bundle
from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.saved_repo import SavedRepo
from aggregator.mirrors.state import State
from aggregator.proof.digest import digest
from aggregator.proof.rebuild import rebuild
from aggregator.proof.verify import LimitsChangedError, verify
from aggregator.pulling.signatures import Signers
from aggregator.store.schema import SCHEMA_VERSION
from aggregator.store.store import open_for_reading
from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError
from gitmeter.support.files import sync_file

_DAMAGED_HINT: Final = "use another backup, or `aggregator restore --from-copy`"
_DIFFERENCES_MAX: Final = 3
Progress = Callable[[str, int, int], object]


class RestoreError(GitmeterError):
    """The state cannot be restored; the state directory was not changed."""


class Restored(NamedTuple):
    """The result of a restore.

    Attributes:
        digest: the digest of the restored ledger.
        tips: its accepted tips, by repo name.
        rebuilt: why the database was rebuilt from the mirrors; empty if it is the backup's.
        unproved: why the ledger could not be proved against the mirrors; empty if it was.
        lacking: why the backup lacks a repo's mirror, by repo name.
        unsigned: why a repo's tip has no valid signature by a key that is allowed now, by repo
            name; checked only when restoring from the copy remote.
        aside: the folder to which the former state was moved; None if there was none.
    """

    digest: str
    tips: Mapping[str, Tips]
    rebuilt: str
    unproved: str
    lacking: Mapping[str, str]
    unsigned: Mapping[str, str]
    aside: Path | None


def restore(
    config: Config, file: Path, now: datetime, on_progress: Progress, *, force: bool = False
) -> Restored:
    """Restore the state from a backup.

    Args:
        config: the configuration, with the state directory and the limits on records.
        file: the backup.
        now: the time after which the folder for a former state is named.
        on_progress: called after each repo and each commit.
        force: move a former state aside instead of refusing.

    Raises:
        BackupFileError: the file is not a backup, or is damaged.
        RestoreError: the content does not match the manifest.
        StateNotEmptyError: the state directory is in use.
        StateLockedError: another process has locked the state directory.
    """
    with BackupReader(file) as reader, _staged(config, force=force) as staging:
        manifest = reader.manifest
        for done, repo in enumerate(manifest.repos, 1):
            _restore_mirror(staging.state, reader, repo)
            on_progress("mirrors", done, len(manifest.repos))
        rebuilt = _restore_database(staging, reader, now, on_progress)
        unproved = _unproved(staging, manifest, now, on_progress, is_rebuilt=bool(rebuilt))
        return Restored(
            digest=_digest(staging.database_path),
            tips=_tips(manifest),
            rebuilt=rebuilt,
            unproved=unproved,
            lacking={repo.name: repo.reason for repo in manifest.lacking},
            unsigned={},
            aside=staging.put_in_place(now),
        )


def restore_from_copy(
    config: Config, now: datetime, on_progress: Progress, *, force: bool = False
) -> Restored:
    """Restore the state from the commits that the copy remote has as billed.

    Args:
        config: the configuration, with the copy remote, the repos and the limits.
        now: the time at which signatures are judged; also as in `restore`.
        on_progress: called after each repo and each commit.
        force: move a former state aside instead of refusing.

    Raises:
        RemoteError: the copy remote cannot be used.
        RestoreError: the copy remote has nothing, or repos that the configuration does not name.
        StateNotEmptyError, StateLockedError: as in `restore`.
    """
    copy = CopyRemote(config)
    tips = copy.tips()
    unknown = sorted(set(tips) - {repo.name for repo in config.repo})
    if unknown:
        raise RestoreError(
            f"the copy remote has {', '.join(unknown)}, which the configuration does not name",
            hint="add a [[repo]] table for each: a ledger without them would be too small",
        )
    if not tips:
        raise RestoreError(f"{copy.url} has no copies", hint="check [copy] url")
    with _staged(config, force=force) as staging:
        state, unsigned = staging.state, {}
        signers = Signers(config)
        for done, repo in enumerate((r for r in config.repo if r.name in tips), 1):
            mirror = state.mirrors.open(repo.identity)
            copy.fetch_tips(mirror.path, repo.name)
            if (verdict := signers.judge(mirror, repo, tips[repo.name].cursor, now)) is not None:
                unsigned[repo.name] = f"{tips[repo.name].cursor} {verdict}"
            on_progress("mirrors", done, len(tips))
        accepted = state.mirrors.accepted_tips()
        rebuild(state, staging.database_path, accepted, now, on_progress)
        return Restored(
            digest=_digest(staging.database_path),
            tips=accepted,
            rebuilt="the copy remote has no database",
            unproved="",
            lacking={},
            unsigned=unsigned,
            aside=staging.put_in_place(now),
        )


@contextmanager
def _staged(config: Config, *, force: bool) -> Iterator[Staging]:
    with State(config).locked():
        staging = Staging(config, force=force)
        try:
            yield staging
        except BaseException:
            staging.discard()
            raise


def _restore_mirror(state: State, reader: BackupReader, repo: SavedRepo) -> None:
    mirror = Mirror(state.config.mirror_path(repo.name), repo.known_repo)
    bundle = state.config.state / "bundle"
    if reader.extract(repo.bundle, bundle) != repo.bundle_sha256:
        raise RestoreError(f"the bundle of {repo.name} is damaged", hint=_DAMAGED_HINT)
    try:
        read_bundle(bundle, mirror.path, AGGREGATOR_REFS)
    except NotTakenError as error:
        raise RestoreError(
            f"git refuses the bundle of {repo.name}: {error}", hint=_DAMAGED_HINT
        ) from error
    finally:
        bundle.unlink()
    if mirror.applied != repo.cursor or mirror.kept != set(repo.kept):
        raise RestoreError(
            f"the bundle of {repo.name} has other tips than the manifest", hint=_DAMAGED_HINT
        )


def _restore_database(
    staging: Staging, reader: BackupReader, now: datetime, on_progress: Progress
) -> str:
    """Put the database into the staging folder; return why it had to be rebuilt, or ''."""
    manifest, path = reader.manifest, staging.database_path
    sha256 = reader.extract(DATABASE_MEMBER, path)
    if manifest.schema_version != SCHEMA_VERSION:
        found = manifest.schema_version
        why = f"the backup has schema version {found}, this aggregator needs {SCHEMA_VERSION}"
    elif sha256 != manifest.database_sha256:
        why = "the database in the backup is damaged"
    else:
        sync_file(path)
        return ""
    if manifest.lacking:
        lacking = ", ".join(repo.name for repo in manifest.lacking)
        raise RestoreError(
            f"{why}, and it cannot be rebuilt without the mirrors that the backup lacks: {lacking}",
            hint=_DAMAGED_HINT,
        )
    rebuild(staging.state, path, _tips(manifest), now, on_progress)
    sync_file(path)
    return why


def _unproved(
    staging: Staging,
    manifest: Manifest,
    now: datetime,
    on_progress: Progress,
    *,
    is_rebuilt: bool,
) -> str:
    """Prove the ledger against the mirrors; return why that is not possible, or ''.

    Raises:
        RestoreError: the ledger is not what the mirrors say.
    """
    path = staging.database_path
    if manifest.lacking:
        return "the backup lacks mirrors"
    if is_rebuilt:
        if manifest.schema_version == SCHEMA_VERSION and _digest(path) != manifest.digest:
            return f"rebuilt from the mirrors, its digest is not the backup's: {manifest.digest}"
        return ""
    with closing(open_for_reading(path)) as store:
        if store.cursors.tips() != _tips(manifest):
            raise RestoreError(
                "the database in the backup has other tips than the manifest", hint=_DAMAGED_HINT
            )
        try:
            found = verify(staging.state, store, now, on_progress, _DIFFERENCES_MAX)
        except LimitsChangedError as error:
            return f"{error}; {error.hint}"
    if found.matches and found.digest == manifest.digest:
        return ""
    rows = "".join(f"\n  {each.section}: {each.row}" for each in found.differences)
    raise RestoreError(
        f"the backup contradicts itself: its manifest states digest {manifest.digest}, its database"
        f" has {found.digest}, its mirrors {found.recomputed_digest}{rows}",
        hint=_DAMAGED_HINT,
    )


def _tips(manifest: Manifest) -> dict[str, Tips]:
    return {repo.name: Tips(repo.cursor, frozenset(repo.kept)) for repo in manifest.repos}


def _digest(path: Path) -> str:
    with closing(open_for_reading(path)) as store:
        return digest(store)
