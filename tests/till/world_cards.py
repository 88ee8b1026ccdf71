"""Saved cards of a world: who has which, and what comes of charging them.

world.outcomes["alice"] = NEEDS_OWNER       # or PROCESSING, or "insufficient_funds"; "" for all
card = world.save_card("alice", TAG)        # as a page with `Order.consent` does, when it is paid
world.authenticate(payment)                 # the customer answers his bank; or succeeds=False
world.end_processing(payment)               # or succeeds=False
world.remove_card(card)                     # in the dashboard
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from gitmeter.money.topups.attempts import is_automatic
from providers.cards import CardCharge, ChargeOrder, ChargeStatus, SavedCard
from providers.consents import CardOwner
from providers.interface import RefusedByProviderError

if TYPE_CHECKING:
    from tests.till.world import World, WorldPayment

SUCCEEDS: Final = "succeeds"
PROCESSING: Final = "processing"
NEEDS_OWNER: Final = "authentication_required"
OWNER_FAILED: Final = "payment_intent_authentication_failure"
KEPT_FOR: Final = timedelta(days=1)
"""A key of idempotency; then the same one makes something new."""

AUTOMATIC_S: Final = 4 * 24 * 3600


class WorldCustomer(NamedTuple):
    """Somebody who may have cards.

    Attributes:
        user: whose he is.
        tag: what was written on him.
    """

    user: str
    tag: str


class WorldCards:
    """What a world knows of cards.

    Attributes:
        outcomes: what comes of charging a card of a user, or of anybody (an empty key).
        customers: by name.
        cards: by customer, the newest first.
        confirmed: each charge that was confirmed off-session, in order.
    """

    now: datetime
    payments: "dict[str, WorldPayment]"

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.customers: dict[str, WorldCustomer] = {}
        self.cards: dict[str, list[SavedCard]] = {}
        self.confirmed: list[str] = []
        self._kept: dict[tuple[str, ...], tuple[object, str, datetime]] = {}

    def name(self, prefix: str) -> str:
        """A new name of an object."""
        raise NotImplementedError

    def succeed(self, payment: str, amount: str, currency: str = "USD") -> str:
        """The money of a payment arrives."""
        raise NotImplementedError

    def save_card(self, user: str, tag: str) -> CardOwner:
        """A new customer with a card."""
        customer = self.name("cus")
        self.customers[customer] = WorldCustomer(user, tag)
        return self.keep_card(customer)

    def keep_card(self, customer: str) -> CardOwner:
        """One more card of a customer."""
        cards = self.cards.setdefault(customer, [])
        method = self.name("pm")
        cards.insert(0, SavedCard(method, "visa", f"{4242 + len(cards):04d}", "2029-09"))
        return CardOwner(customer, method)

    def remove_card(self, card: CardOwner) -> bool:
        """Keep a card no longer."""
        cards = self.cards.get(card.customer, [])
        left = [each for each in cards if each.method != card.method]
        self.cards[card.customer] = left
        return len(left) < len(cards)

    def authenticate(self, payment: str, *, succeeds: bool = True) -> str:
        """The customer answers his bank; returns the object of the event."""
        found = self.payments[payment]
        assert found.status is ChargeStatus.NEEDS_CUSTOMER
        assert found.url is not None
        found.url = None
        if not succeeds:
            found.status, found.reason = ChargeStatus.DECLINED, OWNER_FAILED
            return payment
        return self._pay(found)

    def end_processing(self, payment: str, *, succeeds: bool = True) -> str:
        """A charge that was in work goes on; returns the object of the event."""
        found = self.payments[payment]
        assert found.status is ChargeStatus.PROCESSING
        if not succeeds:
            found.status, found.reason = ChargeStatus.DECLINED, "generic_decline"
            return payment
        return self._pay(found)

    def once(self, key: tuple[str, ...], asked: object) -> str | None:
        """The object that a key of idempotency made within a day."""
        kept = self._kept.get(key)
        if kept is None or self.now - kept[2] >= KEPT_FOR:
            return None
        if kept[0] != asked:
            raise RefusedByProviderError("the key was used with other parameters", status=400)
        return kept[1]

    def keep(self, key: tuple[str, ...], asked: object, made: str) -> str:
        """Remember what a key of idempotency made."""
        self._kept[key] = (asked, made, self.now)
        return made

    def check_card(self, card: CardOwner) -> None:
        """Refuse a card that is not kept for its customer."""
        if card.method not in [each.method for each in self.cards.get(card.customer, [])]:
            raise RefusedByProviderError(
                "no such payment method", code="resource_missing", status=400
            )

    def charge(self, found: "WorldPayment", *, is_with_customer: bool) -> None:
        """What comes of charging a card now."""
        assert found.card is not None
        user = self.customers[found.card.customer].user
        outcome = self.outcomes.get(user, self.outcomes.get("", SUCCEEDS))
        if outcome == SUCCEEDS:
            self._pay(found)
        elif outcome == PROCESSING:
            found.status = ChargeStatus.PROCESSING
        elif outcome == NEEDS_OWNER:
            found.status, found.reason = ChargeStatus.NEEDS_CUSTOMER, NEEDS_OWNER
            found.url = f"https://bank.example/{found.name}" if is_with_customer else None
        else:
            found.status, found.reason = ChargeStatus.DECLINED, outcome

    def _pay(self, found: "WorldPayment") -> str:
        assert found.charged is not None
        found.reason = ""
        return self.succeed(found.name, found.charged.amount, found.charged.currency)


class CardsOfWorld:
    """The part of a provider that keeps cards and charges them; see `providers.cards`."""

    world: "World"

    def _answer(self) -> None:
        raise NotImplementedError

    def new_customer(self, user: str, tag: str) -> str:
        """Make a customer, once for each account within a day."""
        self._answer()
        key = ("customer", user)
        made = self.world.once(key, tag)
        if made is None:
            made = self.world.keep(key, tag, self.world.name("cus"))
            self.world.customers[made] = WorldCustomer(user, tag)
        return made

    def customer_tag(self, customer: str) -> str | None:
        """What is written on a customer."""
        self._answer()
        found = self.world.customers.get(customer)
        return None if found is None else found.tag

    def cards(self, customer: str) -> tuple[SavedCard, ...]:
        """The newest first."""
        self._answer()
        return tuple(self.world.cards.get(customer, ()))

    def remove_card(self, customer: str, method: str) -> bool:
        """Keep a card no longer."""
        self._answer()
        return self.world.remove_card(CardOwner(customer, method))

    def create_charge(self, order: ChargeOrder) -> CardCharge:
        """Create a charge, once for each attempt within a day."""
        self._answer()
        key = ("charge", order.attempt)
        made = self.world.once(key, order)
        if made is None:
            self.world.check_card(order.card)
            made = self.world.keep(key, order, self.world.begin(order.tag, order.attempt))
            found = self.world.payments[made]
            found.card, found.charged = order.card, order
        return self._told(made)

    def confirm(self, object_id: str) -> CardCharge:
        """Charge the card, if that is new."""
        self._answer()
        found = self._charged(object_id)
        if found.status is ChargeStatus.NEW and found.card is not None:
            self.world.confirmed.append(object_id)
            try:
                self.world.check_card(found.card)
            except RefusedByProviderError as refused:
                return self._told(object_id)._replace(
                    status=ChargeStatus.DECLINED, reason=refused.code
                )
            self.world.charge(found, is_with_customer=False)
        return self._told(object_id)

    def confirm_with_customer(self, object_id: str, return_url: str) -> CardCharge:
        """Try once more, and say where the customer answers."""
        self._answer()
        assert return_url
        found = self._charged(object_id)
        is_asked = found.status is ChargeStatus.NEEDS_CUSTOMER and found.url is None
        if found.card is not None and (is_asked or found.status is ChargeStatus.DECLINED):
            self.world.check_card(found.card)
            self.world.charge(found, is_with_customer=True)
        return self._told(object_id)

    def cancel(self, object_id: str) -> CardCharge:
        """Let nothing come of it any more."""
        self._answer()
        found = self._charged(object_id)
        ended = {ChargeStatus.PAID, ChargeStatus.PROCESSING, ChargeStatus.CANCELED}
        if found.status not in ended:
            self.world.fail(object_id, "abandoned")
        return self._told(object_id)

    def charge(self, object_id: str) -> CardCharge | None:
        """A charge as it is now."""
        self._answer()
        return self._told(object_id) if object_id in self.world.payments else None

    def charges(self, customer: str | None, since: datetime) -> Iterator[CardCharge]:
        """The newest first."""
        for name, found in reversed(self.world.payments.items()):
            self._answer()
            is_his = customer is None or found.customer == customer
            if is_his and found.created_at >= since:
                yield self._told(name)

    def _charged(self, object_id: str) -> "WorldPayment":
        if object_id not in self.world.payments:
            raise RefusedByProviderError("no such charge", code="resource_missing", status=404)
        return self.world.payments[object_id]

    def _told(self, object_id: str) -> CardCharge:
        found = self.world.payments[object_id]
        is_canceled = found.status is ChargeStatus.CANCELED
        return CardCharge(
            object_id=object_id,
            attempt=found.attempt,
            status=found.status,
            reason=found.reason or (found.failed or "" if is_canceled else ""),
            url=found.url,
            is_tagged=found.tag is not None,
            created_at=found.created_at,
        )


def in_time_s(attempt: str | None) -> int:
    """As long as money of an attempt may take."""
    return AUTOMATIC_S if is_automatic(attempt) else 14 * 24 * 3600
