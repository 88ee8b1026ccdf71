"""The ledger can be opened for writing at any moment, whoever else opens it just then."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from aggregator.store.store import open_for_writing

HELD_S = 0.3


def test_one_waits_for_another_who_is_about_to_change_a_file_without_a_log(tmp_path: Path) -> None:
    """Who closes the file last leaves it so, and who opens it begins the log: perhaps two at once.

    SQLite refuses the second one at once, whatever its timeout.
    """
    path = tmp_path / "ledger.db"
    open_for_writing(path).close()
    with closing(sqlite3.connect(path, check_same_thread=False, isolation_level=None)) as other:
        assert other.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        other.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(HELD_S, other.execute, ["COMMIT"])
        ending.start()
        try:
            open_for_writing(path).close()
        finally:
            ending.join()
