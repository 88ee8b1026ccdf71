"""Signing in with an issuer: going there, and coming back."""

from http import HTTPStatus
from typing import Annotated

import structlog
from pydantic import ConfigDict, Field

from gitmeter.http_edge.word_file import WordFileError
from portal.api.problems import not_found, not_now
from portal.api.request import Form
from portal.config.tables import IssuerTable
from portal.issuers.description import IssuerError
from portal.issuers.signing_in import (
    CODE_MAX,
    STATE_MAX,
    Attempt,
    address_of,
    begun,
    finish,
)
from portal.issuers.tokens import InvalidTokenError
from portal.pages.customers.entering import ONWARD_MAX, begin_as
from portal.pages.customers.signing_up import sealed
from portal.pages.page import Abroad, Elsewhere, Shown, name_of, onward
from portal.pages.problems import WrongKeyError
from portal.pages.visit import Visit
from portal.records.identities import NAME_MAX

_log = structlog.get_logger()


class Going(Form):
    """Where somebody goes on to.

    Attributes:
        next: a name of a page that asks for a recent sign-in; empty for a first one.
    """

    next: Annotated[str, Field(max_length=ONWARD_MAX)] = ""


class Back(Form):
    """What an issuer sends somebody back with; of whatever else it says nothing is used.

    Attributes:
        code: what is exchanged for a token; empty where the issuer refused.
        state: what it was sent.
        iss: who it is, where it says so.
    """

    model_config = ConfigDict(extra="ignore")

    code: Annotated[str, Field(max_length=CODE_MAX)] = ""
    state: Annotated[str, Field(max_length=STATE_MAX)] = ""
    iss: Annotated[str, Field(max_length=NAME_MAX)] | None = None


def go(visit: Visit) -> Abroad:
    """Send somebody to an issuer."""
    name = visit.query.next
    if name:
        onward(name)
    try:
        return Abroad(address_of(_attempt(visit)._replace(onward=name_of(name)), visit.now))
    except IssuerError as error:
        raise _unusable(error) from None


def back(visit: Visit) -> Elsewhere | Shown:
    """Begin a session of whom the issuer vouches for, if this browser had gone there."""
    sent: Back = visit.query
    found = begun(_attempt(visit), sent.state, visit.now)
    if found is None or not sent.code or sent.iss not in {None, found[0].issuer.url}:
        raise WrongKeyError(is_again=False)
    attempt, begun_s = found
    try:
        vouched = finish(attempt, begun_s, sent.code, visit.now)
    except (IssuerError, WordFileError) as error:
        raise _unusable(error) from None
    except InvalidTokenError as error:
        _log.info("a token is refused", why=str(error))
        raise WrongKeyError(is_again=bool(attempt.onward)) from None
    portal = visit.portal
    identity = portal.desk.identities.find(vouched.issuer, vouched.subject)
    if identity is None:
        told = {
            "issuer": attempt.issuer,
            "subject": vouched.subject,
            "vouched": sealed(visit, vouched) if portal.config.sign_up.on else "",
        }
        return Shown("no-account.html", told, HTTPStatus.FORBIDDEN)
    shown = ("identity", identity.name)
    if attempt.onward and (visit.session is None or visit.session.signed_in[:2] != shown):
        raise WrongKeyError(is_again=True)
    made = begin_as(visit, identity, vouched.signed_in_s or 0)
    return Elsewhere(onward(attempt.onward) if attempt.onward else "/", made)


def _attempt(visit: Visit) -> Attempt:
    """The attempt of this browser at the issuer that the path names.

    Raises:
        ProblemError: people cannot sign in with it.
    """
    portal, slug = visit.portal, visit.path["issuer"]
    issuer: IssuerTable | None = next(
        (each for each in portal.config.issuer if each.slug == slug), None
    )
    if issuer is None or not slug:
        raise not_found()
    back_url = f"{portal.config.pages.url}/sign-in/back/{slug}"
    return Attempt(issuer, back_url, portal.desk.seal, visit.shown_id)


def _unusable(error: Exception) -> Exception:
    _log.warning("nobody can sign in with an issuer", why=str(error))
    return not_now("the place where you sign in does not answer as it should", retry_after_s=30)
