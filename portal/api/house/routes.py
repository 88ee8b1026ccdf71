"""The routes of staff about the house as a whole."""

from http import HTTPStatus
from typing import Final

from portal.access import scopes
from portal.access.scopes import ROLES
from portal.api.house import forms, reports
from portal.api.house.cash import cash
from portal.api.house.feed import feed
from portal.api.house.rules import rules, trial
from portal.api.models import staff
from portal.api.route import Route

_ALL: Final = frozenset(ROLES)
_FINANCE: Final = frozenset({"finance", "admin"})

HOUSE_ROUTES: Final = (
    Route(
        "GET",
        "/v1/revenue",
        "What was earned",
        reports.revenue,
        staff.HouseReport,
        scopes.STAFF,
        query=staff.PeriodWanted,
        roles=_FINANCE,
    ),
    Route(
        "GET",
        "/v1/liability",
        "What is owed",
        reports.liability,
        staff.HouseReport,
        scopes.STAFF,
        roles=_FINANCE,
    ),
    Route(
        "GET",
        "/v1/breakage",
        "What ended grants had left",
        reports.breakage,
        staff.HouseReport,
        scopes.STAFF,
        query=forms.CashWanted,
        roles=_FINANCE,
    ),
    Route(
        "GET",
        "/v1/running-out",
        "Whose money runs out",
        reports.running_out,
        staff.HouseReport,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "GET",
        "/v1/incidents",
        "Open incidents",
        reports.incidents,
        staff.FoundList,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "GET", "/v1/nodes", "The fleet", reports.nodes, staff.FoundList, scopes.STAFF, roles=_ALL
    ),
    Route(
        "GET",
        "/v1/feed",
        "Every line about money and accounts",
        feed,
        forms.FeedPage,
        scopes.STAFF,
        query=forms.FeedWanted,
        roles=_FINANCE,
    ),
    Route(
        "GET",
        "/v1/cash",
        "What came in",
        cash,
        forms.Cash,
        scopes.STAFF,
        query=forms.CashWanted,
        roles=_FINANCE,
    ),
    Route(
        "GET",
        "/v1/rules",
        "The rule book in force",
        rules,
        forms.RulesInForce,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "POST",
        "/v1/rules/trial",
        "What another rule file would change",
        trial,
        forms.Trial,
        scopes.STAFF,
        body=forms.TrialWanted,
        problems={HTTPStatus.CONFLICT: "too-many-charges"},
        roles=_FINANCE,
    ),
)
