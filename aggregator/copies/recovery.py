"""Recover from the copy remote commits that a mirror has lost."""

from aggregator.config.known_repo import KnownRepo
from aggregator.copies.remote import COPIED_REFS, CopyRemote
from aggregator.mirrors.mirror import KEPT_REFS, Mirror
from aggregator.mirrors.state import State
from aggregator.store.store import tips_of
from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError


def recover(state: State, repo: KnownRepo, tips: Tips) -> bool:
    """Fetch from the copy remote what a mirror lacks of its accepted tips, and set their refs.

    Without a copy remote nothing is fetched.

    Args:
        state: the state directory, with the mirror.
        repo: the repo of the mirror.
        tips: the accepted tips that the mirror must have.

    Returns:
        Whether the mirror has all of them.

    Raises:
        RemoteError, RemoteConfigError: the copy remote cannot be used.
        MirrorError: the mirror cannot be used.
    """
    mirror = state.mirrors.open(repo)
    has_all = _has_all(mirror, tips)
    if not has_all and state.config.copy_remote is not None:
        state.mirrors.bring_back(repo)
        mirror = state.mirrors.open(repo)
        CopyRemote(state.config).fetch_beside(mirror.path, repo.name)
        mirror = state.mirrors.open(repo)
        has_all = _has_all(mirror, tips)
    if has_all:
        mirror.advance_applied(tips.cursor)
        for tip in tips.kept and tips.kept - mirror.kept:
            mirror.keep(tip)
    _forget_fetched(mirror)
    return has_all


def is_whole(mirror: Mirror, tips: Tips) -> bool:
    """Whether a mirror has its accepted tips with their refs, so that `recover` would do nothing.

    Raises:
        MirrorError: the mirror cannot be used.
    """
    with mirror.reading():
        names = list(mirror.repository.references)
    kept = {name.removeprefix(KEPT_REFS) for name in names if name.startswith(KEPT_REFS)}
    return (
        mirror.applied == tips.cursor
        and tips.kept <= kept
        and _has_all(mirror, tips)
        and not any(name.startswith(COPIED_REFS) for name in names)
    )


def _has_all(mirror: Mirror, tips: Tips) -> bool:
    return all(map(mirror.has_commit, (tips.cursor, *tips.kept)))


class CopiesKnownError(GitmeterError):
    """The state directory is empty, but the copy remote has what an earlier ledger billed."""


def refuse_new_ledger(state: State) -> None:
    """Refuse to start a new ledger if the copy remote knows an earlier one.

    The nodes' remotes may have less today than what was billed: after an accepted rewrite, only
    the copy remote still has the kept tips.

    Raises:
        CopiesKnownError: the copy remote has accepted tips.
        RemoteError: the copy remote cannot be read.
    """
    if state.config.copy_remote is None:
        return
    remote = CopyRemote(state.config)
    if names := sorted(remote.tips()):
        raise CopiesKnownError(
            f"there is no ledger here, but {remote.url} has what was billed of {', '.join(names)}",
            hint="`aggregator restore --from-copy` rebuilds it; to start a new ledger all the same,"
            " remove [copy] from the configuration",
        )


def recover_all(state: State) -> None:
    """Recover every repo that the database has as billed, whatever the database's version.

    Raises:
        RemoteError, RemoteConfigError, MirrorError: as in `recover`.
    """
    if state.config.copy_remote is None:
        return
    cursors, kept = tips_of(state.config.database_path)
    for repo in state.repos.all():
        if repo.name in cursors:
            recover(state, repo, Tips(cursors[repo.name], kept.get(repo.name, frozenset())))


def _forget_fetched(mirror: Mirror) -> None:
    with mirror.reading():
        for ref in [ref for ref in mirror.repository.references if ref.startswith(COPIED_REFS)]:
            mirror.repository.references.delete(ref)
