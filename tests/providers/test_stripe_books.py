"""Whatever happens to a payment, the lines that must exist are worth what Stripe's books say."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.expected import expected
from providers.interface import FactKind
from providers.stripe.account import StripeAccount
from providers.tag import read_tag
from tests.providers.orders import TAG_KEY, ordered
from tests.support.providers.fake_stripe import DELAYED, FakeStripe
from tests.support.providers.stripe_objects import StripeRefusal

PAID: Final = 1850
STATUSES: Final = ("pending", "requires_action", "succeeded", "failed", "canceled")
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("refund"), st.integers(1, PAID), st.sampled_from(STATUSES)),
        st.tuples(st.just("change"), st.integers(0, 9), st.sampled_from(STATUSES[2:])),
        st.tuples(st.just("dispute"), st.integers(1, PAID + 100), st.just("")),
        st.tuples(st.just("inquire"), st.integers(1, PAID), st.just("")),
        st.tuples(st.just("escalate"), st.integers(0, 9), st.just("")),
        st.tuples(st.just("close"), st.integers(0, 9), st.sampled_from(["won", "lost"])),
    ),
    max_size=8,
)
Step = tuple[str, int, str]


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[FakeStripe, StripeAccount]]:
    with (
        FakeStripe() as fake,
        StripeAccount("stripe", "live", fake.key, fake.url) as account,
    ):
        yield fake, account


def happen(stripe: FakeStripe, payment: str, steps: list[Step]) -> None:
    """Do what can be done: a refund that ended does not go on, and a dispute is closed once."""
    refunds, inquiries, disputes = [], [], []
    for what, number, word in steps:
        stripe.clock.advance(hours=number)
        if what == "refund":
            try:
                refunds.append(stripe.refund(payment, number, word))
            except StripeRefusal:  # nothing is left to give back
                continue
        elif what == "change" and refunds:
            refund = refunds[number % len(refunds)]
            if stripe.objects.by_id[refund]["status"] not in {"failed", "canceled"}:
                stripe.change_refund(refund, word)
        elif what == "dispute":
            disputes.append(stripe.dispute(payment, number))
        elif what == "inquire":
            inquiries.append(stripe.inquire(payment, number))
        elif what == "escalate" and inquiries:
            disputes.append(inquiries.pop())
            stripe.escalate(disputes[-1])
        elif what == "close" and disputes:
            stripe.close_dispute(disputes.pop(number % len(disputes)), word)


@settings(max_examples=60)
@given(steps=STEPS, is_delayed=st.booleans(), settles_in=st.sampled_from([None, "chf"]))
def test_lines_and_books_agree(
    world: tuple[FakeStripe, StripeAccount],
    steps: list[Step],
    *,
    is_delayed: bool,
    settles_in: str | None,
) -> None:
    stripe, account = world
    stripe.objects.settles_in = None if settles_in is None else (settles_in, Fraction(93, 100))
    order = ordered(stripe.clock, f"a{len(stripe.objects.by_id)}")
    page = account.checkout(order).object_id
    payment = stripe.pay(page, method=DELAYED if is_delayed else "card")
    if is_delayed:
        stripe.clock.advance(days=4)
        stripe.settle(payment)
    happen(stripe, payment, steps)
    truth = account.truth(payment)
    assert truth is not None
    found = expected(truth, read_tag(TAG_KEY, "stripe", truth.tag or ""))
    assert found.remark is None
    sums: dict[FactKind, Decimal] = dict.fromkeys(
        ("payment", "refund", "refund_reversal", "dispute", "dispute_reversal"), Decimal(0)
    )
    for line in found.lines:
        sums[line.kind] += Decimal(line.amount)
    taken = max(Decimal(0), sums["refund"] - sums["refund_reversal"]) + max(
        Decimal(0), sums["dispute"] - sums["dispute_reversal"]
    )
    worth = stripe.money()[payment]
    assert (sums["payment"], min(taken, sums["payment"])) == (worth.paid, worth.taken)
    names = [(line.kind, line.external_ref) for line in found.lines]
    assert len(set(names)) == len(names)
