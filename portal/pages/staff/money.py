"""The house at a glance: money of today and this month, who runs out, and what is wrong."""

from typing import Any, Final

from portal.api.house import reports
from portal.api.house.cash import cash
from portal.pages.page import Shown
from portal.pages.visit import Visit

RUNNING_OUT_SHOWN: Final = 200
_SHORT: Final = 10
_TODAY: Final = {"period": "today"}
_MONTH: Final = {"period": "this-month"}


def house(visit: Visit) -> Shown:
    """Show the parts that the role opens."""
    data: dict[str, Any] = {
        "running_out": visit.ask(reports.running_out),
        "most": _SHORT,
        "incidents": len(visit.ask(reports.incidents).found),
        "money": _money(visit) if visit.may(cash) else None,
    }
    return Shown("staff/house.html", data)


def running_out(visit: Visit) -> Shown:
    """Show which accounts have nothing left soon."""
    found = visit.ask(reports.running_out)
    return Shown("staff/running-out.html", {"running_out": found, "most": RUNNING_OUT_SHOWN})


def _money(visit: Visit) -> dict[str, Any]:
    today = visit.now.date().isoformat()
    by_month = {"by": "month"}
    ended = visit.ask(reports.breakage, _MONTH)
    return {
        "in_today": {each.kind: each for each in visit.ask(cash, _TODAY).kinds},
        "in_month": {each.kind: each for each in visit.ask(cash, _MONTH).kinds},
        "used_today": visit.ask(reports.revenue, _TODAY | by_month).total,
        "used_month": visit.ask(reports.revenue, _MONTH | by_month).total,
        "ended_today": next((row for row in ended.rows if row["day"] == today), None),
        "ended_month": ended.total,
        "owed": visit.ask(reports.liability),
    }
