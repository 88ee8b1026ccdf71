"""Books with plans, at a time that a test sets."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from books.plans.due import read_due
from books.plans.known import read_plan_rules
from books.plans.renewal import Renewals, renew
from books.plans.settling import SettledPlan, WantedPlan, set_plan
from node_pusher.home.settings_file import read_home
from node_pusher.spool.api import Spool
from tests.books.program import Books, spooled
from tests.support.programs import Said
from wire_format.instants import format_ts
from wire_format.lines import Account, Folder
from wire_format.segment import decode_segment

NOON: Final = datetime(2025, 11, 10, 12, 30, tzinfo=UTC)
HOUR: Final = NOON.replace(minute=0)
CYCLE: Final = timedelta(hours=720)

PLANS: Final = """\
[[plan]]
name = "free"
from = 2025-01-01T00:00:00Z
cycle_hours = 24
default = true

[[plan]]
name = "starter"
from = 2025-01-01T00:00:00Z
cycle_hours = 720
fee_usd = "20.00"

[[plan]]
name = "pro"
from = 2025-01-01T00:00:00Z
cycle_hours = 720
fee_usd = "30.00"

[[plan]]
name = "pro"
from = 2025-12-01T00:00:00Z
cycle_hours = 720
fee_usd = "35.00"

[[plan]]
name = "week"
from = 2025-01-01T00:00:00Z
cycle_hours = 168
fee_usd = "50.00"

[[plan_map]]
old = "starter"
new = "pro"
from = 2025-12-01T00:00:00Z
prices_until = 2026-06-01T00:00:00Z
"""


class Shop:
    """Books with plans.

    Attributes:
        books: them.
        now: the time.
    """

    def __init__(self, folder: Path, plans: str = PLANS) -> None:
        self.books = Books(folder)
        self.books.init().ok()
        self.books.set_rules("plans.toml", plans, "--reason", "tests")
        self.now = NOON

    def spool(self) -> Spool:
        """The spool, with this time."""
        return Spool.open(self.books.home, role="books", clock=lambda: self.now)

    def set(self, user: str, plan: str, **stated: Any) -> SettledPlan:  # noqa: ANN401 - of `WantedPlan`
        """Settle a plan at this time."""
        with self.spool() as spool:
            return set_plan(spool, WantedPlan(user, plan, **stated), "ada")

    def renew(self, *due: dict[str, Any], dry_run: bool = False, **more: Any) -> Renewals:  # noqa: ANN401 - of the answer
        """Renew what an answer says at this time."""
        with self.spool() as spool:
            report = read_due(self.answer(*due, **more).encode())
            return renew(spool, report, "renew", dry_run=dry_run)

    def answer(self, *due: dict[str, Any], **more: Any) -> str:  # noqa: ANN401 - of the answer
        """What the aggregator says of accounts."""
        rules = read_plan_rules(read_home(self.books.home, "books"))
        return json.dumps({"rule_book": rules.sha256, "due": due} | more)

    def lines(self) -> list[Account]:
        """All lines about accounts that are in no commit yet."""
        found = decode_segment(spooled(self.books.home), Folder.ACCOUNTS).records
        return [line for line in found if isinstance(line, Account)]

    def say(self, *arguments: str, stdin: str = "") -> Said:
        """Run `books`, at the time that it is."""
        return self.books(*arguments, stdin=stdin)


def due(user: str = "alice", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of the answer
    """An account whose plan pro ends at noon, and that can pay for the next cycle."""
    return {
        "user": user,
        "plan": "pro",
        "from": format_ts(HOUR),
        "until": format_ts(HOUR + CYCLE),
        "fee_usd": "30.00",
        "affordable": True,
        "balance_usd": "41.00",
        "reason": None,
    } | changes
