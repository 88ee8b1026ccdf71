"""What stands between a request and its page, in this order.

Who is signed in, by a session that is judged anew; others are sent to sign in. Their limit, which
is that of the key. Whether the page is there for them: what is of staff is not, for others. For
what changes something: a form that a page of this browser made. A recent sign-in, where the page
needs one. The forms of what was sent.
"""

import re
from functools import partial
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import quote

import structlog
from anyio import from_thread, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gitmeter.support.errors import GitmeterError
from portal.access import sessions
from portal.access.holders import Holder
from portal.access.sessions import PageSession
from portal.api import problems
from portal.api.checks import AskingLimits, check_right
from portal.api.gate import unreadable
from portal.api.problems import ProblemError
from portal.api.request import Form, Portal
from portal.pages.cookies import give_id, shown_id
from portal.pages.forms import check_token, form_of, query_fields, sent_fields
from portal.pages.page import Abroad, Download, Elsewhere, Page, onward_of
from portal.pages.problems import WrongKeyError, advice, forged
from portal.pages.rendering import Renderer
from portal.pages.security import is_from_here
from portal.pages.visit import Visit, route_of
from portal.reading.ledgers import Ledgers

_NO_STORE: Final = {"Cache-Control": "no-store"}
_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-~]*", re.ASCII)
"""As it is sent; two slashes of either kind at its beginning would lead to another site."""
SIGN_IN: Final = "/sign-in"
_log = structlog.get_logger()


