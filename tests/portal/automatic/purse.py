"""A portal whose accounts consent and are charged: lines of two tills, and who asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from gitmeter.keys.secret import NewKey
from tests.portal.automatic.till import LocalTill
from tests.portal.place import Client, PortalPlace
from tests.support.writers import DESK_TEXT, account_text
from wire_format.explanation import canonical
from wire_format.instants import format_ts
from wire_format.lines import Folder

SCOPES: Final = ("balance:read", "payments:read", "settings:write", "topups:write", "keys:write")
TERMS: Final = {
    "auto_topup_usd": "20.00",
    "auto_topup_below_usd": "5.00",
    "auto_topup_month_usd": "100.00",
}
TILL: Final = """\
[[till]]
node = "till-1"
from = 2026-01-01T00:00:00Z
providers = ["stripe"]
payment_max_usd = "1000.00"
unconfirmed_max_usd = "10000.00"
consent_max_usd = "100.00"
consent_month_max_usd = "500.00"

"""
"""What the till may write that saves cards."""
_CHARGER: Final = """\
[[till]]
node = "charger-1"
from = 2026-01-01T00:00:00Z
providers = ["stripe"]
topups_hour_max = 20
topup_usd_hour_max = "500.00"

"""
WRITERS: Final = account_text("stripe", "acct_1") + TILL + _CHARGER + DESK_TEXT


class Purse:
    """A portal beside a till, and what tills write.

    Attributes:
        place: the portal.
        till: the till that it asks.
    """

    def __init__(self, folder: Path, local: LocalTill, **config: Any) -> None:  # noqa: ANN401
        self.till = local
        pages = {"url": "https://portal.example"}
        stated = {"till": {"url": local.url}, "pages": pages, "rpm": 10_000, **config}
        self.place = PortalPlace(folder, **stated)
        self._seqs = {"till-1": 0, "charger-1": 0}
        world = self.place.world
        for node in self._seqs:
            world.repo(node, role="till")
        world.rule_files({"rules/writers.toml": WRITERS.encode()})
        world.later(minutes=5)

    def client(self, user: str = "alice", *scopes: str) -> Client:
        """Somebody with a key of an account, which the ledger has."""
        return self.place.client(self.key(user, *scopes))

    def key(self, user: str = "alice", *scopes: str) -> NewKey:
        """A key of an account, which the ledger has."""
        made = self.place.key(user, *(scopes or SCOPES))
        self.place.pull()
        return made

    def settle(self, client: Client, **changed: str) -> dict[str, Any]:
        """Let an account settle automatic payments."""
        found = client.ask("PATCH", "/v1/settings", json={**TERMS, **changed})
        assert found.status_code == 200, found.text
        return dict(found.json())

    def pay(self, user: str = "alice", usd: str = "20.00", **more: str) -> str:
        """Let an account pay by card; returns the name of the payment."""
        reference = f"pi_{self._seqs['till-1'] + 1}"
        stated = {"attempt": f"topup:{user}:{reference}", "user": user, **more}
        stated |= {"amount": usd, "currency": "USD", "status": "succeeded"}
        self.money("till-1", "payment", external_ref=reference, **stated)
        return reference

    def consent(self, user: str = "alice", *terms: str) -> None:
        """Let an account pay by card and consent to automatic payments with it."""
        amount, below, month = terms or TERMS.values()
        stated = {"amount_usd": amount, "below_usd": below, "month_usd": month}
        names = {"of_provider": "stripe", "of_ref": self.pay(user)}
        consented = {"kind": "consent", "user": user, "by": "till", **stated, **names}
        self._write("till-1", Folder.ACCOUNTS, consented)

    def begin(self, name: str, user: str = "alice", usd: str = "20.00") -> str:
        """Let an automatic payment begin; returns its name."""
        attempt = f"auto:{user}:{name:0>16}"
        stated = {"amount": usd, "currency": "USD"}
        self.money("charger-1", "pending", user=user, attempt=attempt, **stated)
        return attempt

    def fail(self, name: str, user: str = "alice", reason: str = "insufficient_funds") -> str:
        """Let one begin and, a moment later, fail."""
        attempt = self.begin(name, user)
        self.place.world.later(minutes=1)
        self.money("charger-1", "ended", user=user, attempt=attempt, reason=reason)
        return attempt

    def money(self, node: str, kind: str, **stated: str) -> None:
        """Let a till write a line about money."""
        self._write(node, Folder.PAYMENTS, {"kind": kind, "provider": "stripe", **stated})

    def _write(self, node: str, folder: Folder, stated: dict[str, str]) -> None:
        self._seqs[node] += 1
        seq, world = self._seqs[node], self.place.world
        values = {"v": 2, "node": node, "seq": seq, "ts": format_ts(world.now), **stated}
        path = f"{folder}/2026/11/01/{seq:016d}.jsonl"
        world.repo(node).commit({path: canonical(values, folder)}, when=world.now)


@contextmanager
def purse(folder: Path, **config: Any) -> Iterator[Purse]:  # noqa: ANN401
    """A portal that serves, with a till that serves; alice has paid a dollar."""
    with LocalTill() as till:
        found = Purse(folder, till, **config)
        found.place.world.pay_in("1.00")
        with found.place.serving():
            yield found
