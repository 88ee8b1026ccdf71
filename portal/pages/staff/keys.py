"""Keys of an account, as staff make and revoke them."""

from portal.access.scopes import SCOPES
from portal.api.staff import account as api
from portal.api.staff import seen
from portal.pages.customers.keys import KeyChosen, KeyRevoked
from portal.pages.page import Elsewhere, Shown
from portal.pages.staff.account import about, back_to, of
from portal.pages.visit import Visit


def new_key(visit: Visit) -> Shown:
    """Ask what a new key is to open."""
    visit.ask(api.account, path=of(visit))
    return Shown("staff/key-new.html", {**about(visit), "offered": SCOPES})


def make(visit: Visit) -> Shown:
    """Make a key and show its secret this once."""
    chosen: KeyChosen = visit.form
    made = visit.ask(seen.make_key, body=chosen.asked(), path=of(visit))
    return Shown("staff/key-made.html", {**about(visit), "made": made})


def revoke(visit: Visit) -> Elsewhere:
    """Revoke a key."""
    chosen: KeyRevoked = visit.form
    visit.ask(seen.revoke_key, path={**of(visit), "key_id": chosen.key_id})
    return back_to(visit, "revoked")
