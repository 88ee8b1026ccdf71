"""Opening the ledger: what is on disk may be trusted, or is made again from git first."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple

from aggregator.copies.recovery import recover_all, refuse_to_begin_anew
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State
from aggregator.proof.judged_under import is_judged_alike, note_limits
from aggregator.proof.rebuild import rebuild, swap
from aggregator.store.errors import SchemaVersionError
from aggregator.store.store import LedgerStore, open_for_writing, tips_of
from cursors.tips import Tips
from gitmeter.git_remote.failures import RemoteError
from gitmeter.support.progress import Progress


class Opening(NamedTuple):
    """Opens the ledger of a state directory, whose lock the caller holds.

    Attributes:
        state: the directory.
        clock: the time, in UTC.
        say: takes a sentence for the person who waits.
        progress: shows how far a rebuild is for as long as it is entered.
    """

    state: State
    clock: Callable[[], datetime]
    say: Callable[[str], object]
    progress: Callable[[], AbstractContextManager[Progress]]

    def open_or_rebuild(self) -> LedgerStore:
        """Open the database; where it is lost or of another version, make it again first.

        Raises:
            MirrorError: what was billed cannot all be read any more.
            CopiesKnownError: there is nothing here, and the copy remote knows an earlier ledger.
        """
        path = self.state.config.database_path
        if path.exists():
            try:
                store = open_for_writing(path)
            except SchemaVersionError as error:
                self.say(f"{error}: making it again from git")
            else:
                if not is_judged_alike(store, self.state.config):
                    self.say("limits, nodes or roles changed: judging all records again")
                elif _is_older_copy(store, self.state):
                    self.say("this is an older copy: making the ledger again from git")
                else:
                    return store
                store.close()
        elif self.state.mirrors.accepted_tips():
            self.say("the database is gone: making it again from git")
        else:
            return self._begin()
        self.rebuild_in_place()
        return open_for_writing(path)

    def rebuild_in_place(self) -> None:
        """Make the database again from the accepted tips and put it in place of the old one.

        Raises:
            MirrorError: what was billed cannot all be read any more.
        """
        path = self.state.config.database_path
        new = path.with_name(path.name + ".new")
        recover_all(self.state)
        tips = tips_to_rebuild(self.state)
        with self.progress() as on_progress:
            rebuild(self.state, new, tips, self.clock(), on_progress)
        swap(new, path)

    def _begin(self) -> LedgerStore:
        try:
            refuse_to_begin_anew(self.state)
        except RemoteError as error:  # billing does not wait for the copies
            self.say(f"warning: the copy remote may know an earlier ledger: {error}")
        store = open_for_writing(self.state.config.database_path)
        note_limits(store, self.state.config)
        return store


def tips_to_rebuild(state: State) -> dict[str, Tips]:
    """The accepted tips, when none that the old database knows is lost.

    Raises:
        MirrorError: a repo was billed and its mirror or archive is gone; a ledger made without it
            would lack what its users consumed.
    """
    config, mirrors = state.config, state.mirrors
    billed, kept = tips_of(config.database_path)
    for name in billed:
        if config.mirror_path(name).exists():
            mirror = mirrors.open_named(name)
            mirror.advance_applied(billed[name])
            for tip in kept.get(name, frozenset()):
                if mirror.has_commit(tip):
                    mirror.keep(tip)
    tips = mirrors.accepted_tips()
    lost = {
        name
        for name in billed
        if name not in tips or not _has_all(state, name, billed[name], kept.get(name, ()))
    }
    if lost:
        raise MirrorError(
            f"billed, but no mirror has it any more: {', '.join(sorted(lost))}",
            hint=f"restore it below {config.mirrors_path} from a backup, or let a pull"
            " fetch it again under the limits that the database was made with",
        )
    return tips


def _has_all(state: State, name: str, cursor: str, kept: Iterable[str]) -> bool:
    """Whether what a mirror remembers reaches all that the database knows as billed."""
    if state.mirrors.is_archived(name):
        saved = state.archives.read(name)
        if (saved.cursor, set(saved.kept)) == (cursor, set(kept)):
            return True  # whoever reads the archive checks it
    mirror = state.mirrors.open_named(name)
    own = {mirror.applied, *mirror.kept} - {None}
    return all(
        mirror.has_commit(tip) and any(mirror.builds_on(mine, tip) for mine in own if mine)
        for tip in (cursor, *kept)
    )


def _is_older_copy(store: LedgerStore, state: State) -> bool:
    """Whether the database is from before a rewritten history that was accepted since.

    A tip is kept in the mirror first, so the cursor itself may be among those.
    """
    kept, cursors = store.cursors.kept(), store.cursors.all()
    for repo in state.repos.all():
        applied, tips = state.mirrors.remembered(repo)
        cursor = cursors.get(repo.name, "")
        is_replaced = cursor in tips and applied != cursor
        if is_replaced or not tips <= kept.get(repo.name, frozenset()) | {cursor}:
            return True
    return False
