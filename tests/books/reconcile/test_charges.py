"""A card that was charged without its customer: covered only by what was agreed to before."""

import shlex
from typing import Any

import pytest

from providers.consents import ConsentTerms
from tests.books.reconcile.cards import (
    TERMS,
    Saved,
    agree,
    allow_cards,
    answer_bank,
    charge_card,
    save_card,
)
from tests.books.reconcile.site import COMMIT, Site
from tests.support.providers.stripe_cards import NEEDS_OWNER

NO_SETTING = "the account had no setting then that lets it be"
NO_CONSENT = "the account had no consent then, within the limits of its till"


@pytest.fixture
def saved(site: Site) -> Saved:
    """Alice has saved a card and agreed to what it is for; her payment is a line that agreed."""
    allow_cards(site)
    site.stripe.clock.advance(hours=-8)
    found = save_card(site)
    agree(site, found)
    site.write(found.payment)
    assert site.spans() == [(1, 1)]
    site.lines[0]["reconciled"] = True
    site.stripe.clock.advance(hours=2)
    return found


def why(site: Site, *options: str) -> str:
    """Run it; why the only difference is one."""
    (found,) = site.whys(*options)
    assert found.startswith("a saved card was charged, ")
    return found


def test_a_charge_within_what_was_agreed_to_is_covered(site: Site, saved: Saved) -> None:
    site.write(charge_card(site, saved.card))
    assert site.spans() == [(2, 2)]


def test_it_is_covered_where_the_payment_of_the_consent_is_in_the_same_answer(site: Site) -> None:
    """The provider is asked about each once."""
    allow_cards(site)
    found = save_card(site)
    agree(site, found)
    site.stripe.clock.advance(minutes=1)
    site.write(found.payment)
    site.write(charge_card(site, found.card))
    asked = len(site.stripe.api.asked)
    assert site.spans() == [(1, 2)]
    paths = [each.path for each in site.stripe.api.asked[asked:]]
    assert paths.count(f"/v1/payment_intents/{found.payment}") == 1


@pytest.mark.parametrize(("kind", "says"), [("setting", NO_SETTING), ("consent", NO_CONSENT)])
def test_without_a_setting_or_a_consent_it_is_not(
    site: Site, saved: Saved, kind: str, says: str
) -> None:
    assert site.terms is not None
    site.terms = [each for each in site.terms if each["kind"] != kind]
    site.write(charge_card(site, saved.card))
    assert says in why(site)


@pytest.mark.parametrize("changed", ["ts", "committed_at"])
@pytest.mark.parametrize(("kind", "says"), [("setting", NO_SETTING), ("consent", NO_CONSENT)])
def test_what_is_stated_or_committed_after_it_does_not_help(
    site: Site, saved: Saved, kind: str, says: str, changed: str
) -> None:
    """A thief can state it then, and date it back, but not its commit."""
    payment = charge_card(site, saved.card)
    (line,) = site.write(payment)
    assert site.terms is not None
    next(each for each in site.terms if each["kind"] == kind)[changed] = line["ts"]
    assert says in why(site)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"auto_topup_usd": "19.99"}, "more than what was settled and consented to"),
        ({"auto_topup_usd": "0"}, NO_SETTING),
        ({"auto_topup_month_usd": "19.00"}, "more in that month than what was settled"),
        ({"amount_usd": "19.99"}, "more than what was settled and consented to"),
        ({"amount_usd": "40.01"}, NO_CONSENT),
        ({"month_usd": "200.01"}, NO_CONSENT),
        ({"month_usd": "10.00"}, "more in that month than what was settled"),
        ({"of_ref": None}, NO_CONSENT),
        ({"of_provider": "stripe-eu"}, NO_CONSENT),
        ({"of_ref": "pi_3F99999999"}, "the provider knows of no consent with pi_3F99999999"),
        ({"amount_usd": "30.00"}, "the customer consented to something else"),
        ({"below_usd": "6.00"}, "the customer consented to something else"),
    ],
)
def test_it_is_within_what_was_settled_and_consented_to(
    site: Site, saved: Saved, changes: dict[str, Any], says: str
) -> None:
    """And the consent is one of which the provider knows, word for word."""
    assert site.terms is not None
    for each in site.terms:
        each |= {name: value for name, value in changes.items() if name in each}
    site.write(charge_card(site, saved.card))
    assert says in why(site)