class PageGate:
    """Answers requests for pages; belongs to one event loop.

    Args:
        portal: whom they ask.
        ledgers: where they are answered from.
        limits: how much is answered, by the interface and by pages together.
        renderer: makes HTML.
    """

    def __init__(
        self, portal: Portal, ledgers: Ledgers, limits: AskingLimits, renderer: Renderer
    ) -> None:
        self._portal = portal
        self._ledgers = ledgers
        self._limits = limits
        self._renderer = renderer
        desk, issuers = portal.desk, frozenset(each.url for each in portal.config.issuer)
        self._people = sessions.SignedInPeople(desk.sessions, desk.identities, issuers)

    async def respond(self, page: Page, request: Request) -> Response:
        """Answer a request for a page."""
        shown = shown_id(request)
        try:
            session = self._session(shown)
        except GitmeterError as error:
            return self.refusal(unreadable(error), request, None)
        if session is None:
            if not page.is_open:
                return _to(SIGN_IN, request)
            shown = shown or sessions.new_id()
        elif page.is_limited and not (taken := self._limits.take(session.holder)).is_allowed:
            return self.refusal(problems.too_many(taken.reset_s), request, session)
        try:
            if page.of is not None and session is not None:
                check_right(route_of(page.of), session.holder)
        except ProblemError as problem:
            return self.refusal(problem, request, session)
        try:
            return await self._answered(page, request, session, shown)
        except WrongKeyError as wrong:
            return self._wrong_key(request, session, is_again=wrong.is_again)
        except ProblemError as problem:
            return self.refusal(problem, request, session, _back_of(page, request))
        except GitmeterError as error:
            return self.refusal(unreadable(error), request, session, _back_of(page, request))

    def refusal(
        self, problem: ProblemError, request: Request, session: PageSession | None, back: str = "/"
    ) -> Response:
        """A page that says why there is none, and what to do next."""
        if "HX-Request" in request.headers and (again := _asked_for(request)):
            return _to(again, request)
        path = request.scope["path"]
        faults = problem.more.get("faults", [])
        data = {"problem": problem, "faults": faults, "advice": advice(problem), "back": back}
        html = self._renderer.html(
            "problem.html", data, path, "" if session is None else session.id, session
        )
        headers = dict(_NO_STORE)
        if problem.retry_after_s is not None:
            headers["Retry-After"] = str(problem.retry_after_s)
        return Response(html, problem.status, headers, "text/html")

    def _session(self, shown: str) -> PageSession | None:
        if not shown:
            return None
        desk = self._portal.desk
        with self._ledgers.reading() as store:
            return sessions.find(self._people, store, desk.unbilled, shown, desk.clock())

    async def _answered(
        self, page: Page, request: Request, session: PageSession | None, shown: str
    ) -> Response:
        sent = None
        if page.method == "POST":
            if not is_from_here(request, self._portal.config.pages.url):
                raise forged()
            fields = sent_fields(request, await request.body())
            check_token(fields, self._portal.desk.seal, shown)
            sent = form_of(page.form, fields)
        if page.counted and not (taken := self._limits.count(page.counted, request)).is_allowed:
            raise problems.too_many(taken.reset_s)
        if page.again and session is not None and not session.is_fresh(self._portal.desk.clock()):
            onward = onward_of(page.again, request.path_params.get("user", ""))
            return _to(f"{SIGN_IN}/again?next={quote(onward)}", request)
        route = None if page.changes is None else route_of(page.changes)
        if route is not None and session is not None:
            check_right(route, session.holder)
            self._limits.check_writes(route, session.holder)
        query = form_of(page.query, query_fields(request))
        make = partial(self._page, page, request, (session, shown), (query, sent))
        limiter = None
        if program := _asked_by(page):
            limiter = self._limits.waiting_for(program)
        if session is None:
            return await to_thread.run_sync(make, limiter=limiter)
        with self._limits.of_busy(session.holder):
            return await to_thread.run_sync(make, limiter=limiter)

    def _page(
        self,
        page: Page,
        request: Request,
        shown_by: tuple[PageSession | None, str],
        sent: tuple[Form | None, Form | None],
    ) -> Response:
        portal, (session, shown) = self._portal, shown_by
        with self._ledgers.reading() as store:
            now = portal.desk.clock()
            who = session, shown, self._admit
            visit = Visit(portal, store, *who, now, request.path_params, *sent)
            found = None if _asked_by(page) else page.show(visit)
        if found is None:  # not with the ledger's log held
            found = page.show(visit)
        if isinstance(found, Elsewhere):
            response = _to(found.path, request)
            if found.session_id is not None:
                give_id(response, found.session_id)
            return response
        if isinstance(found, Abroad):
            response = RedirectResponse(found.url, HTTPStatus.SEE_OTHER, _NO_STORE)
            if session is None:
                give_id(response, shown)
            return response
        if isinstance(found, Download):
            kept = {"Content-Disposition": f'attachment; filename="{found.name}"'}
            return Response(found.content, 200, {**_NO_STORE, **kept}, found.media_type)
        path = request.scope["path"]
        html = self._renderer.html(found.template, found.data, path, shown, session)
        response = Response(html, found.status, _NO_STORE, "text/html")
        if session is None:
            give_id(response, shown)
        return response

    def _admit(self, holder: Holder) -> None:
        """Count signing in as a request of the key, from the thread of a page.

        Raises:
            ProblemError: it has had as many as it may.
        """
        taken = from_thread.run_sync(self._limits.take, holder)
        if not taken.is_allowed:
            raise problems.too_many(taken.reset_s)

    def _wrong_key(
        self, request: Request, session: PageSession | None, *, is_again: bool
    ) -> Response:
        """Say that a key is wrong; a network that shows many wrong ones waits."""
        guessed = self._limits.guess(request)
        if not guessed.is_allowed:
            return self.refusal(problems.too_many(guessed.reset_s), request, session, SIGN_IN)
        why = "it is not the one with which you signed in" if is_again else "it opens nothing here"
        problem = ProblemError("wrong-key", HTTPStatus.FORBIDDEN, why)
        return self.refusal(problem, request, session, "/" if is_again else SIGN_IN)


def _back_of(page: Page, request: Request) -> str:
    """The page to go back to, with the names of its path filled in."""
    back = page.back
    for name, value in request.path_params.items():
        back = back.replace(f"{{{name}}}", quote(str(value), safe=""))
    return back


def _asked_by(page: Page) -> Literal["issuer", "till", ""]:
    """The program that a page asks; empty for none."""
    changes_there = page.changes is not None and route_of(page.changes).waits
    return page.waits or ("till" if changes_there else "")


def _to(path: str, request: Request) -> Response:
    """Send the browser on; a script that asked for a part of a page has it load all of another."""
    if "HX-Request" in request.headers:
        return Response(headers={**_NO_STORE, "HX-Redirect": path})
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, _NO_STORE)


def _asked_for(request: Request) -> str:
    """The address that a script asked for, to be loaded as a whole page; empty of what is none."""
    sent = request.scope["raw_path"], request.scope["query_string"]
    path, query = (part.decode("latin-1") for part in sent)
    if request.method != "GET" or _OWN_PATH.fullmatch(path + query) is None:
        return ""
    return f"{path}?{query}" if query else path
