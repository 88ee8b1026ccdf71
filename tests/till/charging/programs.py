"""`till charge` as a program, at the Stripe of our tests, and whoever says who is due."""

import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import requests

from gitmeter.http_edge.signature import SIGNATURE_HEADER, signature
from providers.consents import ConsentTerms
from providers.interface import Order
from providers.stripe.account import StripeAccount
from providers.tag import Promise, make_customer_tag, make_tag
from tests.support.local_http import free_ports
from tests.support.providers.fake_stripe import FakeStripe
from tests.till.charging.place import BELOW_USD, MONTH_USD, USD
from tests.till.programs import SECRETS, StripePlace
from wire_format.posts.topup_due import (
    AccountBelow,
    TopupDue,
    decode_answer,
    encode,
)

SECRET: Final = "p" * 32
_WAIT_S: Final = 20


class ChargeProgram(StripePlace):
    """A till that charges, as programs; `lines`, `run` and `start` as of any till.

    Attributes:
        listen: where it is told who is due.
        charge: `[charge]` of its till.toml, before it is made.
    """

    charge: dict[str, Any]

    def __init__(self, folder: Path, stripe: FakeStripe, **charge: Any) -> None:  # noqa: ANN401
        self.listen = f"127.0.0.1:{free_ports(1)[0]}"
        self.charge = charge
        super().__init__(folder, stripe)

    def stated(self) -> dict[str, Any]:
        """Its configuration."""
        return {
            "home": self.home,
            "mode": "live",
            "account": [self.account()],
            "charge": {
                "listen": self.listen,
                "secret_file": self.secret("topup_secret", SECRET),
                "confirm_url": "https://portal.example/payments",
                **self.charge,
            },
        }

    def account(self) -> dict[str, Any]:
        """Its account, whose key charges and gives nothing back."""
        stated = super().account()
        stated["key_file"] = self.secret("key", self.stripe.restricted_key("read", "charge"))
        del stated["secret_files"], stated["refund_key_file"], stated["currencies"]
        return stated

    @contextmanager
    def charging(self) -> Iterator["subprocess.Popen[str]"]:
        """`till charge`, until the block ends; it must end well if it was not killed."""
        process = self.start("charge")
        try:
            self.wait(self.answers, process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(_WAIT_S)
            self.said += (self.folder / "log").read_text()
        assert process.returncode in {0, -signal.SIGKILL}, self.said

    def answers(self) -> bool:
        """Whether it takes requests."""
        try:
            requests.get(f"http://{self.listen}/", timeout=5)
        except requests.ConnectionError:
            return False
        return True

    def wait(self, until: Any, process: "subprocess.Popen[str] | None" = None) -> None:  # noqa: ANN401
        """Until something is so."""
        for _ in range(_WAIT_S * 20):
            if until():
                return
            assert process is None or process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def wait_settled(self) -> None:
        """Until everything of this epoch is settled: before that nobody is charged."""
        self.wait(lambda: self.run("status", "--json").json["charge"]["settled"])

    def save_card(self, user: str) -> str:
        """A customer pays on a page, and agrees that his card is charged; the payment."""
        stripe, now = self.stripe, datetime.now(UTC).replace(microsecond=0)
        promise = Promise(user, USD, "USD", USD, now, uuid.uuid4().hex[:16])
        with StripeAccount("stripe", "live", stripe.key, stripe.url) as account:
            key = SECRETS[0].encode()
            customer = account.new_customer(user, make_customer_tag(key, "stripe", user))
            order = Order(
                user=user,
                usd=USD,
                amount=USD,
                currency="USD",
                attempt=f"topup:{user}:{promise.nonce}",
                at=now,
                tag=make_tag(key, "stripe", promise),
                success_url="https://portal.example/paid",
                cancel_url="https://portal.example/",
                expires_s=3600,
                customer=customer,
                consent=ConsentTerms(USD, BELOW_USD, MONTH_USD),
            )
            return stripe.pay(account.checkout(order).object_id)

    def due(self, *accounts: AccountBelow, age: timedelta = timedelta()) -> bytes:
        """What an aggregator posts that has read every line of this till."""
        seen = max((line.seq for line in self.lines()), default=0)
        at = datetime.now(UTC) - age
        told = {"till-1": seen} if seen else {}
        return encode(TopupDue(1, str(uuid.uuid4()), at, told, accounts))

    def below(self, user: str, payment: str, *paid: str) -> AccountBelow:
        """An account below its threshold."""
        return AccountBelow(
            user, USD, BELOW_USD, MONTH_USD, "3.00", "stripe", payment, (payment, *paid)
        )

    def tell(self, body: bytes, signed: str | None = None) -> requests.Response:
        """Post it."""
        headers = {SIGNATURE_HEADER: signature(SECRET.encode(), body) if signed is None else signed}
        return requests.post(f"http://{self.listen}/due", body, headers=headers, timeout=_WAIT_S)

    def stopped(self, body: bytes) -> str | None:
        """Post it, and what is answered."""
        answer = self.tell(body)
        assert answer.status_code == 200, answer.text
        return decode_answer(answer.content).stopped

    def charges(self) -> list[dict[str, Any]]:
        """The automatic charges that Stripe has."""
        return [
            intent
            for intent in self.stripe.objects.of("payment_intent")
            if intent["metadata"].get("gitmeter_attempt", "").startswith("auto:")
        ]
