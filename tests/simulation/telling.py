"""Lines that count, told to the naive reference as a case."""

import json
from collections.abc import Mapping
from datetime import datetime

from tests.simulation.forge import ACCOUNT_KINDS
from tests.support.reference import Row, category_of, instant
from tests.support.strategies import ts_text


class Telling:
    """Lines that count, told as a case: each under a number of its own, in a commit of its own.

    Args:
        committed: when the commits were made by which lines of the books are judged.

    Attributes:
        by_name: the lines of the books by their names in the case.
    """

    def __init__(self, committed: Mapping[bytes, datetime]) -> None:
        self._committed = committed
        self._lines: list[Row] = []
        self._commits: dict[str, Row] = {}
        self.by_name: dict[str, Row] = {}
        self._names: dict[bytes, str] = {}

    def name_of(self, row: Row) -> str:
        """Of a line of the books in the case."""
        return self._names[row["line"]]

    def tell_books(self, rows: list[Row]) -> None:
        """Tell lines of the books, numbered in the order of their times, and told as they are."""
        ordered = sorted(rows, key=lambda row: (instant(row["ts"]), row["node"], row["seq"]))
        numbers = {row["line"]: number for number, row in enumerate(ordered, 1)}
        payments = {
            refund["line"]: numbers[row["line"]]
            for row in rows
            for refund in row.get("refunds", ())
        }
        for row in ordered:
            number, own = numbers[row["line"]], json.loads(row["line"])
            is_account = own["kind"] in ACCOUNT_KINDS
            if not is_account and own["kind"] != "void":
                own.setdefault("external_ref", f"line {number}")
            if row["line"] in payments:
                own["refers_to"] = payments[row["line"]]
            own |= {"seq": number, "type": "account" if is_account else "payment"}
            self._tell(own, "books", ts_text(self._committed[row["line"]]))
            self.by_name[f"{own['node']}:{number}"] = row
            self._names[row["line"]] = f"{own['node']}:{number}"

    def tell_usage(self, rows: list[Row]) -> None:
        """Tell usage; a correction is more or fewer units of what it corrects."""
        for number, row in enumerate(rows, 1):
            own = {name: row[name] for name in ("ts", "user", "resource")}
            own |= {"node": "nodes", "seq": number, "type": "usage", "quantity": row["units"]}
            self._tell({**own, "applies_to": category_of(row)}, "usage", row["ts"])

    def _tell(self, own: Row, role: str, committed: str) -> None:
        commit = f"{own['node']}.{own['seq']}"
        self._commits[commit] = {"ts": committed, "parent": None}
        place = {"repo": own["node"], "role": role, "commit": commit, "commit_ts": committed}
        self._lines.append({**own, **place})

    def case(self, prices: list[Row], plans: list[Row], ask: list[str]) -> Row:
        """The case."""
        writers: Row = {name: [] for name in ("providers", "tills", "desks", "grants", "adjusts")}
        rules = {"writers": writers, "prices": prices, "plans": plans}
        return {"rules": rules, "commits": self._commits, "lines": self._lines, "ask": ask}
