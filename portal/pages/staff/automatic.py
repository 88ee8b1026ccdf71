"""Accounts that want automatic payments: who is charged, who is not, and why."""

from typing import Annotated, Final

from pydantic import Field

from portal.api.automatic.forms import AutoTopupWord
from portal.api.automatic.listing import standings
from portal.api.request import Form
from portal.pages.page import Shown
from portal.pages.visit import Visit

ROWS: Final = 50
_USER_MAX: Final = 256


class StandingsSeen(Form):
    """Which accounts.

    Attributes:
        state: only those in this state; None for all that want some.
        cursor: of the page before; None for the first one.
    """

    state: AutoTopupWord | None = None
    cursor: Annotated[str, Field(max_length=_USER_MAX)] | None = None


def automatic(visit: Visit) -> Shown:
    """Show a page of accounts."""
    wanted: StandingsSeen = visit.query
    asked = wanted.model_dump(exclude_none=True)
    found = visit.ask(standings, {**asked, "limit": str(ROWS)})
    onward = {**asked, "cursor": found.cursor}
    data = {"found": found, "wanted": wanted, "onward": onward}
    return Shown("staff/automatic.html", data)
