"""The interface to the ledger's database: one object, with a group of methods for each subject.

Nothing outside this folder and `cursors.rows` knows that the database is SQLite. Support for
another database is another class with these attributes and methods.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from aggregator.store.account_node_rows import AccountNodeRows
from aggregator.store.account_rows import AccountRows
from aggregator.store.charges.active_periods import ActivePeriods
from aggregator.store.charges.charge_rows import ChargeRows
from aggregator.store.charges.drawn_rows import DrawnRows
from aggregator.store.charges.series_rows import SeriesRows
from aggregator.store.connection import (
    connect,
    connect_for_reading,
    connect_for_writing,
    leave_readable,
    may_write,
    read_meta,
    read_transaction,
    upsert_meta,
    write_transaction,
)
from aggregator.store.decision_rows import DecisionRows
from aggregator.store.errors import DISK, error_code
from aggregator.store.incident_rows import IncidentRows
from aggregator.store.line_rows import LineRows
from aggregator.store.money.account_line_rows import AccountLineRows
from aggregator.store.money.desk_rows import DeskRows
from aggregator.store.money.money_rows import MoneyRows
from aggregator.store.money.writer_rows import WriterRows
from aggregator.store.questions.charged import ChargedRows
from aggregator.store.questions.digest import DigestRows
from aggregator.store.questions.exports import ExportRows
from aggregator.store.questions.journal import JournalRows
from aggregator.store.questions.metrics import MetricRows
from aggregator.store.questions.notices import NoticeRows
from aggregator.store.questions.payments import PaymentRows
from aggregator.store.questions.reports import ReportRows
from aggregator.store.questions.sums import SumRows
from aggregator.store.questions.topups import TopupRows
from aggregator.store.questions.unrated import UnratedRows
from aggregator.store.repo_rows import RepoRows
from aggregator.store.segment_rows import SegmentRows
from cursors.rows import CursorRows
from gitmeter.support.errors import GitmeterError

PULLED_AT = "pulled_at"
"""Key of the fact that says when the last pull ended, as text in UTC."""

TESTS_COUNT = "tests_count"
"""Key of the fact that movements of providers' test accounts count in this ledger."""

_STEP: Final = 100_000
"""Steps of SQLite's virtual machine between two signs of life: some milliseconds."""


class CopyNotWrittenError(GitmeterError):
    """A copy of the database cannot be written, because the disk is full or fails."""


