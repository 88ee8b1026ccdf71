"""Customers of a world who save cards."""

from typing import Final

from providers.interface import Order
from tests.till.place import TillPlace
from tests.till.served import Served

CARDS: Final = {"consent_max_usd": "100.00", "consent_month_max_usd": "500.00"}
TERMS: Final = {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"}


def page(till: Served, user: str = "alice", **asked: object) -> str:
    """A customer asks for a page, which must be given; the payment that it begins."""
    answer = till.checkout(user=user, **asked)
    assert answer.status == 200, answer
    return str(answer.json["url"].rpartition("/")[2])


def save(till: Served, user: str = "alice", **terms: str) -> str:
    """A customer pays, and saves his card; the payment."""
    payment = page(till, user, save_card=TERMS | terms)
    till.place.world.succeed(payment, "20.00")
    assert till.hook(payment).status == 200
    return payment


def last_order(place: TillPlace) -> Order:
    """What the provider was asked for last."""
    return place.world.orders[-1]


def lose_memory(place: TillPlace) -> None:
    """What a till that is not open remembered is gone."""
    for file in place.home.glob("till.db*"):
        file.unlink()
