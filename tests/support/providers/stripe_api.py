"""The API of a simulated Stripe: rights, keys of idempotency, parameters, lists and pages."""

import json
import re
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from tests.support.providers.forms import Json
from tests.support.providers.stripe_cards import StripeCards
from tests.support.providers.stripe_objects import (
    StripeObjects,
    StripeRefusal,
    invalid,
    live_of,
    shown,
)
from tests.support.providers.stripe_requests import StripeRequests

RIGHTS: Final = frozenset({"read", "cards", "charge", "checkout", "refund"})
IDEMPOTENT_FOR: Final = timedelta(hours=24)
PAGE_MAX: Final = 100

KINDS: Final = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "payment_methods": "payment_method",
}
_PATH: Final = re.compile(
    rf"/v1/(?P<kind>{'|'.join(KINDS)})"
    r"(?:/(?P<id>\w+)(?:/(?P<verb>confirm|cancel|expire|detach))?)?"
)
_CARDS_OF: Final = re.compile(r"/v1/customers/(?P<customer>\w+)/payment_methods")
_NEEDED: Final = {
    "payment_intent": "charge",
    "refund": "refund",
    "checkout.session": "checkout",
    "customer": "cards",
    "payment_method": "cards",
}
_FILTERS: Final = ("payment_intent", "charge", "source", "type", "status", "customer")
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
        cards: customers and their cards.
        account: whose it is.

    Attributes:
        keys: by secret.
        asked: every request that came, in order.
    """

    def __init__(self, objects: StripeObjects, cards: StripeCards, account: str) -> None:
        self.objects = objects
        self.requests = StripeRequests(objects, cards)
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
        if (listed := _CARDS_OF.fullmatch(asked.path)) is not None:
            return self._cards_of(listed["customer"], asked, key)
        found = _PATH.fullmatch(asked.path)
        if found is None:
            raise StripeRefusal(
                404, f"Unrecognized request URL ({asked.path})", "invalid_request_error"
            )
        kind = KINDS[found["kind"]]
        self._check_right("read" if asked.method == "GET" else _NEEDED.get(kind, "none"), key)
        if asked.method == "GET" and found["id"] is None:
            return self._page(kind, asked, key)
        if found["id"] is None:
            made = self.requests.make(kind, asked.params, is_live=key.is_live)
            return self._expanded(made, asked.params)
        about = self._existing(kind, found["id"], key)
        if asked.method == "POST":
            self.requests.change(found["verb"], about, asked.params)
        return self._expanded(about, asked.params)

    def _check_right(self, needed: str, key: StripeKey) -> None:
        if needed not in key.rights:
            said = f"The provided key '{key.secret}' does not have the required permissions"
            raise StripeRefusal(403, said, "invalid_request_error", "more_permissions_required")

    def _cards_of(self, customer: str, asked: Asked, key: StripeKey) -> Json:
        self._check_right("read", key)
        if "deleted" in self._existing("customer", customer, key):
            said = f"No such customer: '{customer}'"
            raise StripeRefusal(404, said, "invalid_request_error", "resource_missing")
        asked = asked._replace(params={**asked.params, "customer": customer})
        return self._page("payment_method", asked, key)

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
        for name in _FILTERS:
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


def _told(refused: StripeRefusal) -> Json:
    error: dict[str, Any] = {"type": refused.kind, "message": str(refused), **refused.more}
    if refused.code is not None:
        error["code"] = refused.code
    return {"error": error}
