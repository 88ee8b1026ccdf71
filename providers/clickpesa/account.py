"""One account at ClickPesa, behind the interface of all providers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, NoReturn, Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from providers.clickpesa import checksum, facts
from providers.clickpesa.calls import ClickPesaCalls
from providers.interface import (
    Checkout,
    Fact,
    Mode,
    Order,
    RefusedByProviderError,
    SignatureError,
    Truth,
    UnreachableProviderError,
    WhoAmI,
)

_DECIMALS: Final = {"TZS": 0, "USD": 2}
"""Of an amount in text; shillings are whole."""

_AMOUNT: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_ATTEMPT: Final = re.compile(r"[A-Za-z0-9]{1,20}")
_PHONE: Final = re.compile(r"255[0-9]{9}")
_EVENTS: Final = frozenset(["PAYMENT RECEIVED", "PAYMENT FAILED"])
_PAGE: Final = 100
_PAGES_MAX: Final = 1000
_ONE_DAY: Final = timedelta(days=1)
_URL_CHARS_MAX: Final = 2048


class LinkAnswer(Struct, frozen=True, rename="camel"):
    """A page on which a customer can pay."""

    checkout_link: str


class ClickPesaAccount:
    """One account at ClickPesa; a context manager, for one thread at a time.

    There is no metadata, so the promise is a `pending` line that is pushed before `checkout`, and
    no refund. A key may do everything.

    Args:
        name: ours for the account.
        mode: of the address.
        client_id: the provider's own name of it.
        key: its API key.
        checksum_key: what bodies are summed with; None where the account does not ask for it.
        base_url: without a slash at the end.
    """

    kind = "clickpesa"

    def __init__(
        self,
        name: str,
        mode: Mode,
        client_id: str,
        key: str,
        checksum_key: str | None,
        base_url: str,
    ) -> None:
        self.name = name
        self.mode = mode
        self._client_id = client_id
        self._calls = ClickPesaCalls(client_id, key, checksum_key, base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()

    def whose(self) -> WhoAmI:
        """Whose key it is: a token is given only to the client that the key belongs to."""
        self._calls.log_in()
        return WhoAmI(self._client_id, self.mode, ("checkout", "read"))

    def checkout(self, order: Order) -> Checkout:
        """Make a link, or ask on a telephone; a second time for one attempt is refused.

        Where the customer goes after paying is set at ClickPesa, not in the order.
        """
        if _ATTEMPT.fullmatch(order.attempt) is None:
            raise RefusedByProviderError(
                f"{order.attempt} cannot be an order reference",
                hint="ClickPesa takes 1 to 20 letters and digits",
            )
        amount = self.from_minor(self.to_minor(order.amount, order.currency), order.currency)
        url = None
        if order.method == "page":
            url = self._link(order, amount)
        else:
            self._prompt(order, amount)
        expires_s = min(order.expires_s, facts.IN_TIME_S)
        return Checkout(url, order.attempt, order.at + timedelta(seconds=expires_s))

    def _link(self, order: Order, amount: str) -> str:
        answer = self._calls.post(
            "/checkout-link/generate-checkout-url",
            {
                "totalPrice": amount,
                "orderReference": order.attempt,
                "orderCurrency": order.currency,
            },
        )
        try:
            url = msgspec.json.decode(answer, type=LinkAnswer).checkout_link
            is_safe = urlsplit(url).scheme == "https" and url.isascii() and url.isprintable()
        except (ValueError, UnicodeDecodeError):  # msgspec's errors are ValueErrors too
            is_safe, url = False, ""
        if not is_safe or len(url) > _URL_CHARS_MAX:
            raise UnreachableProviderError("ClickPesa's answer has no link in it")
        return url

    def _prompt(self, order: Order, amount: str) -> None:
        if order.currency != "TZS" or _PHONE.fullmatch(order.phone or "") is None:
            raise RefusedByProviderError(
                "a prompt is in TZS, to a telephone of Tanzania",
                hint="its number is 255 and nine digits",
            )
        fields = {
            "amount": amount,
            "currency": order.currency,
            "orderReference": order.attempt,
            "phoneNumber": order.phone or "",
        }
        self._calls.post("/payments/initiate-ussd-push-request", fields)

    def object_in(
        self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
    ) -> str | None:
        """The order that a webhook is about.

        It has no time in it, so an old one can be sent again for ever; since the provider is asked,
        that does nothing.

        Args:
            body: as it came.
            headers: nothing in them counts.
            secrets: checksum keys.
            now: does not count.
        """
        del headers, now
        try:
            fields = checksum.read_body(body)
        except checksum.UnreadableBodyError as error:
            raise SignatureError(f"a webhook that is no JSON object: {error}") from None
        if not checksum.is_signed(fields, secrets):
            raise SignatureError(
                "a webhook whose checksum none of our keys makes",
                hint="is the checksum key that of this account, and checksums on at ClickPesa?",
            )
        data = fields.get("data")
        if fields.get("event", fields.get("eventType")) not in _EVENTS:
            return None
        order = data.get("orderReference") if isinstance(data, dict) else None
        return order if isinstance(order, str) and facts.is_order(order) else None

    def truth(self, object_id: str) -> Truth | None:
        """Everything about the payments of an order; None where ClickPesa knows of none."""
        if not facts.is_order(object_id):
            return None
        try:
            answer = self._calls.get(f"/payments/{object_id}")
        except RefusedByProviderError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return facts.of_order(object_id, facts.read_payments(answer), self.mode)

    def since(self, at: datetime) -> Iterator[str]:
        """Orders with payments that were begun since then, oldest first.

        ClickPesa knows days, and not in which zone: one more is asked for.
        """
        seen: set[str] = set()
        for number in range(_PAGES_MAX):
            page = facts.read_page(
                self._calls.get(
                    "/payments/all",
                    {
                        "startDate": (at - _ONE_DAY).date().isoformat(),
                        "sortBy": "createdAt",
                        "orderBy": "ASC",
                        "skip": number * _PAGE,
                        "limit": _PAGE,
                    },
                )
            )
            for payment in page.data:
                order = payment.order_reference
                if order not in seen and facts.is_order(order):
                    seen.add(order)
                    yield order
            if not page.data or (number + 1) * _PAGE >= page.total_count:
                return
        raise RefusedByProviderError(
            f"ClickPesa has more than {_PAGES_MAX * _PAGE} payments since {at.isoformat()}",
            hint="ask for a shorter time",
        )

    def refund(
        self, payment_ref: str, amount: str | None, currency: str, request_id: str, reason: str
    ) -> NoReturn:
        """Nothing is given back by the API."""
        del amount, currency, request_id, reason
        raise RefusedByProviderError(
            f"ClickPesa cannot give {payment_ref} back",
            hint="pay it out by hand, then record it with `books refund`",
        )

    def find_refund(self, payment_ref: str, request_id: str) -> Fact | None:
        """There is none."""
        del payment_ref, request_id
        return None

    def to_minor(self, amount: str, currency: str) -> int:
        """Whole shillings, or cents."""
        decimals, found = _DECIMALS.get(currency), _AMOUNT.fullmatch(amount)
        if decimals is not None and found is not None:
            fraction = (found[2] or "").rstrip("0")
            minor = int(found[1] + fraction.ljust(decimals, "0"))
            if len(fraction) <= decimals and minor > 0:
                return minor
        raise RefusedByProviderError(
            f"{amount} {currency} cannot be paid at ClickPesa",
            hint="it takes whole TZS, and USD with two decimals",
        )

    def from_minor(self, minor: int, currency: str) -> str:
        """Whole shillings, or cents, in decimal text."""
        if not _DECIMALS.get(currency):
            return str(minor)
        return f"{minor // 100}.{minor % 100:02d}"
