"""What agrees with the provider is covered; each difference is found, told and taken back."""

import random
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.books.reconcile.site import TIP, Site
from wire_format.instants import format_ts


def test_what_agrees_is_covered_and_every_tip_is_seen(site: Site) -> None:
    """Payments in dollars and in another currency, refunds, disputes and what reverses them."""
    payment = site.paid()
    other = site.paid("bob", 1850, "EUR", "20.00")
    refund = site.stripe.refund(payment, 500)
    site.stripe.close_dispute(site.stripe.dispute(other), "won")
    site.stripe.change_refund(refund, "failed")
    for each in (payment, other):
        site.write(each)
    kinds = sorted(line["kind"] for line in site.lines)
    assert kinds == ["dispute", "dispute_reversal", *["payment"] * 2, "refund", "refund_reversal"]
    site.add(kind="pending", user="eve", provider="stripe", attempt="a", amount="1", currency="USD")
    site.add(kind="consent", user="eve")
    site.add(kind="ended", user="eve", provider="stripe", attempt="a", state="not_succeeded")
    found = site.json()
    assert found["differences"] == []
    about = [(d["kind"], d["of"], d["from_seq"], d["to_seq"], d["tip"]) for d in found["decisions"]]
    assert about == [
        ("reconciled", "till-1", 1, 9, TIP),
        ("seen", "desk-1", None, None, TIP[::-1]),
        ("seen", "till-1", None, None, TIP),
    ]
    listed = site.books("decide", "list", "--json").ok().json
    assert [(d["kind"], d["by"], d["holds"]) for d in listed] == [
        ("reconciled", "reconcile", True),
        ("seen", "reconcile", True),
        ("seen", "reconcile", True),
    ]


def test_a_second_run_finds_nothing_new(site: Site) -> None:
    """Also before the aggregator has pulled the decisions: its answer is then the same."""
    site.stripe.clock.advance(hours=-3)
    site.write(site.paid())
    site.run().ok()
    asked = len(site.stripe.api.asked)
    assert site.json()["decisions"] == []
    assert "/v1/payment_intents/" not in str(site.stripe.api.asked[asked:])
    site.lines.clear()
    assert site.json()["decisions"] == []


def test_lines_that_came_later_are_covered_within_the_new_tip(site: Site) -> None:
    site.write(site.paid())
    site.run().ok()
    site.lines[0]["reconciled"] = True
    site.write(site.paid("bob"))
    site.tip = "b" * 40
    (decision,) = site.json()["decisions"]
    assert (decision["from_seq"], decision["to_seq"], decision["tip"]) == (2, 2, "b" * 40)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_answer_does_not_matter(site: Site, seed: int) -> None:
    for number in range(6):
        site.write(site.paid(f"user-{number}"))
    site.lines[3]["amount"] = "99.00"
    random.Random(seed).shuffle(site.lines)
    found = site.json("--dry-run")
    spans = [(d["from_seq"], d["to_seq"]) for d in found["decisions"] if d["kind"] == "reconciled"]
    assert spans == [(1, 3), (5, 6)]
    assert [each["seq"] for each in found["differences"]] == [4]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"amount": "20.01"}, "amount: 20.01 here, 20.00 there"),
        ({"currency": "EUR", "credited_usd": "20.00"}, "currency: EUR here, USD there"),
        ({"user": "mallory"}, "user: mallory here, alice there"),
        ({"ts": "2026-11-01T00:00:00Z"}, "ts: 2026-11-01T00:00:00Z here"),
        ({"external_ref": "pi_3F99999999"}, "stripe has no such payment"),
        ({"external_ref": "nothing"}, "stripe has no such payment"),
    ],
)
def test_a_line_that_says_otherwise_is_told_until_it_is_taken_back(
    site: Site, changes: dict[str, str], says: str
) -> None:
    site.write(site.paid())
    site.lines[0] |= changes
    site.write(site.paid("bob"))
    for _ in range(2):
        said = site.run()
        assert said.code == 1
        assert says in said.out
    assert said.out.count("difference: ") == 1
    command = next(line for line in said.out.splitlines() if line.startswith("  books decide"))
    site.books(*shlex.split(command)[1:], "--by", "ada").ok()
    excluded = site.books("decide", "list", "--json").ok().json[-1]
    assert (excluded["kind"], excluded["of"], excluded["of_seq"]) == ("exclude", "till-1", 1)
    site.lines[0]["state"] = "excluded"
    site.run().ok()


