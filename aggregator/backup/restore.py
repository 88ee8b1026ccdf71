"""Make a state directory again: from a backup, or from the copy remote and the configuration.

A backup proves itself: every bundle is checked by git, the ledger is recomputed from the mirrors,
and its digest must be the one in the manifest. Only then is anything put in place.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from aggregator.backup.backup_file import DATABASE_MEMBER, Archive, Manifest
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
    """The state cannot be restored; the state directory is as it was."""


class Restored(NamedTuple):
    """What a restore came to.

    Attributes:
        digest: of the ledger that is in place.
        tips: how far each repo is billed in it, by name.
        rebuilt: why the database was made again from the mirrors; empty when that of the backup
            is in place.
        unproved: why the ledger could not be proved against the mirrors; empty when it was.
        lacking: repos whose mirror is not in the backup, with the reason.
        unsigned: repos whose tip no key has signed that is allowed now, with the reason; asked only
            of the copy remote.
        aside: where the state that was there before lies now; None when there was none.
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
    """Put the state of a backup in place.

    Args:
        config: where the state goes, and the limits that records are judged under.
        file: the backup.
        now: names the folder to which an earlier state is moved.
        on_progress: told after each repo and each commit.
        force: move aside what is in the state directory.

    Raises:
        ArchiveError: the file is no backup, or damaged.
        RestoreError: what is in it is not what its manifest says.
        StateNotEmptyError: the state directory is in use.
        StateLockedError: another aggregator works there.
    """
    with Archive(file) as archive, _staged(config, force=force) as staging:
        manifest = archive.manifest
        for done, repo in enumerate(manifest.repos, 1):
            _restore_mirror(staging.state, archive, repo)
            on_progress("mirrors", done, len(manifest.repos))
        rebuilt = _restore_database(staging, archive, now, on_progress)
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
    """Make the state again from the commits that the copy remote has as billed.

    Args:
        config: names the copy remote, the repos and the limits.
        now: when signatures are judged; also as in `restore`.
        on_progress: told after each repo and each commit.
        force: move aside what is in the state directory.

    Raises:
        RemoteError: the copy remote cannot be used.
        RestoreError: it has nothing, or repos that the configuration does not name.
        StateNotEmptyError, StateLockedError: as `restore`.
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
        raise RestoreError(f"{copy.url} has no copy of anything", hint="check [copy] url")
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


def _restore_mirror(state: State, archive: Archive, repo: SavedRepo) -> None:
    mirror = Mirror(state.config.mirror_path(repo.name), repo.known_repo)
    bundle = state.config.state / "bundle"
    if archive.extract(repo.bundle, bundle) != repo.bundle_sha256:
        raise RestoreError(f"the bundle of {repo.name} is damaged", hint=_DAMAGED_HINT)
    try:
        read_bundle(bundle, mirror.path, AGGREGATOR_REFS)
    except NotTakenError as error:
        raise RestoreError(
            f"git does not take the bundle of {repo.name}: {error}", hint=_DAMAGED_HINT
        ) from error
    finally:
        bundle.unlink()
    if mirror.applied != repo.cursor or mirror.kept != set(repo.kept):
        raise RestoreError(
            f"the bundle of {repo.name} has other tips than the manifest", hint=_DAMAGED_HINT
        )


def _restore_database(
    staging: Staging, archive: Archive, now: datetime, on_progress: Progress
) -> str:
    """Put the database into the staging folder; returns why it had to be made again, if so."""
    manifest, path = archive.manifest, staging.database_path
    sha256 = archive.extract(DATABASE_MEMBER, path)
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
            f"{why}, and it cannot be made again without the mirrors that the backup lacks:"
            f" {lacking}",
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
    """Why the ledger cannot be proved; empty when it was.

    Raises:
        RestoreError: it was disproved.
    """
    path = staging.database_path
    if manifest.lacking:
        return "the backup lacks mirrors"
    if is_rebuilt:
        if manifest.schema_version == SCHEMA_VERSION and _digest(path) != manifest.digest:
            return (
                f"made from the mirrors, it has another digest than the backup: {manifest.digest}"
            )
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
