"""The whole way: a till's repo, the aggregator's answer, the provider, and the decisions back."""

import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from tests.books.reconcile.site import Site
from tests.support.files import write_toml
from tests.support.programs import run_aggregator
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.repos import bare_repo
from tests.support.tills import RoleProgram
from wire_format.instants import parse_ts
from wire_format.lines import Account, Folder, Money


class Fleet:
    """Books, a till with a repo of its own, and the aggregator that reads both."""

    def __init__(self, folder: Path, stripe: FakeStripe) -> None:
        self.site = Site(folder, stripe)
        self.till = RoleProgram("till", folder / "till-home")
        remote = bare_repo(folder / "till.git")
        self.till("init", "--node", "till-1", "--remote", f"file://{remote}").ok()
        repos = [
            {"node": "books", "url": f"file://{self.site.books.remote}", "role": "books"},
            {"node": "till-1", "url": f"file://{remote}", "role": "till"},
        ]
        values = {
            "state": folder / "state",
            "allowed_signers_file": self.site.books.signers(),
            "repo": repos,
        }
        self.config = write_toml(folder / "aggregator.toml", values)
        self.site.books("push").ok()

    def take(self, payment: str, **changes: object) -> None:
        """The till writes what it must of a payment, with these changes, and pushes."""
        with Spool.open(self.till.home, role="till") as spool:
            for line in self.site.written(payment):
                stated: dict[str, Any] = {"v": 2, "node": "till-1", "seq": UNNUMBERED, **line}
                stated |= {"ts": parse_ts(str(line["ts"])), **changes}
                spool.append(Folder.PAYMENTS, [Money(**stated)])
        self.till("push").ok()

    def promise(self) -> None:
        """The till writes what moves no money."""
        about: dict[str, Any] = {"v": 2, "node": "till-1", "seq": UNNUMBERED, "user": "alice"}
        about |= {"ts": self.site.stripe.clock()}
        attempt: dict[str, Any] = {"provider": "stripe", "attempt": "topup:alice:1"}
        amount: dict[str, Any] = {"amount": "20.00", "currency": "USD"}
        stated: list[dict[str, Any]] = [
            {"kind": "pending", **attempt, **amount},
            {"kind": "ended", **attempt, "reason": "card_declined"},
        ]
        consent: dict[str, Any] = {"kind": "consent", "amount_usd": "20.00", **about}
        with Spool.open(self.till.home, role="till") as spool:
            spool.append(Folder.PAYMENTS, [Money(**about, **each) for each in stated])
            spool.append(Folder.ACCOUNTS, [Account(**consent)])
        self.till("push").ok()

    def ask(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """Pull, and ask the aggregator."""
        run_aggregator("--config", str(self.config), "pull")
        return run_aggregator("--config", str(self.config), *arguments, "--json").ok().json

    def answer(self) -> str:
        """What goes through the pipe."""
        run_aggregator("--config", str(self.config), "pull")
        command = ("payments", "--unconfirmed", "--json")
        return run_aggregator("--config", str(self.config), *command).ok().out

    def balance(self, user: str) -> str:
        """What an account has."""
        return str(self.ask("balance", user)["balance_usd"])


@pytest.fixture
def fleet(tmp_path: Path, stripe: FakeStripe) -> Fleet:
    """A till that may credit thirty dollars before somebody has looked."""
    found = Fleet(tmp_path, stripe)
    file = tmp_path / "writers.toml"
    text = file.read_text().replace('max_usd = "1000.00"', 'max_usd = "30.00"')
    file.write_text(re.sub("# made.*\n", "", text))
    found.site.books("rules", "set", str(file), "--reason", "less").ok()
    found.site.books("push").ok()
    return found


def test_what_waits_is_in_the_balance_once_the_provider_confirms_it(fleet: Fleet) -> None:
    site = fleet.site
    fleet.promise()
    for _ in range(3):
        fleet.take(site.paid())
    waiting = fleet.ask("payments", "--unconfirmed")["lines"]
    assert [line["state"] for line in waiting if line["kind"] == "payment"] == [
        "counted",
        "waits",
        "waits",
    ]
    said = site.run("--push", stdin=fleet.answer()).ok()
    assert "reconciled till-1 seq 1..6" in said.out
    assert fleet.balance("alice") == "60.00"
    assert fleet.ask("payments", "--unconfirmed")["lines"] == []
    assert site.run("--push", stdin=fleet.answer()).ok().out.endswith("nothing new to decide\n")


def test_a_false_payment_is_taken_back_with_the_command_that_is_told(fleet: Fleet) -> None:
    site = fleet.site
    fleet.take(site.paid())
    fleet.take(site.paid("bob", 500), user="mallory")
    assert fleet.balance("mallory") == "5.00"
    said = site.run("--push", stdin=fleet.answer())
    assert (said.code, "user: mallory here, bob there" in said.out) == (1, True)
    site.books("decide", "exclude", "till-1", "2", "--reason", "false").ok()
    site.books("push").ok()
    assert fleet.balance("mallory") == "0.00"
    site.run("--push", stdin=fleet.answer()).ok()
    assert fleet.balance("alice") == "20.00"


def test_only_cuts_a_thief_off_and_leaves_what_came_before(fleet: Fleet) -> None:
    site = fleet.site
    fleet.take(site.paid())
    site.run("--push", stdin=fleet.answer()).ok()
    time.sleep(1)  # commits are dated in whole seconds
    for number in range(3):
        fleet.take(site.paid("bob", 500), user=f"thief-{number}")
    command = site.json("--push", stdin=fleet.answer())["ways_out"]["till-1"]
    site.books(*shlex.split(command)[1:]).ok()
    site.books("push").ok()
    assert fleet.balance("alice") == "20.00"
    assert {fleet.balance(f"thief-{number}") for number in range(3)} == {"0.00"}
