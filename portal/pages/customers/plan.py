"""The plan, what is left of it, and another one."""

from typing import Annotated, Final, Literal

from pydantic import Field

from portal.api.customers import account
from portal.api.customers import settings as api
from portal.api.plans import buying, catalogue
from portal.api.request import Form
from portal.pages.page import Elsewhere, Shown
from portal.pages.visit import Visit
from wire_format.plans import NO_NEXT_PLAN

_SHORT: Final = 80
_Name = Annotated[str, Field(max_length=_SHORT)]


class PlanChosen(Form):
    """A plan to buy.

    Attributes:
        plan: its name.
        upgrade: whether it takes the place of the one that runs.
    """

    plan: _Name
    upgrade: Literal["yes"] | None = None


class NextChosen(Form):
    """The plan of the next period.

    Attributes:
        next_plan: its name, or the word for none.
    """

    next_plan: _Name


def plan(visit: Visit) -> Shown:
    """Show the plan that runs, what is left of it, and the plans that are sold."""
    found = visit.ask(account.entitled)
    running = None if found.plan is None else found.plan.plan
    data = {
        "found": found,
        "offered": visit.ask(catalogue.offered).plans,
        "running": running,
        "no_plan": NO_NEXT_PLAN,
        "may_buy": visit.may(buying.buy),
        "may_settle": visit.may(api.change),
    }
    return Shown("plan.html", data)


def buy(visit: Visit) -> Elsewhere:
    """Buy a plan."""
    chosen: PlanChosen = visit.form
    visit.ask(buying.buy, body={"plan": chosen.plan, "upgrade": chosen.upgrade is not None})
    return Elsewhere("/plan")


def settle_next(visit: Visit) -> Elsewhere:
    """Settle what follows on the period that runs."""
    visit.ask(api.change, body={"next_plan": visit.form.next_plan})
    return Elsewhere("/plan")
