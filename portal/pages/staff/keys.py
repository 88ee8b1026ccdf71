"""Keys of an account, as staff make and revoke them."""

from portal.access.scopes import SCOPES
from portal.api.models.staff import Why
from portal.api.staff import account as api
from portal.api.staff import seen
from portal.pages.customers.keys import KeyChosen, KeyRevoked
from portal.pages.page import Elsewhere, Shown
from portal.pages.staff.account import about, back_to, of
from portal.pages.visit import Visit


class KeyChosenFor(KeyChosen, Why):
    """What a key of an account is to open, and why it is made."""


class KeyRevokedFor(KeyRevoked, Why):
    """A key of an account to revoke, and why."""


def new_key(visit: Visit) -> Shown:
    """Ask what a new key is to open."""
    visit.ask(api.account, path=of(visit))
    return Shown("staff/key-new.html", {**about(visit), "offered": SCOPES})


def make(visit: Visit) -> Shown:
    """Make a key and show its secret this once."""
    chosen: KeyChosenFor = visit.form
    body = chosen.asked() | {"reason": chosen.reason, "ticket": chosen.ticket}
    made = visit.ask(seen.make_key, body=body, path=of(visit))
    return Shown("staff/key-made.html", {**about(visit), "made": made})


def revoke(visit: Visit) -> Elsewhere:
    """Revoke a key."""
    chosen: KeyRevokedFor = visit.form
    why = {"reason": chosen.reason, "ticket": chosen.ticket}
    visit.ask(seen.revoke_key, why, path={**of(visit), "key_id": chosen.key_id})
    return back_to(visit, "revoked")
