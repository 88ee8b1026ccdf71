"""Orders as a till makes them of what it has promised."""

from providers.interface import Order
from providers.tag import Promise


def order_of(promise: Promise, attempt: str, tag: str) -> Order:
    """An order for a page that stays open for an hour."""
    return Order(
        user=promise.user,
        usd=promise.credited_usd,
        amount=promise.amount,
        currency=promise.currency,
        attempt=attempt,
        at=promise.at,
        tag=tag,
        success_url="https://portal.invalid/thanks",
        cancel_url="https://portal.invalid/topup",
        expires_s=3600,
    )
