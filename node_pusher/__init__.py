"""A node's side of the ledger: a spool on disk, commits of immutable segments, one push an hour.

A service written in Python records with `Spool`, and corrects with `node_pusher.sending.correct`;
everything else uses the program `node-pusher`.

    from node_pusher import Spool

    with Spool.open("/var/lib/node-pusher") as spool:
        spool.record(user="alice", resource="vm/small/seconds", units=3600, applies_to="vm")

Start reading at `node_pusher.sending.push`.
"""

TYPE_CHECKING = False  # as that of `typing`, which takes long to import

__all__ = ["InvalidRecordError", "Recorded", "Refusal", "Spool"]

if TYPE_CHECKING:
    from node_pusher.spool.api import Spool
    from node_pusher.spool.outcomes import InvalidRecordError, Recorded, Refusal
else:

    def __getattr__(name: str) -> object:
        """Import the library when it is used; the program imports this package to say `--help`."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from node_pusher.spool import api, outcomes

        return getattr(api if name == "Spool" else outcomes, name)
