"""From the pages to a card that is charged, by all programs as operators start them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from fixtures.portal.site import CUSTOMER, SCOPES, PortalSite
from tests.portal.automatic.test_pages import CHANGE, PAGE, WANTED
from tests.portal.pages.test_pages import text_of
from tests.portal.pages.visitor import Visitor, signed_in
from tests.support.git_http import GitHttpServer
from tests.support.providers.clock import Clock
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.stripe_cards import NEEDS_OWNER

OTHER: Final = "bob"
LIMIT_S: Final = 60


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PortalSite]:
    """All machines, before any program serves."""
    (tmp_path / "remotes").mkdir()
    with FakeStripe(Clock(None)) as stripe, GitHttpServer(tmp_path / "remotes") as git:
        found = PortalSite(tmp_path, stripe, git)
        try:
            yield found
        finally:
            found.end()


def until(visitor: Visitor, words: str) -> str:
    """Look at the page until it says so; returns its text."""
    until_s = time.monotonic() + LIMIT_S
    while words not in (page := text_of(visitor.page(PAGE))):
        assert time.monotonic() < until_s, page
        time.sleep(0.2)
    return page


def switch_on(site: PortalSite, visitor: Visitor) -> None:
    """As a customer does: settle, pay at the provider, and come back."""
    begun = visitor.send(CHANGE, CHANGE, **WANTED)
    assert begun.status_code == 200, text_of(begun.text)
    assert "nothing is charged before you agree" in text_of(visitor.page(PAGE))
    [session] = site.open_pages()
    assert site.stripe.objects.by_id[session]["url"] in begun.text
    site.stripe.pay(session)
    assert "Thank you" in text_of(visitor.page(f"{PAGE}?back=paid"))
    on = until(visitor, "Automatic payments are on: when less than 5.00 USD is left")
    assert "Visa ending in" in on


def use_up(site: PortalSite, user: str) -> None:
    """Let a node bill so much that less is left than was settled."""
    site.use(user, int(float(site.credit_usd(user))) - 3)


def test_a_card_is_charged_as_its_owner_settled_it(site: PortalSite) -> None:
    key, _ = site.provide(datetime.now(UTC))
    other = site.make_key(OTHER, *SCOPES)
    site.run_books("push")
    site.serve()
    acme, bob = signed_in(site.address, key), signed_in(site.address, other)
    assert "Automatic payments are off" in text_of(acme.page(PAGE))

    switch_on(site, acme)
    until(acme, "There is enough left")
    use_up(site, CUSTOMER)
    charged = until(acme, "20.00 paid")
    assert "This month 20.00 of 100.00 USD" in charged
    assert "The last payment was tried less than 24 hours ago" in charged
    assert float(site.credit_usd(CUSTOMER)) > 20
    assert "Automatic payment pi_" in text_of(acme.page("/payments"))
    assert "Automatic payments were agreed to" in text_of(acme.page("/activity"))

    site.stripe.cards.outcomes[""] = NEEDS_OWNER
    switch_on(site, bob)
    use_up(site, OTHER)
    asked = until(bob, "Your bank wants you to confirm a payment of 20.00 USD")
    assert "Balance that is compared 3.00 USD" in asked
    [payment] = site.asking()
    address = site.stripe.objects.by_id[payment]["next_action"]["redirect_to_url"]
    assert f"Answer your bank You leave these pages. Address: {address['url']}" in asked
    site.stripe.cards.authenticate(payment)
    path = address["return_url"].removeprefix(site.address)
    added = f"payment_intent={payment}&payment_intent_client_secret=x&redirect_status=succeeded"
    back = bob.get(f"{path}?{added}")
    assert (back.status_code, back.headers["Location"]) == (303, f"{PAGE}?back=bank")
    assert "Thank you. What your bank" in text_of(bob.page(f"{PAGE}?back=bank"))
    assert "Answer your bank" not in until(bob, "20.00 paid")

    assert bob.send(PAGE, f"{PAGE}/off").status_code == 303
    assert "Automatic payments are off" in text_of(bob.page(PAGE))
    assert "20.00 paid" in text_of(bob.page(PAGE))
