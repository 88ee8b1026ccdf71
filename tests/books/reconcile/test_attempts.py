"""At a provider without tags the promise is the `pending` line that was pushed before."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from books.reconcile.judging.compare import CONTESTED
from tests.books.reconcile.site import Site, days_ago
from tests.support.providers.fake_clickpesa import Asked, FakeClickPesa
from tests.support.providers.fake_stripe import FakeStripe
from wire_format.instants import format_ts

CREDIT = "19.04"
"""Of 50,000 TZS; the rate allows 20.40."""


@pytest.fixture
def clickpesa() -> Iterator[FakeClickPesa]:
    """An account where it is an hour ago."""
    with FakeClickPesa(days_ago(1 / 24)) as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, stripe: FakeStripe, clickpesa: FakeClickPesa) -> Site:
    """Books that may ask that account alone."""
    found = Site(tmp_path, stripe)
    found.use_key(clickpesa.key)
    found.configure(name="clickpesa-tz", base_url=clickpesa.url, tag_key_file=None)
    return found


def promised(site: Site, clickpesa: FakeClickPesa, order: str = "A1", **changes: object) -> None:
    """The till writes and pushes a `pending` line, then gives a link out."""
    stated: dict[str, Any] = {
        "user": "bob",
        "kind": "pending",
        "provider": "clickpesa-tz",
        "attempt": order,
        "amount": "50000",
        "currency": "TZS",
        "credited_usd": CREDIT,
        "state": "not_succeeded",
        "committed_at": format_ts(clickpesa.clock()),
    }
    site.add(**stated | changes)
    clickpesa.orders[order] = Asked(order, "50000", "TZS", is_prompt=False)
    clickpesa.clock.advance(seconds=30)


def paid(site: Site, clickpesa: FakeClickPesa, order: str = "A1", **changes: object) -> str:
    """The customer pays, and the till writes that."""
    payment = clickpesa.pay(order)
    at = clickpesa.payments[payment].created_at
    stated: dict[str, Any] = {
        "user": "bob",
        "provider": "clickpesa-tz",
        "external_ref": payment,
        "amount": "50000",
        "currency": "TZS",
        "credited_usd": CREDIT,
        "status": "succeeded",
        "attempt": order,
        "ts": format_ts(at),
    }
    site.add(**stated | changes)
    return payment


def test_a_payment_is_worth_what_was_promised_to_whom(site: Site, clickpesa: FakeClickPesa) -> None:
    promised(site, clickpesa)
    paid(site, clickpesa)
    assert site.spans() == [(1, 2)]


def test_a_promise_that_is_covered_already_still_holds(
    site: Site, clickpesa: FakeClickPesa
) -> None:
    """The aggregator's answer no longer has it."""
    promised(site, clickpesa)
    assert site.spans() == [(1, 1)]
    paid(site, clickpesa)
    del site.lines[0]
    assert site.spans() == [(2, 2)]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"user": "mallory"}, "user: mallory here, bob there"),
        ({"credited_usd": "19.05"}, "credited_usd: 19.05 here, 19.04 there"),
        ({"amount": "60000"}, "amount: 60000.00 here, 50000.00 there"),
        ({"external_ref": "0000"}, "that payment has no such payment"),
        ({"attempt": "A2"}, "clickpesa-tz has no such payment"),
    ],
)
def test_a_line_that_says_otherwise_differs(
    site: Site, clickpesa: FakeClickPesa, changes: dict[str, str], says: str
) -> None:
    promised(site, clickpesa)
    paid(site, clickpesa, **changes)
    assert site.whys() == [says]


def contested(site: Site) -> None:
    """Nothing is believed, and nobody is told to exclude what may be true."""
    found = site.json()
    payments = [each["seq"] for each in site.lines if each["kind"] == "payment"]
    covered = {
        seq
        for d in found["decisions"]
        if d["kind"] == "reconciled"
        for seq in range(d["from_seq"], d["to_seq"] + 1)
    }
    assert not covered & set(payments)
    assert [each["seq"] for each in found["differences"]] == payments
    for each in found["differences"]:
        assert each["why"] == CONTESTED
        (command,) = each["commands"]
        assert command.startswith("books pay USER AMOUNT --currency TZS")
        assert command.endswith("--by-hand")


