"""What a simulated Stripe makes and changes when its API is asked to."""

from collections.abc import Callable
from typing import Final, Protocol

from tests.support.providers.forms import Json
from tests.support.providers.stripe_cards import StripeCards
from tests.support.providers.stripe_objects import StripeObjects, invalid, live_of

_WORDS_CHARS_MAX: Final = 1200
"""Of `custom_text`."""


class _Maker(Protocol):
    def __call__(self, params: Json, *, is_live: bool) -> Json: ...


class StripeRequests:
    """Does what requests ask for, once it is known that they may.

    Args:
        objects: everything there is.
        cards: customers and their cards.
    """

    def __init__(self, objects: StripeObjects, cards: StripeCards) -> None:
        self.objects = objects
        self.cards = cards

    def make(self, kind: str, params: Json, *, is_live: bool) -> Json:
        """A new object of a kind."""
        makers: dict[str, _Maker] = {
            "checkout.session": self._make_session,
            "customer": self.cards.make_customer,
            "payment_intent": self._make_intent,
            "refund": self._make_refund,
        }
        return makers[kind](params, is_live=is_live)

    def change(self, verb: str | None, about: Json, params: Json) -> None:
        """Do something to an object; None changes its metadata."""
        if "deleted" in about:
            raise invalid(f"No such customer: '{about['id']}'", "resource_missing")
        changes: dict[str | None, Callable[[Json, Json], None]] = {
            None: self._change,
            "confirm": self.cards.confirm,
            "cancel": self.cards.cancel,
            "expire": self._expire,
            "detach": lambda method, _: self.cards.detach(method),
        }
        changes[verb](about, params)

    def _make_session(self, params: Json, *, is_live: bool) -> Json:
        if params.get("mode") != "payment":
            raise invalid("Missing required param: mode.", "parameter_missing")
        self.cards.check(params.get("customer"), None, is_live=is_live)
        words = params.get("custom_text", {}).get("submit", {}).get("message", "")
        if len(words) > _WORDS_CHARS_MAX:
            raise invalid("Invalid string: must be at most 1200 characters.")
        price = params["line_items"][0]["price_data"]
        amount = int(price["unit_amount"]) * int(params["line_items"][0]["quantity"])
        now = self.objects.clock.unix
        expires_at = int(params.get("expires_at", now + 24 * 3600))
        if not now + 30 * 60 - 60 <= expires_at <= now + 24 * 3600:
            raise invalid("The `expires_at` timestamp must be between 30 minutes and 24 hours.")
        made = self.objects.make(
            "cs_live" if is_live else "cs_test",
            "checkout.session",
            is_live=is_live,
            mode="payment",
            amount_total=amount,
            currency=price["currency"],
            customer=params.get("customer"),
            custom_text=params.get("custom_text"),
            status="open",
            payment_status="unpaid",
            payment_intent=None,
            expires_at=expires_at,
            metadata=params.get("metadata", {}),
            success_url=params.get("success_url"),
            cancel_url=params.get("cancel_url"),
            _params=params,
        )
        made["url"] = f"https://checkout.stripe.invalid/c/pay/{made['id']}"
        return made

    def _make_intent(self, params: Json, *, is_live: bool) -> Json:
        if "amount" not in params:
            raise invalid("Missing required param: amount.", "parameter_missing")
        customer, method = params.get("customer"), params.get("payment_method")
        self.cards.check(customer, method, is_live=is_live)
        made = self.objects.make_intent(
            int(params["amount"]),
            params["currency"],
            params.get("metadata", {}),
            is_live=is_live,
            customer=customer,
            payment_method=method,
            setup_future_usage=params.get("setup_future_usage"),
            description=params.get("description"),
            _params=params,
        )
        if method:
            made["status"] = "requires_confirmation"
        if params.get("confirm", "").lower() == "true":
            self.cards.confirm(made, params)
        return made

    def _make_refund(self, params: Json, *, is_live: bool) -> Json:
        if "payment_intent" not in params:
            raise invalid(
                "One of the following params should be provided: charge or payment_intent."
            )
        name = params["payment_intent"]
        intent = self.objects.by_id.get(name)
        if intent is None or intent["object"] != "payment_intent" or live_of(intent) != is_live:
            raise invalid(f"No such payment_intent: '{name}'", "resource_missing")
        amount = int(params["amount"]) if "amount" in params else None
        return self.objects.refund(intent, amount, None, params.get("metadata", {}))

    def _expire(self, session: Json, _params: Json) -> None:
        if session["status"] != "open":
            raise invalid('Only Checkout Sessions with a status in ["open"] can be expired.')
        session["status"] = "expired"
        self.objects.event("checkout.session.expired", session)

    def _change(self, about: Json, params: Json) -> None:
        about["metadata"] = {**about["metadata"], **params.get("metadata", {})}
