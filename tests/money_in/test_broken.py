"""Mistakes that are often made with payments, made on purpose: each is found by a history."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from providers.stripe.account import StripeAccount
from tests.money_in import broken, told
from tests.money_in.site import Site
from tests.money_in.thief import NODES
from tests.support.providers.fake_stripe import FakeStripe

Provided = tuple[FakeStripe, StripeAccount]
Patch = pytest.MonkeyPatch


class Mistake(NamedTuple):
    """What is wrong, and the history that finds it."""

    breaks: Callable[[Patch], None]
    found_by: Callable[[Site], None]


MISTAKES = (
    Mistake(broken.events_are_movements, told.told_twice),
    Mistake(broken.completed_is_paid, told.not_paid_yet),
    Mistake(broken.promised_is_paid, told.never_paid),
    Mistake(broken.refunds_are_cumulative, told.two_refunds),
    Mistake(broken.a_failed_refund_is_a_refund, told.a_refund_that_fails),
    Mistake(broken.amounts_paired_by_order, told.a_refund_that_fails),
    Mistake(broken.a_sweep_by_creation, told.paid_long_after),
    Mistake(broken.tests_are_money, told.of_test_mode),
    Mistake(broken.decimals_of_the_standard, told.crowns),
    Mistake(broken.decimals_of_the_standard, told.ariary),
    Mistake(broken.decimals_of_the_standard, told.shillings_of_uganda),
    Mistake(broken.a_tag_counts_for_every_payment, told.one_tag_on_two_payments),
    Mistake(broken.an_inquiry_is_a_dispute, told.an_inquiry),
    Mistake(broken.disputes_are_never_won, told.a_dispute_that_is_won),
    Mistake(broken.any_amount_is_as_promised, told.other_than_asked_for),
    Mistake(broken.any_metadata_names_a_user, told.of_another_program),
    Mistake(broken.the_earliest_wins, told.cents_dated_back),
    Mistake(broken.nothing_is_cut_off, told.all_of_a_theft),
)


@pytest.mark.parametrize("history", told.ALL, ids=lambda history: history.__name__)
def test_unbroken_a_history_ends_in_what_the_books_say(
    history: Callable[[Site], None], stripe_site: Provided
) -> None:
    site = Site(*stripe_site, NODES)
    history(site)
    assert site.wrong() == []


@pytest.mark.parametrize(
    "mistake", MISTAKES, ids=lambda m: f"{m.breaks.__name__}-{m.found_by.__name__}"
)
def test_a_mistake_is_found(mistake: Mistake, stripe_site: Provided, monkeypatch: Patch) -> None:
    """By a difference between what users have and what the provider's books say."""
    mistake.breaks(monkeypatch)
    site = Site(*stripe_site, NODES)
    mistake.found_by(site)
    assert site.wrong() != []


def test_every_history_that_is_told_finds_a_mistake() -> None:
    assert {mistake.found_by for mistake in MISTAKES} == set(told.ALL)
