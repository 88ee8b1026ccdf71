"""A stolen key of a desk, through a real ledger: what the thief gets, and the one command."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.support.ledger.told_case import outcome, tell
from tests.support.ledger.world import World
from tests.support.money_cases import answer

USD: Final = 10**9
STOLEN: Final = "desk-1"
LONG_AGO: Final = "2026-01-01T00:00:00Z"
USERS: Final = tuple(f"user-{number:04}" for number in range(12))
"""Accounts that the thief knows; the first four have paid 5.00 each."""

BUDGET: Final = 20
ADJUSTED: Final = 3
FEES_DAY: Final = 8


def plan(name: str, fee_usd: str | None, included: int, **more: object) -> dict[str, Any]:
    meter = {"name": "search", "match": ["search/*"], "included": included, "beyond": "bill"}
    fee = {} if fee_usd is None else {"fee_usd": fee_usd, "credit_usd": "1.00"}
    terms = {"name": name, "from": LONG_AGO, "cycle_hours": 48, "sold_by": ["desk"]}
    return {**terms, **fee, "meters": [meter], **more}


class DeskTheft:
    """Lines of the books and of a desk, each in a commit of its own."""

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, str | None]] = {}
        self.lines: list[dict[str, Any]] = []
        self._seqs: dict[str, int] = {}
        self.case: dict[str, Any] = {
            "rules": {
                "prices": [{"resource": "search/web", "from": LONG_AGO, "usd": "1.00"}],
                "plans": [
                    plan("free", None, 0, default=True),
                    plan("pro", "2.00", 5),
                    plan("power", "3.00", 50),
                ],
                "writers": {
                    "providers": [],
                    "tills": [],
                    "desks": [
                        {"node": STOLEN, "from": LONG_AGO, "fees_day_usd": f"{FEES_DAY}.00"},
                    ],
                    "grants": [
                        {
                            "name": "signup",
                            "from": LONG_AGO,
                            "usd": "5.00",
                            "days": 30,
                            "category": "promotional",
                            "priority": 50,
                            "budget_usd": f"{BUDGET}.00",
                        },
                    ],
                    "adjusts": [
                        {
                            "name": "sorry",
                            "from": LONG_AGO,
                            "role": "support",
                            "per_line_usd": "1.00",
                            "per_account_month_usd": "1.00",
                            "budget_usd": f"{ADJUSTED}.00",
                        },
                    ],
                },
            },
            "commits": self.commits,
            "lines": self.lines,
            "ask": ["2026-12-01T00:00:00Z"],
        }

    def line(self, repo: str, at: str, values: Mapping[str, object], seq: int = 0) -> str:
        """Write a line at an instant; returns its commit."""
        own = [name for name in self.commits if name.rpartition(".")[0] == repo]
        name = f"{repo}.{len(own) + 1}"
        self.commits[name] = {"ts": at, "parent": own[-1] if own else None}
        self._seqs[repo] = seq or self._seqs.get(repo, 0) + 1
        role = "books" if repo == "books" else "desk"
        placed = {"repo": repo, "role": role, "node": repo, "seq": self._seqs[repo], "ts": at}
        self.lines.append({**placed, "commit": name, "commit_ts": at, **values})
        return name

    def pay(self, user: str) -> None:
        """The operator enters a payment of 5.00."""
        money = {"amount": "5.00", "currency": "USD", "status": "succeeded", "provider": "manual"}
        kind = {"type": "payment", "v": 1, "kind": "payment", "external_ref": f"cash:{user}"}
        self.line("books", "2026-11-01T00:00:00Z", {"user": user, **kind, **money})

    def steal(self) -> None:
        """Whatever a key of a desk can write, for everybody."""
        day = "2026-11-10T06:00:00Z"
        money = {"currency": "USD", "status": "succeeded", "provider": "manual"}
        grant = {"type": "payment", "v": 2, "kind": "grant", **money}
        told = {"category": "promotional", "priority": 50, "from": day}
        for user in USERS:
            named = {"user": user, "external_ref": f"signup:{user}", **told}
            until = {"until": "2026-12-10T06:00:00Z"}
            self.line(STOLEN, day, {**grant, **named, **until, "amount": "5.00"})
            self.line(STOLEN, day, {**grant, **named, "amount": "5.00"})  # without an end
            self.line(STOLEN, day, {**grant, **named, **until, "amount": "500.00"})
            own = {**named, "external_ref": f"thief:{user}"}
            self.line(STOLEN, day, {**grant, **own, **until, "amount": "5.00"})
            adjust = {"type": "payment", "v": 2, "kind": "adjustment", "user": user, **money}
            why = {"external_ref": f"sorry:{user}", "reason": "sorry", "amount": "1.00"}
            self.line(STOLEN, day, {**adjust, **why})
            again = {**why, "external_ref": f"sorry:again:{user}"}
            self.line(STOLEN, day, {**adjust, **again}, seq=self._seqs[STOLEN])
        sold = {"type": "account", "v": 2, "kind": "plan"}
        for hour in range(7, 10):  # plans hourly, for those who paid and for others
            at = f"2026-11-10T{hour:02}:00:00Z"
            until_hour = f"2026-11-12T{hour:02}:00:00Z"
            for user in USERS[:8]:
                terms = {**sold, "user": user, "plan": "pro", "from": at, "until": until_hour}
                self.line(STOLEN, at, {**terms, "fee_usd": "2.00"})
                self.line(STOLEN, at, terms)  # for nothing
                up = {**terms, "plan": "power", "instead_of": "pro"}
                self.line(STOLEN, at, {**up, "fee_usd": "0.00"})


def test_a_stolen_key_of_a_desk_gets_its_budgets_and_one_command_ends_it(tmp_path: Path) -> None:
    """Grants and adjustments as far as its budgets, plans only for money that accounts have."""
    theft = DeskTheft()
    for user in USERS[:4]:
        theft.pay(user)
    opened = {"type": "account", "v": 2, "kind": "open", "user": "user-9999"}
    honest = theft.line(STOLEN, "2026-11-09T00:00:00Z", opened)
    theft.steal()
    found = answer(theft.case)
    (end,) = theft.case["ask"]
    granted = [
        grant
        for has in found["grants"].values()
        for grant in has[end]
        if grant["grant"].startswith("manual:")
    ]
    assert len(granted) * 5 == BUDGET
    adjusted = [name for name in found["counts"] if _kind(theft, name) == "adjustment"]
    assert len(adjusted) == ADJUSTED
    sold = [name for name in found["counts"] if _kind(theft, name) == "plan"]
    assert 0 < len(sold) * 2 <= FEES_DAY
    assert all(has[end] >= 0 for has in found["pool"].values())
    world = World(tmp_path / "stolen")
    tell(world, theft.case, Random(1))
    assert outcome(world)["counts"] == set(found["counts"])
    only = {"type": "decision", "v": 2, "kind": "only", "of": STOLEN, "tip": honest}
    theft.line("books", "2026-11-20T00:00:00Z", {**only, "by": "ada", "reason": "it was stolen"})
    after = World(tmp_path / "decided")
    tell(after, theft.case, Random(2))
    counts = outcome(after)["counts"]
    assert counts == {f"{STOLEN}:1", *(f"books:{seq}" for seq in range(1, 5))}
    assert after.digest() == after.rebuilt_digest()


def _kind(theft: DeskTheft, name: str) -> str:
    found = (line for line in theft.lines if f"{line['node']}:{line['seq']}" == name)
    return str(next(found)["kind"])
