"""Callers' own keys: a record that is repeated with its `id` is recorded once.

The keys are kept by a clock of the spool's own, because a machine's clock may be set by years in
either direction while a service waits for its answer. That clock goes on with the machine's, but
never back, and at most a day from one record with an id to the next: a jump counts as a day. Keys
are kept more than twice as long as promised, so that a jump a day shortens the promise by nothing;
where records with ids come more rarely than once a day, they are kept for longer.
"""

import json
import os
import sqlite3
from collections.abc import Iterable
from typing import Final

from gitmeter.support.bulk import insert_rows
from node_pusher.spool.drafts import Draft
from node_pusher.spool.outcomes import Recorded, Refusal
from wire_format.instants import DAY_US, from_us

ID_KEPT_DAYS: Final = 7
"""How long a caller may repeat a record with the same `id`, at least."""

_KEPT_US: Final = (2 * ID_KEPT_DAYS + 1) * DAY_US

_Key = tuple[int, int, bytes]
"""What a key is kept with: the seq, the instant in microseconds since 1970, the fingerprint."""


class Ids:
    """The keys of a spool, within one transaction.

    All keys of the transaction are looked up at once and written at once: a statement for each
    would take twice as long as all the rest of recording.

    Args:
        connection: the spool's, in a transaction that may write.
        node: the node that the spool belongs to.
        now_us: the time by the machine's clock, in microseconds since 1970.
        drafts: those whose outcomes will be asked for; each has an id.
    """

    def __init__(
        self, connection: sqlite3.Connection, node: str, now_us: int, drafts: Iterable[Draft]
    ) -> None:
        self._connection = connection
        self._node = node
        self._user = os.geteuid()
        self._spool_us = self._go_on(now_us)
        self._kept = self._look_up(drafts)
        self._new: dict[str, _Key] = {}

    def _go_on(self, now_us: int) -> int:
        """Move the spool's own clock, and forget the keys whose time is over; returns its time."""
        seen_us, spool_us = self._connection.execute(
            "SELECT id_seen_us, id_clock_us FROM state"
        ).fetchone()
        if spool_us is None:
            spool_us = now_us
        elif seen_us is not None:
            spool_us += min(max(now_us - seen_us, 0), DAY_US)
        self._connection.execute(
            "UPDATE state SET id_seen_us = ?, id_clock_us = ?", (now_us, spool_us)
        )
        self._connection.execute("DELETE FROM ids WHERE expires_us <= ?", (spool_us,))
        return int(spool_us)

    def _look_up(self, drafts: Iterable[Draft]) -> dict[str, _Key]:
        """The keys of these drafts that are kept.

        Spools of earlier versions hold ids alone, which are anybody's for as long as they are kept.
        """
        names = [name for draft in drafts for name in (self._own(draft), draft.id)]
        rows = self._connection.execute(
            # IN would sort them first, which takes six times as long
            "SELECT ids.id, seq, ts_us, fingerprint FROM json_each(?)"
            " CROSS JOIN ids ON ids.id = json_each.value",
            (json.dumps(names),),
        )
        return {row[0]: row[1:] for row in rows}

    def outcome(self, draft: Draft, seq: int, ts_us: int) -> Recorded | Refusal | None:
        """The outcome of a repeated draft; None for a new one, whose key is kept with its `seq`."""
        own = self._own(draft)
        key = self._kept.get(own) or self._new.get(own)
        if key is None and (key := self._kept.get(draft.id or "")) is None:
            self._new[own] = (seq, ts_us, draft.fingerprint)
            return None
        if key[2] != draft.fingerprint:
            return Refusal(f"id: {draft.id} was recorded as seq {key[0]} with other content")
        return Recorded(self._node, key[0], from_us(key[1]), repeated=True)

    def write(self) -> None:
        """Write the new keys."""
        expires_us = self._spool_us + _KEPT_US
        rows = [(own, *key, expires_us) for own, key in sorted(self._new.items())]
        insert_rows(self._connection, "INSERT INTO ids", rows)

    def _own(self, draft: Draft) -> str:
        """The key of a draft's id, which has no slash: one user's answers no other's record."""
        return f"{self._user if draft.owner is None else draft.owner}/{draft.id}"
