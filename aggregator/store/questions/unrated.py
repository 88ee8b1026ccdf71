"""Charges that are not rated in full, added up by state, resource and category. Read-only."""

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from aggregator.rating.rating import STATES, ChargeState
from wire_format.fields import APPLIES_TO, AppliesTo

_GROUPS: Final = """
SELECT state, resource_id, applies_to, charges, users, high, low, huge, since, user, resource.name
FROM (
    SELECT state, resource_id, applies_to, count(*) AS charges,
        count(DISTINCT account_id) AS users,
        sum(iif(typeof(quantity) = 'text', 0, quantity >> 32)) AS high,
        sum(iif(typeof(quantity) = 'text', 0, quantity & 4294967295)) AS low,
        sum(typeof(quantity) = 'text') AS huge, min(hour) AS since, account_id AS first_account
    FROM charge
    WHERE state <> 0 {which}
    GROUP BY state, resource_id, applies_to
)
JOIN resource ON resource.id = resource_id JOIN account ON account.id = first_account
ORDER BY state, resource.name, applies_to
"""
"""Units are added in halves: SQLite refuses a sum beyond 64 bits. A quantity beyond is text."""

_ONE: Final = "AND state = ? AND resource_id = ? AND applies_to = ?"
_HUGE: Final = (
    "SELECT quantity FROM charge WHERE state <> 0 AND typeof(quantity) = 'text'"
    " AND state = ? AND resource_id = ? AND applies_to = ?"
)


CHARGES_BY_STATE: Final = "SELECT state, sum(charges) FROM unrated GROUP BY state"


class UnratedGroup(NamedTuple):
    """The charges of one resource and category that have the same state, other than rated.

    Attributes:
        state, resource, applies_to: what they have in common.
        charges, users, units: how many charges and users they are, and their quantities added up.
        since_hour: the first clock hour that is charged, since 1970.
        first_user: a user charged in that hour.
    """

    state: ChargeState
    resource: str
    applies_to: AppliesTo
    charges: int
    users: int
    units: int
    since_hour: int
    first_user: str


class GroupKey(NamedTuple):
    """What identifies a group, as stored, with the name of its resource."""

    state: int
    resource_id: int
    applies_to: int
    resource: str


class UnratedRows:
    """Charges that are not rated in full, added up by state, resource and category."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def groups(self) -> list[UnratedGroup]:
        """All groups, by state, resource and category; reads every such charge."""
        return list(self._groups())

    def group(self, key: GroupKey) -> UnratedGroup:
        """One group that has charges; reads each of them."""
        return next(self._groups(key.state, key.resource_id, key.applies_to))

    def _groups(self, *key: int) -> Iterator[UnratedGroup]:
        query = _GROUPS.format(which=_ONE if key else "")
        for row in self._connection.execute(query, key):
            state, resource_id, applies_to, charges, users, high, low, huge, since, user, name = row
            units = (high << 32) + low
            if huge:
                rows = self._connection.execute(_HUGE, (state, resource_id, applies_to))
                units += sum(int(quantity) for (quantity,) in rows)
            yield UnratedGroup(
                STATES[state], name, APPLIES_TO[applies_to], charges, users, units, since, user
            )

    def first(self, state: ChargeState, count: int) -> list[GroupKey]:
        """The first groups of a state, by the names of their resources; reads no charge."""
        rows = self._connection.execute(
            "SELECT state, resource_id, applies_to, name FROM unrated"
            " JOIN resource ON resource.id = resource_id WHERE state = ?"
            " ORDER BY name, applies_to LIMIT ?",
            (STATES.index(state), count),
        )
        return [GroupKey(*row) for row in rows]

    def count(self, state: ChargeState) -> int:
        """The number of groups of a state; reads no charge."""
        row = self._connection.execute(
            "SELECT count(*) FROM unrated WHERE state = ?", (STATES.index(state),)
        ).fetchone()
        return int(row[0])

    def charges_by_state(self) -> dict[ChargeState, int]:
        """The number of charges that are not rated in full, by state; reads none of them."""
        rows = self._connection.execute(CHARGES_BY_STATE)
        return {STATES[state]: int(count) for state, count in rows}
