"""Get back from the copy remote what a mirror has lost."""

from aggregator.config.repos import KnownRepo
from aggregator.copies.remote import COPIED_REFS, CopyRemote
from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.state import State
from aggregator.store.store import tips_of
from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError


def recover(state: State, repo: KnownRepo, tips: Tips) -> bool:
    """See that a mirror has what was billed and keeps it; the copy remote has what it lost.

    Args:
        state: has the mirror.
        repo: whose mirror.
        tips: what was billed of it.

    Returns:
        Whether the mirror has all of it; without a copy remote nothing is fetched.

    Raises:
        RemoteError, RemoteConfigError: the copy remote cannot be used.
        MirrorError: the mirror cannot be used.
    """
    mirror = state.mirrors.open(repo)
    is_whole = _has_all(mirror, tips)
    if not is_whole and state.config.copy_remote is not None:
        state.mirrors.bring_back(repo)
        mirror = state.mirrors.open(repo)
        CopyRemote(state.config).fetch_beside(mirror.path, repo.name)
        mirror = state.mirrors.open(repo)
        is_whole = _has_all(mirror, tips)
    if is_whole:
        mirror.advance_applied(tips.cursor)
        for tip in tips.kept and tips.kept - mirror.kept:
            mirror.keep(tip)
    _forget_fetched(mirror)
    return is_whole


def _has_all(mirror: Mirror, tips: Tips) -> bool:
    return all(map(mirror.has_commit, (tips.cursor, *tips.kept)))


class CopiesKnownError(GitmeterError):
    """The state is empty, but the copy remote has what was billed before it was lost."""


def refuse_to_begin_anew(state: State) -> None:
    """Refuse to make a first ledger where the copy remote knows an earlier one.

    What the nodes' remotes hold today may be less than what was billed: an accepted rewrite leaves
    tips behind that only the copy remote still has.

    Raises:
        CopiesKnownError: it knows one.
        RemoteError: it cannot be asked.
    """
    if state.config.copy_remote is None:
        return
    remote = CopyRemote(state.config)
    if names := sorted(remote.tips()):
        raise CopiesKnownError(
            f"there is no ledger here, but {remote.url} has what was billed of {', '.join(names)}",
            hint="`aggregator restore --from-copy` makes it again; to begin anew all the same, take"
            " [copy] out of the configuration",
        )


def recover_all(state: State) -> None:
    """Do that for every repo that the database knows as billed, whatever version it has.

    Raises:
        RemoteError, RemoteConfigError, MirrorError: as `recover`.
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
