"""The operator's decisions as rows. Every method works inside the caller's transaction."""

import sqlite3
from collections.abc import Iterable, Mapping

import msgspec

from gitmeter.counting.lines import Claim
from wire_format.instants import to_us
from wire_format.lines import Decision

_DECODER = msgspec.json.Decoder(Decision)


class DecisionRows:
    """The operator's decisions as rows. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def change(
        self,
        node_id: int,
        changes: Iterable[tuple[Claim[Decision], bool]],
    ) -> None:
        """Add decision lines that count from now on (True), and remove those that no longer do."""
        listed = list(changes)
        self._connection.executemany(
            "DELETE FROM decision WHERE node_id = ? AND seq = ? AND ts_us = ? AND line = ?",
            (
                (node_id, entry.record.seq, to_us(entry.record.ts), entry.line)
                for entry, _ in listed
            ),
        )
        self._connection.executemany(
            "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (node_id, entry.record.seq, to_us(entry.record.ts), entry.line, *entry.place)
                for entry, counts in listed
                if counts
            ),
        )

    def all(
        self,
        changes: Mapping[bytes, tuple[Claim[Decision], bool]] | None = None,
    ) -> list[Decision]:
        """All decisions that count, as they would be after these changes, sorted by line."""
        lines = {bytes(row[0]) for row in self._connection.execute("SELECT line FROM decision")}
        for line, (_, counts) in (changes or {}).items():
            (lines.add if counts else lines.discard)(line)
        return [_DECODER.decode(line) for line in sorted(lines)]
