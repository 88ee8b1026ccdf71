"""The routes by which an account sees what became of its money, and its settings."""

from http import HTTPStatus
from typing import Final

from portal.access import scopes
from portal.api.activity.forms import Activity
from portal.api.activity.lately import activity
from portal.api.customers import charges, explained, payments, settings, statements, usage
from portal.api.models import charges as charge_forms
from portal.api.models import payments as payment_forms
from portal.api.models import settings as setting_forms
from portal.api.models import statements as statement_forms
from portal.api.models import usage as usage_forms
from portal.api.models.spans import PageWanted
from portal.api.route import Route

VIEW_ROUTES: Final = (
    Route(
        "GET",
        "/v1/activity",
        "What was settled lately, and by whom",
        activity,
        Activity,
        scopes.BALANCE,
    ),
    Route(
        "GET",
        "/v1/usage",
        "What was used, added up",
        usage.usage,
        usage_forms.AccountUsage,
        scopes.USAGE,
        query=usage_forms.UsageWanted,
    ),
    Route(
        "GET",
        "/v1/charges",
        "What was charged, hour by hour",
        charges.charges,
        charge_forms.AccountCharges,
        scopes.USAGE,
        query=PageWanted,
    ),
    Route(
        "GET",
        "/v1/charges/{id}/explain",
        "How a charge is made, down to its lines in git",
        explained.explained,
        charge_forms.ExplainedCharge,
        scopes.USAGE,
        problems={HTTPStatus.SERVICE_UNAVAILABLE: "not-now: the lines cannot be read from git"},
    ),
    Route(
        "GET",
        "/v1/payments",
        "What came in and went out",
        payments.payments,
        payment_forms.AccountPayments,
        scopes.PAYMENTS,
        query=PageWanted,
    ),
    Route(
        "GET",
        "/v1/statements/{period}",
        "What happened in a period",
        statements.statement,
        statement_forms.AccountStatement,
        scopes.PAYMENTS,
    ),
    Route(
        "GET",
        "/v1/settings",
        "What the account has settled",
        settings.settings,
        setting_forms.AccountSettings,
        scopes.BALANCE,
    ),
    Route(
        "PATCH",
        "/v1/settings",
        "Change settings",
        settings.change,
        setting_forms.AccountSettings,
        scopes.SETTINGS,
        body=setting_forms.SettingsWanted,
        problems={HTTPStatus.UNPROCESSABLE_ENTITY: "not-offered"},
    ),
)
