"""How old a ledger is, by when its aggregator last read all repos."""

from datetime import datetime

from aggregator.store.store import PULLED_AT, LedgerStore
from wire_format.instants import parse_ts


def pulled_at(store: LedgerStore) -> datetime | None:
    """When the last pull of all repos ended; None if that is not known."""
    at = store.fact(PULLED_AT)
    return None if at is None else parse_ts(at)


def is_older(at: datetime | None, now: datetime, most_s: int) -> bool:
    """Whether a ledger is older than it may be; one of which nothing is known is.

    A clock that was set back makes none older.
    """
    return at is None or (now - at).total_seconds() > most_s
