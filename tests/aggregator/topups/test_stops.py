"""What stands in the way of charging a card, through real repos, in the order of the reasons."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitmeter.money.topups.judging import TopupStop
from tests.support.ledger.topups_world import ATTEMPT, DESK, TILL, TopupsWorld
from tests.support.repos import decision_line
from wire_format.instants import format_ts
from wire_format.lines import Folder

Tell = Callable[[TopupsWorld], object]


def _fails_three_times(world: TopupsWorld) -> None:
    for number in range(3):
        name = f"auto:alice:{100 + number:016d}"
        world.begin(name)
        world.later(minutes=1)
        world.end("card_declined", name)
        world.later(hours=25)


def _is_paid(world: TopupsWorld, amount: str = "20.00") -> None:
    world.begin(amount=amount)
    world.later(minutes=1)
    world.pay("pi_auto", amount, attempt=ATTEMPT)


def _spends_the_month(world: TopupsWorld) -> None:
    """Four payments of 25.00 each, of which nothing is left, and the last one a day ago."""
    for number in range(4):
        name = f"auto:alice:{200 + number:016d}"
        world.begin(name, amount="25.00")
        world.pay(f"pi_{number}", "25.00", attempt=name)
        world.use(25_000, "llm/tokens")
        world.later(hours=25)


STOPS: dict[TopupStop, Tell] = {
    TopupStop.OFF: lambda world: world.set_topup(auto_topup_usd="0.00"),
    TopupStop.NO_CONSENT: lambda world: world.consent("pi_alice", amount_usd="0.50", below_usd="0"),
    TopupStop.BEYOND_CONSENT: lambda world: world.set_topup(auto_topup_usd="20.01"),
    TopupStop.SUSPENDED: lambda world: world.write(
        DESK, Folder.ACCOUNTS, user="alice", kind="suspend", reason="abuse"
    ),
    TopupStop.FAILED: _fails_three_times,
    TopupStop.IN_QUESTION: lambda world: world.pay("pi_odd", "3.00", status="undecided"),
    TopupStop.TAKEN_BACK: lambda world: world.give_back("refund", "re_1", "pi_alice", "1.00"),
    TopupStop.OPEN: lambda world: world.begin(),
    TopupStop.RECENT: _is_paid,
    TopupStop.MONTH: _spends_the_month,
    TopupStop.ENOUGH: lambda world: world.pay("pi_more", "1.00"),
}
"""What makes each of them the first that stands in the way."""


def test_an_account_below_its_threshold_is_due(world: TopupsWorld) -> None:
    assert world.stop() is None
    with world.reading() as store:
        assert store.topups.near() == ["alice"]


@pytest.mark.parametrize("stop", [s for s in TopupStop if s is not TopupStop.NO_CONSENT])
def test_each_reason_stands_in_the_way(world: TopupsWorld, stop: TopupStop) -> None:
    """Each alone; the pull after it changes nothing."""
    STOPS[stop](world)
    assert world.stop() == stop
    world.pull()
    assert world.stop() == stop


def test_what_nobody_consented_to_is_not_charged(tmp_path: Path) -> None:
    """Neither without a consent, nor by one of which the till may not state so much any more."""
    world = TopupsWorld(tmp_path)
    world.pay("pi_alice", "4.00")
    world.set_topup()
    world.later(hours=1)
    assert world.stop() == TopupStop.NO_CONSENT
    world.consent("pi_alice")
    assert world.stop() is None
    world.later(hours=1)
    text = world.repo("books").files(world.repo("books").tip() or "")["rules/writers.toml"]
    lower = text.replace(b'consent_max_usd = "50.00"', b'consent_max_usd = "19.99"')
    later = b'[[till]]\nnode = "till-1"\nfrom = 2026-11-02T02:00:00Z\nproviders = ["stripe"]\n'
    later += b'payment_max_usd = "100.00"\nunconfirmed_max_usd = "1000.00"\n'
    later += b'consent_max_usd = "19.99"\nconsent_month_max_usd = "300.00"\n'
    assert lower != text
    world.rule_files({"rules/writers.toml": text + b"\n" + later})
    assert world.stop() == TopupStop.NO_CONSENT


ORDER = [
    (first, later)
    for place, first in enumerate(TopupStop)
    for later in list(TopupStop)[place + 1 :]
    if {first, later}.isdisjoint({TopupStop.NO_CONSENT, TopupStop.MONTH})
    and (first, later) != (TopupStop.OPEN, TopupStop.RECENT)
]


@pytest.mark.parametrize(("first", "later"), ORDER[::3])
def test_of_two_reasons_the_earlier_one_is_told(
    world: TopupsWorld, first: TopupStop, later: TopupStop
) -> None:
    """A third of the pairs; the pure rules have all of them."""
    STOPS[later](world)
    STOPS[first](world)
    assert world.stop() == first


def test_who_is_frozen_is_not_judged_by_what_others_did(world: TopupsWorld) -> None:
    world.let_be_due("bob")
    world.give_back("dispute", "txn_1", "pi_alice", "4.00")
    world.pull()
    assert (world.state_of("alice")["stop"], world.due()) == ("money taken back", ["bob"])


def test_a_refund_that_names_somebody_else_freezes_whom_it_takes_from(world: TopupsWorld) -> None:
    """A refund takes from the user of its payment, whomever its line names."""
    world.give_back("refund", "re_1", "pi_alice", "0.50", user="mallory")
    assert world.stop() == TopupStop.TAKEN_BACK


def test_a_new_consent_lets_it_go_on_after_money_was_taken_back(world: TopupsWorld) -> None:
    world.give_back("refund", "re_1", "pi_alice", "1.00")
    world.later(hours=1)
    world.pay("pi_again", "1.00")
    world.consent("pi_again")
    assert world.stop() is None


def test_a_consent_that_is_stated_again_lets_nothing_go_on(world: TopupsWorld) -> None:
    """Whoever has the till's key dates it as he likes, but not its payment."""
    world.give_back("refund", "re_1", "pi_alice", "1.00")
    world.later(hours=1)
    world.consent("pi_alice")
    assert world.stop() == TopupStop.TAKEN_BACK


