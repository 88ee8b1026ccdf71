"""Small histories, told: each is one thing that goes wrong where a rule is not kept.

Every one ends in what the provider's books say, as long as nothing is broken.
"""

from tests.money_in.history import History
from tests.money_in.site import Site
from tests.money_in.thief import STOLEN, Thief, reconcile
from tests.support.providers.fake_stripe import DELAYED


def _paid(site: Site, amount: str = "20.00", currency: str = "USD", usd: str = "") -> str:
    page = site.offer(amount, currency, usd)
    assert page is not None
    return site.stripe.pay(page)


def told_twice(site: Site) -> None:
    """One payment is told by several events, and each comes again."""
    _paid(site)
    site.spread()
    site.tills["till-1"].heard *= 2
    site.told()


def not_paid_yet(site: Site) -> None:
    """A page is completed by a method whose money never comes."""
    page = site.offer("20.00")
    assert page is not None
    payment = site.stripe.pay(page, method=DELAYED)
    site.told()
    site.stripe.clock.advance(days=3)
    site.stripe.settle(payment, succeeds=False)
    site.told()


def two_refunds(site: Site) -> None:
    """Of one payment, both told at once."""
    payment = _paid(site)
    site.stripe.refund(payment, 500)
    site.stripe.refund(payment, 300)
    site.told()


def paid_long_after(site: Site) -> None:
    """Two pages: money of one comes after nine days, money of the other is disputed then."""
    page = site.offer("20.00")
    assert page is not None
    late = site.stripe.pay(page, method=DELAYED)
    other = _paid(site, "30.00")
    till = site.tills["till-2"]
    till.sweep()
    for _ in range(3):
        site.stripe.clock.advance(days=3)
        till.sweep()
    site.stripe.settle(late)
    site.stripe.dispute(other)
    till.sweep()


def of_test_mode(site: Site) -> None:
    """Somebody with a key of test mode copies a tag, and pays with a card that is nobody's."""
    page = site.offer("20.00")
    assert page is not None
    metadata = site.stripe.objects.by_id[page]["metadata"]
    site.stripe.elsewhere(2000, metadata=metadata, is_live=False)
    site.told()


def crowns(site: Site) -> None:
    """ISK: hundredths at the provider, none in the standard."""
    _paid(site, "3000", "ISK", "21.00")
    site.told()


def ariary(site: Site) -> None:
    """MGA: none at the provider, hundredths in the standard."""
    _paid(site, "9000", "MGA", "2.00")
    site.told()


def shillings_of_uganda(site: Site) -> None:
    """UGX: not taken, because the provider's unit is not sure."""
    if (page := site.offer("40000", "UGX", "10.00")) is not None:
        site.stripe.pay(page)
    site.told()


def one_tag_on_two_payments(site: Site) -> None:
    """Somebody pays once, and puts the tag of that payment on another one."""
    payment = _paid(site)
    site.told()
    metadata = site.stripe.objects.by_id[payment]["metadata"]
    site.stripe.elsewhere(2000, metadata=metadata)
    site.told()


def an_inquiry(site: Site) -> None:
    """A bank asks, and is content with the answer."""
    dispute = site.stripe.inquire(_paid(site))
    site.told()
    site.stripe.close_dispute(dispute, "warning_closed")
    site.told()


def a_dispute_that_is_won(site: Site) -> None:
    """Money goes and comes back."""
    dispute = site.stripe.dispute(_paid(site))
    site.told()
    site.stripe.close_dispute(dispute, "won")
    site.told()


def a_refund_that_fails(site: Site) -> None:
    """After it counted; then the money is given back in another way."""
    payment = _paid(site)
    refund = site.stripe.refund(payment, 1500)
    site.told()
    site.stripe.change_refund(refund, "failed")
    site.told()
    site.stripe.refund(payment, 400)
    site.told()


def never_paid(site: Site) -> None:
    """Pages on which nobody pays."""
    site.offer("20.00")
    site.offer("18.50", "EUR", "20.00")
    site.told()


def other_than_asked_for(site: Site) -> None:
    """Less is paid than the tag promises credit for."""
    page = site.offer("20.00")
    assert page is not None
    site.stripe.pay(page, amount=150)
    site.told()


def of_another_program(site: Site) -> None:
    """A payment of the same account with a user of its own, and no tag."""
    site.stripe.elsewhere(2000, metadata={"user": "alice"})
    site.told()


def cents_dated_back(site: Site) -> None:
    """A thief states other people's payments as of last month: what is reconciled outdoes him."""
    thief = Thief(History(site))
    _paid(site)
    site.told()
    for first in (6, 12, 18):
        thief.do(("", first, 6))
    site.stripe.clock.advance(hours=1)
    reconcile(site, ("till-1", STOLEN))


def all_of_a_theft(site: Site) -> None:
    """A thief's movements that nobody else knows of: they are cut off."""
    thief = Thief(History(site))
    _paid(site)
    site.told()
    for number in (0, 2, 4, 12, 24):
        thief.do(("", number, number))
    reconcile(site, ("till-1",))
    site.story.decide("only", site.stripe.clock(), of=STOLEN, tip=thief.honest_tip)


ALL = (
    *(told_twice, not_paid_yet, two_refunds, paid_long_after, of_test_mode),
    *(crowns, ariary, shillings_of_uganda, one_tag_on_two_payments, an_inquiry),
    *(a_dispute_that_is_won, a_refund_that_fails, never_paid, other_than_asked_for),
    *(of_another_program, cents_dated_back, all_of_a_theft),
)
