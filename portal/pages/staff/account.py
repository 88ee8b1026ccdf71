"""One account, as its customer sees it and more."""

from typing import Any, Final, Literal, get_args
from urllib.parse import quote

from portal.api.automatic.listing import of_one
from portal.api.models.staff import Reason
from portal.api.request import Form
from portal.api.staff import account as api
from portal.api.staff import acts, seen
from portal.pages.customers.charges import PageSeen
from portal.pages.customers.chart import chart
from portal.pages.page import Elsewhere, Shown
from portal.pages.visit import Visit

REASONS: Final = get_args(Reason)
_PAYMENTS: Final = 10
_ACTS: Final = 20

Done = Literal["suspended", "reopened", "given", "corrected", "plan", "revoked"]


class AccountSeen(Form):
    """What was done a moment ago.

    Attributes:
        done: in a word; None for nothing.
    """

    done: Done | None = None


def account(visit: Visit) -> Shown:
    """Show everything about an account."""
    path = of(visit)
    usage = visit.ask(seen.usage, path=path)
    data: dict[str, Any] = {
        **about(visit),
        "file": visit.ask(api.account, path=path),
        "usage": usage,
        "chart": chart(usage),
        "payments": visit.ask(seen.payments, {"limit": str(_PAYMENTS)}, path=path).payments,
        "acts": visit.ask(seen.activity, path=path).acts[:_ACTS],
        "topup": visit.ask(of_one, path=path),
        "plans": visit.ask(seen.plans, path=path).plans,
        "done": visit.query.done,
        "may_act": visit.may(acts.suspend),
        "may_make_keys": visit.may(seen.make_key),
    }
    return Shown("staff/account.html", data)


def payments(visit: Visit) -> Shown:
    """Show a page of what came in and went out."""
    wanted: PageSeen = visit.query
    found = visit.ask(seen.payments, wanted.asked(), path=of(visit))
    data = {**about(visit), "found": found, "is_first": wanted.cursor is None}
    return Shown("staff/payments.html", data)


def charges(visit: Visit) -> Shown:
    """Show a page of charges."""
    wanted: PageSeen = visit.query
    found = visit.ask(seen.charges, wanted.asked(), path=of(visit))
    data = {**about(visit), "found": found, "is_first": wanted.cursor is None}
    return Shown("staff/charges.html", data)


def explained(visit: Visit) -> Shown:
    """Show how a charge is made."""
    found = visit.ask(seen.explained, path=of(visit) | {"id": visit.path["id"]})
    data = {"found": found, "charge": found.charge, "charges_path": f"{_address(visit)}/charges"}
    return Shown("charge.html", data)


def of(visit: Visit) -> dict[str, str]:
    """The account in the path, for the interface."""
    return {"user": visit.path["user"]}


def about(visit: Visit) -> dict[str, Any]:
    """What every page about an account is given: its id and path, who looks at it, and reasons."""
    return {
        "user": visit.path["user"],
        "account_path": _address(visit),
        "member": visit.holder.member,
        "reasons": REASONS,
    }


def back_to(visit: Visit, done: Done) -> Elsewhere:
    """The page of the account, which says what was done."""
    return Elsewhere(f"{_address(visit)}?done={done}")


def _address(visit: Visit) -> str:
    return f"/house/accounts/{quote(visit.path['user'], safe='')}"
