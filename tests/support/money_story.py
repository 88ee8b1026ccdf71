"""Stories about money: what tills, desks and the books wrote, commit by commit, told as a case.

story = Story(tills={"till-1": {"unconfirmed_max_usd": "15.00"}})
story.pay("till-1", "pi_1", "10.00", day=2)
answer(story.case())["pool"]["alice"]
"""

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wire_format.instants import format_ts

When = float | datetime
"""An instant, or a day of November 2026 with a part of it."""

LIVE = {"name": "stripe", "kind": "stripe", "account": "acct_1", "mode": "live"}
SHILLINGS = {"name": "clickpesa-tz", "kind": "clickpesa", "account": "cp_1", "mode": "live"}
TESTING = {"name": "stripe-test", "kind": "stripe", "account": "acct_2", "mode": "test"}
END = "2026-12-01T00:00:00Z"
_TILL = {
    "from": "2026-01-01T00:00:00Z",
    "providers": ["stripe", "clickpesa-tz", "stripe-test"],
    "payment_max_usd": "100.00",
    "unconfirmed_max_usd": "1000.00",
}


def at(day: When) -> str:
    """An instant; days beyond November are days of December."""
    if isinstance(day, datetime):
        return format_ts(day)
    hours = round((day - int(day)) * 24)
    month, number = (11, int(day)) if day < 31 else (12, int(day) - 30)
    return f"2026-{month}-{number:02d}T{hours:02d}:00:00Z"


class Story:
    """Lines in commits, and the rules that they are judged by.

    Args:
        tills: what `writers.toml` says of each till, besides what is ordinary.
        desks: the names of desks.
        providers: the accounts at providers.
        tests_count: whether test accounts count.

    Attributes:
        writers: the tables of `writers.toml`.
        prices, plans: the tables of their files; none unless a test states them.
        commits, lines: what was told so far.
    """

    def __init__(
        self,
        tills: dict[str, dict[str, Any]] | None = None,
        desks: tuple[str, ...] = (),
        providers: tuple[dict[str, str], ...] = (LIVE, SHILLINGS, TESTING),
        *,
        tests_count: bool = False,
    ) -> None:
        stated = {"till-1": {}, "till-2": {}, "till-3": {}} if tills is None else tills
        self.writers: dict[str, list[dict[str, Any]]] = {
            "providers": list(providers),
            "tills": [{"node": node, **_TILL, **more} for node, more in stated.items()],
            "desks": [{"node": node, "from": _TILL["from"]} for node in desks],
            "grants": [],
            "adjusts": [],
        }
        self.prices: list[Mapping[str, Any]] = []
        self.plans: list[Mapping[str, Any]] = []
        self.tests_count = tests_count
        self.commits: dict[str, dict[str, str | None]] = {}
        self.lines: list[dict[str, Any]] = []
        self._tips: dict[str, str] = {}
        self._seqs: dict[str, int] = {}

    def commit(self, repo: str, day: When) -> str:
        """A commit on the newest one of its repo; returns its name."""
        number = sum(name.rpartition(".")[0] == repo for name in self.commits) + 1
        name = f"{repo}.{number}"
        self.commits[name] = {"ts": at(day), "parent": self._tips.get(repo)}
        self._tips[repo] = name
        return name

    def line(
        self,
        node: str,
        day: When,
        *,
        commit: str | None = None,
        repo: str | None = None,
        seq: int | None = None,
        committed: When | None = None,
        **values: Any,  # noqa: ANN401 - any field of a line
    ) -> int:
        """A line in a commit of its own, or in a given one; returns its number.

        Args:
            node: who wrote it; its first word is its role.
            day: of its `ts`.
            commit: where it is; a new commit when None.
            repo: of the new commit, when it is not the node's first.
            seq: its number, the next one when None.
            committed: the day of the new commit, when it is not that of the line.
            values: its other fields; None leaves one out.
        """
        role = node.partition("-")[0]
        self._seqs[node] = self._seqs.get(node, 0) + 1 if seq is None else seq
        commit = commit or self.commit(repo or node, day if committed is None else committed)
        self.lines.append(
            {
                "repo": commit.rpartition(".")[0],
                "role": role if role in {"till", "desk", "books"} else "usage",
                "node": node,
                "seq": self._seqs[node],
                "ts": at(day),
                "commit": commit,
                "commit_ts": self.commits[commit]["ts"],
                "type": "payment",
                "v": 1 if role == "books" else 2,
                **{name: value for name, value in values.items() if value is not None},
            }
        )
        return self._seqs[node]

    def pay(self, node: str, ref: str, amount: str, day: When, **more: Any) -> int:  # noqa: ANN401
        """A payment of alice by way of Stripe that succeeded."""
        values: dict[str, Any] = {"user": "alice", "kind": "payment", "provider": "stripe"}
        values |= {"amount": amount, "currency": "USD", "status": "succeeded"}
        return self.line(node, day, **(values | {"external_ref": ref} | more))

    def about(
        self,
        kind: str,
        node: str,
        ref: str,
        of: str,
        amount: str,
        day: When,
        **more: Any,  # noqa: ANN401
    ) -> int:
        """A refund, dispute or reversal about a payment."""
        return self.pay(node, ref, amount, day, **({"kind": kind, "of_ref": of} | more))

    def decide(self, kind: str, day: When, **values: Any) -> int:  # noqa: ANN401
        """A decision of the books."""
        more: dict[str, Any] = {"type": "decision", "by": "ada", "reason": "looked at"}
        return self.line("books", day, kind=kind, **more, **values)

    def reconcile(self, node: str, first: int, last: int, day: When, tip: str | None = None) -> int:
        """What a reconciliation of some numbers writes."""
        span = {"from_seq": first, "to_seq": last}
        return self.decide("reconciled", day, of=node, tip=tip or self._tips[node], **span)

    def next_seq(self, node: str) -> int:
        """The number of a node's next line."""
        return self._seqs.get(node, 0) + 1

    def set_next_seq(self, node: str, seq: int) -> None:
        """Go on from a number, after a line under an earlier one."""
        self._seqs[node] = seq - 1

    def tip(self, repo: str) -> str:
        """The newest commit of a repo."""
        return self._tips[repo]

    def case(self, shuffled: random.Random | None = None) -> dict[str, Any]:
        """The story as a case; its lines are a set, so they may be shuffled and repeated."""
        lines = list(self.lines)
        if shuffled is not None:
            lines += shuffled.sample(lines, len(lines) // 2)
            shuffled.shuffle(lines)
        return {
            "rules": {
                "writers": self.writers,
                "prices": self.prices,
                "plans": self.plans,
                "test": self.tests_count,
            },
            "commits": self.commits,
            "lines": lines,
            "ask": [END],
        }
