"""The lines of a desk that no ledger has read yet: what they say holds at this portal already.

A key that was made or revoked here must open or close at once, also while the forge or the
aggregator is down. The index follows the spool by `seq`, as that of a till does, and forgets what
the ledger has read: from then on the ledger says whether the line counts.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from front.later_lines import later_lines
from front.memory_file import MemoryFile
from gitmeter.money.accounts import AccountEntry
from gitmeter.support.bulk import insert_rows
from node_pusher.spool.api import Spool
from portal.records.sign_ups import SignUps
from wire_format.instants import to_us
from wire_format.lines import Account, Folder, Line, Money, encode_decoded

FOLDERS: Final = (Folder.ACCOUNTS, Folder.PAYMENTS)
"""What a desk writes."""

_ACCOUNT: Final = msgspec.json.Decoder(Account)
_MONEY: Final = msgspec.json.Decoder(Money)


class Unbilled:
    """The lines that are not in the ledger.

    Args:
        file: where they are.
        sign_ups: takes note of them as well.
    """

    def __init__(self, file: MemoryFile, sign_ups: SignUps) -> None:
        self._file = file
        self._sign_ups = sign_ups

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
                self.begin_again()
                begun = 1
            for lines in later_lines(spool, FOLDERS, begun, next_seq):
                rows = [_row_of(line) for line in lines]
                insert_rows(connection, "INSERT OR IGNORE INTO unbilled", rows)
                self._sign_ups.note(lines)
            connection.execute("UPDATE indexed SET next_seq = ?", (next_seq,))

    def about(self, user: str) -> list[AccountEntry]:
        """What they say about an account."""
        query = "SELECT line FROM unbilled WHERE user = ? AND folder = ?"
        return self._entries(query, user, Folder.ACCOUNTS)

    def claims(self, sha256: str) -> list[AccountEntry]:
        """Those that claim a key."""
        # the second condition is that of the index, without which all lines would be looked through
        query = "SELECT line FROM unbilled WHERE sha256 = ? AND sha256 <> ''"
        return self._entries(query, sha256)

    def money(self, user: str) -> list[Money]:
        """Those that move money of an account."""
        query = "SELECT line FROM unbilled WHERE user = ? AND folder = ? ORDER BY seq"
        with self._file.reading() as connection:
            rows = connection.execute(query, (user, Folder.PAYMENTS)).fetchall()
        return [_MONEY.decode(line) for (line,) in rows]

    def forget(self, before: datetime, read: Callable[[list[int]], Iterable[int]]) -> int:
        """Forget older lines that the ledger has read; returns how many of them are left.

        Args:
            before: when a line must have been written: a request that is being answered may see the
                ledger as it was some seconds ago.
            read: given numbers, returns those of lines that it has read.
        """
        with self._file.writing() as connection:
            query = "SELECT seq FROM unbilled WHERE ts_us < ?"
            seqs = [seq for (seq,) in connection.execute(query, (to_us(before),))]
            gone = set(read(seqs)) if seqs else set()
            connection.executemany(
                "DELETE FROM unbilled WHERE seq = ?", ((seq,) for seq in sorted(gone))
            )
            latest = max(gone, default=0)
            connection.execute("UPDATE forgotten SET seq = max(seq, ?)", (latest,))
        return len(seqs) - len(gone)

    def forgotten(self) -> int:
        """The latest line that was forgotten since the ledger had read it; 0 for none."""
        with self._file.reading() as connection:
            (seq,) = connection.execute("SELECT seq FROM forgotten").fetchone()
        return int(seq)

    def begin_again(self) -> None:
        """Have all lines taken over again."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM unbilled")
            connection.execute("UPDATE indexed SET next_seq = 1")
            connection.execute("UPDATE forgotten SET seq = 0")

    def _entries(self, query: str, *values: str) -> list[AccountEntry]:
        with self._file.reading() as connection:
            rows = connection.execute(query, values).fetchall()
        return [AccountEntry(_ACCOUNT.decode(line), is_books=False) for (line,) in rows]


def _row_of(line: Line) -> tuple[object, ...]:
    if isinstance(line, Account):
        sha256 = line.sha256 if line.kind == "key" else None
        kept = line.user, sha256 or "", encode_decoded([line])
        return line.seq, to_us(line.ts), Folder.ACCOUNTS, *kept
    if isinstance(line, Money):
        kept = line.user, "", encode_decoded([line])
        return line.seq, to_us(line.ts), Folder.PAYMENTS, *kept
    raise TypeError(f"a desk writes no {type(line).__name__}")
