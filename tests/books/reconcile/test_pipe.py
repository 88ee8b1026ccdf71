"""The whole way: a till's repo, the aggregator's answer, the provider, and the decisions back."""

import json
import re
import shlex
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from tests.books.reconcile.cards import TERMS, Saved, allow_cards, charge_card, save_card
from tests.books.reconcile.site import Site
from tests.support.files import write_toml
from tests.support.programs import run_aggregator
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.repos import bare_repo
from tests.support.tills import RoleProgram
from wire_format.instants import parse_ts
from wire_format.lines import Account, Folder, Money


def wait_for_the_next_second() -> None:
    """Commits are dated in whole seconds."""
    time.sleep(1)


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

    def hear_consent(self, saved: Saved) -> None:
        """The till writes what the customer agreed to when he saved his card, and pushes."""
        with Spool.open(self.till.home, role="till") as spool:
            line = Account(
                v=2,
                node="till-1",
                seq=UNNUMBERED,
                ts=self.site.stripe.clock(),
                user=saved.user,
                kind="consent",
                **TERMS._asdict(),
                of_provider="stripe",
                of_ref=saved.payment,
            )
            spool.append(Folder.ACCOUNTS, [line])
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
    wait_for_the_next_second()
    for number in range(3):
        fleet.take(site.paid("bob", 500), user=f"thief-{number}")
    command = site.json("--push", stdin=fleet.answer())["ways_out"]["till-1"]
    site.books(*shlex.split(command)[1:]).ok()
    site.books("push").ok()
    assert fleet.balance("alice") == "20.00"
    assert {fleet.balance(f"thief-{number}") for number in range(3)} == {"0.00"}


def test_a_charge_counts_for_good_once_somebody_had_agreed_to_it(
    tmp_path: Path, stripe: FakeStripe
) -> None:
    """One that came before everything was agreed to does not, whatever is stated later."""
    fleet = Fleet(tmp_path, stripe)
    site = fleet.site
    allow_cards(site)
    saved = save_card(site)
    fleet.take(saved.payment)
    fleet.hear_consent(saved)
    stripe.clock.advance(minutes=1)
    fleet.take(charge_card(site, saved.card))
    names = ("--auto-topup-usd", "--auto-topup-below-usd", "--auto-topup-month-usd")
    options = [word for pair in zip(names, TERMS, strict=True) for word in pair]
    site.books("account", "setting", "alice", *options).ok()
    site.books("push").ok()
    wait_for_the_next_second()
    stripe.clock.advance(seconds=(datetime.now(UTC) - stripe.clock()).total_seconds() // 1)
    fleet.take(charge_card(site, saved.card))
    found = site.json("--push", stdin=fleet.answer())
    (difference,) = found["differences"]
    assert "and the account had no setting then" in difference["why"]
    (early, late) = sorted(
        (
            line
            for line in fleet.ask("payments")["lines"]
            if (line["attempt"] or "").startswith("auto:")
        ),
        key=lambda line: str(line["ts"]),
    )
    assert (difference["seq"], early["seq"]) == (early["seq"], 3)
    assert (early["reconciled"], late["reconciled"]) == (False, True)
    # the second one is told as covered with the first, which waits for a person
    topups = json.loads(fleet.answer())["topups"]
    assert [each["external_ref"] for each in topups["covered"]] == [late["external_ref"]]
    assert len(topups["terms"]) == 1
    reconciled = shlex.split(difference["commands"][1])
    site.books(*reconciled[1:]).ok()
    site.books("push").ok()
    assert site.json("--push", stdin=fleet.answer())["differences"] == []