def test_a_payment_that_waits_is_in_question(tmp_path: Path) -> None:
    world = TopupsWorld(tmp_path, unconfirmed="10.00")
    world.let_be_due()
    assert world.stop() is None
    world.pay("pi_much", "7.00")
    assert world.stop() == TopupStop.IN_QUESTION


def test_a_payment_with_a_rival_is_in_question(world: TopupsWorld) -> None:
    """Two tills say different things about one payment."""
    later: dict[str, Any] = {
        "kind": "payment",
        "provider": "stripe",
        "currency": "USD",
        "status": "succeeded",
    }
    world.write(TILL, user="alice", external_ref="pi_r", amount="2.00", **later)
    text = world.repo("books").files(world.repo("books").tip() or "")["rules/writers.toml"]
    extra = text[: text.index(b'[[till]]\nnode = "charger-1"')]
    extra = extra[extra.index(b"[[till]]") :].replace(b"till-1", b"till-2")
    world.rule_files({"rules/writers.toml": text + b"\n" + extra})
    world.repo("till-2", role="till")
    world.write("till-2", user="alice", external_ref="pi_r", amount="3.00", **later)
    assert world.stop() == TopupStop.IN_QUESTION


def test_failures_count_since_the_last_setting(world: TopupsWorld) -> None:
    _fails_three_times(world)
    assert world.stop() == TopupStop.FAILED
    assert world.state_of()["failures"] == 3
    world.write(DESK, Folder.ACCOUNTS, user="alice", kind="setting", cap_usd="9.00")
    assert world.stop() == TopupStop.FAILED, "a setting about something else"
    world.set_topup()
    assert world.stop() is None


