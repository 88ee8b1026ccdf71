"""`till charge` as it is run, at a Stripe over HTTP: one charge for one need, and no other."""

import subprocess
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from gitmeter.http_edge.signature import signature
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.stripe_cards import NEEDS_OWNER
from tests.till.charging.place import USD
from tests.till.charging.programs import SECRET, ChargeProgram
from tests.till.programs import kill
from wire_format.posts.topup_due import ACCOUNTS_MAX, BODY_BYTES_MAX

REQUESTS_MAX = 10


@pytest.fixture
def charger(tmp_path: Path, stripe: FakeStripe) -> ChargeProgram:
    return ChargeProgram(tmp_path, stripe)


def kinds(charger: ChargeProgram) -> Counter[str]:
    return Counter(line.kind for line in charger.lines())


def test_one_need_is_charged_once(charger: ChargeProgram, stripe: FakeStripe) -> None:
    """However often it is told, and whoever asks: a level is no order."""
    payment = charger.save_card("alice-01")
    due = charger.due(charger.below("alice-01", payment))
    with charger.charging():
        charger.wait_settled()
        for _ in range(3):
            assert charger.stopped(due) is None
        charger.wait(lambda: charger.charges() and charger.charges()[0]["status"] == "succeeded")
        charger.stopped(charger.due(charger.below("alice-01", payment)))
        charger.wait(lambda: charger.run("attempts", "--json").json[0]["state"] == "paid")
    assert len(charger.charges()) == 1
    assert charger.charges()[0]["amount_received"] == 2000
    assert kinds(charger) == {"pending": 1}
    found = charger.run("attempts", "--json").json[0]
    assert (found["user"], found["usd"], found["reason"]) == ("alice-01", USD, "")
    assert found["payment"] == charger.charges()[0]["id"]
    said = charger.run("attempts", "--csv", "--user", "alice-01").ok().out
    assert said.splitlines()[0].startswith("user,account,attempt,usd")
    assert "paid" in charger.run("attempts").ok().out
    assert charger.run("attempts", "--user", "nobody-1").ok().out == ""
    for secret in (stripe.key, SECRET, *(key for key in stripe.api.keys)):
        assert secret not in charger.said


def test_a_decline_ends_once_nothing_can_come_of_it(
    charger: ChargeProgram, stripe: FakeStripe
) -> None:
    payment = charger.save_card("alice-01")
    stripe.cards.outcomes[""] = "insufficient_funds"
    with charger.charging():
        charger.wait_settled()
        charger.stopped(charger.due(charger.below("alice-01", payment)))
        charger.wait(lambda: kinds(charger)["ended"])
    assert [charge["status"] for charge in charger.charges()] == ["canceled"]
    assert charger.lines()[-1].reason == "insufficient_funds"


def test_a_bank_that_asks_gives_a_link(charger: ChargeProgram, stripe: FakeStripe) -> None:
    payment = charger.save_card("alice-01")
    stripe.cards.outcomes[""] = NEEDS_OWNER
    with charger.charging():
        charger.wait_settled()
        charger.stopped(charger.due(charger.below("alice-01", payment)))
        waits = "waits for the customer"
        charger.wait(
            lambda: [e["state"] for e in charger.run("attempts", "--json").json] == [waits]
        )
    assert [charge["status"] for charge in charger.charges()] == ["requires_action"]
    assert charger.run("status", "--json").json["charge"]["waiting_for_customers"] == 1


def test_it_is_killed_at_each_of_its_requests(charger: ChargeProgram, stripe: FakeStripe) -> None:
    """Whatever it had done: what is charged in the end is one charge for each need."""
    with charger.charging():
        charger.wait_settled()
    payments = {f"alice-{n:02}": charger.save_card(f"alice-{n:02}") for n in range(REQUESTS_MAX)}
    for request, (user, payment) in enumerate(payments.items(), 1):
        before = len(stripe.api.asked)
        process = charger.start("charge")
        charger.wait(charger.answers, process)
        charger.tell(charger.due(charger.below(user, payment)))
        kill_at(process, stripe, before + request)
    with charger.charging():
        for user, payment in payments.items():
            charger.tell(charger.due(charger.below(user, payment)))
            charger.wait(lambda: _is_over(charger, user))  # noqa: B023 - used at once
    charges = charger.charges()
    users = Counter(str(each["metadata"]["gitmeter_attempt"]).split(":")[1] for each in charges)
    assert users == dict.fromkeys(payments, 1)
    assert {each["status"] for each in charges} == {"succeeded"}
    assert kinds(charger) == {"pending": REQUESTS_MAX}


def kill_at(process: "subprocess.Popen[str]", stripe: FakeStripe, requests: int) -> None:
    """Kill a program as soon as Stripe was asked so often, or after some seconds without that."""
    ends_at_s = time.monotonic() + 2
    while len(stripe.api.asked) < requests and time.monotonic() < ends_at_s:
        time.sleep(0.001)
    kill(process)


