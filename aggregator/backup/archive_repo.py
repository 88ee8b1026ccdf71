"""Archive a repo that is read no more, and bring it back."""

from datetime import timedelta
from typing import Final

from aggregator.config.repos import KnownRepo, RepoConfig
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
_NOTHING_NEW: Final = (HeadOutcome.UNCHANGED, HeadOutcome.FAST_FORWARD, HeadOutcome.ACCEPTED)
_FORCE: Final = "or use --force: what was not pulled is lost then"


class NotArchivedError(GitmeterError):
    """A repo cannot be archived, or is not; nothing has changed."""


def archive_repo(state: State, store: LedgerStore, name: str, *, force: bool = False) -> SavedRepo:
    """Let one file take the place of a repo's mirror; again, it finishes what was begun.

    Nobody looks at an archived repo any more. So its remote is asked first, where it is configured
    still, and all that is there must have been billed.

    Args:
        state: has the mirror; the caller has locked it.
        store: of the ledger; says what was billed.
        name: of the repo.
        force: also when more may be there than was billed, and when it is still read; in that case
            the next pull brings it back.

    Raises:
        NotArchivedError: it is still read, is not known, nothing of it was billed, or it cannot be
            shown that all of it was.
        MirrorError: its mirror, or the archive that it has already, is damaged.
        NotWrittenError: the archive cannot be written.
    """
    repo = _found(state, name)
    if not force and is_read_still(state.config, name):
        raise NotArchivedError(
            f"{name} is still read: the next pull would bring it back",
            hint="`aggregator node retire` it, or take its [[repo]] table out of the configuration;"
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
    """Put the mirror of an archived repo in its place again; the caller has locked the state.

    Raises:
        NotArchivedError: it is not archived.
        MirrorError: the archive is damaged or lost.
    """
    repo = _found(state, name)
    if not state.archives.has(name):
        raise NotArchivedError(f"{name} is not archived")
    state.mirrors.bring_back(repo)


def is_read_still(config: Config, name: str) -> bool:
    """Whether a pull would look at a repo of this name: it is configured, and not retired."""
    return any(repo.name == name and not repo.is_retired for repo in config.repo)


def _found(state: State, name: str) -> KnownRepo:
    repo = next((repo for repo in state.repos.all() if repo.name == name), None)
    if repo is None:
        raise NotArchivedError(
            f"no repo is called {name}", hint="`aggregator nodes` lists those that are known"
        )
    return repo


def _check_billed(state: State, store: LedgerStore, repo: KnownRepo, tips: Tips) -> None:
    """See that nothing is left to bill: not on the remote, nor in what was fetched and held.

    Raises:
        NotArchivedError: something is, or the remote cannot be asked.
    """
    configured = next((each for each in state.config.repo if each.name == repo.name), None)
    if configured is None:
        head = state.mirrors.open(repo).head
    else:
        head = _remote_head(state, store, configured, tips)
    if head != tips.cursor:
        raise NotArchivedError(
            f"{repo.name} is billed up to {tips.cursor[:12]} and stands at"
            f" {head[:12] if head else 'no commit'}: what is in between is not billed",
            hint=f"`aggregator pull`; `aggregator incidents` tells what holds it; {_FORCE}",
        )
    open_now = [incident for incident in store.incidents.all_open() if incident.repo == repo.name]
    holding = [incident.kind for incident in open_now if incident.kind in ABOUT_HEAD]
    if configured is not None and holding:
        raise NotArchivedError(
            f"{repo.name} has an open incident: {', '.join(holding)}",
            hint=f"`aggregator pull` closes it if it is over; {_FORCE}",
        )


def _remote_head(state: State, store: LedgerStore, repo: RepoConfig, tips: Tips) -> str | None:
    """Where the remote stands now; the mirror has it then. One that is closed need not be asked."""
    others = store.incidents.subjects_by_repo(IncidentKind.RECREATED)
    if (repo.name, str(repo.forge_id)) in others:  # fetched, it would hide what was the node's
        raise NotArchivedError(
            f"{repo.name} was created anew on the forge: nothing tells what its node pushed last",
            hint=f"see `aggregator incidents`; {_FORCE}",
        )
    if _was_seen_closed(store, repo):
        return state.mirrors.open(repo.identity).head
    fetched = fetch_repo(state, repo, tips.cursor, kept=tips.kept)
    if fetched.trouble is not None or fetched.is_mirror_bad:
        raise NotArchivedError(
            f"whether all of {repo.name} was billed cannot be seen: {fetched.detail}",
            hint="try again when its remote answers, or, where the forge has closed it, when the"
            f" daemon has looked at it a day later; {_FORCE}",
        )
    return fetched.head


def _was_seen_closed(store: LedgerStore, repo: RepoConfig) -> bool:
    """Whether a pull found nothing more to bill a day after nobody could push there any more.

    `node retire` takes the keys away and archives the repo on the forge before it says so in the
    registration. Then the remote need not be asked again, which takes a token that under systemd is
    there only while the daemon runs. A day is longer than any command or pass, and what a pass sees
    at its begin is dated at its end.
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
    """See that a mirror has all that was billed, and remembers it."""
    lacking = [tip for tip in (tips.cursor, *sorted(tips.kept)) if not mirror.has_commit(tip)]
    if lacking:
        raise MirrorError(
            f"the mirror {mirror.path} lacks {', '.join(lacking)}, which was billed",
            hint="restore it from a backup, or let a pull fetch it again",
        )
    mirror.advance_applied(tips.cursor)
    for tip in tips.kept - mirror.kept:
        mirror.keep(tip)
