"""Opening an account for oneself: with a key that is shown once, or with an issuer."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

import msgspec
from pydantic import Field

from portal.access import sessions
from portal.access.holders import holder_of_identity
from portal.api.opening import sign_up as opening
from portal.api.problems import conflict
from portal.api.request import Form
from portal.issuers.tokens import VouchedFor
from portal.pages.page import Elsewhere, Shown
from portal.pages.visit import Visit

_SEALED_MAX: Final = 2_000
_LASTS_S: Final = 600


class SignUp(Form):
    """An account that somebody wants.

    Attributes:
        vouched: who they are at an issuer, sealed by the page before; empty for a key.
    """

    vouched: Annotated[str, Field(max_length=_SEALED_MAX)] = ""


class _Vouched(msgspec.Struct, frozen=True):
    issuer: str
    subject: str
    until_s: int


def sign_up_page(visit: Visit) -> Shown | Elsewhere:
    """Say what an account is, and ask whether one is wanted."""
    terms = opening.sign_up_terms(visit.portal)
    return Elsewhere("/") if visit.session is not None else Shown("sign-up.html", {"terms": terms})


def sign_up(visit: Visit) -> Shown | Elsewhere:
    """Open an account; who came from an issuer is signed in."""
    if visit.session is not None:
        return Elsewhere("/")
    vouched = _opened(visit, visit.form.vouched) if visit.form.vouched else None
    people, now = visit.portal.desk.identities, visit.now
    if vouched is not None and people.find(vouched.issuer, vouched.subject) is not None:
        raise conflict("exists", "you have an account: sign in")
    made = opening.sign_up(visit.portal, visit.store, now, with_key=vouched is None)
    if vouched is None:
        return Shown("signed-up.html", {"made": made})
    identity, _ = people.add(vouched.issuer, vouched.subject, made.user, now)
    named = identity.name, identity.user
    holder = holder_of_identity(visit.store, visit.portal.desk.unbilled, named, now)
    rows = visit.portal.desk.sessions
    return Elsewhere("/", sessions.begin(rows, holder, ("identity", identity.name), now))


def sealed(visit: Visit, vouched: VouchedFor) -> str:
    """Who somebody is at an issuer, for the form that opens an account: good for this browser."""
    until_s = int(visit.now.timestamp()) + _LASTS_S
    said = msgspec.json.encode(_Vouched(vouched.issuer, vouched.subject, until_s))
    text = urlsafe_b64encode(said).decode()
    return f"{text}.{_seal(visit, text)}"


def _opened(visit: Visit, text: str) -> _Vouched:
    said, _, seal = text.partition(".")
    is_ours = hmac.compare_digest(_seal(visit, said).encode(), seal.encode())
    vouched = msgspec.json.decode(urlsafe_b64decode(said), type=_Vouched) if is_ours else None
    if vouched is None or vouched.until_s <= visit.now.timestamp():
        raise conflict("too-late", "too much time has passed: sign in once more")
    return vouched


def _seal(visit: Visit, text: str) -> str:
    said = f"vouched\n{visit.shown_id}\n{text}".encode()
    return hmac.digest(visit.portal.desk.seal, said, "sha256").hex()
