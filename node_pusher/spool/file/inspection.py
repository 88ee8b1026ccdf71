"""What `doctor` needs to know about the spool's file; writes no record."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from node_pusher.spool.file.sqlite_errors import spool_errors

_BUSY_TIMEOUT_S: Final = 5
_STEPS_BETWEEN_CHECKS: Final = 100_000


class SpoolFacts(NamedTuple):
    """The content and condition of a spool.

    Attributes:
        records: how many are not known to be on the remote.
        first_ts_us: the earliest instant among them, microseconds since 1970; None without any.
        next_seq: the number of the next record.
        last_push_us: when the remote was last seen to hold all that was committed.
        damage: what SQLite finds wrong with the file; empty when it is sound, None when there was
            not enough time to check all of it.
    """

    records: int
    first_ts_us: int | None
    next_seq: int
    last_push_us: int | None
    damage: str | None


def inspect_spool(file: Path, check_s: float) -> SpoolFacts:
    """Inspect an existing spool.

    Args:
        file: the spool.
        check_s: how long the check of its file may take.

    Raises:
        SpoolError: it cannot be read, or is too damaged to be inspected.
    """
    with spool_errors(file), closing(_open(file)) as connection:
        damage = _damage(connection, check_s)
        records, first_us = connection.execute(
            "SELECT count(*), min(ts_us) FROM records"
        ).fetchone()
        state = connection.execute("SELECT next_seq, last_push_us FROM state").fetchone()
    return SpoolFacts(records, first_us, state[0], state[1], damage)


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_TIMEOUT_S
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _damage(connection: sqlite3.Connection, check_s: float) -> str | None:
    ends_at_s = time.monotonic() + check_s
    connection.set_progress_handler(
        lambda: int(time.monotonic() > ends_at_s), _STEPS_BETWEEN_CHECKS
    )
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        connection.set_progress_handler(None, 0)
    return "" if found == "ok" else str(found)
