"""The operator's decisions as rows. Every method works inside the caller's transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gitmeter.counting.lines import Claim
from wire_format.instants import to_us
from wire_format.lines import Decision, encode_lines

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

    def let_wait(self, waiting: Mapping[str, Sequence[Decision]]) -> None:
        """Set for which nodes newer decisions wait, by name, with those that are carried out."""
        self._connection.execute("DELETE FROM decision_wait")
        self._connection.executemany(
            "INSERT INTO decision_wait SELECT id, ? FROM node WHERE name = ?",
            ((encode_lines(carried_out), node) for node, carried_out in waiting.items()),
        )

    def waiting(self) -> dict[str, list[Decision]]:
        """For each node for which newer decisions wait: those about it that are carried out."""
        rows = self._connection.execute(
            "SELECT name, carried_out FROM decision_wait JOIN node ON node.id = node_id"
        )
        return {name: [_DECODER.decode(line) for line in text.splitlines()] for name, text in rows}
