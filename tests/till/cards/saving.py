"""Customers of a world who save cards."""

from providers.interface import Order
from tests.till.place import TillPlace
from tests.till.programs import TERMS
from tests.till.served import Served


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
