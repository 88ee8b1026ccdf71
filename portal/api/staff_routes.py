"""The routes of staff: to anybody else they are not there."""

from http import HTTPStatus
from typing import Final

from portal.access import scopes
from portal.access.scopes import ROLES
from portal.api.activity.forms import Activity
from portal.api.house.routes import HOUSE_ROUTES
from portal.api.models import staff as forms
from portal.api.models.account import AccountBalance, Entitlements
from portal.api.models.charges import AccountCharges, ExplainedCharge
from portal.api.models.keys import KeyList, KeyMade
from portal.api.models.payments import AccountPayments
from portal.api.models.spans import PageWanted
from portal.api.models.usage import AccountUsage, UsageWanted
from portal.api.plans.forms import PlanBought, PlansOffered
from portal.api.route import Route
from portal.api.staff import account, acts, giving, listing, seen
from portal.api.staff.forms import KeyForAccount, PlanForAccount

_ALL: Final = frozenset(ROLES)
_ADMIN: Final = frozenset({"admin"})
_OF_ACCOUNT: Final = "/v1/accounts/{user}"
_CONFLICT: Final = {HTTPStatus.CONFLICT: "what is there already does not allow it"}

STAFF_ROUTES: Final = (
    Route(
        "GET",
        "/v1/accounts",
        "Accounts",
        listing.accounts,
        forms.AccountPage,
        scopes.STAFF,
        query=forms.ListWanted,
        roles=_ALL,
    ),
    Route(
        "POST",
        "/v1/accounts",
        "Open an account",
        acts.open_account,
        forms.Written,
        scopes.STAFF,
        body=forms.OpeningWanted,
        status=HTTPStatus.CREATED,
        problems=_CONFLICT,
        roles=_ADMIN,
    ),
    Route(
        "GET",
        _OF_ACCOUNT,
        "One account, with everything",
        account.account,
        forms.AccountFile,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/balance",
        "What an account has",
        seen.balance,
        AccountBalance,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/entitlements",
        "What an account may use",
        seen.entitlements,
        Entitlements,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/usage",
        "What an account used, added up",
        seen.usage,
        AccountUsage,
        scopes.STAFF,
        query=UsageWanted,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/charges",
        "What an account was charged, hour by hour",
        seen.charges,
        AccountCharges,
        scopes.STAFF,
        query=PageWanted,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/charges/{{id}}/explain",
        "How a charge of an account is made",
        seen.explained,
        ExplainedCharge,
        scopes.STAFF,
        problems={HTTPStatus.SERVICE_UNAVAILABLE: "not-now: the lines cannot be read from git"},
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/payments",
        "What came in and went out of an account",
        seen.payments,
        AccountPayments,
        scopes.STAFF,
        query=PageWanted,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/activity",
        "What was settled lately about an account",
        seen.activity,
        Activity,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/plans",
        "The plans that an account can have",
        seen.plans,
        PlansOffered,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "GET",
        f"{_OF_ACCOUNT}/keys",
        "The keys of an account",
        seen.keys,
        KeyList,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "POST",
        f"{_OF_ACCOUNT}/keys",
        "Make a key of an account",
        seen.make_key,
        KeyMade,
        scopes.STAFF,
        body=KeyForAccount,
        status=HTTPStatus.CREATED,
        problems=_CONFLICT,
        roles=_ADMIN,
    ),
    Route(
        "DELETE",
        f"{_OF_ACCOUNT}/keys/{{key_id}}",
        "Revoke a key of an account for ever",
        seen.revoke_key,
        None,
        scopes.STAFF,
        query=forms.Why,
        status=HTTPStatus.NO_CONTENT,
        roles=_ALL,
    ),
    Route(
        "POST",
        f"{_OF_ACCOUNT}/suspend",
        "Suspend an account",
        acts.suspend,
        forms.Written,
        scopes.STAFF,
        body=forms.Why,
        status=HTTPStatus.CREATED,
        problems=_CONFLICT,
        roles=_ALL,
    ),
    Route(
        "POST",
        f"{_OF_ACCOUNT}/reopen",
        "Reopen an account",
        acts.reopen,
        forms.Written,
        scopes.STAFF,
        body=forms.Why,
        status=HTTPStatus.CREATED,
        problems=_CONFLICT,
        roles=_ALL,
    ),
    Route(
        "POST",
        f"{_OF_ACCOUNT}/plan",
        "Buy a plan for an account",
        seen.buy_plan,
        PlanBought,
        scopes.STAFF,
        body=PlanForAccount,
        status=HTTPStatus.CREATED,
        problems={
            HTTPStatus.PAYMENT_REQUIRED: "balance-exhausted",
            HTTPStatus.CONFLICT: "plan-refused",
        },
        roles=_ALL,
    ),
    Route(
        "GET",
        "/v1/templates",
        "What may be given",
        giving.templates,
        forms.Templates,
        scopes.STAFF,
        roles=_ALL,
    ),
    Route(
        "POST",
        f"{_OF_ACCOUNT}/grants",
        "Give credit by a template",
        giving.grant,
        forms.Written,
        scopes.STAFF,
        body=forms.GrantWanted,
        status=HTTPStatus.CREATED,
        problems=_CONFLICT,
        roles=_ALL,
    ),
    Route(
        "POST",
        f"{_OF_ACCOUNT}/adjustments",
        "Correct a balance by a template",
        giving.adjust,
        forms.Written,
        scopes.STAFF,
        body=forms.AdjustWanted,
        status=HTTPStatus.CREATED,
        problems=_CONFLICT,
        roles=_ALL,
    ),
    *HOUSE_ROUTES,
)
