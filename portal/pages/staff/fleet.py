"""The fleet: every repo, how far it is billed, and incidents with what to do about them."""

from typing import Annotated, Any, Final

from pydantic import Field

from portal.api.house import reports
from portal.api.request import Form
from portal.pages.page import Shown
from portal.pages.visit import Visit

ROWS: Final = 100
INCIDENTS_SHOWN: Final = 50


class FleetSeen(Form):
    """Which repos.

    Attributes:
        search: a part of the name; None for all.
        after: how many are left out before; None for none.
    """

    search: Annotated[str, Field(max_length=80)] | None = None
    after: Annotated[str, Field(pattern="^[0-9]{1,6}$")] | None = None


def fleet(visit: Visit) -> Shown:
    """Show a page of repos, and the oldest incidents."""
    wanted: FleetSeen = visit.query
    part, after = wanted.search or "", int(wanted.after or "0")
    nodes = [
        each
        for each in visit.ask(reports.nodes).found
        if part in str(each["node"]) or part in str(each["repo"])
    ]
    incidents = visit.ask(reports.incidents).found
    data: dict[str, Any] = {
        "nodes": nodes[after : after + ROWS],
        "found": len(nodes),
        "after": after,
        "next": after + ROWS if after + ROWS < len(nodes) else None,
        "search": part,
        "incidents": incidents[:INCIDENTS_SHOWN],
        "more_incidents": max(0, len(incidents) - INCIDENTS_SHOWN),
    }
    return Shown("staff/fleet.html", data)
