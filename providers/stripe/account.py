"""One account at Stripe, behind the interface of all providers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from providers.consents import consent_words
from providers.interface import (
    Ability,
    Checkout,
    Fact,
    Order,
    RefusedByProviderError,
    Truth,
    WhoAmI,
)
from providers.stripe import facts, units, webhook
from providers.stripe.calls import request_key
from providers.stripe.saved_cards import StripeCards
from providers.stripe.shapes import (
    CheckoutSession,
    Dispute,
    Intent,
    Refund,
    StripeOwner,
    read,
)

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

_PAGES_MAX: Final = 10
"""Of the refunds or disputes of one payment: more than a thousand is nobody's payment."""

_SINCE_PAGES_MAX: Final = 2000
_READ: Final = (
    *("/v1/payment_intents", "/v1/charges", "/v1/refunds", "/v1/disputes"),
    *("/v1/balance_transactions", "/v1/checkout/sessions"),
)
_MADE: Final[tuple[tuple[Ability, tuple[str, ...]], ...]] = (
    # customers are made of nothing, so those that cannot be there are asked to change
    ("cards", ("/v1/customers/cus_gitmeter", "/v1/payment_methods/pm_gitmeter/detach")),
    ("charge", ("/v1/payment_intents",)),
    ("checkout", ("/v1/checkout/sessions",)),
    ("refund", ("/v1/refunds",)),
)
_HOLDERS: Final = {
    "re": "/v1/refunds/",
    "pyr": "/v1/refunds/",
    "dp": "/v1/disputes/",
    "du": "/v1/disputes/",
    "ch": "/v1/charges/",
}
"""Objects that name their payment."""


