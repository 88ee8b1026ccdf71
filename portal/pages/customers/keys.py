"""Keys: those in force, making one, and revoking one."""

from typing import Annotated, Any, Final

from pydantic import Field

from portal.access.scopes import ALLOWED, SCOPES
from portal.api.customers import keys as api
from portal.api.problems import invalid
from portal.api.request import Form
from portal.pages.page import Elsewhere, Shown
from portal.pages.visit import Visit
from wire_format.fields import SCOPE_MAX

_SHORT: Final = 200
_Text = Annotated[str, Field(max_length=_SHORT)]


class KeyChosen(Form):
    """What a key is to open.

    Attributes:
        scopes: names of scopes.
        allowed: a resource that a program asks about; it may end in `*`.
        rpm: most requests in a minute.
        until: the day before which it ends.
    """

    scopes: Annotated[list[_Text], Field(max_length=SCOPE_MAX, default_factory=list)]
    allowed: _Text | None = None
    rpm: Annotated[str, Field(pattern="^[0-9]{1,7}$")] | None = None
    until: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None

    def asked(self) -> dict[str, Any]:
        """The same for the interface.

        Raises:
            ProblemError: it would open nothing.
        """
        scopes = [*self.scopes, *([f"{ALLOWED}{self.allowed}"] if self.allowed else [])]
        if not scopes:
            raise invalid("choose something that the key is to open")
        wanted: dict[str, Any] = {"scopes": scopes}
        if self.rpm is not None:
            wanted["rpm"] = int(self.rpm)
        if self.until is not None:
            wanted["until"] = f"{self.until}T00:00:00Z"
        return wanted


class KeyRevoked(Form):
    """A key to revoke.

    Attributes:
        key_id: its name.
    """

    key_id: _Text


def keys(visit: Visit) -> Shown:
    """Show the keys in force."""
    holder = None if visit.session is None else visit.session.holder
    return Shown("keys.html", {"found": visit.ask(api.keys), "own": holder and holder.name})


def new_key(visit: Visit) -> Shown:
    """Ask what a new key is to open: what the one of the session opens, at most."""
    visit.ask(api.keys)
    holder = None if visit.session is None else visit.session.holder
    offered = {name: words for name, words in SCOPES.items() if holder and holder.may(name)}
    return Shown("key-new.html", {"offered": offered})


def make(visit: Visit) -> Shown:
    """Make a key and show its secret this once."""
    chosen: KeyChosen = visit.form
    return Shown("key-made.html", {"made": visit.ask(api.make, body=chosen.asked())})


def revoke(visit: Visit) -> Elsewhere:
    """Revoke a key."""
    visit.ask(api.revoke, path={"key_id": visit.form.key_id})
    return Elsewhere("/keys")
