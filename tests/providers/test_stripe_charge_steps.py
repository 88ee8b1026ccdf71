"""Whatever is done with a charge, in whatever order and however often: it is paid at most once."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.cards import CardCharge, ChargeOrder, ChargeStatus
from providers.consents import CardOwner
from providers.stripe.account import StripeAccount
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.stripe_cards import NEEDS_OWNER, PROCESSING, SUCCEEDS

OUTCOMES: Final = (SUCCEEDS, PROCESSING, NEEDS_OWNER, "insufficient_funds")
ACTS: Final = (
    "confirm",
    "confirm with customer",
    "cancel",
    "authenticate",
    "fail",
    "settle",
    "fall",
)
STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.sampled_from(OUTCOMES),
        st.sampled_from(["", "", "twice", "remove card"]),
        st.integers(0, 30),
    ),
    max_size=8,
)
FINAL: Final = {ChargeStatus.PAID, ChargeStatus.CANCELED}


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[FakeStripe, StripeAccount]]:
    with (
        FakeStripe() as fake,
        StripeAccount("stripe", "live", fake.key, fake.url) as account,
    ):
        yield fake, account


def act(stripe: FakeStripe, account: StripeAccount, charge: str, what: str) -> CardCharge | None:
    """What the charge is told as then; None where only the world went on."""
    told: dict[str, Callable[[], CardCharge]] = {
        "confirm": lambda: account.confirm(charge),
        "confirm with customer": lambda: account.confirm_with_customer(charge, "https://p.example"),
        "cancel": lambda: account.cancel(charge),
    }
    if what in told:
        return told[what]()
    if what in {"authenticate", "fail"}:
        with suppress(ValueError):
            stripe.cards.authenticate(charge, succeeds=what == "authenticate")
    elif stripe.objects.by_id[charge]["status"] == "processing":
        stripe.settle(charge, succeeds=what == "settle")
    return None


@settings(max_examples=80)
@given(steps=STEPS)
def test_a_charge_is_paid_at_most_once_and_what_is_final_stays(
    world: tuple[FakeStripe, StripeAccount], steps: list[tuple[str, str, str, int]]
) -> None:
    stripe, account = world
    name = f"auto:alice:{len(stripe.objects.by_id)}"
    customer = account.new_customer(name, "tag")
    card = CardOwner(customer, stripe.cards.save(customer))
    charge = account.create_charge(ChargeOrder(card, name, "5", "5", "USD", "tag")).object_id
    final: ChargeStatus | None = None
    for what, outcome, trouble, hours in steps:
        stripe.clock.advance(hours=hours)
        stripe.cards.outcomes[""] = outcome
        if trouble == "remove card":
            account.remove_card(*card)
        elif trouble:  # the answer to the first is lost
            act(stripe, account, charge, what)
        said = act(stripe, account, charge, what)
        if said is not None and said.reason != "resource_missing":
            assert said == account.charge(charge)
        now = account.charge(charge)
        assert now is not None
        assert final in {None, now.status}
        final = now.status if now.status in FINAL else None
    tries = [each for each in stripe.objects.of("charge") if each["payment_intent"] == charge]
    assert sum(each["status"] == "succeeded" for each in tries) == (final is ChargeStatus.PAID)
    assert sum(each["status"] in {"succeeded", "pending"} for each in tries) <= 1
    assert (charge in stripe.money()) == (final is ChargeStatus.PAID)