def test_a_payment_that_a_person_wrote_first_ends_its_attempt(world: TopupsWorld) -> None:
    """The books' line names no attempt and stands for the till's, which repeats it."""
    world.begin()
    world._commit(
        Folder.PAYMENTS, user="alice", kind="payment", provider="stripe", external_ref="pi_auto",
        amount="20.00", currency="USD", status="succeeded",
    )  # fmt: skip
    world.later(minutes=1)
    world.pay("pi_auto", "20.00", attempt=ATTEMPT)
    assert world.stop() == TopupStop.RECENT
    assert [each["state"] for each in world.state_of()["attempts"]] == ["paid"]


def _confirms_too_late(world: TopupsWorld) -> int:
    """The customer answers his bank on the fifth day; returns the number of the till's line."""
    world.begin()
    world.later(days=5)
    seq = world.pay("pi_auto", "20.00", attempt=ATTEMPT, status="undecided")
    assert world.stop() == TopupStop.IN_QUESTION
    assert [each["state"] for each in world.state_of()["attempts"]] == ["open"]
    return seq


@pytest.mark.parametrize(("status", "credit"), [("undecided", "20.00"), ("succeeded", "19.00")])
def test_a_payment_that_a_person_decides_ends_its_attempt(
    world: TopupsWorld, status: str, credit: str
) -> None:
    """The books say what it is worth, in a line that names no attempt and is not the till's."""
    world.begin()
    world.later(minutes=1)
    world.pay("pi_auto", "20.00", attempt=ATTEMPT, status=status)
    world._commit(
        Folder.PAYMENTS, user="alice", kind="payment", provider="stripe", external_ref="pi_auto",
        amount=credit, currency="USD", status="succeeded",
    )  # fmt: skip
    assert world.stop() == TopupStop.RECENT
    assert [each["state"] for each in world.state_of()["attempts"]] == ["paid"]
    world.use(35_000, "llm/tokens")
    world.pull()
    world.later(hours=49)
    assert world.stop() is None


def test_a_late_payment_that_was_given_back_ends_its_attempt(world: TopupsWorld) -> None:
    """A person gives it back at the provider, and excludes its line."""
    seq = _confirms_too_late(world)
    decided = decision_line(kind="exclude", seq=90, ts=format_ts(world.now), of=TILL, of_seq=seq)
    world.decide(decided, when=world.now)
    assert world.stop() == TopupStop.RECENT
    world.later(hours=49)
    assert world.stop() is None


def test_a_payment_that_its_till_may_not_write_ends_its_attempt_by_the_books(
    world: TopupsWorld,
) -> None:
    """The rule book lets the till credit less than the card was charged."""
    world.begin(amount="150.00")
    world.pay("pi_auto", "150.00", attempt=ATTEMPT)
    assert (world.stop(), world.held()[-1]["reason"]) == (TopupStop.OPEN, "not_allowed")
    world._commit(
        Folder.PAYMENTS, user="alice", kind="payment", provider="stripe", external_ref="pi_auto",
        amount="150.00", currency="USD", status="succeeded",
    )  # fmt: skip
    assert world.stop() == TopupStop.RECENT


def test_nobody_is_due_once_no_till_may_charge(world: TopupsWorld) -> None:
    """Its key at the provider may still work, and its own configuration still say that it may."""
    text = world.repo("books").files(world.repo("books").tip() or "")["rules/writers.toml"]
    later = b'[[till]]\nnode = "charger-1"\nfrom = 2026-11-02T02:00:00Z\nproviders = ["stripe"]\n'
    later += b'payment_max_usd = "1.00"\nunconfirmed_max_usd = "1.00"\n'
    assert world.stop() is None
    world.rule_files({"rules/writers.toml": text + b"\n" + later})
    world.pull()
    assert (world.due(), world.state_of()["stop"]) == ([], None)
