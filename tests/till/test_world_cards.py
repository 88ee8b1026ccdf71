"""The world of the till's tests answers about cards as the account at Stripe does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

import pytest

from providers.cards import CardProvider, ChargeOrder
from providers.consents import CardOwner, ConsentTerms
from providers.interface import RefusedByProviderError
from providers.stripe.account import StripeAccount
from tests.providers.orders import ordered
from tests.support.providers.clock import STARTS_AT, Clock
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.stripe_cards import NEEDS_OWNER, PROCESSING, SUCCEEDS
from tests.till import world_cards
from tests.till.world import World

BACK = "https://portal.example/payments"
TERMS = ConsentTerms("20.00", "5.00", "100.00")


class Side(NamedTuple):
    """One of the two: the provider, and what people and banks do at it."""

    provider: CardProvider
    save: Callable[[str], CardOwner]
    settle: Callable[[str, str], object]
    authenticate: Callable[[str, bool], object]
    end_processing: Callable[[str, bool], object]
    pay: Callable[[str, str], str]
    advance: Callable[[timedelta], object]


def stripe_side(stripe: FakeStripe, account: StripeAccount) -> Side:
    def save(user: str) -> CardOwner:
        customer = account.new_customer(user, f"tag of {user}")
        return CardOwner(customer, stripe.cards.save(customer))

    return Side(
        provider=account,
        save=save,
        settle=lambda _, outcome: stripe.cards.outcomes.update({"": outcome}),
        authenticate=lambda name, succeeds: stripe.cards.authenticate(name, succeeds=succeeds),
        end_processing=lambda name, succeeds: stripe.settle(name, succeeds=succeeds),
        pay=lambda page, _: stripe.pay(page),
        advance=lambda by: stripe.clock.advance(seconds=by.total_seconds()),
    )


def world_side() -> Side:
    world = World(STARTS_AT, mode="live")
    provider = world.open()
    assert isinstance(provider, CardProvider)

    def advance(by: timedelta) -> None:
        world.now += by

    def pay(page: str, amount: str) -> str:
        return world.succeed(page, amount, "EUR")

    return Side(
        provider=provider,
        save=lambda user: world.save_card(user, f"tag of {user}"),
        settle=lambda user, outcome: world.outcomes.update({user: outcome}),
        authenticate=lambda name, succeeds: world.authenticate(name, succeeds=succeeds),
        end_processing=lambda name, ok: world.end_processing(name, succeeds=ok),
        pay=pay,
        advance=advance,
    )


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    with (
        FakeStripe() as fake,
        StripeAccount("stripe", "live", fake.key, fake.url) as account,
    ):
        yield stripe_side(fake, account), world_side()


def story(side: Side, outcome: str, acts: list[str]) -> list[object]:
    """What the provider says after each act."""
    said: list[object] = []
    card = side.save("alice")
    order = ChargeOrder(card, "auto:alice:1", "20.00", "18.50", "EUR", "tag")
    charge = side.provider.create_charge(order).object_id
    side.settle("alice", outcome)
    for act in acts:
        if act == "confirm":
            told = side.provider.confirm(charge)
        elif act == "link":
            told = side.provider.confirm_with_customer(charge, BACK)
        elif act == "cancel":
            told = side.provider.cancel(charge)
        else:
            if act == "remove":
                said.append(side.provider.remove_card(*card))
            elif act in {"answer", "refuse"}:
                side.authenticate(charge, act == "answer")
            else:
                side.end_processing(charge, act == "came")
            found = side.provider.charge(charge)
            assert found is not None
            told = found
        said.append((act, told.status, told.reason, told.url is None, told.is_tagged))
    (listed,) = side.provider.charges(card.customer, STARTS_AT)
    truth = side.provider.truth(charge)
    assert truth is not None
    kinds = [fact.kind for fact in truth.facts]
    has_card = truth.card == card
    said.append((listed.status, kinds, truth.is_by_customer, truth.in_time_s, has_card))
    return said


@pytest.mark.parametrize(
    ("outcome", "acts"),
    [
        (SUCCEEDS, ["confirm", "confirm", "link", "cancel"]),
        (SUCCEEDS, ["link", "cancel", "confirm", "cancel"]),
        (SUCCEEDS, ["remove", "confirm", "remove", "cancel"]),
        ("insufficient_funds", ["confirm", "confirm", "link", "cancel", "confirm"]),
        (PROCESSING, ["confirm", "confirm", "cancel", "link", "came", "cancel"]),
        (PROCESSING, ["confirm", "failed", "confirm", "cancel"]),
        (NEEDS_OWNER, ["confirm", "confirm", "link", "link", "answer", "cancel"]),
        (NEEDS_OWNER, ["confirm", "link", "refuse", "confirm", "link", "answer"]),
        (NEEDS_OWNER, ["confirm", "link", "refuse", "cancel", "link"]),
        (NEEDS_OWNER, ["confirm", "cancel", "link"]),
    ],
)
def test_both_tell_the_same_story_of_a_charge(
    sides: tuple[Side, Side], outcome: str, acts: list[str]
) -> None:
    stripe, world = sides
    assert story(stripe, outcome, acts) == story(world, outcome, acts)


def test_both_forget_keys_of_idempotency_after_a_day(sides: tuple[Side, Side]) -> None:
    for side in sides:
        customer = side.provider.new_customer("bob", "tag of bob")
        order = ChargeOrder(side.save("alice"), "auto:alice:1", "20", "20", "USD", "tag")
        charge = side.provider.create_charge(order)
        for hours, is_known in ((23, True), (1, False)):
            side.advance(timedelta(hours=hours))
            again = side.provider.create_charge(order).object_id
            assert (again == charge.object_id) is is_known
            assert (side.provider.new_customer("bob", "tag of bob") == customer) is is_known
            with pytest.raises(RefusedByProviderError):
                side.provider.create_charge(order._replace(amount="21"))


def test_both_save_the_card_of_a_page_with_its_consent(sides: tuple[Side, Side]) -> None:
    for side in sides:
        customer = side.provider.new_customer("alice", "tag of alice")
        assert side.provider.customer_tag(customer) == "tag of alice"
        order = ordered(Clock())._replace(customer=customer, consent=TERMS)
        payment = side.pay(side.provider.checkout(order).object_id, "18.50")
        truth = side.provider.truth(payment)
        assert truth is not None
        (card,) = side.provider.cards(customer)
        assert truth.card == CardOwner(customer, card.method)
        assert (truth.consent, truth.is_by_customer) == (TERMS, True)
        assert [each.object_id for each in side.provider.charges(customer, STARTS_AT)] == [payment]


def test_the_words_of_both_are_the_same() -> None:
    assert (world_cards.SUCCEEDS, world_cards.PROCESSING, world_cards.NEEDS_OWNER) == (
        SUCCEEDS,
        PROCESSING,
        NEEDS_OWNER,
    )
