"""What staff do to an account: each act with a reason from a list, and the ticket."""

from collections.abc import Callable
from typing import Any

from portal.api.request import Asked
from portal.api.staff import account as api
from portal.api.staff import acts, giving, seen
from portal.pages.page import Elsewhere, Shown
from portal.pages.staff.account import Done, about, back_to, of
from portal.pages.visit import Visit


def suspend(visit: Visit) -> Elsewhere:
    """Suspend an account."""
    return _act(visit, acts.suspend, "suspended")


def reopen(visit: Visit) -> Elsewhere:
    """Reopen an account."""
    return _act(visit, acts.reopen, "reopened")


def sell(visit: Visit) -> Elsewhere:
    """Sell a plan to an account, from what it paid in."""
    return _act(visit, seen.buy_plan, "plan")


def credit_page(visit: Visit) -> Shown:
    """Ask what is to be given, or by how much the balance is to be corrected."""
    data: dict[str, Any] = {
        **about(visit),
        "file": visit.ask(api.account, path=of(visit)),
        "templates": visit.ask(giving.templates).templates,
    }
    return Shown("staff/credit.html", data)


def grant(visit: Visit) -> Elsewhere:
    """Give credit by a template."""
    return _act(visit, giving.grant, "given")


def adjust(visit: Visit) -> Elsewhere:
    """Correct the balance by a template."""
    return _act(visit, giving.adjust, "corrected")


def _act(visit: Visit, answer: Callable[[Asked], object], done: Done) -> Elsewhere:
    visit.ask(answer, body=visit.form.model_dump(exclude_none=True), path=of(visit))
    return back_to(visit, done)
