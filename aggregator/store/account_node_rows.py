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

    def note(self, node_id: int, first_commit_s: Mapping[int, int]) -> None:
        """Note that a node wrote usage of accounts.

        Args:
            node_id: the node.
            first_commit_s: by the rows of accounts the time of its earliest commit with a line of
                theirs, of those that are applied now; seconds since 1970.
        """
        self._connection.executemany(
            "INSERT INTO account_node VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE"
            " SET first_commit_s = ?3 WHERE ?3 < first_commit_s",
            ((account_id, node_id, at_s) for account_id, at_s in first_commit_s.items()),
        )

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