def test_a_refund_of_another_payment_differs(site: Site) -> None:
    first, second = site.paid(), site.paid()
    site.stripe.refund(first, 500)
    site.write(first)
    site.write(second)
    refund = next(line for line in site.lines if line["kind"] == "refund")
    refund["of_ref"] = second
    assert site.whys()[0] == "that payment has no such refund"
    refund["of_ref"] = first
    refund["amount"] = "6.00"
    assert site.whys() == ["amount: 6.00 here, 5.00 there"]


def test_a_refund_whose_payment_lost_its_tag_agrees_with_what_its_line_says(site: Site) -> None:
    payment = site.paid()
    site.write(payment)
    site.run().ok()
    site.lines.clear()
    site.stripe.refund(payment, 500)
    lines = site.written(payment)
    site.stripe.retag(payment, None)
    site.add(seq=2, **lines[1])
    assert site.json()["differences"] == []


def test_what_is_of_the_other_mode_is_no_payment(site: Site) -> None:
    tag = site.tag("alice", "20.00", "USD", "20.00")
    payment = site.stripe.elsewhere(2000, "usd", {"gitmeter": tag}, is_live=False)
    live = site.paid()
    site.add(**site.written(live)[0] | {"external_ref": payment})
    assert "stripe has no such payment" in site.whys()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("processing", "no such payment has moved money yet"),
        ("requires_action", "no such payment has moved money yet"),
        ("canceled", "nothing was paid"),
    ],
)
def test_what_has_not_succeeded_does_not_agree(site: Site, status: str, says: str) -> None:
    payment = site.paid()
    site.add(**site.written(payment)[0])
    site.stripe.objects.by_id[payment]["status"] = status
    assert says in site.whys()[0]


@pytest.mark.parametrize(("credit", "agrees"), [("20.75", True), ("20.76", False), ("19.00", True)])
def test_a_credit_is_within_the_rates_and_two_percent(
    site: Site, credit: str, *, agrees: bool
) -> None:
    """18.50 EUR at 1.10 is 20.35 USD, and 20.757 with two percent."""
    site.write(site.paid("bob", 1850, "EUR", credit))
    found = site.whys()
    assert (found == []) is agrees
    assert agrees or "is more than 20.757, the most by rules/fx.toml" in found[0]


def test_a_currency_without_a_rate_does_not_agree(site: Site) -> None:
    site.write(site.paid("bob", 1850, "GBP", "20.00"))
    assert site.whys() == ["rules/fx.toml has no rate of GBP for that time"]


def test_a_tag_counts_for_one_payment(site: Site) -> None:
    """In one answer, and over several: whoever copies a tag to another payment gets nothing."""
    tag = site.tag("alice", "20.00", "USD", "20.00")
    first = site.stripe.elsewhere(2000, "usd", {"gitmeter": tag})
    site.stripe.clock.advance(seconds=60)
    second = site.stripe.elsewhere(2000, "usd", {"gitmeter": tag})
    site.write(second)
    site.write(first)
    (difference,) = site.json("--dry-run")["differences"]
    assert (difference["seq"], difference["movement"]) == (1, f"payment {second}")
    assert difference["why"] == "the tag of the payment counts for another payment"
    late = site.lines.pop(0)
    assert site.whys() == []
    site.lines = [late]
    assert site.whys() == ["the tag of the payment counts for another payment"]


@pytest.mark.parametrize("knows_key", [True, False])
def test_a_tag_that_no_till_signed_is_seen_with_the_key(site: Site, *, knows_key: bool) -> None:
    """Without the key a tag of the right form is taken for one of ours."""
    if not knows_key:
        site.configure(tag_key_file=None)
    tag = site.tag("alice", "20.00", "USD", "20.00", key=b"the key of a thief")
    payment = site.stripe.elsewhere(2000, "usd", {"gitmeter": tag})
    site.claim(payment)
    forged = ["the tag of the payment is not signed by a till of this account"]
    assert site.whys() == (forged if knows_key else [])


