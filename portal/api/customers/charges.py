"""Charges of an account one by one, and their names in addresses."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from datetime import UTC, datetime
from typing import Any, Final, get_args

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.rating.discounts import DiscountLadder
from aggregator.reports.accounts import PaidByTerms, charge_answer
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.periods.period import END_HOUR, FIRST_HOUR
from aggregator.store.questions.exports import ChargePlace
from gitmeter.money.granted import Hours
from portal.api.customers.account import account_here
from portal.api.customers.forming import formed
from portal.api.customers.freshness import fresh
from portal.api.customers.paging import cursor_of, no_such_page, row_before
from portal.api.models.charges import AccountCharges, PaidByGrant, ShownCharge
from portal.api.models.spans import PageWanted
from portal.api.request import Asked
from wire_format.fields import AppliesTo, is_resource
from wire_format.instants import hour_of, hour_start, parse_ts
from wire_format.money import format_usd

_ANSWER: Final = "charges"
_HOUR: Final = "%Y%m%dT%H"
_ID: Final = re.compile(
    rf"([0-9]{{8}}T[0-9]{{2}})-({'|'.join(get_args(AppliesTo))})-([\w-]+)", re.ASCII
)


def charges(asked: Asked) -> AccountCharges:
    """List charges, the newest first: one for each hour, resource and category of discounts.

    `next` is the cursor of the next page. Pages go back in time from the charges that there were
    when the first one was asked for: each of these is on one page, also while others are added.
    """
    wanted: PageWanted = asked.query
    account = account_here(asked)
    before = None
    if wanted.cursor is not None:
        before = place_of(row_before(asked, _ANSWER, wanted.cursor))
        if before is None:
            raise no_such_page()
    hours = Hours(
        FIRST_HOUR if wanted.from_ is None else wanted.from_,
        END_HOUR if wanted.until is None else wanted.until,
    )
    found = asked.store.exports.last_of(account.id, hours, wanted.limit + 1, before)
    ladder = DiscountLadder(rule_book_in_force(asked.store).ladders)
    paid = PaidByTerms(asked.store, account)
    page = [
        charge_form(charge_answer(each.rated, ladder) | paid.of(each.rated.row))
        for each in found[: wanted.limit]
    ]
    has_more = len(found) > wanted.limit
    return AccountCharges(
        charges=page,
        next=cursor_of(asked, _ANSWER, page[-1].id) if has_more else None,
        **fresh(asked, stands_on(asked.store, account.id)),
    )


def charge_form(stated: Answer) -> ShownCharge:
    """A charge, from the answer of `aggregator.reports.accounts.charges`."""
    hour, resource, category = (stated[name] for name in ("hour", "resource", "applies_to"))
    return formed(
        ShownCharge,
        stated,
        id=charge_id(ChargePlace(hour_of(parse_ts(hour)), resource, category)),
        list_usd=format_usd(stated["list_cost_nano"]),
        billed_usd=format_usd(stated["billed_cost_nano"]),
        grants=[
            formed(PaidByGrant, each, usd=format_usd(each["nano"])) for each in stated["drawn"]
        ],
        rest_usd=format_usd(stated["uncovered_nano"]),
    )


def charge_id(place: ChargePlace) -> str:
    """The name of a charge: hour, category and resource, in letters that an address may have."""
    resource = urlsafe_b64encode(place.resource.encode()).decode().rstrip("=")
    return f"{hour_start(place.hour):{_HOUR}}-{place.applies_to}-{resource}"


def place_of(name: str) -> ChargePlace | None:
    """Where the charge of a name is, if there is one; None of what is no such name."""
    found = _ID.fullmatch(name)
    if found is None:
        return None
    try:
        hour = hour_of(datetime.strptime(found[1], _HOUR).replace(tzinfo=UTC))
        resource = urlsafe_b64decode(found[3] + "=" * (-len(found[3]) % 4)).decode()
    except (NotBase64Error, ValueError):
        return None
    category: Any = found[2]
    place = ChargePlace(hour, resource, category)
    # base64 has several spellings of some texts
    return place if is_resource(resource) and charge_id(place) == name else None
