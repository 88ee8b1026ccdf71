"""Signing in, with a key here, once more where something needs it, and signing out."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field

from portal.access import sessions
from portal.access.holders import Holder, holder_of_identity, holder_of_key
from portal.access.shown import hash_of_key
from portal.api.request import Form
from portal.config.tables import IssuerTable
from portal.pages.page import Elsewhere, Shown, onward
from portal.pages.problems import WrongKeyError
from portal.pages.visit import Visit
from portal.records.identities import Identity
from portal.records.sessions import HolderKind

_TEXT_MAX: Final = 200
ONWARD_MAX: Final = 300
"""Most characters of what says where to go on to: with the id of an account."""
_Key = Annotated[str, Field(max_length=_TEXT_MAX)]


class SignIn(Form):
    """A key that somebody signs in with.

    Attributes:
        key: its secret.
    """

    key: _Key


class Onward(Form):
    """Where somebody goes on to.

    Attributes:
        next: a name of `ONWARD`, with the account that it is about.
    """

    next: Annotated[str, Field(max_length=ONWARD_MAX)]


class SignInAgain(Onward):
    """The key again, and where to go on.

    Attributes:
        key: its secret.
    """

    key: _Key


def sign_in_page(visit: Visit) -> Shown | Elsewhere:
    """Ask for a key; who is signed in goes on to the overview."""
    if visit.session is not None:
        return Elsewhere("/")
    issuers = _issuers(visit)
    may_sign_up = visit.portal.config.sign_up.on
    return Shown("sign-in.html", {"issuers": issuers, "may_sign_up": may_sign_up})


def sign_in(visit: Visit) -> Elsewhere:
    """Begin a session, with a new id."""
    sha256, holder = _shown(visit, visit.form.key, is_again=False)
    return Elsewhere("/", _begin(visit, holder, ("key", sha256)))


def again_page(visit: Visit) -> Shown:
    """Ask to sign in once more, in the way of before."""
    onward(visit.query.next)
    issuers = [] if _with_key(visit) else _issuers(visit)
    return Shown("sign-in-again.html", {"next": visit.query.next, "issuers": issuers})


def sign_in_again(visit: Visit) -> Elsewhere:
    """Begin another session of the same key in the place of the one that there is."""
    path = onward(visit.form.next)
    sha256, holder = _shown(visit, visit.form.key, is_again=True)
    signed_in = None if visit.session is None else visit.session.signed_in
    if signed_in is None or (signed_in.kind, signed_in.holder) != ("key", sha256):
        raise WrongKeyError(is_again=True)
    return Elsewhere(path, _begin(visit, holder, ("key", sha256)))


def sign_out(visit: Visit) -> Elsewhere:
    """End the session."""
    sessions.end(visit.portal.desk.sessions, visit.shown_id)
    return Elsewhere("/sign-in", "")


def begin_as(visit: Visit, identity: Identity, shown_s: float) -> str:
    """Begin a session of somebody whom an issuer vouches for; returns its id.

    Args:
        visit: the request, whose own session or browser it takes the place of.
        identity: who they are.
        shown_s: when they signed in at the issuer, in seconds since 1970; 0 where nobody knows: who
            was signed in there has shown nothing here now.
    """
    desk, now = visit.portal.desk, visit.now
    holder = holder_of_identity(visit.store, desk.unbilled, identity, now)
    shown_at = min(now, datetime.fromtimestamp(shown_s, UTC))
    return _begin(visit, holder, ("identity", identity.name), shown_at)


def _begin(
    visit: Visit,
    holder: Holder,
    shown: tuple[HolderKind, str],
    shown_at: datetime | None = None,
) -> str:
    """Begin a session in the place of what the browser shows; returns its id."""
    rows = visit.portal.desk.sessions
    return sessions.begin(rows, holder, shown, visit.now, visit.shown_id, shown_at)


def _issuers(visit: Visit) -> list[IssuerTable]:
    """The issuers with which people sign in."""
    return [each for each in visit.portal.config.issuer if each.name]


def _with_key(visit: Visit) -> bool:
    """Whether who is signed in has shown a key, not come from an issuer."""
    return visit.session is not None and visit.session.signed_in.kind == "key"


def _shown(visit: Visit, key: str, *, is_again: bool) -> tuple[str, Holder]:
    """The hash of a key in force, and whose it is.

    Raises:
        WrongKeyError: it is none.
    """
    sha256 = hash_of_key(key.strip())
    if sha256 is not None:
        holder = holder_of_key(visit.store, visit.portal.desk.unbilled, sha256, visit.now)
        if holder is not None:
            visit.admit(holder)
            return sha256, holder
    raise WrongKeyError(is_again=is_again)