def test_a_payment_of_another_program_is_none_of_ours(site: Site) -> None:
    payment = site.stripe.elsewhere(2000, "usd", {"gitmeter": "a word of somebody else"})
    site.claim(payment, "eve")
    assert "not signed by a till" in site.whys()[0]


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"status": "undecided", "user": None, "state": "undecided"}, "undecided"),
        ({"state": "not_allowed"}, ""),
        ({"state": "back_dated"}, ""),
        ({"state": "number_reused"}, ""),
        ({"state": "excluded"}, ""),
        ({"state": "a reason of a later version"}, ""),
    ],
)
def test_what_its_place_does_not_allow_never_agrees(
    site: Site, changes: dict[str, Any], more: str
) -> None:
    """Nothing is confirmed of it, and it splits what is around it."""
    for number in range(3):
        site.write(site.paid(f"user-{number}"))
    site.lines[1] |= changes
    said = site.run()
    assert more in said.out
    listed = site.books("decide", "list", "--json").ok().json
    spans = [(d["from_seq"], d["to_seq"]) for d in listed if d["kind"] == "reconciled"]
    assert spans == [(1, 1), (3, 3)]


@pytest.mark.parametrize("state", ["waits", "unconfirmed", "rivals", "not_succeeded", "counted"])
def test_what_waits_or_rivals_another_is_confirmed(site: Site, state: str) -> None:
    site.write(site.paid(), state=state)
    assert site.spans() == [(1, 1)]


def test_a_number_with_two_different_lines_is_never_covered(site: Site) -> None:
    for number in range(3):
        site.write(site.paid(f"user-{number}"))
    site.write(site.paid("eve"), seq=2, repo="till-1-b")
    assert site.spans() == [(1, 1), (3, 3)]


def test_each_repo_of_a_writer_has_decisions_of_its_own(site: Site) -> None:
    site.write(site.paid())
    site.write(site.paid(), repo="till-1-b")
    now = {"read_at": format_ts(datetime.now(UTC)), "is_current": True}
    writers = [
        {"node": "till-1", "repo": "till-1", "tip": TIP, **now},
        {"node": "till-1", "repo": "till-1-b", "tip": "b" * 40, **now},
    ]
    found = site.json(stdin=site.report(writers=writers))["decisions"]
    assert [(d["kind"], d["from_seq"], d["tip"]) for d in found] == [
        ("reconciled", 1, TIP),
        ("reconciled", 2, "b" * 40),
        ("seen", None, TIP),
        ("seen", None, "b" * 40),
    ]


def test_lines_of_a_repo_that_their_writer_left_are_covered_within_its_newest_commit(
    site: Site,
) -> None:
    """The aggregator names the tip of the repo in use alone."""
    for commit in ("a" * 40, "b" * 40):
        site.write(site.paid(), repo="till-1-2025", commit=commit)
        site.stripe.clock.advance(seconds=5)
    (decision, *_) = site.json()["decisions"]
    assert (decision["from_seq"], decision["to_seq"], decision["tip"]) == (1, 2, "b" * 40)
    assert site.json()["decisions"] == []


def test_a_writer_that_has_no_commit_yet_is_left_out(site: Site) -> None:
    writers = [{"node": "till-1", "repo": "till-1", "tip": None}]
    assert site.json(stdin=site.report(writers=writers))["decisions"] == []


def test_many_differences_of_one_writer_may_be_a_theft(site: Site) -> None:
    site.write(site.paid(), commit="a" * 40)
    for number in range(3):
        site.write(site.paid(), user=f"thief-{number}", commit="b" * 40)
    found = site.json("--dry-run")
    way_out = found["ways_out"]["till-1"]
    assert way_out.startswith(f"books decide only till-1 {'a' * 40} --reason")
    assert "if its key was stolen" in site.run("--dry-run").out
    site.lines = site.lines[:3]
    assert site.json("--dry-run")["ways_out"] == {}
