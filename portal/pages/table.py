"""The table of pages."""

from typing import Final

from portal.api.customers import keys as key_answers
from portal.api.customers import settings as setting_answers
from portal.api.customers import topups
from portal.api.plans import buying
from portal.pages.automatic.table import AUTOMATIC_PAGES
from portal.pages.customers import (
    activity,
    charges,
    entering,
    keys,
    overview,
    payments,
    plan,
    settings,
    signing_up,
    statements,
    usage,
    vouching,
)
from portal.pages.page import Page
from portal.pages.staff.table import STAFF_PAGES

_PLAN: Final = "/plan"
_SETTINGS: Final = "/settings"
_KEYS: Final = "/keys"
_NEW_KEY: Final = "/keys/new"
_CREDIT: Final = "/credit"

PAGES: Final = (
    Page("GET", "/", overview.overview),
    Page("GET", "/sign-in", entering.sign_in_page, is_open=True),
    Page("POST", "/sign-in", entering.sign_in, form=entering.SignIn, back="/sign-in", is_open=True),
    Page("GET", "/sign-in/again", entering.again_page, query=entering.Onward),
    Page("POST", "/sign-in/again", entering.sign_in_again, form=entering.SignInAgain),
    Page(
        "GET",
        "/sign-in/with/{issuer}",
        vouching.go,
        query=vouching.Going,
        back="/sign-in",
        is_open=True,
        waits="issuer",
        counted="issuer",
    ),
    Page(
        "GET",
        "/sign-in/back/{issuer}",
        vouching.back,
        query=vouching.Back,
        back="/sign-in",
        is_open=True,
        waits="issuer",
        counted="issuer",
    ),
    Page("GET", "/sign-up", signing_up.sign_up_page, is_open=True),
    Page(
        "POST",
        "/sign-up",
        signing_up.sign_up,
        form=signing_up.SignUp,
        back="/sign-up",
        is_open=True,
        counted="sign_up",
    ),
    Page("POST", "/sign-out", entering.sign_out, is_limited=False),
    Page("GET", "/usage", usage.usage, query=usage.UsageSeen, back="/usage"),
    Page("GET", "/charges", charges.charges, query=charges.PageSeen, back="/charges"),
    Page("GET", "/charges/{id}", charges.explained, back="/charges"),
    Page("GET", "/payments", payments.payments, query=charges.PageSeen, back="/payments"),
    Page("GET", _CREDIT, payments.credit_page, query=payments.CreditSeen),
    Page(
        "POST",
        _CREDIT,
        payments.add_credit,
        form=payments.CreditWanted,
        changes=topups.top_up,
        back=_CREDIT,
    ),
    Page("GET", _PLAN, plan.plan),
    Page("POST", "/plan/buy", plan.buy, form=plan.PlanChosen, changes=buying.buy, back=_PLAN),
    Page(
        "POST",
        "/plan/next",
        plan.settle_next,
        form=plan.NextChosen,
        changes=setting_answers.change,
        back=_PLAN,
    ),
    Page("GET", _SETTINGS, settings.settings),
    Page(
        "POST",
        _SETTINGS,
        settings.change,
        form=settings.CapChosen,
        changes=setting_answers.change,
        back=_SETTINGS,
    ),
    Page("GET", _KEYS, keys.keys),
    Page("GET", _NEW_KEY, keys.new_key, again="new-key", back=_KEYS),
    Page(
        "POST",
        _NEW_KEY,
        keys.make,
        form=keys.KeyChosen,
        changes=key_answers.make,
        again="new-key",
        back=_NEW_KEY,
    ),
    Page(
        "POST",
        "/keys/revoke",
        keys.revoke,
        form=keys.KeyRevoked,
        changes=key_answers.revoke,
        back=_KEYS,
    ),
    Page("GET", "/activity", activity.activity),
    Page("GET", "/statements", statements.listed),
    Page("GET", "/statements/{period}", statements.statement, back="/statements"),
    Page(
        "GET",
        "/statements/{period}/file",
        statements.file,
        query=statements.FileWanted,
        back="/statements",
    ),
    *AUTOMATIC_PAGES,
    *STAFF_PAGES,
)
