"""Which nodes wrote usage of which accounts as rows, and since when."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple


class AccountNode(NamedTuple):
    """A node that wrote usage of an account.

    Attributes:
        node_id, node: the node.
        first_commit_s: time of its earliest commit with a line of the account, seconds since 1970.
        newest_commit_s: time of its newest commit that was applied, of whichever accounts.
        is_behind: whether commits of it were fetched and are not applied.
    """

    node_id: int
    node: str
    first_commit_s: int
    newest_commit_s: int
    is_behind: bool


class AccountNodeRows:
    """Nodes of accounts. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def note(
        self, node_id: int, first_commit_s: Mapping[int, int], first_hour: int, now_s: int
    ) -> None:
        """Note that a node wrote usage of accounts.

        Args:
            node_id: the node.
            first_commit_s: by the rows of accounts the time of its earliest commit with a line of
                theirs, of those that are applied now; seconds since 1970.
            first_hour: the first clock hour that these commits have usage of.
            now_s: the time, which no node chooses; seconds since 1970.
        """
        self._connection.executemany(
            "INSERT INTO account_node VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
            " SET first_commit_s = min(?3, first_commit_s), first_hour = min(?4, first_hour)"
            " WHERE ?3 < first_commit_s OR ?4 < first_hour",
            (
                (account_id, node_id, at_s, first_hour, now_s)
                for account_id, at_s in first_commit_s.items()
            ),
        )

    def first_hour_of_new(self, account_id: int, since_s: int) -> int | None:
        """From which clock hour on new nodes wrote usage of an account; None where none is new.

        Args:
            account_id: the account.
            since_s: a node is new if this ledger has it with the account since after then; seconds
                since 1970.
        """
        row = self._connection.execute(
            "SELECT min(first_hour) FROM account_node WHERE account_id = ? AND noted_s > ?",
            (account_id, since_s),
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def of_account(self, account_id: int) -> list[AccountNode]:
        """The nodes that wrote usage of an account, sorted by name."""
        rows = self._connection.execute(
            "SELECT node.id, node.name, first_commit_s, max(committed_at_s), max(behind) > 0"
            " FROM account_node JOIN node ON node.id = account_node.node_id"
            " JOIN repo ON repo.node_id = node.id WHERE account_id = ?"
            " GROUP BY node.id ORDER BY node.name",
            (account_id,),
        )
        return [
            AccountNode(node_id, node, first_s, newest_s, is_behind=bool(is_behind))
            for node_id, node, first_s, newest_s, is_behind in rows
        ]
