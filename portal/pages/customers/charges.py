"""Charges one by one, and how each is made, down to its lines."""

from typing import Annotated, Final

from pydantic import Field

from portal.api.customers import charges as api
from portal.api.customers import explained as explaining
from portal.api.models.spans import CURSOR_MAX
from portal.api.request import Form
from portal.pages.page import Shown
from portal.pages.visit import Visit

ROWS: Final = 50
"""Of a page."""


class PageSeen(Form):
    """Which page of a long list.

    Attributes:
        cursor: `next` of the page before; None for the first one.
    """

    cursor: Annotated[str, Field(max_length=CURSOR_MAX)] | None = None

    def asked(self) -> dict[str, str]:
        """The same for the interface."""
        asked = {"limit": str(ROWS)}
        return asked if self.cursor is None else {**asked, "cursor": self.cursor}


def charges(visit: Visit) -> Shown:
    """Show a page of charges."""
    wanted: PageSeen = visit.query
    found = visit.ask(api.charges, wanted.asked())
    return Shown("charges.html", {"found": found, "is_first": wanted.cursor is None})


def explained(visit: Visit) -> Shown:
    """Show how a charge is made."""
    found = visit.ask(explaining.explained, path={"id": visit.path["id"]})
    return Shown("charge.html", {"found": found, "charge": found.charge})
