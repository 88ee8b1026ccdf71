"""A till that is open: its home, its accounts, and what it remembers."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from front.memory_file import MemoryFile, MemoryForm
from node_pusher.home.home import Home
from node_pusher.home.settings_file import reread
from node_pusher.sending.earlier_lines import bring_here
from node_pusher.spool.api import Spool
from till import records
from till.config.accounts import Accounts, Opening, open_account
from till.config.tables import TillConfig
from till.records.attempts import ChargeAttempts
from till.records.charging import ChargingState
from till.records.checkouts import Checkouts
from till.records.customers import Customers
from till.records.lines import FOLDERS, LineIndex
from till.records.marks import Marks
from till.records.requests import RefundRequests

Clock = Callable[[], datetime]

MEMORY: Final = MemoryForm(
    "till.db",
    version=2,
    schema=Path(records.__file__).with_name("schema.sql"),
    if_damaged="stop the till, keep a copy of till.db, take it away with its -wal and -shm, and run"
    " `till sweep`, which makes it again",
    grown_from=1,
)
"""What a till remembers."""


class Till(NamedTuple):
    """An open till; every part of it is safe with several threads and processes.

    Attributes:
        config: what the operator says.
        accounts: the accounts, with their keys.
        spool: where lines are written.
        lines: the lines that exist.
        marks: notes about its work.
        checkouts: what customers asked for.
        requests: the refunds that were asked for.
        customers: whom providers keep cards for.
        attempts: attempts to charge saved cards.
        charging: what charging has come to.
        clock: the time in UTC.
    """

    config: TillConfig
    accounts: Accounts
    spool: Spool
    lines: LineIndex
    marks: Marks
    checkouts: Checkouts
    requests: RefundRequests
    customers: Customers
    attempts: ChargeAttempts
    charging: ChargingState
    clock: Clock

    @property
    def home(self) -> Home:
        """Its home."""
        return self.spool.home

    def line_time(self) -> datetime:
        """The time of a line that is written now, in whole seconds, as commits and providers count.

        A line with a part of a second would make its commit a second late, and what a provider says
        of that second would be before it.

        Raises:
            ClockError: this machine's clock is certainly wrong.
        """
        return self.spool.now().replace(microsecond=0)


@contextmanager
def open_till(
    config: TillConfig, home: Path, clock: Clock, opening: Opening = open_account
) -> Iterator[Till]:
    """Open a till until the block ends.

    Args:
        config: what the operator says.
        home: the folder of the till.
        clock: the time in UTC.
        opening: opens the provider of an account.

    Raises:
        NotInitialisedError, HomeError, SpoolError: the home cannot be used.
        MemoryFileError: `till.db` cannot be used.
        RemoteError: lines are not on this machine, and the remote does not provide them.
    """
    accounts = Accounts(config, opening)
    with (
        closing(accounts),
        Spool.open(home, role="till", clock=clock) as spool,
        MemoryFile.open(home, MEMORY) as file,
    ):
        bring_here(reread(spool.home), *FOLDERS)
        yield Till(
            config,
            accounts,
            spool,
            LineIndex(file),
            Marks(file),
            Checkouts(file),
            RefundRequests(file),
            Customers(file),
            ChargeAttempts(file),
            ChargingState(file),
            clock,
        )
