"""Switching automatic payments on and off, agreeing to them, and removing a card."""

from typing import Annotated, Final

from pydantic import Field

from portal.api.automatic import cards as card_answers
from portal.api.automatic import consent as consent_answers
from portal.api.automatic.settling import switch_off
from portal.api.customers import settings
from portal.api.problems import ProblemError, not_found
from portal.api.request import Form
from portal.pages.automatic.shown import may_agree, may_settle, shown
from portal.pages.page import AUTOMATIC, Elsewhere, Shown
from portal.pages.visit import Visit
from portal.reading.ledgers import one_state

_SHORT: Final = 40
_LONG: Final = 255
_Usd = Annotated[str, Field(max_length=_SHORT)]


class TermsChosen(Form):
    """When a card is to be charged, how much, and how often.

    Attributes:
        amount_usd: how much one payment is.
        below_usd: the balance below which it is made.
        month_usd: the most by such payments in a month.
    """

    amount_usd: _Usd
    below_usd: _Usd
    month_usd: _Usd


class CardChosen(Form):
    """A card that is saved.

    Attributes:
        account: where it is kept.
        method: its name there.
    """

    account: Annotated[str, Field(max_length=_LONG)]
    method: Annotated[str, Field(max_length=_LONG)]


def change(visit: Visit) -> Shown | Elsewhere:
    """Settle them; what goes beyond the last consent leads on to the provider."""
    if not may_settle(visit):
        raise not_found()
    chosen: TermsChosen = visit.form
    body = {f"auto_topup_{name.removeprefix('amount_')}": usd for name, usd in dict(chosen).items()}
    with one_state(visit.store):
        settled = visit.ask(settings.change, body=body)
    if not settled.auto_topup.needs_consent:
        return Elsewhere(AUTOMATIC)
    return agree(visit)


def agree(visit: Visit) -> Shown:
    """Begin a payment at which the customer agrees, and lead to the provider."""
    if not may_agree(visit):
        return shown(visit)
    url = visit.portal.config.pages.url
    order = {
        "success_url": f"{url}{AUTOMATIC}?back=paid",
        "cancel_url": f"{url}{AUTOMATIC}?back=unpaid",
    }
    try:
        found = visit.ask(consent_answers.consent, body=order)
    except ProblemError as problem:
        return shown(visit, refused=problem.detail)
    return Shown("automatic/begun.html", {"found": found})


def off(visit: Visit) -> Elsewhere:
    """Switch them off."""
    visit.ask(switch_off)
    return Elsewhere(AUTOMATIC)


def remove_card(visit: Visit) -> Elsewhere:
    """Have a card saved no longer."""
    chosen: CardChosen = visit.form
    visit.ask(card_answers.remove, path=dict(chosen))
    return Elsewhere(AUTOMATIC)