class LedgerStore:
    """An open ledger, for one thread at a time; every write is inside `transaction`.

    Args:
        connection: an open connection that nothing else uses; `close` closes it.
        path: the file, where somebody asks whether it is still in its place.

    Attributes:
        repos: the repos with their nodes, and the rule book in force.
        lines: seqs seen, lines held and rejected, counts.
        segments: where lines are in git, and which lines correct others.
        accounts: credit, cost and tier of every user.
        account_nodes: which nodes wrote usage of accounts, and since when.
        active: in which hours accounts have charges.
        charges: quantity and cost by hour, user, resource and category.
        series: charges of which units are counted on beyond their hour.
        drawn: what grants with terms paid of charges.
        money: money lines, and which of them count.
        account_lines: lines about accounts that may count.
        writers: commits of tills and desks, and which of their lines stand.
        desks: what desks gave by templates, and which of their grants ask what was paid.
        decisions: the operator's decisions.
        incidents: incidents, open and closed.
        cursors: how far each repo was read, and kept tips.
        reports: read-only: the rows behind answers for people.
        payments: read-only: lines about money with their writers, commits and states.
        charged: read-only: what automatic payments need to be looked at again.
        digests: read-only: the rows that the digest is computed from.
        notices: read-only: what causes a notice (incidents, low balances, silent repos).
        exports: read-only: charges one by one, with all that is kept about them.
        metrics: read-only: the figures for monitoring.
        sums: read-only: charges, and what grants paid of them, added up.
        journal: read-only: what a journal of double entries needs besides.
        topups: read-only: who may be due for an automatic payment, and the lines that say so.
        unrated: read-only: charges that are not rated in full, added up.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None = None) -> None:
        self._connection = connection
        self._path = path
        self._file = _identity(path)
        self.repos = RepoRows(connection)
        self.lines = LineRows(connection)
        self.segments = SegmentRows(connection)
        self.accounts = AccountRows(connection)
        self.account_nodes = AccountNodeRows(connection)
        self.active = ActivePeriods(connection)
        self.charges = ChargeRows(connection)
        self.series = SeriesRows(connection)
        self.drawn = DrawnRows(connection)
        self.money = MoneyRows(connection)
        self.account_lines = AccountLineRows(connection)
        self.writers = WriterRows(connection)
        self.desks = DeskRows(connection)
        self.decisions = DecisionRows(connection)
        self.incidents = IncidentRows(connection)
        self.cursors = CursorRows(connection)
        self.reports = ReportRows(connection)
        self.payments = PaymentRows(connection)
        self.charged = ChargedRows(connection)
        self.digests = DigestRows(connection)
        self.notices = NoticeRows(connection)
        self.exports = ExportRows(connection)
        self.metrics = MetricRows(connection)
        self.sums = SumRows(connection)
        self.journal = JournalRows(connection)
        self.topups = TopupRows(connection)
        self.unrated = UnratedRows(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database, and leave it so that it can be read without the right to write."""
        if self._path is not None and may_write(self._path) and self.is_in_place():
            leave_readable(self._connection)
        self._connection.close()

    def is_in_place(self) -> bool:
        """Whether the open file is still the one at its path: neither deleted nor replaced."""
        return _identity(self._path) == self._file

    def on_step(self, call: Callable[[], object]) -> None:
        """Call something every few milliseconds of work in the database; it must not raise."""

        def step() -> int:
            call()
            return 0  # any other number would end the statement

        self._connection.set_progress_handler(step, _STEP)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything in the block, or nothing where it raises; one writer at a time."""
        with write_transaction(self._connection):
            yield

    @contextmanager
    def view(self) -> Iterator[None]:
        """Let all queries of the block see one state of the ledger."""
        with read_transaction(self._connection):
            yield

    def fact(self, key: str) -> str | None:
        """The fact about the ledger as a whole under a key, or None."""
        return read_meta(self._connection, key)

    def set_fact(self, key: str, value: str) -> None:
        """Set a fact about the ledger as a whole, inside the caller's transaction."""
        upsert_meta(self._connection, key, value)

    def copy_to(self, path: Path) -> None:
        """Write one consistent state of the ledger into a file of its own, replacing one at `path`.

        SQLite's backup runs in one step, so that a writer can neither spoil it nor make it start
        again; in WAL mode no writer waits for it.

        Raises:
            CopyNotWrittenError: the disk is full or fails.
        """
        path.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as copy:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            if error_code(error) in DISK:
                raise CopyNotWrittenError(f"{path} cannot be written: {error}") from error
            raise

    def merge_log(self) -> None:
        """Write the log into the database file, so that the file can be moved by itself."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def open_for_writing(path: Path) -> LedgerStore:
    """Open the ledger for writing, and create it where it does not exist.

    Raises:
        SchemaVersionError: it has another schema version.
    """
    return LedgerStore(connect_for_writing(path), path)


def open_for_reading(path: Path) -> LedgerStore:
    """Open the ledger for reading only.

    Raises:
        NoDatabaseError: it does not exist yet, or is being created.
        SchemaVersionError: it has another schema version.
    """
    return LedgerStore(connect_for_reading(path), path)


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Device and inode of a file; None where there is none."""
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def tips_of(path: Path) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    """Cursors and kept tips of a database; none where it is missing or cannot be read.

    The schema version is not checked: these tables are read from a database of any version.
    """
    cursors: dict[str, str] = {}
    kept: dict[str, frozenset[str]] = {}
    if path.exists():
        with suppress(sqlite3.Error), closing(connect(path, "ro")) as connection:
            rows = CursorRows(connection)
            cursors = rows.all()
            kept = rows.kept()
    return cursors, kept
