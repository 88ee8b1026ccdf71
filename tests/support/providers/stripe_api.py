"""The API of a simulated Stripe: rights, keys of idempotency, parameters, lists and pages."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from tests.support.providers.forms import Json
from tests.support.providers.stripe_objects import (
    StripeObjects,
    StripeRefusal,
    invalid,
    live_of,
    shown,
)

RIGHTS: Final = frozenset({"read", "checkout", "charge", "refund"})
IDEMPOTENT_FOR: Final = timedelta(hours=24)
PAGE_MAX: Final = 100

KINDS: Final = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "checkout/sessions": "checkout.session",
}
_PATH: Final = re.compile(
    rf"/v1/(?P<kind>{'|'.join(KINDS)})(?:/(?P<id>\w+)(?:/(?P<verb>confirm|cancel|expire))?)?"
)
_NEEDED: Final = {
    "payment_intent": "charge",
    "refund": "refund",
    "checkout.session": "checkout",
}
_LINKS: Final = (
    *("latest_charge", "payment_intent", "source", "balance_transaction"),
    *("failure_balance_transaction", "charge"),
)


class StripeKey(NamedTuple):
    """A key.

    Attributes:
        secret: itself.
        is_live: of live mode.
        rights: what it may do.
    """

    secret: str
    is_live: bool
    rights: frozenset[str]


class Asked(NamedTuple):
    """One request.

    Attributes:
        method: of HTTP.
        path: from the root.
        params: nested.
        idempotency: the key of it, or empty.
    """

    method: str
    path: str
    params: Json
    idempotency: str


class _Kept(NamedTuple):
    asked: tuple[str, str, str]
    answer: tuple[int, Json]
    at: datetime


class StripeApi:
    """Answers requests.

    Args:
        objects: everything there is.
        account: whose it is.

    Attributes:
        keys: by secret.
        asked: every request that came, in order.
    """

    def __init__(self, objects: StripeObjects, account: str) -> None:
        self.objects = objects
        self.account = account
        self.keys: dict[str, StripeKey] = {}
        self.asked: list[Asked] = []
        self._kept: dict[tuple[str, str], _Kept] = {}

    def answer(self, asked: Asked, secret: str) -> tuple[int, Json]:
        """Status and body."""
        with self.objects.lock:
            self.asked.append(asked)
            try:
                key = self._key(secret)
                if asked.method == "POST" and asked.idempotency:
                    return self._once(asked, key)
                return 200, self._do(asked, key)
            except StripeRefusal as refused:
                return refused.status, _told(refused)

    def _key(self, secret: str) -> StripeKey:
        if secret not in self.keys:
            said = f"Invalid API Key provided: {secret}"
            raise StripeRefusal(401, said, "invalid_request_error")
        return self.keys[secret]

    def _once(self, asked: Asked, key: StripeKey) -> tuple[int, Json]:
        """What was answered before, for a day; only what was tried at all is kept."""
        name = (key.secret, asked.idempotency)
        same = (asked.method, asked.path, json.dumps(asked.params, sort_keys=True))
        now = self.objects.clock()
        kept = self._kept.get(name)
        if kept is not None and now - kept.at < IDEMPOTENT_FOR:
            if kept.asked != same:
                said = (
                    "Keys for idempotent requests can only be used with the same parameters they"
                    " were first used with."
                )
                raise StripeRefusal(400, said, "idempotency_error")
            return kept.answer
        try:
            answer = (200, self._do(asked, key))
        except StripeRefusal as refused:
            if refused.status != 402:
                raise
            answer = (402, _told(refused))
        self._kept[name] = _Kept(same, json.loads(json.dumps(answer)), now)
        return answer

    def _do(self, asked: Asked, key: StripeKey) -> Json:
        if asked.path == "/v1/account":
            return {"id": self.account, "object": "account"}
        found = _PATH.fullmatch(asked.path)
        if found is None:
            raise StripeRefusal(
                404, f"Unrecognized request URL ({asked.path})", "invalid_request_error"
            )
        kind = KINDS[found["kind"]]
        needed = "read" if asked.method == "GET" else _NEEDED.get(kind, "none")
        if needed not in key.rights:
            said = f"The provided key '{key.secret}' does not have the required permissions"
            raise StripeRefusal(403, said, "invalid_request_error", "more_permissions_required")
        if asked.method == "GET" and found["id"] is None:
            return self._page(kind, asked, key)
        if found["id"] is None:
            return self._expanded(_MAKERS[kind](self, asked.params, key), asked.params)
        about = self._existing(kind, found["id"], key)
        if asked.method == "POST":
            _CHANGES[found["verb"]](self, about, asked.params)
        return self._expanded(about, asked.params)

    def _existing(self, kind: str, name: str, key: StripeKey) -> Json:
        found = self.objects.by_id.get(name)
        if found is None or found["object"] != kind or live_of(found) != key.is_live:
            said = f"No such {kind}: '{name}'"
            raise StripeRefusal(404, said, "invalid_request_error", "resource_missing")
        return found

    def _page(self, kind: str, asked: Asked, key: StripeKey) -> Json:
        params = asked.params
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= PAGE_MAX:
            raise invalid("This value must be between 1 and 100.")
        found = [each for each in self.objects.of(kind) if live_of(each) == key.is_live]
        for name in ("payment_intent", "charge", "source", "type", "status"):
            if name in params:
                found = [each for each in found if each.get(name) == params[name]]
        if (since := params.get("created", {}).get("gte")) is not None:
            found = [each for each in found if each["created"] >= int(since)]
        if (after := params.get("starting_after")) is not None:
            names = [each["id"] for each in found]
            found = found[names.index(after) + 1 :]
        expand = [path.removeprefix("data.") for path in params.get("expand", [])]
        return {
            "object": "list",
            "url": asked.path,
            "has_more": len(found) > limit,
            "data": [self._expanded(each, {"expand": expand}) for each in found[:limit]],
        }

    def _expanded(self, found: Json, params: Json) -> Json:
        """An object with what it links to in full, where that was asked for."""
        told = shown(found)
        for name in params.get("expand", []):
            if name not in _LINKS:
                raise invalid(f"This property cannot be expanded ({name}).")
            linked = self.objects.by_id.get(told.get(name) or "")
            if linked is not None:
                told[name] = shown(linked)
        if told["object"] == "dispute":
            told["balance_transactions"] = [shown(each) for each in told["balance_transactions"]]
        return told

    def _make_session(self, params: Json, key: StripeKey) -> Json:
        if params.get("mode") != "payment":
            raise invalid("Missing required param: mode.", "parameter_missing")
        price = params["line_items"][0]["price_data"]
        amount = int(price["unit_amount"]) * int(params["line_items"][0]["quantity"])
        now = self.objects.clock.unix
        expires_at = int(params.get("expires_at", now + 24 * 3600))
        if not now + 30 * 60 - 60 <= expires_at <= now + 24 * 3600:
            raise invalid("The `expires_at` timestamp must be between 30 minutes and 24 hours.")
        mode = "live" if key.is_live else "test"
        made = self.objects.make(
            f"cs_{mode}",
            "checkout.session",
            is_live=key.is_live,
            mode="payment",
            amount_total=amount,
            currency=price["currency"],
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

    def _make_intent(self, params: Json, key: StripeKey) -> Json:
        if "amount" not in params:
            raise invalid("Missing required param: amount.", "parameter_missing")
        made = self.objects.make_intent(
            int(params["amount"]),
            params["currency"],
            params.get("metadata", {}),
            is_live=key.is_live,
        )
        made["payment_method"] = params.get("payment_method")
        if made["payment_method"]:
            made["status"] = "requires_confirmation"
        if params.get("confirm") == "true":
            self._confirm(made, params)
        return made

    def _make_refund(self, params: Json, key: StripeKey) -> Json:
        if "payment_intent" not in params:
            raise invalid(
                "One of the following params should be provided: charge or payment_intent."
            )
        intent = self._existing("payment_intent", params["payment_intent"], key)
        amount = int(params["amount"]) if "amount" in params else None
        return self.objects.refund(intent, amount, None, params.get("metadata", {}))

    def _confirm(self, intent: Json, params: Json) -> None:
        """Charge a saved card: those of Stripe's own test cards that matter."""
        if intent["status"] not in {"requires_confirmation", "requires_payment_method"}:
            said = (
                f"You cannot confirm this PaymentIntent because it has status {intent['status']}."
            )
            raise StripeRefusal(
                400, said, "invalid_request_error", "payment_intent_unexpected_state"
            )
        card = params.get("payment_method") or intent["payment_method"] or ""
        if "authenticationRequired" in card or "hargeDeclined" in card:
            self.objects.charge(intent, "card", "failed")
            needs_owner = "authenticationRequired" in card
            code = "authentication_required" if needs_owner else "generic_decline"
            self.objects.fail(intent, code, was_submitted=False)
            raise StripeRefusal(
                402,
                "Your card was declined.",
                "card_error",
                "authentication_required" if needs_owner else "card_declined",
                decline_code=code,
                payment_intent=shown(intent),
            )
        self.objects.charge(intent, "card", "succeeded")
        self.objects.succeed(intent)

    def _cancel(self, intent: Json, params: Json) -> None:
        if intent["status"] == "succeeded":
            raise StripeRefusal(
                400, "It has succeeded.", "invalid_request_error", "payment_intent_unexpected_state"
            )
        intent["status"] = "canceled"
        intent["cancellation_reason"] = params.get("cancellation_reason")
        self.objects.event("payment_intent.canceled", intent)

    def _expire(self, session: Json, _params: Json) -> None:
        if session["status"] != "open":
            raise invalid('Only Checkout Sessions with a status in ["open"] can be expired.')
        session["status"] = "expired"
        self.objects.event("checkout.session.expired", session)

    def _change(self, about: Json, params: Json) -> None:
        about["metadata"] = {**about["metadata"], **params.get("metadata", {})}


_MAKERS: Final[dict[str, Callable[[StripeApi, Json, StripeKey], Json]]] = {
    "checkout.session": StripeApi._make_session,
    "payment_intent": StripeApi._make_intent,
    "refund": StripeApi._make_refund,
}
_CHANGES: Final[dict[str | None, Callable[[StripeApi, Json, Json], None]]] = {
    None: StripeApi._change,
    "confirm": StripeApi._confirm,
    "cancel": StripeApi._cancel,
    "expire": StripeApi._expire,
}


def _told(refused: StripeRefusal) -> Json:
    error: dict[str, Any] = {"type": refused.kind, "message": str(refused), **refused.more}
    if refused.code is not None:
        error["code"] = refused.code
    return {"error": error}
