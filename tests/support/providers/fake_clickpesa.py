"""A simulated ClickPesa, as a server and as the people who pay; see the folder's docstring."""

import itertools
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from providers.clickpesa.checksum import is_signed, new_sum, old_sum, read_body
from tests.support.providers.clock import Clock
from tests.support.providers.faults import Faults
from tests.support.providers.hooks import Hook, Hooks
from tests.support.providers.serving import Serving
from tests.support.providers.worth import Worth

_TOKEN_FOR: Final = timedelta(hours=1)
_PAID: Final = ("SUCCESS", "SETTLED")
_ROOT: Final = "/third-parties"
_ORDER: Final = re.compile(r"[A-Za-z0-9]{1,20}")


@dataclass
class Asked:
    """What a customer was asked to pay."""

    order: str
    amount: str
    currency: str
    is_prompt: bool


@dataclass
class Paying:
    """One payment, or a try."""

    id: str
    order: str
    status: str
    amount: Decimal
    currency: str
    created_at: datetime
    updated_at: datetime
    exchange: dict[str, object] | None = None


class FakeClickPesa(Serving):
    """One account at a ClickPesa of our own, until the `with` block ends.

    Args:
        clock: its time.
        has_checksums: whether bodies must have one.

    Attributes:
        client_id: its name.
        key: its API key.
        checksum_key: what bodies are summed with, and webhooks signed; None for neither.
        checksum_way: how webhooks are.
        hooks: the webhooks.
        faults: what is wrong with answers.
        orders: what was asked for, by order reference.
        payments: all of them, by id.
        tokens: that were given, with the time of each.
        requests: method and path of each.
    """

    def __init__(self, clock: Clock | None = None, *, has_checksums: bool = True) -> None:
        self.clock = clock or Clock()
        self.client_id, self.key = "IDfakeClient1", "SKfakeApiKey0123456789"
        self.checksum_key = "CHKfake0123456789" if has_checksums else None
        self.checksum_way: Literal["new", "old"] = "new"
        self.hooks = Hooks(lambda _body: {})
        self.faults = Faults()
        self.orders: dict[str, Asked] = {}
        self.payments: dict[str, Paying] = {}
        self.tokens: dict[str, datetime] = {}
        self.requests: list[str] = []
        self._numbers = itertools.count(1)
        routes = [Route("/{path:path}", self._serve, methods=["GET", "POST"])]
        super().__init__(Starlette(routes=routes))
        self.url += _ROOT

    # customers

    def pay(self, order: str, amount: str | None = None, currency: str | None = None) -> str:
        """Pay an order; a link may be paid again. Returns the payment's id."""
        asked = self.orders[order]
        payment = next(
            (
                each
                for each in self.payments.values()
                if each.order == order and each.status == "PROCESSING"
            ),
            None,
        ) or self._begin(asked, "PROCESSING")
        payment.amount = Decimal(amount or asked.amount)
        payment.currency = currency or asked.currency
        if payment.currency != asked.currency:
            payment.exchange = {"source": asked.currency, "target": payment.currency, "rate": 2510}
        self.change(payment.id, "SUCCESS")
        return payment.id

    def fail(self, order: str) -> str:
        """Somebody tries to pay an order, and cannot. Returns the payment's id."""
        payment = self._begin(self.orders[order], "PROCESSING")
        self.change(payment.id, "FAILED")
        return payment.id

    def settle(self, payment: str) -> None:
        """The money is on the merchant's account."""
        self.change(payment, "SETTLED")

    def change(self, payment: str, status: str) -> None:
        """A payment goes on."""
        found = self.payments[payment]
        found.status, found.updated_at = status, self.clock()
        events = {"SUCCESS": "PAYMENT RECEIVED", "FAILED": "PAYMENT FAILED"}
        if status in events:
            body = self.event_body(events[status], payment)
            self.hooks.add(Hook(body, kind=events[status]))

    def money(self) -> dict[str, Worth]:
        """What every payment is worth, by its id; nothing is ever given back."""
        return {
            each.id: Worth(
                payment=each.id,
                tag=None,
                attempt=each.order,
                currency=each.currency,
                paid=each.amount,
                taken=Decimal(0),
                paid_at=int(each.created_at.timestamp()),
                is_live=True,
            )
            for each in self.payments.values()
            if each.status in _PAID
        }

    def event_body(self, event: str, payment: str) -> bytes:
        """A webhook about a payment as it is now, with its sum."""
        found = self.payments[payment]
        data = {**_told(found), "collectedAmount": f"{found.amount:f}"}
        fields: dict[str, Any] = {"event": event, "data": data}
        if (key := self.checksum_key) is not None:
            sum_of = new_sum if self.checksum_way == "new" else old_sum
            read = read_body(json.dumps(fields, ensure_ascii=False).encode())
            fields |= {"checksum": sum_of(key, read), "checksumMethod": self.checksum_way}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    def _begin(self, asked: Asked, status: str) -> Paying:
        payment = Paying(
            id=f"{asked.order}LCP{next(self._numbers):04d}",
            order=asked.order,
            status=status,
            amount=Decimal(asked.amount),
            currency=asked.currency,
            created_at=self.clock(),
            updated_at=self.clock(),
        )
        self.payments[payment.id] = payment
        return payment

    # the API

    async def _serve(self, request: Request) -> Response:
        path = request.url.path.removeprefix(_ROOT)
        self.requests.append(f"{request.method} {path}")
        if (wrong := self.faults.spoiled(path)) is not None:
            return wrong
        if path == "/generate-token":
            return self._token(request)
        given = self.tokens.get(request.headers.get("authorization", ""))
        if given is None or self.clock() - given >= _TOKEN_FOR:
            return _said(401, "Unauthorized")
        if request.method == "POST":
            return self._ordered(path, await request.body())
        if path == "/payments/all":
            return self._listed(dict(request.query_params))
        order = path.removeprefix("/payments/")
        found = [_told(each) for each in self.payments.values() if each.order == order]
        return JSONResponse(found) if found else _said(404, f"Invalid or missing payment: {order}")

    def _token(self, request: Request) -> Response:
        given = (request.headers.get("client-id"), request.headers.get("api-key"))
        if given != (self.client_id, self.key):
            return _said(403, f"Invalid or Expired API-Key: {given[1]}")
        token = f"Bearer eyJ.fake.{next(self._numbers)}"
        self.tokens[token] = self.clock()
        return JSONResponse({"success": True, "token": token})

    def _ordered(self, path: str, body: bytes) -> Response:
        fields = read_body(body)
        if self.checksum_key is not None and not is_signed(fields, [self.checksum_key]):
            return _said(400, "Invalid checksum")
        order = str(fields.get("orderReference", ""))
        if _ORDER.fullmatch(order) is None:
            return _said(
                400, "Invalid Order Reference, should only contain alphanumeric characters"
            )
        if order in self.orders:
            return _said(409, f"Order reference {order} already used")
        is_prompt = path.endswith("ussd-push-request")
        amount = str(fields["amount" if is_prompt else "totalPrice"])
        currency = str(fields["currency" if is_prompt else "orderCurrency"])
        asked = self.orders[order] = Asked(order, amount, currency, is_prompt)
        if not is_prompt:
            link = f"https://checkout.clickpesa.invalid/{order}"
            return JSONResponse({"checkoutLink": link, "clientId": self.client_id})
        return JSONResponse(_told(self._begin(asked, "PROCESSING")))

    def _listed(self, params: dict[str, str]) -> Response:
        found = [
            each
            for each in self.payments.values()
            if each.created_at.date().isoformat() >= params.get("startDate", "")
        ]
        found.sort(key=lambda each: each.created_at, reverse=params.get("orderBy") != "ASC")
        skip, limit = int(params.get("skip", 0)), int(params.get("limit", 20))
        page = [_told(each) for each in found[skip : skip + limit]]
        return JSONResponse({"data": page, "totalCount": len(found)})


def _told(payment: Paying) -> dict[str, Any]:
    amount = payment.amount
    told: dict[str, Any] = {
        "id": payment.id,
        "status": payment.status,
        "paymentReference": f"ref{payment.id}",
        "orderReference": payment.order,
        "collectedAmount": int(amount) if amount == int(amount) else str(amount),
        "collectedCurrency": payment.currency,
        "message": "Ngũgĩ: ok",
        "createdAt": _time(payment.created_at),
        "updatedAt": _time(payment.updated_at),
        "customer": {"customerName": "Zuhura Ngũgĩ", "customerPhoneNumber": "255712345678"},
    }
    if payment.exchange is not None:
        told |= {"exchanged": True, "exchange": payment.exchange}
    return told


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _said(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)
