"""What came in and went out, and adding credit."""

from typing import Annotated, Final

from pydantic import Field

from portal.api.customers import payments as api
from portal.api.customers import topups
from portal.api.problems import not_found
from portal.api.request import Form
from portal.pages.customers.charges import PageSeen
from portal.pages.page import Shown
from portal.pages.visit import Visit

_SHORT: Final = 40


class CreditWanted(Form):
    """How much credit, and how it is paid.

    Attributes:
        usd: the credit.
        pay_by: one of the ways that are offered: a method and a currency.
        phone: for a prompt on a telephone.
    """

    usd: Annotated[str, Field(max_length=_SHORT)]
    pay_by: Annotated[str, Field(max_length=_SHORT)]
    phone: Annotated[str, Field(max_length=_SHORT)] | None = None


class CreditSeen(Form):
    """What somebody comes back from.

    Attributes:
        back: whether from paying, or without.
    """

    back: Annotated[str, Field(pattern="^(?:paid|unpaid)$")] | None = None


def payments(visit: Visit) -> Shown:
    """Show a page of what came in and went out."""
    wanted: PageSeen = visit.query
    found = visit.ask(api.payments, wanted.asked())
    return Shown("payments.html", {"found": found, "is_first": wanted.cursor is None})


def is_offered(visit: Visit) -> bool:
    """Whether credit can be added here by whoever is signed in."""
    config = visit.portal.config
    return config.till is not None and config.pages.url is not None and visit.may(topups.top_up)


def credit_page(visit: Visit) -> Shown:
    """Ask how much credit is to be added."""
    if not is_offered(visit):
        raise not_found()
    ways = [way.split(" ") for way in visit.portal.config.pages.pay_by]
    return Shown("credit.html", {"ways": ways, "back": visit.query.back})


def add_credit(visit: Visit) -> Shown:
    """Begin a payment, and lead to where it is made: the address that the till gave, alone."""
    config, wanted = visit.portal.config.pages, visit.form
    if not is_offered(visit) or wanted.pay_by not in config.pay_by:
        raise not_found()
    method, currency = wanted.pay_by.split(" ")
    order = {
        "usd": wanted.usd,
        "currency": currency,
        "method": method,
        "success_url": f"{config.url}/credit?back=paid",
        "cancel_url": f"{config.url}/credit?back=unpaid",
    }
    if wanted.phone is not None and method == "prompt":
        order["phone"] = wanted.phone
    found = visit.ask(topups.top_up, body=order)
    return Shown("credit-begun.html", {"found": found})
