"""The table of routes."""

from http import HTTPStatus
from typing import Final

from portal.access import scopes
from portal.api.automatic.routes import AUTOMATIC_ROUTES, STAFF_AUTOMATIC_ROUTES
from portal.api.customers import account, keys, topups
from portal.api.models import account as account_forms
from portal.api.models import allowed as allowed_forms
from portal.api.models import keys as key_forms
from portal.api.models.topups import TopUp, TopUpWanted
from portal.api.plans import buying, catalogue
from portal.api.plans import forms as plan_forms
from portal.api.route import Route
from portal.api.services.allowed import allowed
from portal.api.staff_routes import STAFF_ROUTES
from portal.api.view_routes import VIEW_ROUTES

ROUTES: Final = (
    Route(
        "GET",
        "/v1/balance",
        "What the account has",
        account.balance,
        account_forms.AccountBalance,
        scopes.BALANCE,
        is_quick=True,
    ),
    Route(
        "GET",
        "/v1/accounts/{user}/allowed",
        "Whether an account may use a resource now",
        allowed,
        allowed_forms.UseAllowed,
        "",
        query=allowed_forms.UseWanted,
        problems={
            HTTPStatus.PAYMENT_REQUIRED: "quota-exhausted, cap-reached or balance-exhausted",
            HTTPStatus.FORBIDDEN: "suspended",
        },
        is_kept=False,
        is_quick=True,
    ),
    Route("GET", "/v1/me", "Whose key it is", account.me, account_forms.Me, "", is_quick=True),
    Route(
        "GET",
        "/v1/entitlements",
        "What the account may use",
        account.entitled,
        account_forms.Entitlements,
        scopes.BALANCE,
    ),
    Route("GET", "/v1/keys", "The keys in force", keys.keys, key_forms.KeyList, scopes.KEYS),
    Route(
        "POST",
        "/v1/keys",
        "Make a key",
        keys.make,
        key_forms.KeyMade,
        scopes.KEYS,
        body=key_forms.KeyWanted,
        status=HTTPStatus.CREATED,
        problems={HTTPStatus.CONFLICT: "too-many-keys"},
    ),
    Route(
        "DELETE",
        "/v1/keys/{key_id}",
        "Revoke a key for ever",
        keys.revoke,
        None,
        scopes.KEYS,
        status=HTTPStatus.NO_CONTENT,
    ),
    Route(
        "POST",
        "/v1/topups",
        "Begin a payment",
        topups.top_up,
        TopUp,
        scopes.TOPUPS,
        waits=True,
        body=TopUpWanted,
        status=HTTPStatus.CREATED,
        problems={
            HTTPStatus.NOT_FOUND: "not-offered",
            HTTPStatus.TOO_MANY_REQUESTS: "the limits of the till",
        },
    ),
    *VIEW_ROUTES,
    *AUTOMATIC_ROUTES,
    Route(
        "GET",
        "/v1/plans",
        "The plans that are sold here",
        catalogue.offered,
        plan_forms.PlansOffered,
        scopes.BALANCE,
    ),
    Route(
        "POST",
        "/v1/plan",
        "Buy a plan",
        buying.buy,
        plan_forms.PlanBought,
        scopes.PLAN,
        body=plan_forms.PlanWanted,
        status=HTTPStatus.CREATED,
        problems={
            HTTPStatus.PAYMENT_REQUIRED: "balance-exhausted",
            HTTPStatus.CONFLICT: "plan-refused",
        },
    ),
    *STAFF_ROUTES,
    *STAFF_AUTOMATIC_ROUTES,
)
"""Those that are asked most often first."""
