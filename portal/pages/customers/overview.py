"""The first page: what is left, how fresh that is, and what there is besides."""

from typing import Any

from portal.api.customers import account, topups
from portal.pages.page import Shown
from portal.pages.visit import Visit


def overview(visit: Visit) -> Shown:
    """Show what the account has."""
    data: dict[str, Any] = {"me": visit.ask(account.me), "balance": None, "entitled": None}
    if visit.may(account.balance):
        data |= {"balance": visit.ask(account.balance), "entitled": visit.ask(account.entitled)}
    data["may_top_up"] = visit.may(topups.top_up) and visit.portal.config.till is not None
    return Shown("overview.html", data)
