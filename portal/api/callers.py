"""Who calls: by a key, or by the token of an issuer; networks that only guess have to wait."""

from datetime import datetime

import structlog
from starlette.requests import Request

from portal.access.holders import Holder, holder_of_identity, holder_of_key
from portal.access.shown import hash_of_key, shown_by
from portal.api import problems
from portal.api.checks import AskingLimits
from portal.api.problems import ProblemError
from portal.api.request import Portal
from portal.issuers.issuers import Issuers
from portal.issuers.tokens import InvalidTokenError, is_token
from portal.reading.ledgers import Ledgers
from portal.records.identities import Identity

_log = structlog.get_logger()


class Callers:
    """Finds out who calls; belongs to one event loop.

    Args:
        portal: whom they call.
        ledgers: where it is looked up.
        limits: how many guesses a network has.
    """

    def __init__(self, portal: Portal, ledgers: Ledgers, limits: AskingLimits) -> None:
        self._portal = portal
        self._ledgers = ledgers
        self._limits = limits
        self._issuers = Issuers(portal.config.issuer)

    async def holder(self, request: Request) -> Holder:
        """Who asks.

        Raises:
            ProblemError: nobody who is known, or a network that shows too many wrong keys.
            GitmeterError: it cannot be found out now.
        """
        shown = shown_by(request.headers.getlist("Authorization"))
        try:
            return await self._holder(shown or "", self._portal.desk.clock())
        except ProblemError as refused:
            self._guess(request)
            raise refused from None

    async def _holder(self, shown: str, now: datetime) -> Holder:
        sha256, unbilled = hash_of_key(shown), self._portal.desk.unbilled
        if sha256 is not None:
            with self._ledgers.reading() as store:
                found = holder_of_key(store, unbilled, sha256, now)
            if found is None:
                raise problems.unauthorized()
            return found
        identity = await self._identity(shown, now)
        with self._ledgers.reading() as store:
            return holder_of_identity(store, unbilled, identity, now)

    async def _identity(self, token: str, now: datetime) -> Identity:
        """Whom an issuer vouches for.

        Raises:
            ProblemError: nobody.
        """
        if not is_token(token):
            raise problems.unauthorized()
        try:
            subject = await self._issuers.subject_of(token, now)
        except InvalidTokenError as error:
            _log.info("a token is refused", why=str(error))
            raise problems.unauthorized() from None
        found = self._portal.desk.identities.find(subject.issuer, subject.subject)
        if found is None:
            raise problems.no_account(subject.issuer, subject.subject)
        return found

    def _guess(self, request: Request) -> None:
        """Count a request of nobody.

        Raises:
            ProblemError: its network shows too many wrong keys.
        """
        guessed = self._limits.guess(request)
        if not guessed.is_allowed:
            raise problems.too_many(guessed.reset_s)
