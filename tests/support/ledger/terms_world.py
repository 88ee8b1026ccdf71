"""An aggregator whose books settle plans and grants."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.ledger.world import BOOKS, World
from wire_format.explanation import canonical
from wire_format.instants import format_ts
from wire_format.lines import Folder

START = datetime(2026, 11, 2, tzinfo=UTC)
"""When the rules are there, and before everything else."""

PRICES = b"""\
[[price]]
resource = "search/web"
usd = "0.10"
per = 1
from = 2026-01-01T00:00:00Z

[[price]]
resource = "llm/tokens"
usd = "1"
per = 1000
from = 2026-01-01T00:00:00Z
"""

PLANS = b"""\
[[plan]]
name = "free"
from = 2026-01-01T00:00:00Z
cycle_hours = 720
default = true

[[plan.meter]]
name = "search"
match = ["search/*"]
included = 3
beyond = "block"

[[plan]]
name = "starter"
from = 2026-01-01T00:00:00Z
cycle_hours = 240
fee_usd = "20.00"

[[plan]]
name = "pro"
from = 2026-01-01T00:00:00Z
cycle_hours = 240
fee_usd = "30.00"
credit_usd = "5.00"
rpm = 20
features = ["phone", "cron"]
limits = { channels = 3, seats = "unlimited" }

[[plan.meter]]
name = "search"
match = ["search/*"]
included = 20
beyond = "bill"

[[plan]]
name = "pro2"
from = 2026-01-01T00:00:00Z
cycle_hours = 240
fee_usd = "45.00"

[[plan]]
name = "flat"
from = 2026-01-01T00:00:00Z
cycle_hours = 240
"""


class TermsWorld(World):
    """Remotes and one aggregator; what the books write is committed at once.

    Args:
        folder: everything lies below it.
        plans: the content of plans.toml.
    """

    def __init__(self, folder: Path, plans: bytes = PLANS) -> None:
        super().__init__(folder)
        self.now = START
        self._seq = 0
        self._used = 0
        self.repo("node-1")
        self.rule_files({"rules/prices.toml": PRICES, "rules/plans.toml": plans})

    def rule_files(self, files: dict[str, bytes]) -> None:
        """Commit rule files."""
        self.repo(BOOKS).commit(files, when=self.now)

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def pay_in(self, amount: str, user: str = "alice") -> None:
        """Let an account have money."""
        self._commit(
            Folder.PAYMENTS, user=user, kind="payment", provider="manual",
            external_ref=f"cash:{self._seq + 1}", amount=amount, currency="USD",
            status="succeeded",
        )  # fmt: skip

    def refund(self, amount: str, *, of_seq: int, user: str = "alice") -> None:
        """Give a payment back."""
        self._commit(
            Folder.PAYMENTS, user=user, kind="refund", provider="manual",
            external_ref=f"back:{self._seq + 1}", of_ref=f"cash:{of_seq}",
            amount=amount, currency="USD", status="succeeded",
        )  # fmt: skip

    def grant(
        self,
        name: str,
        amount: str,
        *,
        days: int | None = None,
        user: str = "alice",
        **more: object,
    ) -> None:
        """Give an account a grant, from this hour on."""
        until = {} if days is None else {"until": self._hour(self.now + timedelta(days=days))}
        stated = {"category": "promotional", "priority": 50, "from": self._hour(self.now)}
        self._commit(
            Folder.PAYMENTS, user=user, kind="grant", provider="manual", external_ref=name,
            amount=amount, currency="USD", status="succeeded", **{**stated, **until, **more},
        )  # fmt: skip

    def void(self, name: str) -> None:
        """End a grant from this hour on."""
        self._commit(
            Folder.PAYMENTS, kind="void", of_provider="manual", of_ref=name,
            **{"from": self._hour(self.now)}, reason="abuse",
        )  # fmt: skip

    def plan(
        self, name: str, *, hours: int | None = 240, fee: str | None = None, user: str = "alice"
    ) -> None:
        """Settle a plan from this hour on."""
        until = {} if hours is None else {"until": self._hour(self.now + timedelta(hours=hours))}
        fees = {} if fee is None else {"fee_usd": fee}
        stated = {"plan": name, "from": self._hour(self.now), **until, **fees}
        self._commit(Folder.ACCOUNTS, user=user, kind="plan", **stated)

    def settle(self, kind: str, user: str = "alice", **stated: object) -> None:
        """Write another line about an account."""
        self._commit(Folder.ACCOUNTS, user=user, kind=kind, **stated)

    def use(
        self,
        units: int,
        resource: str = "search/web",
        user: str = "alice",
        instance: str | None = None,
    ) -> None:
        """Let an account use something now."""
        self._used += 1
        values = {
            "v": 1, "node": "node-1", "seq": self._used, "ts": format_ts(self.now), "user": user,
            "resource": resource, "applies_to": "llm", "units": units,
            **({} if instance is None else {"instance": instance}),
        }  # fmt: skip
        path = f"usage/2026/11/01/{self._used:016d}.jsonl"
        line = canonical(values, Folder.USAGE)
        self.repo("node-1").commit({path: line}, when=self.now)

    def _commit(self, folder: Folder, **stated: object) -> None:
        self._seq += 1
        values = {"v": 2, "node": BOOKS, "seq": self._seq, "ts": format_ts(self.now), **stated}
        path = f"{folder}/2026/11/01/{self._seq:016d}.jsonl"
        self.repo(BOOKS).commit({path: canonical(values, folder)}, when=self.now)

    @staticmethod
    def _hour(at: datetime) -> str:
        return format_ts(at.replace(minute=0, second=0, microsecond=0))
