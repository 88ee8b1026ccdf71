"""A node's side of the ledger: a spool on disk, commits of immutable segments, one push an hour.

A service written in Python records with `Spool`, and corrects with `node_pusher.sending.correct`;
everything else uses the program `node-pusher`.

    from node_pusher import Spool

    with Spool.open("/var/lib/node-pusher") as spool:
        spool.record(user="alice", resource="vm/small/seconds", units=3600, applies_to="vm")

Start reading at `node_pusher.sending.push`.
"""

from node_pusher.spool.api import Spool
from node_pusher.spool.outcomes import InvalidRecordError, Recorded, Refusal

__all__ = ["InvalidRecordError", "Recorded", "Refusal", "Spool"]
