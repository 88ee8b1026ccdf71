"""The index of the lines of a till: which movements and consents have a line already.

Lines are found by what they are about, so that an event costs a look-up, however long the history
is. The index follows the spool by `seq`: before it is asked, it takes over the lines that were
added since, from the spool or, where they were pushed meanwhile, from git.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from front.later_lines import later_lines
from front.memory_file import MemoryFile
from gitmeter.support.bulk import insert_rows
from node_pusher.spool.api import Spool
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.instants import to_us
from wire_format.lines import Account, Folder, Line, Money

FOLDERS: Final = (Folder.PAYMENTS, Folder.ACCOUNTS)
"""What a till writes."""

OF_ATTEMPTS: Final = frozenset({"pending", "ended"})
"""Kinds of lines that state an attempt and no movement."""

_COLUMNS: Final = (
    "provider, kind, ref, seq, ts_us, user, of_ref, attempt, amount, currency, credited_usd, status"
)


class LineKey(NamedTuple):
    """What a line is about; a till writes one line for each.

    Attributes:
        provider: the account.
        kind: of the line.
        ref: the movement; of pending and ended lines the attempt, and of a consent the payment at
            which it was given.
    """

    provider: str
    kind: str
    ref: str


class KnownLine(NamedTuple):
    """A line that exists.

    Attributes:
        key: what it is about.
        seq: its number.
        ts_us: its time, in microseconds since 1970.
        user: the account that it is for; empty where that is undecided.
        of_ref: the payment that it takes from; empty if none.
        attempt: the attempt; empty if it states none.
        amount: in `currency`; of a consent how much one charge may be.
        currency: of `amount`.
        credited_usd: the credit that it states, if any.
        status: of a movement.
    """

    key: LineKey
    seq: int
    ts_us: int
    user: str
    of_ref: str
    attempt: str
    amount: str
    currency: str
    credited_usd: str | None
    status: str | None


class LineIndex:
    """The lines of a till's home.

    Args:
        file: where the index is.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def follow(self, spool: Spool) -> None:
        """Take over the lines that were added since the last time.

        Call it in the spool's own transaction before anything is appended: lines of a transaction
        that does not end are no lines.

        Raises:
            HomeError: the repo is missing or damaged.
            RemoteError: lines are not on this machine, and the remote does not provide them.
        """
        next_seq = spool.store.state().next_seq
        with self._file.writing() as connection:
            (begun,) = connection.execute("SELECT next_seq FROM indexed").fetchone()
            if begun == next_seq:
                return
            if begun > next_seq:  # the spool is an earlier one, from a backup
                connection.execute("DELETE FROM lines")
                begun = 1
            for lines in later_lines(spool, FOLDERS, begun, next_seq):
                rows = [row for row in map(_row_of, lines) if row is not None]
                insert_rows(connection, "INSERT OR IGNORE INTO lines", rows)
            connection.execute("UPDATE indexed SET next_seq = ?", (next_seq,))

    def find(self, keys: Iterable[LineKey]) -> dict[LineKey, KnownLine]:
        """The lines about some movements and attempts, as far as they exist."""
        query = f"SELECT {_COLUMNS} FROM lines WHERE provider = ? AND kind = ? AND ref = ?"  # noqa: S608 - a constant
        with self._file.reading() as connection:
            found = [row for key in keys for row in connection.execute(query, key)]
        return {line.key: line for line in map(_line_of, found)}

    def of_attempt(self, provider: str, attempt: str) -> list[KnownLine]:
        """The payments of an attempt."""
        query = (
            f"SELECT {_COLUMNS} FROM lines"  # noqa: S608 - a constant
            " WHERE provider = ? AND attempt = ? AND kind = 'payment'"
        )
        return self._all(query, provider, attempt)

    def payments_of(self, user: str) -> list[KnownLine]:
        """The payments of a customer that count, the earliest first."""
        query = (
            f"SELECT {_COLUMNS} FROM lines WHERE user = ? AND kind = 'payment'"  # noqa: S608 - a constant
            " AND status = 'succeeded' ORDER BY ts_us"
        )
        return self._all(query, user)

    def consents_of(self, provider: str, user: str) -> list[KnownLine]:
        """The consents of a customer to charges at an account of ours, the latest first."""
        query = (
            f"SELECT {_COLUMNS} FROM lines WHERE provider = ? AND user = ?"  # noqa: S608 - a constant
            " AND kind = 'consent' ORDER BY ts_us DESC, seq DESC"
        )
        return self._all(query, provider, user)

    def waiting_attempts(self, provider: str) -> list[KnownLine]:
        """The pending lines of an account whose attempt has neither ended nor been paid."""
        query = (
            f"SELECT {_COLUMNS} FROM lines AS p WHERE provider = ? AND kind = 'pending'"  # noqa: S608 - a constant
            " AND NOT EXISTS (SELECT 1 FROM lines AS e WHERE e.provider = p.provider"
            " AND e.kind = 'ended' AND e.ref = p.ref)"
            " AND NOT EXISTS (SELECT 1 FROM lines AS m WHERE m.provider = p.provider"
            " AND m.kind = 'payment' AND m.attempt = p.attempt) ORDER BY seq"
        )
        return self._all(query, provider)

    def _all(self, query: str, *values: str) -> list[KnownLine]:
        with self._file.reading() as connection:
            return [_line_of(row) for row in connection.execute(query, values)]


def key_of(line: Money) -> LineKey:
    """What a line is about."""
    ref = line.attempt if line.kind in OF_ATTEMPTS else line.external_ref
    return LineKey(line.provider, line.kind, ref or "")


def _row_of(line: Line) -> tuple[object, ...] | None:
    """What the index keeps of a line; None of one that it has no use for."""
    if isinstance(line, Money):
        return (
            *key_of(line),
            line.seq,
            to_us(line.ts),
            line.user,
            line.of_ref or "",
            line.attempt or "",
            line.amount,
            line.currency,
            line.credited_usd,
            line.status,
        )
    if isinstance(line, Account) and line.kind == "consent":
        key = LineKey(line.of_provider or "", line.kind, line.of_ref or "")
        said = line.amount_usd or "", CURRENCY_DEFAULT, None, None
        return *key, line.seq, to_us(line.ts), line.user, key.ref, "", *said
    return None


def _line_of(row: tuple[object, ...]) -> KnownLine:
    key = LineKey(*map(str, row[:3]))
    return KnownLine(key, *row[3:])  # type: ignore[arg-type] # the columns are those of the tuple
