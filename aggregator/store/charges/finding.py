"""Charges looked up by their keys, thousands at a time."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

_KEYS_AT_ONCE: Final = 100
_FOUND: Final = """
SELECT place, quantity, records, state, list_cost_nano, billed_cost_nano FROM wanted
CROSS JOIN charge ON charge.hour = wanted.hour AND charge.account_id = wanted.account_id
    AND charge.resource_id = wanted.resource_id AND charge.applies_to = wanted.applies_to
"""
_WANTED: Final = "WITH wanted (hour, account_id, resource_id, applies_to, place)"
_FEW: Final = f"""{_WANTED} AS (
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
) {_FOUND}"""  # noqa: S608 - constants
_MANY: Final = f"""{_WANTED} AS (
    VALUES {", ".join(["(?, ?, ?, ?, ?)"] * _KEYS_AT_ONCE)}
) {_FOUND}"""
"""The same without JSON, whose text SQLite would read again for each number of a key."""


def stored(
    connection: sqlite3.Connection, keys: Iterable[tuple[int, int, int, int, int]]
) -> Iterator[sqlite3.Row]:
    """What the charges with these keys have besides them, of those that exist.

    Args:
        connection: of the ledger.
        keys: hour, account, resource and number of the category of each, and a number to find it
            by, which comes first in its row.
    """
    remaining = iter(keys)
    while some := list(islice(remaining, _KEYS_AT_ONCE)):
        if len(some) == _KEYS_AT_ONCE:
            yield from connection.execute(_MANY, tuple(chain.from_iterable(some)))
        else:
            yield from connection.execute(_FEW, (json.dumps(some),))
