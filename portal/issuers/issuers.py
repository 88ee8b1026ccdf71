"""The issuers that the operator names: whom a token of theirs is of."""

from collections.abc import Iterable
from datetime import datetime

from portal.config.tables import IssuerTable
from portal.issuers.key_sets import KeySet
from portal.issuers.tokens import InvalidTokenError, VouchedFor, claimed_by, subject_of


class Issuers:
    """The issuers of a portal; belongs to one event loop.

    Args:
        named: those that the operator names.
    """

    def __init__(self, named: Iterable[IssuerTable]) -> None:
        self._named = {each.url: (each.audience, KeySet(each.url)) for each in named}

    async def subject_of(self, token: str, now: datetime) -> VouchedFor:
        """Whom a token is of.

        Args:
            token: of the form of one.
            now: the time.

        Raises:
            InvalidTokenError: it is not genuine, or not for this portal and moment.
        """
        claimed = claimed_by(token)
        if claimed.issuer not in self._named:
            raise InvalidTokenError("no such issuer is named here")
        audience, keys = self._named[claimed.issuer]
        key = await keys.key(claimed.key_name)
        if key is None:
            raise InvalidTokenError("its issuer has no such key")
        return subject_of(token, key, audience, now)
