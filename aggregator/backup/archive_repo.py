"""Archive a repo that is no longer read, and reverse that."""

from datetime import timedelta
from typing import Final

from aggregator.config.known_repo import KnownRepo
from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.incidents.kinds import ABOUT_HEAD, IncidentKind
from aggregator.mirrors.mirror import Mirror, MirrorError
from aggregator.mirrors.saved_repo import SavedRepo
from aggregator.mirrors.state import State
from aggregator.pulling.fetching import fetch_repo
from aggregator.store.store import LedgerStore
from cursors.position import HeadOutcome
from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError
from wire_format.instants import parse_ts

_CLOSED_FOR: Final = timedelta(days=1)
_NOTHING_NEW: Final = (
    *(HeadOutcome.UNCHANGED, HeadOutcome.FAST_FORWARD, HeadOutcome.ACCEPTED),
    HeadOutcome.SET_BACK,
)
_FORCE: Final = "or use --force: what was not pulled is lost then"


class NotArchivedError(GitmeterError):
    """A repo cannot be archived, or is not archived; nothing was changed."""


def archive_repo(state: State, store: LedgerStore, name: str, *, force: bool = False) -> SavedRepo:
    """Replace a repo's mirror by an archive; called again after a crash, finish what was begun.

    An archived repo is not read again. Therefore the remote of a repo that is still configured is
    read first, and everything there must have been billed.

    Args:
        state: the state directory, with the mirror; locked by the caller.
        store: the ledger, which knows what was billed.
        name: the repo's name.
        force: archive even if the remote may have more than was billed, and even if the repo is
            still read; in that case the next pull unpacks the archive again.

    Returns:
        What the archive contains.

    Raises:
        NotArchivedError: the repo is still read, is unknown, nothing of it was billed, or it
            cannot be shown that all of it was.
        MirrorError: the mirror, or an archive that the repo already has, is damaged.
        NotWrittenError: the archive cannot be written.
    """
    repo = _found(state, name)
    if not force and is_read_still(state.config, name):
        raise NotArchivedError(
            f"{name} is still read: the next pull would bring it back",
            hint="`aggregator node retire` it, or remove its [[repo]] table from the configuration;"
            " or use --force",
        )
    tips = store.cursors.tips().get(name)
    if tips is None:
        raise NotArchivedError(f"nothing of {name} was billed: there is nothing to archive")
    if state.mirrors.is_archived(name):
        state.archives.checked_bundle(name)
        return state.archives.read(name)
    if not force:
        _check_billed(state, store, repo, tips)
    mirror = state.mirrors.open(repo)
    _check_whole(mirror, tips)
    saved = state.archives.put(repo, mirror)
    state.archives.remove_mirror(mirror.path)
    return saved


def unarchive_repo(state: State, name: str) -> None:
    """Make the mirror of an archived repo again; the caller has locked the state directory.

    Raises:
        NotArchivedError: the repo is not archived.
        MirrorError: the archive is damaged or lost.
    """
    repo = _found(state, name)
    if not state.archives.has(name):
        raise NotArchivedError(f"{name} is not archived")
    state.mirrors.bring_back(repo)


def is_read_still(config: Config, name: str) -> bool:
    """Whether a pull reads the repo of this name: it is configured and not retired."""
    return any(repo.name == name and not repo.is_retired for repo in config.repo)


def _found(state: State, name: str) -> KnownRepo:
    repo = next((repo for repo in state.repos.all() if repo.name == name), None)
    if repo is None:
        raise NotArchivedError(
            f"no repo is called {name}", hint="`aggregator nodes` lists those that are known"
        )
    return repo


def _check_billed(state: State, store: LedgerStore, repo: KnownRepo, tips: Tips) -> None:
    """Check that nothing is left to bill, neither on the remote nor among fetched, held commits.

    Raises:
        NotArchivedError: something is, or the remote cannot be read.
    """
    configured = next((each for each in state.config.repo if each.name == repo.name), None)
    if configured is None:
        head = state.mirrors.open(repo).head
    else:
        head = _remote_head(state, store, configured, tips)
    # a branch that was set back has nothing that was not billed
    if head is None or head not in state.mirrors.open(repo).chain(tips.cursor):
        raise NotArchivedError(
            f"{repo.name} is billed up to {tips.cursor[:12]} and its head is"
            f" {head[:12] if head else 'no commit'}: what is in between is not billed",
            hint=f"`aggregator pull`; `aggregator incidents` shows what holds it; {_FORCE}",
        )
    open_now = [incident for incident in store.incidents.all_open() if incident.repo == repo.name]
    holding = [incident.kind for incident in open_now if incident.kind in ABOUT_HEAD]
    if configured is not None and holding:
        raise NotArchivedError(
            f"{repo.name} has an open incident: {', '.join(holding)}",
            hint=f"`aggregator pull` closes it if it is over; {_FORCE}",
        )


def _remote_head(state: State, store: LedgerStore, repo: RepoConfig, tips: Tips) -> str | None:
    """Fetch and return the remote's head; a remote known to be closed is not asked again."""
    others = store.incidents.subjects_by_repo(IncidentKind.RECREATED)
    if (repo.name, str(repo.forge_id)) in others:  # its head is not that of the node's repo
        raise NotArchivedError(
            f"{repo.name} was created anew on the forge: what its node pushed last is unknown",
            hint=f"see `aggregator incidents`; {_FORCE}",
        )
    if _was_seen_closed(store, repo):
        return state.mirrors.open(repo.identity).head
    fetched = fetch_repo(state, repo, tips.cursor, kept=tips.kept)
    if fetched.trouble is not None or fetched.is_mirror_bad:
        raise NotArchivedError(
            f"it cannot be checked whether all of {repo.name} was billed: {fetched.detail}",
            hint="try again when its remote answers or, if it is archived on the forge, after the"
            f" daemon has probed it a day later; {_FORCE}",
        )
    return fetched.head


def _was_seen_closed(store: LedgerStore, repo: RepoConfig) -> bool:
    """Whether a pass found nothing new at least a day after the repo was closed to pushes.

    `node retire` removes the deploy keys and archives the repo on the forge before it notes that in
    the registration. If so, the remote need not be read again, which would take a token that under
    systemd is available only while the daemon runs. The margin of a day is longer than any command
    or pass, and covers that a pass dates at its end what it saw at its beginning.
    """
    if repo.retired_at is None or repo.forge_id is None:
        return False
    row = next((row for row in store.reports.repos() if row["name"] == repo.name), None)
    return (
        row is not None
        and row["checked_at"] is not None
        and parse_ts(row["checked_at"]) > repo.retired_at + _CLOSED_FOR
        and row["outcome"] in _NOTHING_NEW
        and row["behind"] == 0
    )


def _check_whole(mirror: Mirror, tips: Tips) -> None:
    """Check that a mirror has all that was billed, and set the refs that keep it."""
    lacking = [tip for tip in (tips.cursor, *sorted(tips.kept)) if not mirror.has_commit(tip)]
    if lacking:
        raise MirrorError(
            f"the mirror {mirror.path} lacks {', '.join(lacking)}, which was billed",
            hint="restore it from a backup, or let a pull fetch it again",
        )
    mirror.advance_applied(tips.cursor)
    for tip in tips.kept - mirror.kept:
        mirror.keep(tip)
