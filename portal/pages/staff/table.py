"""The table of pages of staff."""

from typing import Final

from portal.api.automatic import listing as standings
from portal.api.house import feed as feed_answers
from portal.api.house import reports, rules
from portal.api.models import staff as forms
from portal.api.staff import account as account_answers
from portal.api.staff import acts as act_answers
from portal.api.staff import giving, listing, seen
from portal.api.staff.forms import PlanForAccount
from portal.pages.customers.charges import PageSeen
from portal.pages.page import Page
from portal.pages.staff import account, accounts, acts, automatic, feed, fleet, keys, money, prices

_HOUSE: Final = "/house"
_ACCOUNTS: Final = "/house/accounts"
_ACCOUNT: Final = "/house/accounts/{user}"
_CREDIT: Final = f"{_ACCOUNT}/credit"
_NEW_KEY: Final = f"{_ACCOUNT}/keys/new"
_PRICES: Final = "/house/prices"
_FEED: Final = "/house/feed"
_CREDIT_AGAIN: Final = "account-credit"
_KEY_AGAIN: Final = "account-key"

STAFF_PAGES: Final = (
    Page("GET", _HOUSE, money.house, of=reports.running_out),
    Page("GET", "/house/running-out", money.running_out, of=reports.running_out, back=_HOUSE),
    Page(
        "GET",
        _ACCOUNTS,
        accounts.accounts,
        query=accounts.AccountsSeen,
        of=listing.accounts,
        back=_ACCOUNTS,
    ),
    Page("GET", "/house/open", accounts.open_page, of=act_answers.open_account, back=_ACCOUNTS),
    Page(
        "POST",
        "/house/open",
        accounts.open_account,
        form=forms.OpeningWanted,
        changes=act_answers.open_account,
        of=act_answers.open_account,
        back="/house/open",
    ),
    Page(
        "GET",
        _ACCOUNT,
        account.account,
        query=account.AccountSeen,
        of=account_answers.account,
        back=_ACCOUNTS,
    ),
    Page(
        "GET",
        f"{_ACCOUNT}/payments",
        account.payments,
        query=PageSeen,
        of=seen.payments,
        back=_ACCOUNT,
    ),
    Page(
        "GET",
        f"{_ACCOUNT}/charges",
        account.charges,
        query=PageSeen,
        of=seen.charges,
        back=_ACCOUNT,
    ),
    Page("GET", f"{_ACCOUNT}/charges/{{id}}", account.explained, of=seen.explained, back=_ACCOUNT),
    Page(
        "POST",
        f"{_ACCOUNT}/suspend",
        acts.suspend,
        form=forms.Why,
        changes=act_answers.suspend,
        of=act_answers.suspend,
        back=_ACCOUNT,
    ),
    Page(
        "POST",
        f"{_ACCOUNT}/reopen",
        acts.reopen,
        form=forms.Why,
        changes=act_answers.reopen,
        of=act_answers.reopen,
        back=_ACCOUNT,
    ),
    Page(
        "POST",
        f"{_ACCOUNT}/plan",
        acts.sell,
        form=PlanForAccount,
        changes=seen.buy_plan,
        of=seen.buy_plan,
        back=_ACCOUNT,
    ),
    Page("GET", _CREDIT, acts.credit_page, of=giving.grant, again=_CREDIT_AGAIN, back=_ACCOUNT),
    Page(
        "POST",
        f"{_CREDIT}/give",
        acts.grant,
        form=forms.GrantWanted,
        changes=giving.grant,
        of=giving.grant,
        again=_CREDIT_AGAIN,
        back=_CREDIT,
    ),
    Page(
        "POST",
        f"{_CREDIT}/correct",
        acts.adjust,
        form=forms.AdjustWanted,
        changes=giving.adjust,
        of=giving.adjust,
        again=_CREDIT_AGAIN,
        back=_CREDIT,
    ),
    Page("GET", _NEW_KEY, keys.new_key, of=seen.make_key, again=_KEY_AGAIN, back=_ACCOUNT),
    Page(
        "POST",
        _NEW_KEY,
        keys.make,
        form=keys.KeyChosenFor,
        changes=seen.make_key,
        of=seen.make_key,
        again=_KEY_AGAIN,
        back=_NEW_KEY,
    ),
    Page(
        "POST",
        f"{_ACCOUNT}/keys/revoke",
        keys.revoke,
        form=keys.KeyRevokedFor,
        changes=seen.revoke_key,
        of=seen.revoke_key,
        back=_ACCOUNT,
    ),
    Page(
        "GET",
        "/house/automatic",
        automatic.automatic,
        query=automatic.StandingsSeen,
        of=standings.standings,
        back=_HOUSE,
    ),
    Page("GET", "/house/fleet", fleet.fleet, query=fleet.FleetSeen, of=reports.nodes, back=_HOUSE),
    Page("GET", _PRICES, prices.prices, query=prices.PricesSeen, of=rules.rules, back=_HOUSE),
    Page(
        "POST",
        f"{_PRICES}/trial",
        prices.attempt,
        form=prices.FileTried,
        changes=rules.trial,
        of=rules.trial,
        back=_PRICES,
    ),
    Page("GET", _FEED, feed.feed, query=feed.LinesSeen, of=feed_answers.feed, back=_FEED),
)