def test_of_promises_that_say_the_same_the_first_holds(
    site: Site, clickpesa: FakeClickPesa
) -> None:
    promised(site, clickpesa)
    promised(site, clickpesa)
    paid(site, clickpesa)
    assert site.spans() == [(1, 3)]


@pytest.mark.parametrize("state", ["not_succeeded", "number_reused", "not_allowed", "excluded"])
@pytest.mark.parametrize(
    "changes",
    [
        {"user": "mallory"},
        {"amount": "60000"},
        {"currency": "KES"},
        {"credited_usd": "19.03"},
    ],
)
def test_promises_that_contradict_each_other_are_for_a_person(
    site: Site, clickpesa: FakeClickPesa, state: str, changes: dict[str, str]
) -> None:
    """Whichever of them is held: nothing says which the customer meant."""
    promised(site, clickpesa)
    promised(site, clickpesa, state=state, **changes)
    paid(site, clickpesa)
    contested(site)


@pytest.mark.parametrize("held", ["bob", "mallory"])
def test_whichever_promise_under_one_number_is_held_neither_is_believed(
    site: Site, clickpesa: FakeClickPesa, held: str
) -> None:
    for user in ("bob", "mallory"):
        state = "number_reused" if user == held else "not_succeeded"
        promised(site, clickpesa, seq=1, user=user, state=state)
    paid(site, clickpesa, state="rivals")
    paid_line = site.lines[-1]
    site.add(**paid_line | {"seq": 3, "user": "mallory", "state": "same_movement"})
    contested(site)


def test_a_first_promise_whose_number_another_line_has_is_none(
    site: Site, clickpesa: FakeClickPesa
) -> None:
    """First is what was committed first, whatever its number."""
    promised(site, clickpesa, seq=7)
    site.add(kind="consent", user="eve", seq=7)
    promised(site, clickpesa, seq=3)
    paid(site, clickpesa)
    contested(site)


def test_a_contradiction_of_an_earlier_run_is_remembered(
    site: Site, clickpesa: FakeClickPesa
) -> None:
    promised(site, clickpesa)
    promised(site, clickpesa, user="mallory")
    assert site.spans() == [(1, 2)]
    paid(site, clickpesa)
    del site.lines[:2]
    contested(site)


def test_a_promise_after_the_payment_is_none(site: Site, clickpesa: FakeClickPesa) -> None:
    later = format_ts(clickpesa.clock() + timedelta(minutes=1))
    promised(site, clickpesa, committed_at=later)
    paid(site, clickpesa)
    assert site.whys() == ["no `pending` line of this attempt is known that one till alone wrote"]


def test_what_two_tills_promised_is_for_a_person(site: Site, clickpesa: FakeClickPesa) -> None:
    promised(site, clickpesa)
    promised(site, clickpesa, node="till-2", repo="till-2")
    paid(site, clickpesa)
    contested(site)


@pytest.mark.parametrize("state", ["not_allowed", "excluded"])
def test_a_promise_that_its_place_does_not_allow_is_none(
    site: Site, clickpesa: FakeClickPesa, state: str
) -> None:
    promised(site, clickpesa, state=state)
    paid(site, clickpesa)
    assert len(site.whys()) == 1


def test_a_credit_beyond_the_rates_differs_although_it_was_promised(
    site: Site, clickpesa: FakeClickPesa
) -> None:
    promised(site, clickpesa, credited_usd="20.41")
    paid(site, clickpesa, credited_usd="20.41")
    assert site.whys() == ["credited_usd: 20.41 is more than 20.40, the most by rules/fx.toml"]


def test_each_payment_of_one_link_is_a_movement(site: Site, clickpesa: FakeClickPesa) -> None:
    promised(site, clickpesa)
    paid(site, clickpesa)
    clickpesa.clock.advance(minutes=5)
    paid(site, clickpesa)
    assert site.spans() == [(1, 3)]


def test_a_payment_that_is_no_line_is_told(site: Site, clickpesa: FakeClickPesa) -> None:
    """Nothing there says whose it is, so all of them must be lines, undecided ones too."""
    clickpesa.clock.advance(hours=-26)
    promised(site, clickpesa)
    payment = paid(site, clickpesa)
    line = site.lines.pop()
    assert payment in site.json("--dry-run")["differences"][0]["movement"]
    site.add(**line | {"status": "undecided", "state": "undecided", "user": None})
    assert site.whys() == []
