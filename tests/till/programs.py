"""A till at the Stripe of our tests: real programs, real HTTP, real git."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import requests

from node_pusher.home.settings_file import read_home
from tests.support.files import write_secret, write_toml
from tests.support.local_http import free_ports
from tests.support.programs import Said, run_till
from tests.support.providers.fake_stripe import ACCOUNT as STRIPE_ACCOUNT
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.hooks import Hook, Order
from tests.support.repos import bare_repo
from tests.till.place import accounts_of, lines_of
from wire_format.lines import Account, Money

PROGRAM: Final = [sys.executable, "-c", "from till.cli import main; main()"]
SECRETS: Final = ("t" * 40, "r" * 40)
"""The tag key, and a part of keys that must show nowhere."""

CARDS: Final = {"consent_max_usd": "100.00", "consent_month_max_usd": "500.00"}
TERMS: Final = {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"}


class ProgramPlace(ABC):
    """A till with a home on a bare repo, whose programs are run as they are.

    Attributes:
        home: the folder of the till.
        config: its till.toml.
        said: everything that its programs printed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.remote = bare_repo(folder / "till-1.git")
        self.public, self.local = (f"127.0.0.1:{port}" for port in free_ports(2))
        self.config = write_toml(folder / "till.toml", self.stated())
        self.said = ""
        self.run("init", "--node", "till-1", "--remote", self.remote.as_uri()).ok()

    def stated(self) -> dict[str, Any]:
        """Its configuration."""
        return {
            "home": self.home,
            "mode": "live",
            "return_urls": ["https://portal.example/"],
            "first_week_usd": "100000",
            "payment_max_usd": "10000",
            "listen": {"public": self.public, "local": self.local},
            "rate": [{"currency": "TZS", "usd": "0.00038", "at": datetime.now(UTC)}],
            "account": [self.account()],
        }

    @abstractmethod
    def account(self) -> dict[str, Any]:
        """Its account."""

    def secret(self, name: str, text: str) -> Path:
        """A file of a secret."""
        return write_secret(self.folder / name, text)

    def command(self, *arguments: str) -> list[str]:
        """The program with its configuration."""
        return [*PROGRAM, "--config", str(self.config), *arguments]

    def run(self, *arguments: str) -> Said:
        """Run the program to its end, in this process."""
        said = run_till("--config", str(self.config), *arguments)
        self.said += said.out + said.err
        return said

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the program."""
        log = (self.folder / "log").open("a")
        with log:
            return subprocess.Popen(self.command(*arguments), stdout=log, stderr=log, text=True)

    @contextmanager
    def serving(self) -> Iterator["subprocess.Popen[str]"]:
        """`till serve`, until the block ends; it must end well if it was not killed."""
        process = self.start("serve")
        try:
            self.wait_ready(process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
            self.said += (self.folder / "log").read_text()
        assert process.returncode in {0, -signal.SIGKILL}, self.said

    def wait_ready(self, process: "subprocess.Popen[str]") -> None:
        """Until it answers."""
        for _ in range(600):
            assert process.poll() is None, (self.folder / "log").read_text()
            try:
                requests.get(f"http://{self.public}/", timeout=5)
                requests.get(f"http://{self.local}/", timeout=5)
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("till serve did not answer in time")

    def checkout(self, user: str, usd: str = "20.00", **other: object) -> dict[str, Any]:
        """Ask for a checkout."""
        body = {
            "user": user,
            "usd": usd,
            "currency": "USD",
            "success_url": "https://portal.example/paid",
            "cancel_url": "https://portal.example/",
            **other,
        }
        answer = requests.post(f"http://{self.local}/checkout", json=body, timeout=60)
        found: dict[str, Any] = answer.json()
        assert answer.status_code == 200, found
        return found

    def lines(self) -> list[Money]:
        """Every line about money, by number."""
        return lines_of(read_home(self.home))

    def consents(self) -> list[Account]:
        """Every line about accounts, which are consents alone."""
        return accounts_of(read_home(self.home))

    def wait_pushed(self) -> None:
        """Until nothing waits."""
        for _ in range(600):
            found = self.run("status", "--json").json
            if not found["records_not_committed"] and not found["commits_waiting"]:
                return
            time.sleep(0.05)
        raise AssertionError("not pushed in time")


class StripePlace(ProgramPlace):
    """A till at a Stripe that goes by this machine's clock.

    Attributes:
        stripe: the provider.
    """

    def __init__(self, folder: Path, stripe: FakeStripe) -> None:
        self.stripe = stripe
        super().__init__(folder)
        stripe.hooks.url = f"http://{self.public}/hooks/stripe"

    def account(self) -> dict[str, Any]:
        """Its account."""
        stripe = self.stripe
        return {
            "name": "stripe",
            "kind": "stripe",
            "account": STRIPE_ACCOUNT,
            "key_file": self.secret("key", stripe.restricted_key("read", "checkout")),
            "refund_key_file": self.secret("refund_key", stripe.restricted_key("read", "refund")),
            "secret_files": [self.secret("hook_secret", stripe.secret)],
            "tag_key_file": self.secret("tag_key", SECRETS[0]),
            "base_url": stripe.url,
            "currencies": ["USD"],
        }

    def buy(self, user: str) -> str:
        """A customer asks for a checkout and pays; the payment."""
        return self.stripe.pay(self.page(user))

    def page(self, user: str, usd: str = "20.00", **other: object) -> str:
        """A customer asks for a checkout; the page."""
        url = self.checkout(user, usd, **other)["url"]
        pages = self.stripe.objects.of("checkout.session")
        return str(next(page["id"] for page in pages if page["url"] == url))

    def deliver(self, order: Order = "as it was", times: int = 1) -> list[int]:
        """Send all events that wait, several at once, and say how each was answered."""
        with ThreadPoolExecutor(8) as senders:
            return [*senders.map(self.post, self.stripe.hooks.taken(order, times))]

    def post(self, hook: Hook) -> int:
        """Send one event, signed now, and say how it was answered."""
        return self.stripe.hooks.post(hook, self.stripe.signed(hook.body))


class CardPlace(StripePlace):
    """The same, where customers may save their cards."""

    def stated(self) -> dict[str, Any]:
        """Its configuration."""
        return super().stated() | {"cards": CARDS}

    def account(self) -> dict[str, Any]:
        """Its account, with a key that may keep cards."""
        key = self.stripe.restricted_key("read", "checkout", "cards")
        return super().account() | {"key_file": self.secret("key", key)}

    def save(self, user: str) -> str:
        """A customer pays, and saves his card; the payment."""
        return self.stripe.pay(self.page(user, save_card=TERMS))


def kill(process: "subprocess.Popen[str]") -> None:
    """End a process as a power cut would."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def killed_at(process: "subprocess.Popen[str]", stripe: FakeStripe, request: int) -> bool:
    """Kill a program as soon as it has sent so many requests; whether it had not ended before."""
    before = len(stripe.api.asked)
    while len(stripe.api.asked) < before + request:
        if process.poll() is not None:
            return False
        time.sleep(0.001)
    is_killed = process.poll() is None
    kill(process)
    return is_killed
