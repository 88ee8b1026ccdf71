"""What customers do on the pages of a simulated Stripe."""

from typing import Final

from tests.support.providers.clock import Clock
from tests.support.providers.forms import Json
from tests.support.providers.stripe_cards import StripeCards
from tests.support.providers.stripe_objects import StripeObjects

DELAYED: Final = "sepa_debit"
"""A method whose money comes days later."""


class StripePages:
    """Pages of Checkout, and whoever pays on them."""

    clock: Clock
    objects: StripeObjects
    cards: StripeCards

    def pay(
        self,
        session_id: str,
        *,
        method: str = "card",
        amount: int | None = None,
        currency: str | None = None,
        brand: str = "visa",
        last4: str | None = None,
    ) -> str:
        """Pay on a page of Checkout: at once, or by a method whose money comes later (`DELAYED`).

        A page that says so keeps the card for its customer.

        Args:
            session_id: the page.
            method: `card`, or a delayed one, after which `settle` says what came of it.
            amount: what is paid, in Stripe's units, where it is not what was asked for.
            currency: the same, in lower case.
            brand: of the card.
            last4: its last digits; None for some that no other card has.

        Returns:
            the payment.
        """
        with self.objects.lock:
            session = self._session(session_id)
            intent = self._intent_of(session, amount, currency)
            is_delayed = method == DELAYED
            self.cards.paid_with(intent, method, brand, last4)
            self.objects.charge(intent, method, "pending" if is_delayed else "succeeded")
            session["status"] = "complete"
            session["payment_status"] = "unpaid" if is_delayed else "paid"
            if is_delayed:
                intent["status"] = "processing"
                self.objects.event("payment_intent.processing", intent)
            else:
                self.objects.succeed(intent)
            self.objects.event("checkout.session.completed", session)
            return str(intent["id"])

    def begin(self, session_id: str, status: str = "requires_action") -> str:
        """Begin to pay and stop, as before a bank's question; the payment."""
        with self.objects.lock:
            intent = self._intent_of(self._session(session_id), None, None)
            intent["status"] = status
            self.objects.event(f"payment_intent.{status}", intent)
            return str(intent["id"])

    def decline(self, session_id: str) -> str:
        """A card is declined; the page stays open. Returns the payment."""
        with self.objects.lock:
            intent = self._intent_of(self._session(session_id), None, None)
            self.objects.charge(intent, "card", "failed")
            self.objects.fail(intent, "insufficient_funds", was_submitted=False)
            return str(intent["id"])

    def settle(self, payment: str, *, succeeds: bool = True) -> None:
        """The money of a delayed method, or of a card that was in work, came, or did not."""
        with self.objects.lock:
            intent = self.objects.by_id[payment]
            session = self._session_of(payment)
            if succeeds:
                self.objects.succeed(intent)
            elif session is None:
                self.cards.fall_through(intent)
            else:
                self.objects.fail(intent, "debit_not_authorized", was_submitted=True)
            if session is not None:
                session["payment_status"] = "paid" if succeeds else "unpaid"
                word = "succeeded" if succeeds else "failed"
                self.objects.event(f"checkout.session.async_payment_{word}", session)

    def expire(self, session_id: str) -> None:
        """Nobody paid in time."""
        with self.objects.lock:
            session = self._session(session_id)
            session["status"] = "expired"
            self.objects.event("checkout.session.expired", session)

    def _session(self, session_id: str) -> Json:
        session = self.objects.by_id[session_id]
        if session["status"] != "open" or session["expires_at"] <= self.clock.unix:
            raise ValueError(f"the page {session_id} is no longer open")
        return session

    def _session_of(self, payment: str) -> Json | None:
        sessions = self.objects.of("checkout.session")
        return next((each for each in sessions if each["payment_intent"] == payment), None)

    def _intent_of(self, session: Json, amount: int | None, currency: str | None) -> Json:
        """The payment of a page, which is made when somebody begins to pay."""
        if session["payment_intent"] is not None:
            return self.objects.by_id[session["payment_intent"]]
        data = session["_params"].get("payment_intent_data", {})
        intent = self.objects.make_intent(
            session["amount_total"] if amount is None else amount,
            currency or session["currency"],
            data.get("metadata", {}),
            is_live=session["livemode"],
            customer=session["customer"],
            setup_future_usage=data.get("setup_future_usage"),
        )
        session["payment_intent"] = intent["id"]
        return intent