def test_what_was_settled_otherwise_a_moment_before_may_not_have_reached_who_charges(
    site: Site, saved: Saved
) -> None:
    """For ten minutes; after that it counts."""
    agree(site, saved, TERMS._replace(amount_usd="10.00"))
    site.stripe.clock.advance(minutes=9)
    site.write(charge_card(site, saved.card))
    site.stripe.clock.advance(minutes=2)
    site.write(charge_card(site, saved.card))
    found = site.json("--dry-run")
    assert [each["seq"] for each in found["differences"]] == [3]


def test_a_customer_who_answers_his_bank_later_had_agreed_when_it_began(
    site: Site, saved: Saved
) -> None:
    """What counts is when the charge was promised, which is in its signed tag."""
    site.stripe.cards.outcomes[saved.card.method] = NEEDS_OWNER
    payment = charge_card(site, saved.card, is_paid=False)
    site.stripe.clock.advance(hours=1)
    agree(site, saved, ConsentTerms("0", "0", "0"))
    site.stripe.clock.advance(hours=3)
    answer_bank(site, payment)
    site.write(payment)
    assert site.whys("--dry-run") == []


def test_the_card_of_somebody_else_is_not_covered_by_a_consent_of_ones_own(
    site: Site, saved: Saved
) -> None:
    """Mallory has agreed to everything, and whoever charges takes alice's card for her balance."""
    own = save_card(site, "mallory")
    agree(site, own)
    site.stripe.clock.advance(minutes=1)
    site.write(charge_card(site, saved.card, "mallory"))
    assert f"another card than that of {own.payment}" in why(site)
    assert site.terms is not None
    site.terms[2]["of_ref"] = saved.payment
    assert f"{saved.payment}, with the consent, is of another account" in why(site)


def test_a_card_that_was_saved_without_a_consent_was_consented_to_by_nobody(site: Site) -> None:
    """Whatever the till says."""
    allow_cards(site)
    found = save_card(site, terms=None)
    agree(site, found)
    site.stripe.clock.advance(minutes=1)
    site.write(charge_card(site, found.card))
    assert f"the provider knows of no consent with {found.payment}" in why(site)


@pytest.mark.parametrize("attempt", ["topup:alice:9", "auto"])
def test_a_charge_that_is_no_attempt_of_who_charges_is_not_covered(
    site: Site, saved: Saved, attempt: str
) -> None:
    """As when it was made for another purpose, with a key that may do more."""
    site.write(charge_card(site, saved.card, attempt=attempt))
    assert "does not name an attempt of a till that charges" in why(site)


@pytest.mark.parametrize("attempt", [None, "topup:alice:9"])
def test_a_line_that_keeps_silent_about_the_attempt_does_not_pass_for_a_page(
    site: Site, saved: Saved, attempt: str | None
) -> None:
    """The provider says that nobody was there to pay."""
    site.write(charge_card(site, saved.card), attempt=attempt)
    (found,) = site.whys()
    assert "attempt" in found


def test_a_payment_on_a_page_does_not_pass_for_a_charge(site: Site, saved: Saved) -> None:
    """Else its line would end an attempt, or fill up the limits of others."""
    site.write(save_card(site).payment, attempt="auto:alice:1")
    assert "attempt: auto:alice:1 here, topup:" in site.whys()[0]
    site.lines.pop()
    site.write(site.paid(), attempt="auto:alice:1")
    assert site.whys() == ["attempt: auto:alice:1 here, nothing there"]


