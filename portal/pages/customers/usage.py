"""Usage by day, week or month, and where the money went."""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from portal.api.customers import usage as api
from portal.api.models.usage import AccountUsage, Step
from portal.api.request import Form
from portal.pages.customers.chart import chart
from portal.pages.page import Shown
from portal.pages.visit import Visit

_DAY_MAX: Final = 20
_Day = Annotated[str | None, Field(max_length=_DAY_MAX)]
ROWS_MAX: Final = 400
"""Of the table; with more a page is slow on an old telephone, and periods are shown alone."""
_SPANS: Final = {"day": 30, "week": 12 * 7, "month": 365}
"""How many days are shown where no time is asked for."""


class UsageSeen(Form):
    """Which usage.

    Attributes:
        by: the periods.
        from_: its first day.
        until: the day before which it ends.
    """

    by: Step = "day"
    from_: Annotated[_Day, Field(validation_alias="from")] = None
    until: _Day = None


def usage(visit: Visit) -> Shown:
    """Show usage."""
    wanted: UsageSeen = visit.query
    found = used(visit, wanted.by, wanted.from_, wanted.until)
    data = {"usage": found, "chart": chart(found), "wanted": wanted, "rows_max": ROWS_MAX}
    return Shown("usage.html", data)


def used(
    visit: Visit, by: Step, first: str | None = None, until: str | None = None
) -> AccountUsage:
    """Usage in some time, by default of the last days, as many as there is room for."""
    if first is None and until is None:
        first = (visit.now - timedelta(days=_SPANS[by] - 1)).date().isoformat()
    stated: dict[str, Any] = {"by": by, "from": first, "until": until}
    return visit.ask(api.usage, {name: text for name, text in stated.items() if text is not None})
