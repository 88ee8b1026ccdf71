"""Orders as a till makes them."""

from typing import Final

from providers.interface import Order
from providers.tag import Promise, make_tag
from tests.support.providers.clock import Clock

TAG_KEY: Final = b"tag key of a till"


def promised(clock: Clock, nonce: str = "0123456789abcdef") -> Promise:
    return Promise("alice", "20.00", "EUR", "18.50", clock(), nonce)


def ordered(clock: Clock, attempt: str = "topup:alice:7", account: str = "stripe") -> Order:
    promise = promised(clock)
    return Order(
        user=promise.user,
        usd=promise.credited_usd,
        amount=promise.amount,
        currency=promise.currency,
        attempt=attempt,
        at=promise.at,
        tag=make_tag(TAG_KEY, account, promise),
        success_url="https://portal.invalid/thanks",
        cancel_url="https://portal.invalid/topup",
        expires_s=3600,
    )
