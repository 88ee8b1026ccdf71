"""The table of pages of automatic payments."""

from typing import Final

from portal.api.automatic import cards as card_answers
from portal.api.automatic.consent import consent
from portal.api.automatic.settling import switch_off
from portal.api.customers import settings
from portal.pages.automatic import changing, shown
from portal.pages.page import AUTOMATIC, Page

_CHANGE: Final = f"{AUTOMATIC}/change"
_AGAIN: Final = "automatic"

AUTOMATIC_PAGES: Final = (
    Page("GET", AUTOMATIC, shown.automatic, query=shown.AutomaticSeen, waits="till"),
    Page("GET", f"{AUTOMATIC}/confirmed", shown.confirmed, query=shown.BankAnswered),
    Page("GET", _CHANGE, shown.change_page, again=_AGAIN, waits="till", back=AUTOMATIC),
    Page(
        "POST",
        _CHANGE,
        changing.change,
        form=changing.TermsChosen,
        changes=settings.change,
        again=_AGAIN,
        waits="till",
        back=_CHANGE,
    ),
    Page(
        "POST", f"{AUTOMATIC}/agree", changing.agree, changes=consent, again=_AGAIN, back=AUTOMATIC
    ),
    Page("POST", f"{AUTOMATIC}/off", changing.off, changes=switch_off, back=AUTOMATIC),
    Page(
        "POST",
        f"{AUTOMATIC}/cards/remove",
        changing.remove_card,
        form=changing.CardChosen,
        changes=card_answers.remove,
        back=AUTOMATIC,
    ),
)
