"""Settings: the most that may be spent in a cycle."""

from typing import Annotated, Final

from pydantic import Field

from portal.api.customers import settings as api
from portal.api.request import Form
from portal.pages.page import Elsewhere, Shown
from portal.pages.visit import Visit

_SHORT: Final = 40


class CapChosen(Form):
    """The most that may be billed in a cycle.

    Attributes:
        cap_usd: in dollars.
    """

    cap_usd: Annotated[str, Field(max_length=_SHORT)]


def settings(visit: Visit) -> Shown:
    """Show what is settled."""
    data = {"found": visit.ask(api.settings), "may_settle": visit.may(api.change)}
    return Shown("settings.html", data)


def change(visit: Visit) -> Elsewhere:
    """Settle a cap."""
    visit.ask(api.change, body={"cap_usd": visit.form.cap_usd})
    return Elsewhere("/settings")
