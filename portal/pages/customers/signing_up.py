"""Opening an account for oneself: with a key that is shown once, or with an issuer."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import msgspec
from pydantic import Field

from portal.api.opening import sign_up as opening
from portal.api.problems import conflict
from portal.api.request import Form
from portal.issuers.tokens import VouchedFor
from portal.pages.customers.entering import begin_as
from portal.pages.page import Elsewhere, Shown
from portal.pages.visit import Visit
from portal.records.identities import Identity, OtherAccountError

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
    if not visit.form.vouched:
        made = opening.sign_up(visit.portal, visit.store, visit.now)
        return Shown("signed-up.html", {"made": made})
    return _signed_in(visit, _opened(visit, visit.form.vouched))


def _signed_in(visit: Visit, vouched: _Vouched) -> Elsewhere:
    """Open an account of a person, and begin a session."""
    desk, now = visit.portal.desk, visit.now
    people: list[Identity] = []

    def claim(user: str) -> Callable[[], object]:
        try:
            identity, _ = desk.identities.add(vouched.issuer, vouched.subject, user, now)
        except OtherAccountError:
            raise conflict("exists", "you have an account: sign in") from None
        people.append(identity)
        return partial(desk.identities.erase, people)

    opening.sign_up(visit.portal, visit.store, now, claim)
    return Elsewhere("/", begin_as(visit, people[0], 0))


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
