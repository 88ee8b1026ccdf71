"""An open desk: its spool, and what it wrote that no ledger has read."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from front.memory_file import MemoryFile, MemoryForm
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import Home
from node_pusher.home.settings_file import reread
from node_pusher.sending.earlier_lines import bring_here
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from node_pusher.spool.outcomes import Refusal
from portal import records
from portal.records.identities import IDENTITIES, Identities
from portal.records.seal import seal_of
from portal.records.sessions import SignedInRows
from portal.records.sign_ups import SignUps
from portal.records.unbilled import FOLDERS, Unbilled
from wire_format.fields import VERSION_2
from wire_format.lines import Account, Folder, Money
from wire_format.versions.field_types import AccountKind

Clock = Callable[[], datetime]
T = TypeVar("T", Account, Money)

MEMORY: Final = MemoryForm(
    "portal.db",
    version=2,
    schema=Path(records.__file__).with_name("schema.sql"),
    if_damaged="stop the portal, keep a copy of portal.db, take it away with its -wal and -shm, and"
    " start the portal, which makes it again",
    grown_from=1,
)
"""What a portal remembers."""


class DeskLineError(GitmeterError):
    """What was asked for makes no valid line."""


class Desk(NamedTuple):
    """An open desk; every part of it is safe with several threads.

    Attributes:
        spool: where lines are written.
        unbilled: the lines that no ledger has read.
        identities: the people whom issuers vouch for.
        seal: the key of what this portal seals.
        sessions: who is signed in.
        sign_ups: accounts that people opened for themselves.
        clock: the time in UTC.
    """

    spool: Spool
    unbilled: Unbilled
    identities: Identities
    seal: bytes
    sessions: SignedInRows
    sign_ups: SignUps
    clock: Clock

    @property
    def home(self) -> Home:
        """Its home."""
        return self.spool.home

    def new_line(self, kind: AccountKind, user: str, by: str, **stated: Any) -> Account:  # noqa: ANN401 - fields of the line
        """A line about an account that is not recorded yet, of this moment.

        Raises:
            ClockError: this machine's clock is certainly wrong.
        """
        now, node = self.spool.now(), self.spool.node
        return Account(
            v=VERSION_2, node=node, seq=UNNUMBERED, ts=now, kind=kind, user=user, by=by, **stated
        )

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let nobody else write while what is there is looked at, and lines are added.

        Raises:
            SpoolError, MemoryFileError, HomeError, RemoteError: it cannot be written now.
        """
        with self.spool.store.exclusive():
            self.unbilled.follow(self.spool)
            yield
        self.follow()

    def follow(self) -> None:
        """Take note of lines that were written, here or by another process.

        Never in the transaction that writes them: lines of one that does not end are no lines.

        Raises:
            SpoolError, MemoryFileError, HomeError, RemoteError: it cannot be done now.
        """
        with self.spool.store.exclusive():
            self.unbilled.follow(self.spool)

    def record(self, lines: Sequence[Account]) -> list[Account]:
        """Record lines about accounts, all or none, inside `exclusive`; returns them numbered.

        Raises:
            DeskLineError: one of them is not valid.
            SpoolError, MemoryFileError: they cannot be written.
        """
        return self._recorded(Folder.ACCOUNTS, lines)

    def record_money(self, lines: Sequence[Money]) -> list[Money]:
        """The same for lines about money."""
        return self._recorded(Folder.PAYMENTS, lines)

    def _recorded(self, folder: Folder, lines: Sequence[T]) -> list[T]:
        recorded = []
        for line, outcome in zip(lines, self.spool.append(folder, lines), strict=True):
            if isinstance(outcome, Refusal):  # what `exclusive` has begun ends without any of them
                raise DeskLineError(outcome.reason)
            recorded.append(msgspec.structs.replace(line, seq=outcome.seq))
        return recorded


@contextmanager
def open_desk(home: Path, clock: Clock) -> Iterator[Desk]:
    """Open a desk until the block ends.

    Args:
        home: its folder.
        clock: the time in UTC.

    Raises:
        NotInitialisedError, HomeError, SpoolError: the home cannot be used.
        MemoryFileError: `portal.db` cannot be used.
        RemoteError: lines are not on this machine, and the remote does not provide them.
    """
    with (
        Spool.open(home, role="desk", clock=clock) as spool,
        MemoryFile.open(home, MEMORY) as file,
        MemoryFile.open(home, IDENTITIES) as people,
    ):
        bring_here(reread(spool.home), *FOLDERS)
        sign_ups, sessions = SignUps(file), SignedInRows(file)
        unbilled, identities = Unbilled(file, sign_ups), Identities(people)
        desk = Desk(spool, unbilled, identities, seal_of(file), sessions, sign_ups, clock)
        desk.follow()
        yield desk
