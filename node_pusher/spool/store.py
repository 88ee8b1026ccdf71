"""The spool on disk: all SQL of a home.

A record is on disk before its transaction returns (`synchronous=FULL`), every write takes the write
lock first (`BEGIN IMMEDIATE`), and a `seq` is assigned inside the transaction: several processes
may append at once, and no number is assigned twice or skipped.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count, repeat
from pathlib import Path
from typing import Self

from gitmeter.support.bulk import insert_rows
from node_pusher.home.errors import HomeError
from node_pusher.home.layout import is_shared
from node_pusher.spool.drafts import Draft, line_head
from node_pusher.spool.file.connection import SCHEMA_VERSION, check, connect
from node_pusher.spool.file.shrinking import make_shrinkable, shrink
from node_pusher.spool.file.sqlite_errors import spool_error, spool_errors
from node_pusher.spool.ids import Ids
from node_pusher.spool.outcomes import Recorded, Refusal, SpoolState
from node_pusher.spool.plan import Ahead, Block, SegmentFile, Span, Unsent, outside
from node_pusher.spool.retiring import retire, retire_all, retire_span
from node_pusher.spool.unsent import ahead, unsent, unsent_blocks
from wire_format.fields import INT_MAX
from wire_format.instants import to_us
from wire_format.lines import Folder


class Store:
    """An open spool; safe with several threads."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._file = file
        self._lock = threading.RLock()

    @classmethod
    def open(cls, file: Path, node: str) -> Self:
        """Open the spool of `node`.

        Raises:
            HomeError: it is missing, belongs to another node, or was written by another version.
            SpoolError: it cannot be opened.
        """
        with spool_errors(file):
            if not file.exists():
                raise HomeError(f"the spool is missing: {file}", hint="run `init` again")
            with ExitStack() as opened:
                connection = opened.enter_context(closing(connect(file)))
                check(connection, file, node)
                opened.pop_all()
        return cls(connection, file)

    @classmethod
    def create(cls, file: Path, node: str, first_seq: int = 1) -> Self:
        """Open the spool of `node`, after making it where there is none.

        Args:
            file: the spool.
            node: the node that it belongs to.
            first_seq: the first number of a new spool; an existing one keeps its own.
        """
        with spool_errors(file), closing(connect(file)) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                make_shrinkable(connection)
                connection.execute("BEGIN IMMEDIATE")
                schema = Path(__file__).with_name("schema.sql").read_text()
                for statement in schema.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.execute(
                    "INSERT INTO state (only, node, next_seq) VALUES (1, ?, ?)", (node, first_seq)
                )
                connection.execute("COMMIT")
                # what SQLite makes beside the file gets the file's own mode
                file.chmod(0o660 if is_shared(file.parent) else 0o600)
        return cls.open(file, node)

    def append(
        self,
        folder: Folder,
        drafts: Sequence[Draft],
        now_us: int,
        *,
        all_or_none: bool = False,
        by: str = "",
    ) -> list[Recorded | Refusal]:
        """Give each draft its `seq` and put it on disk, in one transaction.

        Args:
            folder: the folder of the repo that the lines go to.
            drafts: in the order in which they are numbered.
            now_us: the time, in microseconds since 1970.
            all_or_none: write nothing if any draft is refused.
            by: who entered them, for their commit; empty if nobody did.
        """
        with self._write() as connection:
            node, first_seq = connection.execute("SELECT node, next_seq FROM state").fetchone()
            with_id = [draft for draft in drafts if draft.id is not None]
            ids = Ids(connection, node, now_us, with_id) if with_id else None
            outcomes: list[Recorded | Refusal] = []
            rows: list[tuple[int, str, int, bytes]] = []
            heads = {version: line_head(node, version) for version in {draft.v for draft in drafts}}
            seq = first_seq
            for draft in drafts:
                ts, rest, own_id, _, names_seq, _, version = draft
                outcome: Recorded | Refusal | None = None
                ts_us = to_us(ts)
                if names_seq is not None and names_seq >= seq:
                    outcome = Refusal(f"names seq {names_seq}, which is not an earlier one")
                elif own_id is not None and ids is not None:
                    outcome = ids.outcome(draft, seq, ts_us)
                if outcome is None:
                    outcome = Recorded(node, seq, ts, False)  # noqa: FBT003 - a keyword costs
                    rows.append((seq, folder, ts_us, b"%b%d%b" % (heads[version], seq, rest)))
                    seq += 1
                outcomes.append(outcome)
            if all_or_none and any(isinstance(outcome, Refusal) for outcome in outcomes):
                connection.rollback()
                return outcomes
            insert_rows(connection, "INSERT INTO records", rows)
            if ids is not None:
                ids.write()
            if by:
                entered = ((row[0], by) for row in rows)
                connection.executemany("INSERT INTO entered_by VALUES (?, ?)", entered)
            connection.execute("UPDATE state SET next_seq = ?", (seq,))
        return outcomes

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let no other process write until the block ends, which is then one transaction.

        What is read in the block is still so when the block writes.
        """
        with self._write():
            yield

    def state(self) -> SpoolState:
        """Its state, beside the records."""
        with self._reading() as connection:
            row = connection.execute("SELECT node, next_seq, last_push_us FROM state").fetchone()
        return SpoolState(*row)

    def count(self, committed: Iterable[Span] = ()) -> int:
        """How many records are in the spool, without those of spans that are committed already."""
        query = "SELECT count(*) FROM records WHERE seq BETWEEN ? AND ?"
        with self._reading() as connection:
            return sum(connection.execute(query, span).fetchone()[0] for span in outside(committed))

    def unsent(self, committed: Iterable[Span], until_us: int = INT_MAX) -> Iterator[Unsent]:
        """The records outside the spans that are committed already, by `seq`.

        Args:
            committed: the spans.
            until_us: the latest instant of a record, in microseconds since 1970.
        """
        with self._reading() as connection:
            yield from unsent(connection, outside(committed), until_us)

    def unsent_blocks(
        self, committed: Iterable[Span], until_us: int = INT_MAX
    ) -> Iterator[Unsent | Block]:
        """As `unsent`, at a sixth of the cost: in blocks, but where these would have gaps."""
        with self._reading() as connection:
            yield from unsent_blocks(connection, outside(committed), until_us)

    def ahead(self, committed: Iterable[Span], now_us: int) -> Ahead:
        """The records after a time, outside the spans that are committed already."""
        with self._reading() as connection:
            return ahead(connection, outside(committed), now_us)

    def entered_by(self) -> dict[int, str]:
        """Who entered the records that somebody did, by `seq`."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT seq, name FROM entered_by"))

    def lines(self, span: Span) -> bytes:
        """The lines of a span, concatenated."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT line FROM records WHERE seq BETWEEN ? AND ? ORDER BY seq", span
            )
            return b"".join([line for (line,) in rows])

    def retire(self, segment: SegmentFile) -> int:
        """Delete the records of a segment that was seen on the remote; returns how many.

        A record with a number of the segment but another line is not the one that was sent, and is
        kept.
        """
        with self._write() as connection:
            return retire(connection, segment)

    def has(self, span: Span, blob: str) -> bool:
        """Whether the records of a span are the lines of a segment, told by the id of its blob."""
        return _blob_id(self.lines(span)) == blob

    def retire_spans(self, spans: Sequence[Span]) -> int:
        """Delete the records of segments that were seen on the remote; returns how many."""
        if not spans:
            return 0
        with self._write() as connection:
            retired = retire_all(connection, spans)
        if retired is not None:
            return retired
        retired = 0
        for span in spans:  # a short transaction for each: others record meanwhile
            with self._write() as connection:
                retired += retire_span(connection, span)
        return retired

    def put_back(self, segment: SegmentFile, ts_us: Sequence[int]) -> bool:
        """Put back the records of a segment that is committed but was not sent.

        Args:
            segment: the lines.
            ts_us: the instant of each line, in microseconds since 1970.

        Returns:
            whether it holds all of them now; False when other records have their numbers.
        """
        lines = segment.data.splitlines(keepends=True)
        rows = zip(count(segment.first_seq), repeat(segment.folder), ts_us, lines, strict=False)
        with self._write() as connection:
            connection.executemany("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?)", rows)
            last_seq = segment.first_seq + len(lines) - 1
            return self.lines(Span(segment.first_seq, last_seq)) == segment.data

    def note_push(self, now_us: int) -> None:
        """Note when the remote was seen to hold all that was committed."""
        with self._write() as connection:
            connection.execute("UPDATE state SET last_push_us = ?", (now_us,))

    def shrink(self) -> None:
        """Give the disk back what retired records took; see `node_pusher.spool.file.shrinking`."""
        with self._reading() as connection:
            shrink(connection)

    def raise_next_seq(self, floor: int) -> int:
        """Make the next number at least `floor`; returns it."""
        with self._write() as connection:
            connection.execute("UPDATE state SET next_seq = max(next_seq, ?)", (floor,))
            return int(connection.execute("SELECT next_seq FROM state").fetchone()[0])

    def close(self) -> None:
        """Close the spool."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock from its start; inside another one, a part."""
        with self._reading() as connection:
            is_part = connection.in_transaction
            if not is_part:
                connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                if not is_part and connection.in_transaction:
                    connection.execute("COMMIT")
            finally:
                if not is_part and connection.in_transaction:
                    connection.rollback()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                yield self._connection
        except sqlite3.DatabaseError as error:
            raise spool_error(error, self._file) from error


def _blob_id(data: bytes) -> str:
    """The id that git gives a file with this content."""
    found = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    found.update(data)
    return found.hexdigest()