def _is_over(charger: ChargeProgram, user: str) -> bool:
    found = charger.run("attempts", "--json", "--user", user).json
    return [each["state"] for each in found] == ["paid"]


def test_what_is_not_signed_old_or_too_large_charges_nobody(charger: ChargeProgram) -> None:
    payment = charger.save_card("alice-01")
    account = charger.below("alice-01", payment)
    due = charger.due(account)
    with charger.charging():
        charger.wait_settled()
        for signed in ("", "0" * 64, signature(b"another", due), "é"):
            assert charger.tell(due, signed.encode("latin-1")).status_code == 400  # type: ignore[arg-type]
        assert charger.tell(b"{}").status_code == 400
        assert charger.tell(b" " * (BODY_BYTES_MAX + 1)).status_code == 413
        for age in (timedelta(minutes=11), timedelta(days=365), timedelta(minutes=-6)):
            assert charger.stopped(charger.due(account, age=age)) is None
        assert charger.run("status", "--json").json["charge"]["last_post_at"] is None
    assert charger.charges() == []
    assert kinds(charger) == {}


def test_a_stolen_node_reaches_no_more_cards_than_the_fuse(
    tmp_path: Path, stripe: FakeStripe
) -> None:
    """It bills 5,000 accounts, which are all due at once: what is answered then says so."""
    charger = ChargeProgram(tmp_path, stripe, topups_hour_max=4)
    real = [charger.below(f"alice-{i:04}", charger.save_card(f"alice-{i:04}")) for i in range(8)]
    others = [charger.below(f"user-{i:06}", f"pi_none{i}") for i in range(4992)]
    accounts = [*real, *others]
    posts = [
        charger.due(*accounts[i : i + ACCOUNTS_MAX]) for i in range(0, len(accounts), ACCOUNTS_MAX)
    ]
    with charger.charging():
        charger.wait_settled()
        for post in posts:
            assert charger.tell(post).status_code == 200
        charger.wait(lambda: charger.stopped(charger.due(real[0])) is not None)
        assert "4 automatic payments" in (charger.stopped(charger.due(real[0])) or "")
    assert Counter(c["status"] for c in charger.charges()) == {"succeeded": 4}
    assert kinds(charger) == {"pending": 4}
    status = charger.run("status")
    assert status.code == 1
    assert "stopped" in status.out
    assert "fuse" in charger.run("doctor").out
    started = charger.run("start-again", "--reason", "node-7 was stolen").ok()
    assert "4 automatic payments" in started.out
    assert "within the last hour" in started.err
    assert charger.run("start-again", "--reason", "again").code == 1
    with charger.charging():  # the hour is not over
        charger.tell(charger.due(real[7]))
        charger.wait(lambda: charger.stopped(charger.due(real[7])) is not None)
    assert len(charger.charges()) == 4


def test_it_ends_with_what_it_does(charger: ChargeProgram, stripe: FakeStripe) -> None:
    """SIGTERM cuts no charge off: what was confirmed is known when it has ended."""
    payment = charger.save_card("alice-01")
    with charger.charging() as process:
        charger.wait_settled()
        charger.tell(charger.due(charger.below("alice-01", payment)))
        charger.wait(
            lambda: any(each.path.endswith("/confirm") for each in stripe.api.asked), process
        )
    assert charger.run("attempts", "--json").json[0]["state"] == "paid"


def test_commands_of_the_other_kind_of_till_refuse(charger: ChargeProgram) -> None:
    for command in (("serve",), ("sweep",), ("refund", "pi_1", "--reason", "x")):
        said = charger.run(*command)
        assert said.code == 1
        assert "charges saved cards" in said.err


def test_two_do_not_charge_from_one_home(charger: ChargeProgram) -> None:
    with charger.charging():
        said = charger.run("charge")
        assert said.code == 75
        assert "another process charges" in said.err


def test_doctor_wants_a_key_that_charges_and_gives_nothing_back(
    charger: ChargeProgram, stripe: FakeStripe
) -> None:
    said = charger.run("doctor").out
    assert "nothing was settled yet" in said
    assert "no aggregator ever said" in said
    assert "cannot charge" not in said
    charger.secret("key", stripe.restricted_key("read"))
    assert "its key cannot charge cards" in charger.run("doctor").out
    charger.secret("key", stripe.restricted_key("read", "charge", "refund"))
    assert "can also give money back" in charger.run("doctor").out


def test_one_that_is_killed_while_idle_loses_nothing(charger: ChargeProgram) -> None:
    with charger.charging() as process:
        charger.wait_settled()
        kill(process)
    with charger.charging():
        assert charger.run("status", "--json").json["charge"]["settled"]