class StripeAccount(StripeCards):
    """One account at Stripe, with the cards that it keeps; a context manager, for one thread."""

    kind = "stripe"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()

    def whose(self) -> WhoAmI:
        """Whose key it is, and what it may do."""
        owner = read(StripeOwner, self._calls.get("/v1/account"))
        can: list[Ability] = [
            word for word, paths in _MADE if all(self._calls.may_post(path) for path in paths)
        ]
        if all(self._calls.may_get(path) for path in _READ):
            can.append("read")
        return WhoAmI(owner.id, self.mode, tuple(sorted(can)))

    def checkout(self, order: Order) -> Checkout:
        """Open a page of Checkout."""
        if order.method != "page":
            raise RefusedByProviderError(f"Stripe has no {order.method}: ask for a page")
        if order.consent is not None and order.customer is None:
            raise RefusedByProviderError("a card is saved for a customer: make one first")
        metadata = {facts.TAG_KEY: order.tag, facts.ATTEMPT_KEY: order.attempt}
        if order.consent is not None:
            metadata[facts.CONSENT_KEY] = facts.consent_text(order.consent)
        expires_s = min(order.expires_s, facts.SESSION_S)
        params: SessionCreateParams = {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.currency.lower(),
                        "unit_amount": self.to_minor(order.amount, order.currency),
                        "product_data": {"name": f"Credit of {order.usd} USD"},
                    },
                }
            ],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "expires_at": int(order.at.timestamp()) + expires_s,
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "payment_method_options": {"card": {"request_three_d_secure": "any"}},
            "adaptive_pricing": {"enabled": False},  # or it is paid in another currency
        }
        if order.customer is not None:
            params["customer"] = order.customer
        if order.consent is not None:
            params["allowed_payment_method_types"] = ["card"]
            params["payment_intent_data"]["setup_future_usage"] = facts.SAVES_CARD
            params["custom_text"] = {"submit": {"message": consent_words(order.consent)}}
        made = self._calls.create_session(params, request_key(self.name, "checkout", order.attempt))
        session = read(CheckoutSession, made)
        expires_at = datetime.fromtimestamp(session.expires_at, UTC)
        return Checkout(session.url, session.id, expires_at)

    def object_in(
        self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
    ) -> str | None:
        """The object that a webhook is about; see `providers.stripe.webhook`."""
        return webhook.object_in(body, headers, secrets, now, self.mode)

    def truth(self, object_id: str) -> Truth | None:
        """Everything about the payment that an object belongs to."""
        if not webhook.is_object_id(object_id):
            return None
        kind = object_id.partition("_")[0]
        if kind == "pi":
            return self._of_payment(object_id)
        if kind == "cs":
            return self._of_session(object_id)
        found = self._calls.find(_HOLDERS[kind] + object_id)
        payment = found and _payment_of(found)
        return self._of_payment(payment) if payment else None

    def since(self, at: datetime) -> Iterator[str]:
        """Payments of which money moved: by the entries of the balance, and by what has none yet.

        A refund for which the balance does not suffice waits without an entry, and a dispute is
        opened before the money goes.
        """
        created = {"gte": int(at.timestamp())}
        seen: set[str] = set()
        for path, expand in (
            ("/v1/balance_transactions", ["data.source"]),
            ("/v1/refunds", []),
            ("/v1/disputes", []),
        ):
            moved: list[str] = []
            for found in self._calls.every(
                path, _SINCE_PAGES_MAX, created=created, **({"expand": expand} if expand else {})
            ):
                about = found.get("source") if expand else found
                payment = _payment_of(about) if isinstance(about, dict) else None
                if payment is not None:
                    moved.append(payment)
            for payment in reversed(moved):  # Stripe lists what is newest first
                if payment not in seen:
                    seen.add(payment)
                    yield payment

    def refund(
        self, payment_ref: str, amount: str | None, currency: str, request_id: str, reason: str
    ) -> Fact:
        """Give money back, once for each request."""
        intent, refunds = self._refunds_of(payment_ref)
        if intent.currency != currency.lower():
            raise RefusedByProviderError(f"{payment_ref} is in {intent.currency.upper()}")
        found = _made_for(request_id, refunds)
        if found is None:
            params: RefundCreateParams = {
                "payment_intent": payment_ref,
                "metadata": {facts.REQUEST_KEY: request_id, "reason": reason[:500]},
            }
            if amount is not None:
                params["amount"] = self.to_minor(amount, currency)
            made = self._calls.create_refund(params, request_key(self.name, "refund", request_id))
            found = read(Refund, made)
        return facts.fact_of_refund(found, intent)

    def find_refund(self, payment_ref: str, request_id: str) -> Fact | None:
        """The refund that was made for a request."""
        intent, refunds = self._refunds_of(payment_ref)
        found = _made_for(request_id, refunds)
        return None if found is None else facts.fact_of_refund(found, intent)

    def to_minor(self, amount: str, currency: str) -> int:
        """An amount as Stripe counts it."""
        return units.to_minor(amount, currency)

    def from_minor(self, minor: int, currency: str) -> str:
        """An amount as Stripe counts it, in decimal text."""
        return units.from_minor(minor, currency)

    def _of_payment(self, payment_ref: str) -> Truth | None:
        intent = self._intent(payment_ref)
        if intent is None:
            return None
        page = self._page_of(payment_ref) if facts.needs_page(intent) else None
        if intent.status != "succeeded":
            return facts.of_payment(intent, [], [], page)
        disputes = [
            read(Dispute, found)
            for found in self._calls.every("/v1/disputes", _PAGES_MAX, payment_intent=payment_ref)
        ]
        return facts.of_payment(intent, self._refunds(payment_ref), disputes, page)

    def _page_of(self, payment_ref: str) -> CheckoutSession | None:
        """The page that a payment was made on."""
        listed = self._calls.get("/v1/checkout/sessions", payment_intent=payment_ref, limit=1)
        sessions = [read(CheckoutSession, found) for found in listed.get("data", [])]
        return sessions[0] if sessions else None

    def _of_session(self, session_id: str) -> Truth | None:
        found = self._calls.find(f"/v1/checkout/sessions/{session_id}")
        session = None if found is None else read(CheckoutSession, found)
        if session is None or facts.mode_of(session.livemode) != self.mode:
            return None
        if session.payment_intent is not None:
            return self._of_payment(session.payment_intent)
        return facts.of_session(session)

    def _refunds(self, payment_ref: str) -> list[Refund]:
        listed = self._calls.every(
            "/v1/refunds",
            _PAGES_MAX,
            payment_intent=payment_ref,
            expand=["data.failure_balance_transaction"],
        )
        return [read(Refund, found) for found in listed]

    def _refunds_of(self, payment_ref: str) -> tuple[Intent, list[Refund]]:
        intent = self._intent(payment_ref) if webhook.is_object_id(payment_ref) else None
        if intent is None:
            raise RefusedByProviderError(
                f"{self.name} has no payment {payment_ref}", code="resource_missing"
            )
        return intent, self._refunds(payment_ref)


def _payment_of(found: dict[str, Any]) -> str | None:
    """The payment that a charge, refund or dispute belongs to."""
    if found.get("object") not in {"charge", "refund", "dispute"}:
        return None
    payment = found.get("payment_intent")
    return payment if isinstance(payment, str) and webhook.is_object_id(payment) else None


def _made_for(request_id: str, refunds: Sequence[Refund]) -> Refund | None:
    for refund in refunds:
        if (refund.metadata or {}).get(facts.REQUEST_KEY) == request_id:
            return refund
    return None
