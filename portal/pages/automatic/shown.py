"""What is on, what was charged, and why nothing is charged now."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from portal.api.automatic import cards as card_answers
from portal.api.automatic.consent import consent
from portal.api.automatic.forms import KeptCard
from portal.api.automatic.settling import switch_off
from portal.api.automatic.state import auto_topup
from portal.api.customers import settings
from portal.api.problems import ProblemError, not_found
from portal.api.request import Form
from portal.pages.page import AUTOMATIC, Elsewhere, Shown
from portal.pages.visit import Visit

_SUGGESTED: Final = {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"}


class AutomaticSeen(Form):
    """What somebody comes back from.

    Attributes:
        back: from paying, without having paid, or from the bank.
    """

    back: Annotated[str, Field(pattern="^(?:paid|unpaid|bank)$")] | None = None


class BankAnswered(Form):
    """What a provider adds to an address when somebody has answered the bank: nothing of it counts.

    What came of it is asked from the provider, and in the ledger.
    """

    model_config = ConfigDict(extra="ignore")


def automatic(visit: Visit) -> Shown:
    """Show where automatic payments stand."""
    return shown(visit, back=visit.query.back)


def shown(visit: Visit, *, back: str | None = None, refused: str = "") -> Shown:
    """The page of automatic payments.

    Args:
        visit: the request.
        back: what somebody comes back from.
        refused: why agreeing could not be begun, in words; empty for nothing.
    """
    found = visit.ask(auto_topup)
    data: dict[str, Any] = {
        "found": found,
        "cards": _cards(visit) if found.offered == "yes" else None,
        "back": back,
        "refused": refused,
        "may_settle": may_settle(visit),
        "may_agree": may_agree(visit),
        "may_switch_off": visit.may(switch_off),
        "may_remove": visit.may(card_answers.remove),
    }
    return Shown("automatic/page.html", data)


def confirmed(_: Visit) -> Elsewhere:
    """Take somebody back who has answered the bank, to an address without what was added to it."""
    return Elsewhere(f"{AUTOMATIC}?back=bank")


def change_page(visit: Visit) -> Shown:
    """Ask when a card is to be charged, how much, and how often."""
    if not may_settle(visit):
        raise not_found()
    found = visit.ask(auto_topup)
    settled = _SUGGESTED if found.settled is None else found.settled.model_dump()
    return Shown("automatic/change.html", {"found": found, "stated": settled})


def may_settle(visit: Visit) -> bool:
    """Whether whoever is signed in may switch them on or settle them otherwise."""
    return visit.may(settings.change) and visit.may(consent)


def may_agree(visit: Visit) -> bool:
    """Whether whoever is signed in can be led to the provider, and back."""
    config = visit.portal.config
    return config.till is not None and config.pages.url is not None and visit.may(consent)


def _cards(visit: Visit) -> list[KeptCard] | None:
    """The cards that are saved; None where nobody can say so now."""
    try:
        return visit.ask(card_answers.cards).cards
    except ProblemError:
        return None
