"""Automatic payments of the account that asks: as the ledger has them, and as the till says."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from aggregator.reports.basis import stands_on
from portal.api.automatic.forms import AutoTopupAttempt, AutoTopupState, ConsentMost
from portal.api.automatic.standing import standing_here, stated
from portal.api.automatic.till import ask_till, leads_to_a_page
from portal.api.customers.account import account_here
from portal.api.customers.freshness import fresh
from portal.api.problems import ProblemError
from portal.api.request import Asked
from portal.reading.ledgers import one_state
from wire_format.field_types import text_form
from wire_format.fields import USD_PATTERN
from wire_format.money import format_usd, parse_nano

_SHORT: Final = 255
_URL_MAX: Final = 4000
_ENDED: Final = frozenset({"paid", "canceled"})
_NOT_OFFERED: Final = frozenset({"not-offered", "cards-not-offered"})
_Text = Annotated[str, msgspec.Meta(max_length=_SHORT)]
_Usd = Annotated[str, text_form(USD_PATTERN)]


class _TermsOfTill(msgspec.Struct, frozen=True):
    consent_max_usd: _Usd
    consent_month_max_usd: _Usd


class _AttemptOfTill(msgspec.Struct, frozen=True):
    attempt: _Text
    status: _Text
    created_at: _Text
    url: Annotated[str, msgspec.Meta(max_length=_URL_MAX)] | None = None


class _AttemptsOfTill(msgspec.Struct, frozen=True):
    attempts: list[_AttemptOfTill]


class _OfTill(NamedTuple):
    """What the till says.

    Attributes:
        offered: whether cards can be saved here.
        most: most that can be agreed to; None where cards cannot be saved, or nobody knows.
        attempts: those of the last weeks, by their names.
    """

    offered: Literal["yes", "no", "not_now"]
    most: ConsentMost | None = None
    attempts: Mapping[str, _AttemptOfTill] = {}


def auto_topup(asked: Asked) -> AutoTopupState:
    """Say where the automatic payments of the account stand, and why nothing is charged now.

    An attempt in the state `confirm` waits for the customer's word to the bank, for three days. A
    till that does not answer keeps nothing back but such links, and what can be agreed to here.
    """
    with one_state(asked.store):
        account = account_here(asked)
        found = stated(standing_here(asked))
        found |= fresh(asked, stands_on(asked.store, account.id))
    said = _asked_till(asked)
    found["attempts"] = _with_links(found["attempts"], said.attempts)
    return AutoTopupState(**found, most=said.most, offered=said.offered)


def _asked_till(asked: Asked) -> _OfTill:
    """What the till says; one that does not answer is asked nothing more."""
    portal = asked.portal
    try:
        terms = ask_till(portal, "/terms", _TermsOfTill)
        listed = ask_till(portal, "/attempts", _AttemptsOfTill, user=asked.holder.user)
    except ProblemError as problem:
        return _OfTill("no" if problem.name in _NOT_OFFERED else "not_now")
    most = ConsentMost(
        amount_usd=format_usd(parse_nano(terms.consent_max_usd)),
        month_usd=format_usd(parse_nano(terms.consent_month_max_usd)),
    )
    return _OfTill("yes", most, {each.attempt: each for each in listed.attempts})


def _with_links(
    known: list[AutoTopupAttempt], at_provider: Mapping[str, _AttemptOfTill]
) -> list[AutoTopupAttempt]:
    """Attempts with the links that the till has, and those that the ledger has not read yet."""
    new = [
        AutoTopupAttempt(
            attempt=each.attempt,
            began_at=each.created_at,
            ended_at=None,
            amount_usd=None,
            state="open",
            reason=None,
            confirm_url=None,
        )
        for each in at_provider.values()
        if each.status not in _ENDED and each.attempt not in {one.attempt for one in known}
    ]
    return [_with_link(each, at_provider.get(each.attempt)) for each in (*new, *known)]


def _with_link(known: AutoTopupAttempt, found: _AttemptOfTill | None) -> AutoTopupAttempt:
    url = None if found is None else found.url
    if known.state != "open" or url is None or not leads_to_a_page(url):
        return known
    return known.model_copy(update={"state": "confirm", "confirm_url": url})
