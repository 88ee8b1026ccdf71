"""Books, a till and a provider: what `books reconcile` compares."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from providers.expected import expected
from providers.stripe.account import StripeAccount
from providers.tag import Promise, make_tag, read_tag
from tests.books.program import Books
from tests.support.files import write_toml
from tests.support.programs import Said
from tests.support.providers.clock import Clock
from tests.support.providers.fake_stripe import ACCOUNT, FakeStripe
from tests.support.writers import DESK_TEXT, account_text, till_text
from wire_format.instants import format_ts

TAG_KEY = b"0123456789abcdef0123456789abcdef"
TIP = "4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c"
COMMIT = "11d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c2"

WRITERS = (
    account_text("stripe", ACCOUNT)
    + account_text("clickpesa-tz", "IDfakeClient1", "clickpesa")
    + till_text("stripe", "clickpesa-tz", payment_max_usd="500.00", unconfirmed_max_usd="1000.00")
    + DESK_TEXT
)
RATES = """\
[[rate]]
currency = "EUR"
usd = "1.10"
from = 2026-01-01T00:00:00Z

[[rate]]
currency = "TZS"
usd = "0.0004"
from = 2026-01-01T00:00:00Z
"""

Line = dict[str, Any]


class Site:
    """Books whose rule book names one account at a simulated provider, and what a till wrote of it.

    The provider's clock is some days behind this machine's, and may be moved on.

    Attributes:
        books: the books.
        stripe: the provider.
        lines: of the aggregator's answer.
        terms: of its users' settings and consents; None as an older aggregator answers.
        covered: automatic payments that were confirmed before.
        tip: of the till.
    """

    def __init__(self, folder: Path, stripe: FakeStripe) -> None:
        self.books = Books(folder)
        self.stripe = stripe
        self.lines: list[Line] = []
        self.terms: list[Line] | None = []
        self.covered: list[Line] = []
        self.tip = TIP
        self._folder = folder
        self._numbers = 0
        self.books.init().ok()
        for name, text in (("writers.toml", WRITERS), ("fx.toml", RATES)):
            self.books.set_rules(name, text, "--reason", "tills")
        self._key_file("stripe.key", stripe.restricted_key("read"))
        self._key_file("tag.key", TAG_KEY.decode())
        self.configure()

    def configure(self, **changes: object) -> None:
        """Write reconcile.toml, with other values for the account."""
        account: dict[str, object] = {
            "name": "stripe",
            "key_file": "stripe.key",
            "base_url": self.stripe.url,
            "tag_key_file": "tag.key",
        }
        account |= changes
        stated = {name: value for name, value in account.items() if value is not None}
        write_toml(self._folder / "reconcile.toml", {"account": [stated]})

    def use_key(self, key: str) -> None:
        """Reconcile with another key of the provider."""
        self._key_file("stripe.key", key)

    def _key_file(self, name: str, text: str) -> None:
        file = self._folder / name
        file.write_text(text)
        file.chmod(0o600)

    # what happens at the provider

    def tag(
        self, user: str, credit: str, currency: str, amount: str, *, key: bytes = TAG_KEY
    ) -> str:
        """A tag as the till makes it, at the provider's time."""
        return self.sign(self.promise(user, credit, currency, amount), key=key)

    def promise(self, user: str, credit: str, currency: str, amount: str) -> Promise:
        """What a till promises at the provider's time."""
        self._numbers += 1
        nonce = f"{self._numbers:016x}"
        return Promise(user, credit, currency, amount, self.stripe.clock(), nonce)

    def sign(self, promise: Promise, *, key: bytes = TAG_KEY) -> str:
        """The tag of a promise."""
        return make_tag(key, "stripe", promise)

    def paid(
        self, user: str = "alice", cents: int = 2000, currency: str = "USD", credit: str = ""
    ) -> str:
        """A customer pays on a page of ours; the payment."""
        amount = f"{cents // 100}.{cents % 100:02}"
        tag = self.tag(user, credit or amount, currency, amount)
        return self.stripe.elsewhere(cents, currency.lower(), {"gitmeter": tag})

    # what the till wrote of it

    def written(self, payment: str) -> list[Line]:
        """The lines that a till writes of a payment, not among `lines` yet."""
        with StripeAccount("stripe", "live", self.stripe.key, self.stripe.url) as account:
            truth = account.truth(payment)
        assert truth is not None
        assert truth.tag is not None
        promise = read_tag(TAG_KEY, "stripe", truth.tag)
        return [
            {
                "user": line.user,
                "kind": line.kind,
                "provider": "stripe",
                "external_ref": line.external_ref,
                "of_ref": line.of_ref,
                "amount": line.amount,
                "currency": line.currency,
                "credited_usd": line.credited_usd,
                "status": line.status,
                "attempt": line.attempt,
                "ts": format_ts(line.at),
            }
            for line in expected(truth, promise).lines
        ]

    def write(self, payment: str, **changes: object) -> list[Line]:
        """Add the lines of a payment that are not there yet, each with these changes."""
        there = {(line["kind"], line["external_ref"]) for line in self.lines}
        new = [
            self.add(**line | changes)
            for line in self.written(payment)
            if (line["kind"], line["external_ref"]) not in there
        ]
        assert new
        return new

    def add(self, **stated: object) -> Line:
        """Add any line, under the next number unless it states one."""
        seqs = [line["seq"] for line in self.lines if line["node"] == stated.get("node", "till-1")]
        line = {
            "node": "till-1",
            "seq": max(seqs, default=0) + 1,
            "ts": format_ts(self.stripe.clock()),
            "kind": "payment",
            "state": "counted",
            "reconciled": False,
            "repo": "till-1",
            "commit": COMMIT,
            "committed_at": format_ts(self.stripe.clock() + timedelta(seconds=1)),
            "path": "payments/2026/11/1.jsonl",
            "line_no": 1,
            "left_usd": None,
            **stated,
        }
        self.lines.append(line)
        return line

    def claim(self, payment: str, user: str = "alice") -> Line:
        """Add a line that a payment of 20 dollars succeeded, whatever the provider says of it."""
        return self.add(
            user=user,
            provider="stripe",
            external_ref=payment,
            amount="20.00",
            currency="USD",
            status="succeeded",
        )

    # reconciling

    def report(self, **changes: object) -> str:
        """The aggregator's answer."""
        now = format_ts(datetime.now(UTC))
        writers = [
            {"node": node, "repo": node, "tip": tip, "read_at": now, "is_current": True}
            for node, tip in (("till-1", self.tip), ("desk-1", TIP[::-1]))
        ]
        found: dict[str, object] = {"as_of": now, "writers": writers, "lines": self.lines}
        if self.terms is not None:
            found["topups"] = {"terms": self.terms, "covered": self.covered}
        return json.dumps(found | changes)

    def run(self, *options: str, stdin: str | None = None) -> Said:
        """Run `books reconcile`."""
        given = self.report() if stdin is None else stdin
        return self.books("reconcile", "--keys", str(self._folder), *options, stdin=given)

    def json(self, *options: str, stdin: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """What it prints with --json, however it ends."""
        return self.run("--json", *options, stdin=stdin).json

    def spans(self, *options: str) -> list[tuple[int, int]]:
        """Run it; the numbers of the decisions `reconciled`, sorted."""
        found = self.json(*options)["decisions"]
        return [(d["from_seq"], d["to_seq"]) for d in found if d["kind"] == "reconciled"]

    def whys(self, *options: str) -> list[str]:
        """Run it; why each difference is one."""
        return [each["why"] for each in self.json(*options)["differences"]]


def days_ago(days: float) -> Clock:
    """A clock of the provider that is behind, in whole seconds."""
    return Clock(datetime.now(UTC).replace(microsecond=0) - timedelta(days=days))
