"""Customers of a simulated Stripe and their saved cards, and what comes of charging one."""

from typing import Final

from tests.support.providers.forms import Json
from tests.support.providers.stripe_objects import StripeObjects, StripeRefusal, invalid, live_of

SUCCEEDS: Final = "succeeds"
PROCESSING: Final = "processing"
"""The money comes, or does not, when `FakeStripe.settle` says so."""

NEEDS_OWNER: Final = "authentication_required"
_OWNER_FAILED: Final = "payment_intent_authentication_failure"
_CONFIRMABLE: Final = ("requires_confirmation", "requires_payment_method")
_CANCELABLE: Final = (*_CONFIRMABLE, "requires_action")


class StripeCards:
    """Who has which card; callers hold the lock of the objects, unless a method says that it does.

    Attributes:
        outcomes: what comes of charging a card (`pm_`), any card of a customer (`cus_`), or any at
            all (an empty key): `SUCCEEDS`, `PROCESSING`, `NEEDS_OWNER`, or a decline code. The most
            precise one holds.
    """

    def __init__(self, objects: StripeObjects) -> None:
        self.objects = objects
        self.outcomes: dict[str, str] = {}
        self._faces = 0

    # customers and cards

    def make_customer(self, params: Json, *, is_live: bool) -> Json:
        """Somebody who may have cards."""
        customer = self.objects.make(
            "cus",
            "customer",
            is_live=is_live,
            description=params.get("description"),
            email=params.get("email"),
            metadata=params.get("metadata", {}),
        )
        self.objects.event("customer.created", customer)
        return customer

    def delete_customer(self, customer: str) -> None:
        """As in the dashboard: the cards go with it. Takes the lock."""
        with self.objects.lock:
            for method in self.of(customer):
                self.detach(self.objects.by_id[method])
            found = self.objects.by_id[customer]
            kept = {name: found[name] for name in ("id", "object")}
            found_live = live_of(found)
            found.clear()
            found.update({**kept, "deleted": True, "_livemode": found_live})

    def of(self, customer: str) -> list[str]:
        """The cards that are kept for a customer, newest first."""
        methods = self.objects.of("payment_method")
        return [each["id"] for each in methods if each["customer"] == customer]

    def save(self, customer: str, brand: str = "visa", last4: str | None = None) -> str:
        """A card that another program of the account saves for a customer. Takes the lock."""
        with self.objects.lock:
            is_live = live_of(self.objects.by_id[customer])
            return str(self._new_method("card", customer, brand, last4, is_live=is_live)["id"])

    def remove(self, method: str) -> None:
        """As in the dashboard. Takes the lock."""
        with self.objects.lock:
            self.detach(self.objects.by_id[method])

    def paid_with(self, intent: Json, kind: str, brand: str, last4: str | None) -> None:
        """On a page: how it is paid is kept for the customer, where the page said so."""
        is_kept = intent["setup_future_usage"] == "off_session"
        customer = intent["customer"] if is_kept else None
        method = self._new_method(kind, customer, brand, last4, is_live=intent["livemode"])
        intent["payment_method"] = method["id"]

    def detach(self, method: Json) -> None:
        """Keep it no longer, for ever."""
        if method["customer"] is None:
            raise invalid(
                "The payment method you provided is not attached to a customer so detachment is"
                " impossible."
            )
        method["customer"] = None
        self.objects.event("payment_method.detached", method)

    def _new_method(
        self, kind: str, customer: str | None, brand: str, last4: str | None, *, is_live: bool
    ) -> Json:
        self._faces += 1
        card = {
            "brand": brand,
            "last4": last4 or f"{4241 + self._faces:04d}",
            "exp_month": 9,
            "exp_year": 2029,
        }
        method = self.objects.make(
            "pm",
            "payment_method",
            is_live=is_live,
            type=kind,
            customer=customer,
            metadata={},
            **{kind: card if kind == "card" else {}},
        )
        if customer is not None:
            self.objects.event("payment_method.attached", method)
        return method

    # charging

    def check(self, customer: str | None, method: str | None, *, is_live: bool) -> None:
        """Refuse a customer who is not there, and a card that is not his."""
        if customer is not None:
            found = self.objects.by_id.get(customer)
            is_there = found is not None and found["object"] == "customer"
            if found is None or not is_there or "deleted" in found or live_of(found) != is_live:
                raise invalid(f"No such customer: '{customer}'", "resource_missing")
        if method is None:
            return
        card = self.objects.by_id.get(method)
        if card is None or card["object"] != "payment_method" or live_of(card) != is_live:
            raise invalid(f"No such PaymentMethod: '{method}'", "resource_missing")
        if customer is None or card["customer"] != customer:
            raise invalid(
                f"The customer does not have a payment method with the ID {method}. The payment"
                " method must be attached to the customer.",
                "resource_missing",
            )

    def confirm(self, intent: Json, params: Json) -> None:
        """Charge the card of a payment, with its owner or without him."""
        self._refuse_page(intent, "confirm")
        method = params.get("payment_method") or intent["payment_method"]
        if intent["status"] not in _CONFIRMABLE or method is None:
            status = intent["status"]
            said = f"You cannot confirm this PaymentIntent because it has status {status}."
            raise unexpected(said, intent)
        redirects = intent["_params"].get("automatic_payment_methods", {}).get("allow_redirects")
        if redirects != "never" and "return_url" not in params:
            raise invalid(
                "This PaymentIntent is configured to accept payment methods enabled in your"
                " Dashboard, some of which might redirect: you must provide a `return_url`."
            )
        self.check(intent["customer"], method, is_live=intent["livemode"])
        intent["payment_method"], intent["last_payment_error"] = method, None
        outcome = self._outcome(intent["customer"], method)
        if outcome == NEEDS_OWNER and params.get("off_session", "").lower() != "true":
            self._ask_owner(intent, params)
        else:
            self._charge(intent, outcome)

    def authenticate(self, payment: str, *, succeeds: bool = True) -> None:
        """The customer answers his bank, at the link that he was given. Takes the lock."""
        with self.objects.lock:
            intent = self.objects.by_id[payment]
            if intent["status"] != "requires_action":
                raise ValueError(f"{payment} asks nobody: it is {intent['status']}")
            intent["next_action"] = None
            if not succeeds:
                self._decline(intent, _OWNER_FAILED)
                return
            outcome = self._outcome(intent["customer"], intent["payment_method"])
            try:
                self._charge(intent, SUCCEEDS if outcome == NEEDS_OWNER else outcome)
            except StripeRefusal:  # the page shows it to him
                return

    def cancel(self, intent: Json, params: Json) -> None:
        """Let nothing come of a payment."""
        self._refuse_page(intent, "cancel")
        if intent["status"] not in _CANCELABLE:
            status = intent["status"]
            said = f"You cannot cancel this PaymentIntent because it has a status of {status}."
            raise unexpected(said, intent)
        intent["status"], intent["next_action"] = "canceled", None
        intent["cancellation_reason"] = params.get("cancellation_reason")
        self.objects.event("payment_intent.canceled", intent)

    def _refuse_page(self, intent: Json, verb: str) -> None:
        """What belongs to a page is paid or let go there."""
        if any(
            each["payment_intent"] == intent["id"] for each in self.objects.of("checkout.session")
        ):
            raise invalid(f"You cannot {verb} the PaymentIntent of a Checkout Session.")

    def _outcome(self, customer: str, method: str) -> str:
        for name in (method, customer, ""):
            if name in self.outcomes:
                return self.outcomes[name]
        return SUCCEEDS

    def _ask_owner(self, intent: Json, params: Json) -> None:
        intent["status"] = "requires_action"
        url = f"https://hooks.stripe.invalid/3d_secure_2/hosted?payment_intent={intent['id']}"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"url": url, "return_url": params.get("return_url")},
        }
        self.objects.event("payment_intent.requires_action", intent)

    def _charge(self, intent: Json, outcome: str) -> None:
        if outcome == SUCCEEDS:
            self.objects.charge(intent, "card", "succeeded")
            self.objects.succeed(intent)
        elif outcome == PROCESSING:
            self.objects.charge(intent, "card", "pending")
            intent["status"] = "processing"
            self.objects.event("payment_intent.processing", intent)
        else:
            self.objects.charge(intent, "card", "failed")
            self._decline(intent, outcome)
            fault = intent["last_payment_error"]
            raise StripeRefusal(
                402,
                "Your card was declined.",
                "card_error",
                fault["code"],
                decline_code=outcome,
                payment_method=fault["payment_method"],
                payment_intent={name: intent[name] for name in intent if name[0] != "_"},
            )

    def fall_through(self, intent: Json) -> None:
        """A card that was in work gave nothing in the end."""
        self._decline(intent, "generic_decline", was_submitted=True)

    def _decline(self, intent: Json, code: str, *, was_submitted: bool = False) -> None:
        """The card gave nothing; it is no longer the payment's, and only the fault names it."""
        method = {**self.objects.by_id[intent["payment_method"]]}
        intent["payment_method"] = None
        self.objects.fail(intent, code, was_submitted=was_submitted)
        intent["last_payment_error"]["payment_method"] = method


def unexpected(said: str, intent: Json) -> StripeRefusal:
    """A request that does not fit how far a payment is."""
    return StripeRefusal(
        400,
        said,
        "invalid_request_error",
        "payment_intent_unexpected_state",
        payment_intent={name: intent[name] for name in intent if name[0] != "_"},
    )
