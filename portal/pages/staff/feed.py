"""Every line about money and accounts, and who did what."""

from typing import Annotated, Any, Final, get_args

from pydantic import Field

from portal.api.house import feed as api
from portal.api.house.forms import Which
from portal.api.models.spans import CURSOR_MAX
from portal.api.request import Form
from portal.pages.page import Shown
from portal.pages.visit import Visit

ROWS: Final = 100
_PERIODS: Final = ("today", "yesterday", "this-month", "last-month", "this-year", "all")


class LinesSeen(Form):
    """Which lines.

    Attributes:
        which: of which sort.
        period: when.
        cursor: `next` of the page before; None for the first one.
    """

    which: Which = "all"
    period: Annotated[str, Field(max_length=40)] = "this-month"
    cursor: Annotated[str, Field(max_length=CURSOR_MAX)] | None = None


def feed(visit: Visit) -> Shown:
    """Show a page of lines."""
    wanted: LinesSeen = visit.query
    asked = wanted.model_dump(exclude_none=True)
    found = visit.ask(api.feed, {**asked, "limit": str(ROWS)})
    data: dict[str, Any] = {
        "found": found,
        "wanted": wanted,
        "sorts": get_args(Which),
        "periods": _PERIODS,
        "onward": {**asked, "cursor": found.next},
    }
    return Shown("staff/feed.html", data)