def test_without_a_till_that_charges_nothing_is_covered(site: Site) -> None:
    allow_cards(site, "")
    found = save_card(site)
    agree(site, found)
    site.stripe.clock.advance(minutes=1)
    site.write(charge_card(site, found.card))
    assert "rules/writers.toml had no till then that charges at that account" in why(site)


def test_an_older_aggregator_says_nothing_of_it_and_then_nothing_is_covered(
    site: Site, saved: Saved
) -> None:
    """Nor given back; what no card was charged for agrees as before."""
    site.terms = None
    site.write(charge_card(site, saved.card))
    site.write(site.paid("bob"))
    found = site.json()
    (difference,) = found["differences"]
    assert "the aggregator is older than these books" in difference["why"]
    assert difference["commands"] == []
    spans = [(d["from_seq"], d["to_seq"]) for d in found["decisions"] if d["kind"] == "reconciled"]
    assert spans == [(3, 3)]


def test_the_month_counts_what_was_confirmed_before(site: Site, saved: Saved) -> None:
    """At whatever account it was charged."""
    (charged,) = site.write(charge_card(site, saved.card))
    earlier = {"user": "alice", "provider": "other", "external_ref": "pi_0", "ts": charged["ts"]}
    site.covered = [{**earlier, "credit_usd": "80.01"}]
    assert "more in that month than what was settled" in why(site, "--dry-run")
    site.covered[0]["credit_usd"] = "80.00"
    assert site.whys() == []


def test_the_hour_counts_everybody_also_what_was_confirmed_before(site: Site, saved: Saved) -> None:
    """Those that were paid first agree, whatever the order of the lines."""
    others = [save_card(site, user) for user in ("bob", "carol")]
    for each in others:
        agree(site, each)
    site.stripe.clock.advance(hours=1)
    for each in (saved, *others):
        site.stripe.clock.advance(minutes=1)
        site.write(charge_card(site, each.card, each.user))
    site.lines.reverse()
    found = site.json("--dry-run")
    (difference,) = found["differences"]
    assert (difference["seq"], "topup_usd_hour_max" in difference["why"]) == (4, True)
    paid_at = site.lines[0]["ts"]
    late = {"user": "dave", "provider": "stripe", "external_ref": "pi_0", "ts": paid_at}
    site.covered = [{**late, "credit_usd": "30.00"}]
    found = site.json("--dry-run")
    assert [each["seq"] for each in found["differences"]] == [3, 4]


def test_what_these_books_cover_counts_before_the_aggregator_knows_it(
    site: Site, saved: Saved
) -> None:
    """A charge that was paid before them, and recorded after them, finds their hour full."""
    others = [save_card(site, user) for user in ("bob", "carol")]
    for each in others:
        agree(site, each)
    site.stripe.clock.advance(hours=1)
    late = charge_card(site, others[0].card, "bob")
    site.stripe.clock.advance(minutes=10)
    for each in (saved, others[1]):
        site.write(charge_card(site, each.card, each.user))
    assert site.spans() == [(2, 3)]
    site.write(late)
    assert "topup_usd_hour_max" in why(site)


def test_the_commands_give_back_what_nobody_agreed_to_and_then_the_line_is_covered(
    site: Site, saved: Saved
) -> None:
    """To exclude the line would keep the money, and whoever wrote it is not the thief."""
    site.terms = []
    for _ in range(3):
        site.write(charge_card(site, saved.card))
    found = site.json()
    assert found["ways_out"] == {}
    refund, reconciled = (shlex.split(text) for text in found["differences"][0]["commands"])
    payment = site.lines[1]["external_ref"]
    assert refund == [
        *("till", "refund", payment, "--account", "stripe"),
        *("--reason", "nobody had agreed to it"),
    ]
    assert reconciled[:7] == ["books", "decide", "reconciled", "till-1", "2", "2", COMMIT]
    site.books(*reconciled[1:]).ok()
    site.lines[1]["reconciled"] = True
    assert [each["seq"] for each in site.json()["differences"]] == [3, 4]
