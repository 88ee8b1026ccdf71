"""What one account at Stripe does with saved cards; see `providers.cards`.

A charge is confirmed without its customer only while it is new, and how far it is stands at Stripe
alone: whatever is asked twice, or comes late, Stripe refuses, and the charge is told as it is.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from providers.cards import CardCharge, ChargeOrder, ChargeStatus, SavedCard
from providers.interface import Mode, RefusedByProviderError
from providers.stripe import facts, units
from providers.stripe.calls import StripeCalls, request_key
from providers.stripe.charge_facts import UNCONFIRMED, card_to_try_again, charge_of, saved_card
from providers.stripe.shapes import Intent, SavedMethod, StripeCustomer, read

if TYPE_CHECKING:
    from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

_CARDS_PAGES_MAX: Final = 5
_CHARGES_PAGES_MAX: Final = 500
_CHARGES_OF_ALL_PAGES_MAX: Final = 50_000
"""A till that lost what it knew looks back to the first charge that it made, which may be years."""

_NOWHERE: Final = "https://example.com/"
"""Stripe asks for an address to come back to, also where nobody is there to come back."""

_CARD_GONE: Final = "resource_missing"
_NOT_AS_ASKED: Final = "payment_intent_unexpected_state"
_FORMS: Final = {
    prefix: re.compile(rf"{prefix}_[A-Za-z0-9_]{{1,200}}") for prefix in ("cus", "pi", "pm")
}


class StripeCards:
    """One account at Stripe, as far as it keeps cards.

    Args:
        name: ours for the account.
        mode: of the key.
        key: secret or restricted.
        base_url: without a slash at the end.
    """

    def __init__(self, name: str, mode: Mode, key: str, base_url: str) -> None:
        self.name = name
        self.mode = mode
        self._calls = StripeCalls(key, base_url)

    def new_customer(self, user: str, tag: str) -> str:
        """Make a customer; Stripe is told nothing of him but our own name, and the tag."""
        made = self._calls.create_customer(
            {"description": user, "metadata": {facts.TAG_KEY: tag}},
            request_key(self.name, "customer", user, tag),
        )
        return read(StripeCustomer, made).id

    def customer_tag(self, customer: str) -> str | None:
        """What is written on a customer."""
        if not _is(customer, "cus"):
            return None
        found = self._calls.find(f"/v1/customers/{customer}")
        about = None if found is None else read(StripeCustomer, found)
        if about is None or about.deleted or facts.mode_of(about.livemode) != self.mode:
            return None
        return about.metadata.get(facts.TAG_KEY)

    def cards(self, customer: str) -> tuple[SavedCard, ...]:
        """The cards that are kept for a customer, the newest first; none for nobody."""
        if not _is(customer, "cus"):
            return ()
        path = f"/v1/customers/{customer}/payment_methods"
        try:
            listed = list(self._calls.every(path, _CARDS_PAGES_MAX, type="card"))
        except RefusedByProviderError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return ()
            raise
        methods = [read(SavedMethod, found) for found in listed]
        return tuple(saved_card(each.id, each.card) for each in methods if each.card is not None)

    def remove_card(self, customer: str, method: str) -> bool:
        """Keep a card no longer; it can never be charged again."""
        if not self._keeps(customer, method):
            return False
        try:
            self._calls.detach(method)
        except RefusedByProviderError:
            if self._keeps(customer, method):
                raise
            return False  # somebody else was faster
        return True

    def create_charge(self, order: ChargeOrder) -> CardCharge:
        """Create a charge; the same order within a day is told as it was created."""
        customer, method = order.card
        params: PaymentIntentCreateParams = {
            "amount": units.to_minor(order.amount, order.currency),
            "currency": order.currency.lower(),
            "customer": customer,
            "payment_method": method,
            "allowed_payment_method_types": ["card"],
            "description": f"Credit of {order.usd} USD",
            "metadata": {facts.TAG_KEY: order.tag, facts.ATTEMPT_KEY: order.attempt},
        }
        try:
            made = self._calls.create_intent(
                params, request_key(self.name, "charge", order.attempt)
            )
        except RefusedByProviderError as error:
            if error.status == HTTPStatus.BAD_REQUEST and not self._keeps(customer, method):
                raise RefusedByProviderError(
                    str(error), hint=error.hint, code=_CARD_GONE, status=error.status
                ) from None
            raise
        return charge_of(read(Intent, made))

    def confirm(self, object_id: str) -> CardCharge:
        """Charge the card without the customer, if nobody has tried yet."""
        intent = self._charged(object_id)
        if intent.status != UNCONFIRMED:
            return charge_of(intent)
        key = request_key(self.name, "confirm", object_id)
        params: PaymentIntentConfirmParams = {"off_session": True, "return_url": _NOWHERE}
        return self._confirmed(intent, intent.payment_method, params, key)

    def confirm_with_customer(self, object_id: str, return_url: str) -> CardCharge:
        """Try the same card again, and let its bank ask the customer."""
        intent = self._charged(object_id)
        method = card_to_try_again(intent)
        if intent.status != "requires_payment_method" or method is None:
            return charge_of(intent)
        # without a key of ours: each try is one of its own, and what is in work, Stripe refuses
        params: PaymentIntentConfirmParams = {"payment_method": method, "return_url": return_url}
        return self._confirmed(intent, method, params, None)

    def cancel(self, object_id: str) -> CardCharge:
        """Let nothing come of a charge any more."""
        self._charged(object_id)
        try:
            return charge_of(read(Intent, self._calls.cancel_intent(object_id)))
        except RefusedByProviderError as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
            return charge_of(self._charged(object_id))

    def charge(self, object_id: str) -> CardCharge | None:
        """A charge as it is now."""
        intent = self._intent(object_id)
        return None if intent is None else charge_of(intent)

    def charges(self, customer: str | None, since: datetime) -> Iterator[CardCharge]:
        """Payments of a customer, or of everybody, the newest first."""
        if customer is not None and not _is(customer, "cus"):
            return
        whose = {} if customer is None else {"customer": customer}
        for found in self._calls.every(
            "/v1/payment_intents",
            _CHARGES_OF_ALL_PAGES_MAX if customer is None else _CHARGES_PAGES_MAX,
            created={"gte": int(since.timestamp())},
            **whose,
        ):
            yield charge_of(read(Intent, found))

    def _confirmed(
        self,
        intent: Intent,
        method: str | None,
        params: "PaymentIntentConfirmParams",
        key: str | None,
    ) -> CardCharge:
        try:
            return charge_of(read(Intent, self._calls.confirm_intent(intent.id, params, key)))
        except RefusedByProviderError as error:
            if error.status == HTTPStatus.PAYMENT_REQUIRED or error.code == _NOT_AS_ASKED:
                return charge_of(self._charged(intent.id))
            if error.status == HTTPStatus.BAD_REQUEST and not self._keeps(intent.customer, method):
                declined = charge_of(intent)
                return declined._replace(status=ChargeStatus.DECLINED, reason=_CARD_GONE)
            raise

    def _charged(self, object_id: str) -> Intent:
        intent = self._intent(object_id)
        if intent is None:
            raise RefusedByProviderError(
                f"{self.name} has no payment {object_id}",
                code="resource_missing",
                status=HTTPStatus.NOT_FOUND,
            )
        return intent

    def _intent(self, object_id: str) -> Intent | None:
        if not _is(object_id, "pi"):
            return None
        found = self._calls.find(f"/v1/payment_intents/{object_id}", expand=["latest_charge"])
        intent = None if found is None else read(Intent, found)
        if intent is None or facts.mode_of(intent.livemode) != self.mode:
            return None
        return intent

    def _keeps(self, customer: str | None, method: str | None) -> bool:
        """Whether a card is kept for a customer now."""
        if customer is None or method is None or not _is(customer, "cus") or not _is(method, "pm"):
            return False
        found = self._calls.find(f"/v1/payment_methods/{method}")
        return found is not None and read(SavedMethod, found).customer == customer


def _is(text: str, prefix: str) -> bool:
    """Whether it may be the id of such an object, and so be part of a URL."""
    return _FORMS[prefix].fullmatch(text) is not None
