"""Callers' own keys: a record that is repeated with its `id` is recorded once.

The keys are kept by a clock of the spool's own, because a machine's clock may be set by years in
either direction while a service waits for its answer. That clock goes on with the machine's, but
never back, and at most a day from one record with an id to the next: a jump counts as a day. Keys
are kept more than twice as long as promised, so that a jump a day shortens the promise by nothing;
where records with ids come more rarely than once a day, they are kept for longer.
"""

import os
import sqlite3
from typing import Final

from node_pusher.spool.drafts import Draft
from node_pusher.spool.outcomes import Recorded, Refusal
from node_pusher.spool.plan import US_PER_S
from wire_format.instants import HOUR_S, from_us, to_us

ID_KEPT_DAYS: Final = 7
"""How long a caller may repeat a record with the same `id`, at least."""

_DAY_US: Final = 24 * HOUR_S * US_PER_S
_KEPT_US: Final = (2 * ID_KEPT_DAYS + 1) * _DAY_US


class Ids:
    """The keys of a spool, within one transaction.

    Args:
        connection: the spool's, in a transaction that may write.
        node: the node that the spool belongs to.
        now_us: the time by the machine's clock, in microseconds since 1970.
    """

    def __init__(self, connection: sqlite3.Connection, node: str, now_us: int) -> None:
        self._connection = connection
        self._node = node
        self._spool_us = self._go_on(now_us)

    def _go_on(self, now_us: int) -> int:
        """Move the spool's own clock, and forget the keys whose time is over; returns its time."""
        seen_us, spool_us = self._connection.execute(
            "SELECT id_seen_us, id_clock_us FROM state"
        ).fetchone()
        if spool_us is None:
            spool_us = now_us
        elif seen_us is not None:
            spool_us += min(max(now_us - seen_us, 0), _DAY_US)
        self._connection.execute(
            "UPDATE state SET id_seen_us = ?, id_clock_us = ?", (now_us, spool_us)
        )
        self._connection.execute("DELETE FROM ids WHERE expires_us <= ?", (spool_us,))
        return int(spool_us)

    def outcome(self, draft: Draft, seq: int) -> Recorded | Refusal | None:
        """The outcome of a repeated draft; None for a new one, whose key is kept with its `seq`."""
        own = _own_id(draft.id or "", draft.owner)
        row = self._connection.execute(
            "SELECT seq, ts_us, fingerprint FROM ids WHERE id IN (?, ?)", (own, draft.id)
        ).fetchone()
        if row is None:
            self._connection.execute(
                "INSERT INTO ids VALUES (?, ?, ?, ?, ?)",
                (own, seq, to_us(draft.ts), draft.fingerprint, self._spool_us + _KEPT_US),
            )
            return None
        if row[2] != draft.fingerprint:
            return Refusal(f"id: {draft.id} was recorded as seq {row[0]} with other content")
        return Recorded(self._node, row[0], from_us(row[1]), repeated=True)


def _own_id(caller_id: str, owner: int | None) -> str:
    """The key of an id: that of one user answers no other's record as repeated.

    No id has a slash. Spools of earlier versions hold ids alone, which are anybody's for as long as
    they are kept.
    """
    return f"{os.geteuid() if owner is None else owner}/{caller_id}"
