"""Customers who save a card on a page, and what charges it afterwards, at a simulated Stripe."""

from typing import NamedTuple

from providers.cards import ChargeOrder, ChargeStatus
from providers.consents import CardOwner, ConsentTerms
from providers.stripe.account import StripeAccount
from providers.tag import make_customer_tag
from tests.books.reconcile.site import TAG_KEY, WRITERS, Site
from tests.support.providers.orders import order_of
from wire_format.instants import format_ts

TERMS = ConsentTerms("20.00", "5.00", "100.00")


CHARGER = """
[[till]]
node = "till-9"
from = 2026-01-01T00:00:00Z
providers = ["stripe"]
topups_hour_max = 20
topup_usd_hour_max = "50.00"
"""


def allow_cards(site: Site, charger: str = CHARGER) -> None:
    """The rules let the till save cards, and another one charge them."""
    limits = 'consent_max_usd = "40.00"\nconsent_month_max_usd = "200.00"\n'
    text = WRITERS.replace("\n\n[[desk]]", f"\n{limits}\n[[desk]]", 1)
    assert limits in text
    site.books.set_rules("writers.toml", text + charger, "--reason", "cards")


class Saved(NamedTuple):
    """A card that was saved.

    Attributes:
        user: whose.
        payment: with which it was saved.
        card: at the provider.
    """

    user: str
    payment: str
    card: CardOwner


def save_card(site: Site, user: str = "alice", terms: ConsentTerms | None = TERMS) -> Saved:
    """A customer pays 20 dollars on a page that saves his card.

    Without terms it does not; then somebody saves one for him in another way.
    """
    with _account(site) as account:
        customer = account.new_customer(user, make_customer_tag(TAG_KEY, "stripe", user))
        promise = site.promise(user, "20.00", "USD", "20.00")
        order = order_of(promise, f"topup:{user}:{promise.nonce}", site.sign(promise))
        order = order._replace(customer=customer, consent=terms)
        page = account.checkout(order)
    payment = site.stripe.pay(page.object_id)
    kept = site.stripe.cards.of(customer) or [site.stripe.cards.save(customer)]
    return Saved(user, payment, CardOwner(customer, kept[0]))


def charge_card(
    site: Site,
    card: CardOwner,
    user: str = "alice",
    *,
    attempt: str | None = None,
    is_paid: bool = True,
) -> str:
    """Whoever has the charging key and the tag key charges 20 dollars to a card; the payment."""
    promise = site.promise(user, "20.00", "USD", "20.00")
    name = f"auto:{user}:{promise.nonce}" if attempt is None else attempt
    with _account(site) as account:
        order = ChargeOrder(card, name, "20.00", "20.00", "USD", site.sign(promise))
        made = account.confirm(account.create_charge(order).object_id)
    assert (made.status is ChargeStatus.PAID) is is_paid
    return made.object_id


def answer_bank(site: Site, payment: str) -> None:
    """The customer follows the link, and his bank lets him pay."""
    with _account(site) as account:
        account.confirm_with_customer(payment, "https://portal.example/payments")
    site.stripe.cards.authenticate(payment)


def agree(site: Site, saved: Saved, terms: ConsentTerms = TERMS) -> None:
    """The ledger has a consent and a setting, both from now on."""
    now = format_ts(site.stripe.clock())
    about = {"seq": 1, "ts": now, "committed_at": now, "user": saved.user}
    consent = {"kind": "consent", "of_provider": "stripe", "of_ref": saved.payment}
    setting = dict(
        zip(("auto_topup_usd", "auto_topup_below_usd", "auto_topup_month_usd"), terms, strict=True)
    )
    assert site.terms is not None
    site.terms += [
        {"node": "till-1", **about, **consent, **terms._asdict()},
        {"node": "desk-1", **about, "kind": "setting", **setting},
    ]


def _account(site: Site) -> StripeAccount:
    return StripeAccount("stripe", "live", site.stripe.key, site.stripe.url)
