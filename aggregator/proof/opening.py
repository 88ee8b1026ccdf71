"""Opening the ledger: rebuild it from git first if the database on disk cannot be trusted."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, NamedTuple

from aggregator.copies.noted import COPIED
from aggregator.copies.recovery import recover_all, refuse_new_ledger
from aggregator.incidents.kinds import SHOWN_BY_RECORDS
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State
from aggregator.proof.judged_under import is_judged_under, note_limits
from aggregator.proof.rebuild import rebuild, swap
from aggregator.store.errors import SchemaVersionError
from aggregator.store.store import PULLED_AT, LedgerStore, open_for_writing, tips_of
from aggregator.store.takeover.carried import carry_over
from cursors.tips import Tips
from gitmeter.git_remote.failures import RemoteError
from gitmeter.support.bulk import Progress

CARRIED: Final = (PULLED_AT, COPIED)
"""The facts that a rebuilt ledger takes over from the one that it replaces."""


class Opening(NamedTuple):
    """Opens the ledger of a state directory; the caller holds the directory's lock.

    Attributes:
        state: the state directory.
        clock: returns the current time, in UTC.
        say: prints a sentence for the person who is waiting.
        progress: returns a context that shows how far a rebuild has got.
    """

    state: State
    clock: Callable[[], datetime]
    say: Callable[[str], object]
    progress: Callable[[], AbstractContextManager[Progress]]

    def open_or_rebuild(self) -> LedgerStore:
        """Open the database, rebuilding it first if it is missing or cannot be used as it is.

        That is so for another schema version, other limits, and a database older than an accepted
        rewrite. Without a database and mirrors, a new ledger is started.

        Raises:
            MirrorError: some of what was billed cannot be read any more.
            CopiesKnownError: there are no database and mirrors, and the copy remote knows an
                earlier ledger.
        """
        path = self.state.config.database_path
        if path.exists():
            try:
                store = open_for_writing(path)
            except SchemaVersionError as error:
                self.say(f"{error}: rebuilding it from git")
            else:
                if not is_judged_under(store, self.state.config):
                    self.say("limits, nodes or roles changed: judging all records again")
                elif _is_older_copy(store, self.state):
                    self.say("this is an older copy: rebuilding the ledger from git")
                else:
                    return store
                store.close()
        elif self.state.mirrors.accepted_tips():
            self.say("the database is gone: rebuilding it from git")
        else:
            return self._start_new()
        self.rebuild_in_place()
        return open_for_writing(path)

    def rebuild_in_place(self) -> None:
        """Rebuild the database from the accepted tips and put it in place of the old one.

        Raises:
            MirrorError: some of what was billed cannot be read any more.
        """
        path = self.state.config.database_path
        new = path.with_name(path.name + ".new")
        recover_all(self.state)
        tips = tips_to_rebuild(self.state)
        with self.progress() as on_progress:
            rebuild(self.state, new, tips, self.clock(), on_progress)
        if not carry_over(path, new, SHOWN_BY_RECORDS, CARRIED):
            self.say(
                "which incidents are open, and when the last pull was, the next pull finds out"
            )
        swap(new, path)

    def _start_new(self) -> LedgerStore:
        try:
            refuse_new_ledger(self.state)
        except RemoteError as error:  # billing never waits for the copy remote
            self.say(f"warning: the copy remote may know an earlier ledger: {error}")
        store = open_for_writing(self.state.config.database_path)
        note_limits(store, self.state.config)
        return store


def tips_to_rebuild(state: State) -> dict[str, Tips]:
    """Return the accepted tips by repo name, after checking that the mirrors lack none.

    Tips that only the old database knows are recorded in the mirrors first.

    Raises:
        MirrorError: a billed repo has lost its mirror or archive, or commits in it; a ledger made
            without them would lack charges.
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
    """Whether the accepted tips of a mirror reach everything that the database has as billed."""
    if state.mirrors.is_archived(name):
        saved = state.archives.read(name)
        if (saved.cursor, set(saved.kept)) == (cursor, set(kept)):
            return True  # its bundle is checked when the rebuild reads it
    mirror = state.mirrors.open_named(name)
    own = {mirror.applied, *mirror.kept} - {None}
    return all(
        mirror.has_commit(tip) and any(mirror.builds_on(mine, tip) for mine in own if mine)
        for tip in (cursor, *kept)
    )


def _is_older_copy(store: LedgerStore, state: State) -> bool:
    """Whether the database is older than a rewrite that was accepted since.

    An accepted rewrite records the replaced tip in the mirror before the ledger's transaction. A
    kept tip that is the cursor itself may therefore be an acceptance that was interrupted; it
    proves an older database only if the mirror's `applied` has moved on.
    """
    kept, cursors = store.cursors.kept(), store.cursors.all()
    for repo in state.repos.all():
        try:
            applied, tips = state.mirrors.remembered(repo)
        except MirrorError:
            continue  # it proves nothing, and its own pull says what is wrong with it
        cursor = cursors.get(repo.name, "")
        is_replaced = cursor in tips and applied != cursor
        if is_replaced or not tips <= kept.get(repo.name, frozenset()) | {cursor}:
            return True
    return False
