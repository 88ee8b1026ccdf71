"""Accounts as a list, and opening one."""

from typing import Annotated, Any, Final

from pydantic import Field

from portal.api.models.staff import OpeningWanted
from portal.api.request import Form
from portal.api.staff import acts, listing
from portal.pages.page import Elsewhere, Shown
from portal.pages.staff.account import REASONS
from portal.pages.visit import Visit
from wire_format.fields import is_user

ROWS: Final = 50
_USER_MAX: Final = 256
_USD_MAX: Final = 20


class AccountsSeen(Form):
    """Which accounts.

    Attributes:
        search: a part of the id.
        below_usd: only those that have less than this without grants.
        cursor: of the page before; None for the first one.
        opened: an account that was opened a moment ago.
    """

    search: Annotated[str, Field(max_length=_USER_MAX)] | None = None
    below_usd: Annotated[str, Field(max_length=_USD_MAX)] | None = None
    cursor: Annotated[str, Field(max_length=_USER_MAX)] | None = None
    opened: Annotated[str, Field(max_length=_USER_MAX)] | None = None


def accounts(visit: Visit) -> Shown:
    """Show a page of accounts."""
    wanted: AccountsSeen = visit.query
    asked = wanted.model_dump(exclude_none=True, exclude={"opened"})
    found = visit.ask(listing.accounts, {**asked, "limit": str(ROWS)})
    data: dict[str, Any] = {
        "found": found,
        "wanted": wanted,
        "onward": {**asked, "cursor": found.cursor},
        "opened": _opened(visit, wanted.opened),
        "may_open": visit.may(acts.open_account),
    }
    return Shown("staff/accounts.html", data)


def open_page(visit: Visit) -> Shown:
    """Ask which account is to be opened, and why."""
    return Shown("staff/open.html", {"reasons": REASONS, "member": visit.holder.member})


def open_account(visit: Visit) -> Elsewhere:
    """Open an account."""
    wanted: OpeningWanted = visit.form
    made = visit.ask(acts.open_account, body=wanted.model_dump(exclude_none=True))
    return Elsewhere(f"/house/accounts?opened={made.user}")


def _opened(visit: Visit, user: str | None) -> str | None:
    """An account that there is, here or in the ledger, whatever an address says."""
    if user is None or not is_user(user):
        return None
    is_here = visit.portal.desk.unbilled.about(user) or visit.store.reports.account(user)
    return user if is_here else None
