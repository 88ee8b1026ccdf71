"""The first page: what is left, how fresh that is, and where it went."""

from http import HTTPStatus
from typing import Any

from portal.api.customers import account
from portal.api.customers import usage as usage_api
from portal.api.problems import ProblemError
from portal.pages.customers.activity import news
from portal.pages.customers.chart import chart
from portal.pages.customers.payments import is_offered
from portal.pages.customers.usage import used
from portal.pages.page import Shown
from portal.pages.visit import Visit


def overview(visit: Visit) -> Shown:
    """Show what the account has."""
    data: dict[str, Any] = {
        "me": visit.ask(account.me),
        "balance": None,
        "entitled": None,
        "usage": None,
        "news": [],
        "may_top_up": is_offered(visit),
    }
    if visit.may(account.balance):
        data |= {
            "balance": visit.ask(account.balance),
            "entitled": visit.ask(account.entitled),
            "news": news(visit),
        }
    if visit.may(usage_api.usage):
        data |= _used(visit)
    return Shown("overview.html", data)


def _used(visit: Visit) -> dict[str, Any]:
    """Usage of the last days; nothing of an account that used too many things to be told."""
    try:
        found = used(visit, "day")
    except ProblemError as problem:
        if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        return {}
    return {"usage": found, "chart": chart(found)}
