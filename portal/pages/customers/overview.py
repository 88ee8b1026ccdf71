"""The first page: what is left, how fresh that is, and where it went."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from portal.api.automatic.forms import AutoTopupStanding
from portal.api.automatic.standing import standing
from portal.api.automatic.state import auto_topup
from portal.api.customers import account
from portal.api.customers import usage as usage_api
from portal.api.problems import ProblemError
from portal.pages.customers.activity import news
from portal.pages.customers.chart import chart
from portal.pages.customers.payments import is_offered
from portal.pages.customers.usage import used
from portal.pages.page import Shown
from portal.pages.visit import Visit
from wire_format.instants import parse_ts

_LONG: Final = timedelta(minutes=10)
"""For so long an automatic payment is made, if nobody has to confirm it."""


def overview(visit: Visit) -> Shown:
    """Show what the account has."""
    data: dict[str, Any] = {
        "me": visit.ask(account.me),
        "balance": None,
        "entitled": None,
        "usage": None,
        "news": [],
        "topup": None,
        "topup_waits": False,
        "may_top_up": is_offered(visit),
    }
    if visit.may(account.balance):
        data |= {
            "balance": visit.ask(account.balance),
            "entitled": visit.ask(account.entitled),
            "news": news(visit),
        }
    if visit.may(auto_topup):
        data |= _topup(visit)
    if visit.may(usage_api.usage):
        data |= _used(visit)
    return Shown("overview.html", data)


def _topup(visit: Visit) -> dict[str, Any]:
    """Where automatic payments stand, by the ledger alone: the till may take its time."""
    found: AutoTopupStanding = visit.ask_for(auto_topup, standing, {})
    began = [parse_ts(each.began_at) for each in found.attempts if each.state == "open"]
    return {"topup": found, "topup_waits": any(at <= visit.now - _LONG for at in began)}


def _used(visit: Visit) -> dict[str, Any]:
    """Usage of the last days; nothing of an account that used too many things to be told."""
    try:
        found = used(visit, "day")
    except ProblemError as problem:
        if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        return {}
    return {"usage": found, "chart": chart(found)}
