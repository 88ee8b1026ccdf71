"""Orders as a till makes them."""

from typing import Final

from providers.interface import Order
from providers.tag import Promise, make_tag
from tests.support.providers.clock import Clock
from tests.support.providers.orders import order_of

TAG_KEY: Final = b"tag key of a till"


def promised(clock: Clock, nonce: str = "0123456789abcdef") -> Promise:
    return Promise("alice", "20.00", "EUR", "18.50", clock(), nonce)


def ordered(clock: Clock, attempt: str = "topup:alice:7") -> Order:
    promise = promised(clock)
    return order_of(promise, attempt, make_tag(TAG_KEY, "stripe", promise))
