"""The ledger as canonical rows, sorted and with names for ids, for computing the digest."""

import sqlite3
from collections.abc import Iterator


class DigestRows:
    """The ledger as canonical rows, sorted and with names for ids."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _rows(self, query: str) -> Iterator[list[object]]:
        return (list(row) for row in self._connection.execute(query))

    def charges(self) -> Iterator[list[object]]:
        """Hour, user, resource, category, quantity (text), records, state, list and billed cost."""
        return self._rows(
            "SELECT hour, user, name, applies_to, CAST(quantity AS TEXT), charge.records, state,"
            " charge.list_cost_nano, charge.billed_cost_nano FROM charge"
            " JOIN account ON account.id = account_id JOIN resource ON resource.id = resource_id"
            " ORDER BY hour, user, name, applies_to",
        )

    def counted(self) -> Iterator[list[object]]:
        """User, resource, category, hour, included units and units counted before (both as text).

        Of charges of which units are counted on beyond their hour.
        """
        return self._rows(
            "SELECT user, name, applies_to, hour, CAST(included AS TEXT), CAST(before AS TEXT)"
            " FROM counted JOIN account ON account.id = account_id"
            " JOIN resource ON resource.id = resource_id ORDER BY user, name, applies_to, hour",
        )

    def drawn(self) -> Iterator[list[object]]:
        """User, hour, resource, category, grant, and nano-dollars that it paid."""
        return self._rows(
            "SELECT user, hour, name, applies_to, granted, nano FROM drawn"
            " JOIN account ON account.id = account_id JOIN resource ON resource.id = resource_id"
            " ORDER BY user, hour, name, applies_to, granted",
        )

    def money(self) -> Iterator[list[object]]:
        """Node, seq, time, user, state and the line itself."""
        return self._rows(
            "SELECT node.name, seq, ts_us, user, state, CAST(line AS TEXT) FROM money"
            " JOIN node ON node.id = node_id LEFT JOIN account ON account.id = account_id"
            " ORDER BY node.name, seq, ts_us, line",
        )

    def balances(self) -> Iterator[list[object]]:
        """User, credit, lifetime paid, list and billed cost (all as text), first payment.

        An account that has neither a charge nor a money line has no row here: whether one was
        opened, for a line that no longer counts, depends on the order of arrival.
        """
        return self._rows(
            "SELECT user, CAST(credit_nano AS TEXT), CAST(lifetime_paid_nano AS TEXT),"
            " CAST(list_cost_nano AS TEXT), CAST(billed_cost_nano AS TEXT), first_paid_us"
            " FROM account WHERE first_active_hour IS NOT NULL"
            " OR EXISTS (SELECT 1 FROM money WHERE account_id = account.id) ORDER BY user",
        )

    def account_nodes(self) -> Iterator[list[object]]:
        """User, node, and time of its earliest commit with usage of the user."""
        return self._rows(
            "SELECT user, node.name, first_commit_s FROM account_node"
            " JOIN account ON account.id = account_id JOIN node ON node.id = node_id"
            " ORDER BY user, node.name",
        )

    def seen(self) -> Iterator[list[object]]:
        """Node and range of seqs that were read."""
        return self._rows(
            "SELECT node.name, first_seq, last_seq FROM seen_range JOIN node ON node.id = node_id"
            " ORDER BY node.name, first_seq",
        )

    def decisions(self) -> Iterator[list[object]]:
        """Node, seq, time and the line itself."""
        return self._rows(
            "SELECT node.name, seq, ts_us, CAST(line AS TEXT) FROM decision"
            " JOIN node ON node.id = node_id ORDER BY node.name, seq, ts_us",
        )

    def held(self) -> Iterator[list[object]]:
        """Node, hash of the line, reason."""
        return self._rows(
            "SELECT node.name, line_sha256, reason FROM held JOIN node ON node.id = node_id"
            " ORDER BY node.name, line_sha256, reason",
        )

    def rejected(self) -> Iterator[list[object]]:
        """Node and hash of each distinct line."""
        return self._rows(
            "SELECT DISTINCT node.name, line_sha256 FROM reject JOIN node ON node.id = node_id"
            " ORDER BY node.name, line_sha256",
        )
