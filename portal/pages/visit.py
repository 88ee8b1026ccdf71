"""What a page is made of: who is there, and what the interface answers them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from aggregator.store.store import LedgerStore
from portal.access.holders import Holder
from portal.access.sessions import PageSession
from portal.api.checks import check_right, check_state, has_right
from portal.api.gate import invalid_form
from portal.api.problems import unauthorized
from portal.api.request import Asked, Form, Portal
from portal.api.route import Route
from portal.api.routes import ROUTES

_Answered = TypeVar("_Answered")


class Visit(NamedTuple):
    """A request for a page.

    Attributes:
        portal: whom it asks.
        store: the ledger, in one state for all of the page.
        session: whose it is; None where nobody is signed in.
        shown_id: what the browser shows: of the session, or of a browser that is not signed in.
        admit: counts a request of whoever signs in, and refuses too many.
        now: the time.
        path: the parts of the path that have names.
        query: what is after `?`; of the form that the page states.
        form: what was sent; of the form that the page states.
    """

    portal: Portal
    store: LedgerStore
    session: PageSession | None
    shown_id: str
    admit: Callable[[Holder], object]
    now: datetime
    path: Mapping[str, str]
    query: Any
    form: Any

    def ask(
        self,
        answer: Callable[[Asked], _Answered],
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        path: Mapping[str, str] | None = None,
    ) -> _Answered:
        """Ask for what the interface answers, under its own conditions.

        Args:
            answer: the function of the table of routes.
            query: what would be after `?`.
            body: what would be sent.
            path: the parts of the path that have names.

        Raises:
            ProblemError: it is refused.
        """
        return answer(self._asked(answer, query or {}, body or {}, path or {}))

    def ask_for(
        self,
        answer: Callable[[Asked], object],
        make: Callable[[Asked], _Answered],
        path: Mapping[str, str],
    ) -> _Answered:
        """Ask for an answer in another form, under the same conditions.

        Args:
            answer: the function of the table of routes.
            make: makes the other form.
            path: the parts of the path that have names.

        Raises:
            ProblemError: it is refused.
        """
        return make(self._asked(answer, {}, {}, path))

    def _asked(
        self,
        answer: Callable[[Asked], object],
        query: Mapping[str, str],
        body: Mapping[str, object],
        path: Mapping[str, str],
    ) -> Asked:
        route, session = route_of(answer), self._signed_in()
        check_right(route, session.holder)
        stale_max_s = self.portal.config.stale_max_s
        check_state(route, session.holder, self.store, self.now, stale_max_s)
        stated = _formed(route.query, query)
        sent = None if route.body is None else _formed(route.body, body)
        return Asked(self.portal, self.store, session.holder, self.now, path, stated, sent)

    def may(self, answer: Callable[[Asked], object]) -> bool:
        """Whether the key of the session opens an answer of the interface."""
        return has_right(route_of(answer), self._signed_in().holder)

    @property
    def holder(self) -> Holder:
        """Who is signed in.

        Raises:
            ProblemError: nobody is.
        """
        return self._signed_in().holder

    def _signed_in(self) -> PageSession:
        if self.session is None:
            raise unauthorized()
        return self.session


@cache
def route_of(answer: Callable[[Asked], object]) -> Route:
    """The row of the table of routes that has an answer."""
    return next(route for route in ROUTES if route.answer is answer)


def _formed(form: type[Form], stated: Mapping[str, object]) -> Form:
    try:
        return form.model_validate(stated)
    except ValidationError as error:
        raise invalid_form(error) from None
