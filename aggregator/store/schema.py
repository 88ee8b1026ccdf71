"""The ledger's schema, and its version."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cursors.rows import SCHEMA as CURSOR_SCHEMA

SCHEMA_VERSION: Final = 11
"""Raised with every change of the schema, of admission or of rating: a database of another version
is rebuilt from git."""


def schema() -> str:
    """The schema of a new database, cursors included."""
    own = Path(__file__).with_name("schema.sql").read_text()
    return (
        f"{own}\n-- Owned by `cursors`; moves in the transaction of its charges.\n{CURSOR_SCHEMA}"
    )


def statements(script: str) -> Iterator[str]:
    """The statements of a script, because `executescript` would end the caller's transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
