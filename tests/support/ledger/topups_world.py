"""An aggregator of a house that charges saved cards: books, two tills, a desk, and nodes.

world.let_be_due(): alice has 4.00 USD by way of Stripe, consented to 20.00 USD below 5.00, at most
100.00 in a month, and settled just that.
"""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aggregator.balances.topups.due import due_accounts
from aggregator.reports.topups import topup_state
from gitmeter.roles.role import Role
from tests.support.ledger.terms_world import PLANS, TermsWorld
from tests.support.writers import account_text
from wire_format.explanation import canonical
from wire_format.instants import format_ts
from wire_format.lines import Folder

TILL: Final = "till-1"
CHARGER: Final = "charger-1"
DESK: Final = "desk-1"
ATTEMPT: Final = "auto:alice:0000000000000001"

_ROLES: Final[dict[str, Role]] = {TILL: "till", CHARGER: "till", DESK: "desk"}
_TILL_TEXT: Final = """\
[[till]]
node = "till-1"
from = 2026-01-01T00:00:00Z
providers = ["stripe"]
payment_max_usd = "100.00"
unconfirmed_max_usd = "{unconfirmed}"
consent_max_usd = "50.00"
consent_month_max_usd = "300.00"

[[till]]
node = "charger-1"
from = 2026-01-01T00:00:00Z
providers = ["stripe"]
topups_hour_max = 20
topup_usd_hour_max = "500.00"

[[desk]]
node = "desk-1"
from = 2026-01-01T00:00:00Z
fees_day_usd = "1000.00"

[[adjust]]
name = "goodwill"
from = 2026-01-01T00:00:00Z
role = "support"
per_line_usd = "50.00"
per_account_month_usd = "500.00"
budget_usd = "5000.00"
"""
TERMS: Final = {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"}
SETTING: Final = {f"auto_topup_{name}": usd for name, usd in
    (("usd", "20.00"), ("below_usd", "5.00"), ("month_usd", "100.00"))}  # fmt: skip


class TopupsWorld(TermsWorld):
    """As `TermsWorld`, with tills and a desk whose lines are committed at once.

    Args:
        folder: everything lies below it.
        unconfirmed: most that the till may credit before somebody has looked, in USD.
    """

    def __init__(self, folder: Path, *, unconfirmed: str = "1000.00") -> None:
        super().__init__(folder, PLANS.replace(b"fee_usd =", b'sold_by = ["desk"]\nfee_usd ='))
        writers = account_text("stripe", "acct_1") + _TILL_TEXT.format(unconfirmed=unconfirmed)
        self.rule_files({"rules/writers.toml": writers.encode()})
        self._seqs: Counter[str] = Counter()
        for node in _ROLES:
            self.role_repo(node)
        self.later(hours=1)

    def role_repo(self, node: str) -> None:
        """The repo of a till or desk."""
        self.repo(node, role=_ROLES[node])

    def write(
        self,
        node: str,
        folder: Folder = Folder.PAYMENTS,
        *,
        ts: datetime | None = None,
        when: datetime | None = None,
        **stated: Any,  # noqa: ANN401 - any field of a line
    ) -> int:
        """Commit a line of a till or desk, now unless told; returns its number."""
        self._seqs[node] += 1
        seq = self._seqs[node]
        values = {"v": 2, "node": node, "seq": seq, "ts": format_ts(ts or self.now), **stated}
        path = f"{folder}/2026/11/01/{seq:016d}.jsonl"
        self.repo(node).commit({path: canonical(values, folder)}, when=when or self.now)
        return seq

    def pay(  # type: ignore[override]
        self, ref: str, amount: str, user: str = "alice", **more: object
    ) -> int:
        """A payment by way of Stripe."""
        stated: dict[str, Any] = {"kind": "payment", "provider": "stripe", "external_ref": ref}
        stated |= {"amount": amount, "currency": "USD", "status": "succeeded", "user": user}
        return self.write(TILL, **(stated | more))

    def give_back(self, kind: str, ref: str, of_ref: str, amount: str, user: str = "alice") -> int:
        """A refund or dispute of a payment."""
        return self.write(
            TILL, user=user, kind=kind, provider="stripe", external_ref=ref, of_ref=of_ref,
            amount=amount, currency="USD", status="succeeded",
        )  # fmt: skip

    def consent(self, ref: str, user: str = "alice", **terms: str) -> int:
        """A consent given at a payment."""
        stated: dict[str, Any] = {"user": user, "kind": "consent", **TERMS, **terms}
        return self.write(TILL, Folder.ACCOUNTS, **stated, of_provider="stripe", of_ref=ref)

    def set_topup(self, user: str = "alice", **terms: str) -> int:
        """What the customer settles at the portal."""
        stated: dict[str, Any] = {"user": user, "kind": "setting", **SETTING, **terms}
        return self.write(DESK, Folder.ACCOUNTS, **stated)

    def begin(self, attempt: str = ATTEMPT, user: str = "alice", amount: str = "20.00") -> int:
        """An attempt begins."""
        return self.write(
            CHARGER, user=user, kind="pending", provider="stripe", attempt=attempt, amount=amount,
            currency="USD",
        )  # fmt: skip

    def end(self, reason: str, attempt: str = ATTEMPT, user: str = "alice") -> int:
        """An attempt ends, and nothing was paid."""
        return self.write(
            CHARGER, user=user, kind="ended", provider="stripe", attempt=attempt, reason=reason
        )

    def let_be_due(self, user: str = "alice", has: str = "4.00") -> None:
        """Let an account consent at a payment, and settle what it consented to."""
        self.pay(f"pi_{user}", has, user)
        self.consent(f"pi_{user}", user)
        self.set_topup(user)
        self.later(hours=25)

    def money_repos(self) -> list[str]:
        """The repos that have to be read before anybody is due."""
        return [repo.name for repo in self.config.repo if repo.role != "usage"]

    def due(self, settle_h: int = 2) -> list[str]:
        """Who is due, as of the last pull."""
        with self.reading() as store, store.view():
            return [each.user for each in due_accounts(store, self.now, settle_h)]

    def state_of(self, user: str = "alice", settle_h: int = 2) -> dict[str, Any]:
        """What the ledger says of an account's automatic payments."""
        with self.reading() as store:
            return topup_state(store, user, self.now, settle_h)

    def stop(self, user: str = "alice") -> str | None:
        """Pull, and what stands in the way of an account; who is due must agree."""
        self.pull()
        stop: str | None = self.state_of(user)["stop"]
        assert (user in self.due()) is (stop is None)
        return stop

    def tell_use(self, node: str, units: int, *, user: str = "alice", back: timedelta) -> None:
        """Let a node of its own bill an account under a date so far back."""
        self._seqs[node] += 1
        seq, at = self._seqs[node], self.now - back
        values = {
            "v": 1, "node": node, "seq": seq, "ts": format_ts(at), "user": user,
            "resource": "llm/tokens", "applies_to": "llm", "units": units,
        }  # fmt: skip
        path = f"usage/2026/11/01/{seq:016d}.jsonl"
        self.repo(node).commit({path: canonical(values, Folder.USAGE)}, when=at)
