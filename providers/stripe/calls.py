"""Requests through Stripe's own library, within our limits, and what its errors mean.

The library's clients bound neither the bytes nor the whole time of an answer, so it sends through
the client that every program here uses.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import stripe

from gitmeter.http_edge.client import ExchangeError, HttpClient, Request, UntrustedError
from providers.interface import ProviderError, RefusedByProviderError, UnreachableProviderError

if TYPE_CHECKING:
    from stripe.params import (
        CustomerCreateParams,
        PaymentIntentConfirmParams,
        PaymentIntentCreateParams,
        RefundCreateParams,
    )
    from stripe.params.checkout import SessionCreateParams

TIMEOUT_S: Final = 20
CONNECT_S: Final = 8
ANSWER_BYTES_MAX: Final = 8 << 20
PAGE_OBJECTS: Final = 100
"""The most that Stripe gives at once; with its source in full each has a few kilobytes."""

_RETRIES: Final = 1
_MESSAGE_CHARS_MAX: Final = 300
_SECRET: Final = re.compile(r"\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_*.]+")
_HINTS: Final = (
    (stripe.AuthenticationError, "is the key whole, of this account, and still in use?"),
    (stripe.PermissionError, "the key is a restricted one without this right: add it at Stripe"),
    (stripe.IdempotencyError, "it was made before with other values: give it another name"),
)


class StripeCalls:
    """The objects of one account; for one thread at a time.

    Args:
        key: secret or restricted.
        base_url: without a slash at the end.
    """

    def __init__(self, key: str, base_url: str) -> None:
        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)  # it tells all that it was answered
        self._key = key
        self._http = _LimitedClient()
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": base_url},
            http_client=self._http,
            max_network_retries=_RETRIES,
        )

    def close(self) -> None:
        """Close the connection that is kept."""
        self._http.close()

    def get(self, path: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - as Stripe has them
        """An object, or a page of a list.

        Raises:
            UnreachableProviderError: no answer that can be used.
            RefusedByProviderError: with the code `resource_missing` where there is no such object.
        """
        return self._send("get", path, **params)

    def find(self, path: str, **params: Any) -> dict[str, Any] | None:  # noqa: ANN401 - as above
        """An object, or None where there is none; errors as above."""
        try:
            return self.get(path, **params)
        except RefusedByProviderError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def create_session(self, params: "SessionCreateParams", key: str) -> dict[str, Any]:
        """Make a page of Checkout, once for each key of idempotency within a day.

        Raises:
            UnreachableProviderError: no answer that can be used.
            RefusedByProviderError: also where the key was used with other parameters.
        """
        path = "/v1/checkout/sessions"
        with self._typed_errors(path):
            made = self._client.v1.checkout.sessions.create(params, {"idempotency_key": key})
            return made.to_dict()

    def create_refund(self, params: "RefundCreateParams", key: str) -> dict[str, Any]:
        """Give money back, once for each key of idempotency within a day; errors as above."""
        with self._typed_errors("/v1/refunds"):
            return self._client.v1.refunds.create(params, {"idempotency_key": key}).to_dict()

    def create_customer(self, params: "CustomerCreateParams", key: str) -> dict[str, Any]:
        """Make a customer, once for each key of idempotency within a day; errors as above."""
        with self._typed_errors("/v1/customers"):
            return self._client.v1.customers.create(params, {"idempotency_key": key}).to_dict()

    def create_intent(self, params: "PaymentIntentCreateParams", key: str) -> dict[str, Any]:
        """Make a payment, once for each key of idempotency within a day; errors as above."""
        with self._typed_errors("/v1/payment_intents"):
            made = self._client.v1.payment_intents.create(params, {"idempotency_key": key})
            return made.to_dict()

    def confirm_intent(
        self, intent: str, params: "PaymentIntentConfirmParams", key: str | None = None
    ) -> dict[str, Any]:
        """Take the money of a payment.

        Args:
            intent: the payment.
            params: how.
            key: of idempotency; None for one that is new with each call.

        Raises:
            UnreachableProviderError: no answer that can be used.
            RefusedByProviderError: with status 402 where the card gave nothing, with the code
                `payment_intent_unexpected_state` where it is no longer to be confirmed.
        """
        with self._typed_errors(f"/v1/payment_intents/{intent}/confirm"):
            intents = self._client.v1.payment_intents
            options: stripe.RequestOptions = {} if key is None else {"idempotency_key": key}
            return intents.confirm(intent, params, options).to_dict()

    def cancel_intent(self, intent: str) -> dict[str, Any]:
        """Let nothing come of a payment; refused as `confirm_intent` is."""
        with self._typed_errors(f"/v1/payment_intents/{intent}/cancel"):
            intents = self._client.v1.payment_intents
            return intents.cancel(intent, {"cancellation_reason": "abandoned"}).to_dict()

    def detach(self, method: str) -> None:
        """Keep a way to pay no longer; refused where it is kept for nobody."""
        with self._typed_errors(f"/v1/payment_methods/{method}/detach"):
            self._client.v1.payment_methods.detach(method)

    def may_post(self, path: str) -> bool:
        """Whether the key has the right to make such an object: asked for with nothing in it."""
        try:
            self._send("post", path)
        except RefusedByProviderError as error:
            return error.status != HTTPStatus.FORBIDDEN
        return True

    def may_get(self, path: str) -> bool:
        """Whether the key has the right to list such objects."""
        try:
            self._send("get", path, limit=1)
        except RefusedByProviderError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return False
        return True

    def every(self, path: str, pages_max: int, **params: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        """Every object of a list, page by page.

        Raises:
            RefusedByProviderError: there are more than so many pages.
        """
        after: dict[str, str] = {}
        for _ in range(pages_max):
            page = self.get(path, limit=PAGE_OBJECTS, **params, **after)
            found = page.get("data")
            if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
                raise UnreachableProviderError(f"Stripe's answer to {path} is no list")
            yield from found
            if not page.get("has_more") or not found:
                return
            after = {"starting_after": str(found[-1].get("id"))}
        raise RefusedByProviderError(
            f"{path} has more than {pages_max * PAGE_OBJECTS} objects",
            hint="ask for a shorter time",
        )

    def _send(self, method: str, path: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401
        with self._typed_errors(path):
            answer = self._client.raw_request(method, path, **params)
        if not isinstance(answer.data, dict):
            raise UnreachableProviderError(f"Stripe's answer to {path} is no object")
        return answer.data

    @contextmanager
    def _typed_errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except stripe.StripeError as error:
            # without its cause: a traceback would show what the library keeps in it
            raise self._typed(error, path) from None

    def _typed(self, error: stripe.StripeError, path: str) -> ProviderError:
        words = f"Stripe, {path}: {self._without_keys(error.user_message or type(error).__name__)}"
        code, status = _code(error), error.http_status or 0
        is_busy = status in {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
        if is_busy or status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
            hint = "the same request may work later"
            return UnreachableProviderError(words, hint=hint, code=code, status=status)
        if isinstance(error, stripe.APIError):
            hint = "is the address that of Stripe?"
            return UnreachableProviderError(words, hint=hint, code=code, status=status)
        hint = next((hint for kind, hint in _HINTS if isinstance(error, kind)), "")
        return RefusedByProviderError(words, hint=hint, code=code, status=status)

    def _without_keys(self, text: str) -> str:
        return _SECRET.sub("(key)", text.replace(self._key, "(key)"))[:_MESSAGE_CHARS_MAX]


def request_key(*words: str) -> str:
    """A key of idempotency that depends on what is done alone; at most 255 characters."""
    text = "|".join(("gitmeter", *words))
    return hashlib.sha256(text.encode()).hexdigest()


def _code(error: stripe.StripeError) -> str:
    """The most precise word that it has."""
    decline = getattr(error.error, "decline_code", None) if error.error is not None else None
    return decline or error.code or ""


class _LimitedClient(stripe.HTTPClient):
    """The library's own interface for another client."""

    name = "gitmeter"

    def __init__(self) -> None:
        super().__init__()
        self._http = HttpClient()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # noqa: ANN401 - the library's
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        body = post_data.encode() if isinstance(post_data, str) else post_data
        request = Request(method.upper(), url, headers or {}, body)
        try:
            with self._http.exchange(request, TIMEOUT_S, CONNECT_S) as response:
                text = response.read_all(ANSWER_BYTES_MAX).decode()
                return text, response.status, response.headers
        except UnicodeDecodeError:
            raise stripe.APIConnectionError("an answer that is no UTF-8") from None  # type: ignore[no-untyped-call]
        except ExchangeError as error:
            is_worth_it = not isinstance(error, UntrustedError)
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
                str(error), should_retry=is_worth_it
            ) from error

    def close(self) -> None:
        self._http.close()
