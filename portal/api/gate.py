"""What stands between a request and its answer, in this order.

The key, or the token of an issuer (`callers`): without one in force there is 401, and a network
that shows many wrong ones waits. Its limit: by the key that was verified, never by what a stranger
claims. Its scope. For what writes: an account that is not suspended, and, as for staff, a ledger
that is not too old. The forms of what was sent.
"""

from collections import Counter
from functools import partial
from itertools import islice
from typing import Final

import structlog
from anyio import to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from aggregator.store.errors import NoDatabaseError, SchemaVersionError
from gitmeter.support.errors import GitmeterError
from portal.access.holders import Holder
from portal.api import problems
from portal.api.callers import Callers
from portal.api.checks import AskingLimits, check_right, check_state
from portal.api.problems import ProblemError
from portal.api.request import Asked, Form, Portal
from portal.api.route import Route
from portal.api.sending import JSON, answer, refusal, with_limits
from portal.reading.ledgers import Ledgers
from wire_format.wording import numbered, sentences

FAULTS_MAX: Final = 20
"""Of one request: a stranger's nonsense is not answered with more of it."""
_log = structlog.get_logger()


class Gate:
    """Answers requests; belongs to one event loop.

    Args:
        portal: whom they ask.
        ledgers: where they are answered from.
        limits: how much is answered.
    """

    def __init__(self, portal: Portal, ledgers: Ledgers, limits: AskingLimits) -> None:
        self._portal = portal
        self._ledgers = ledgers
        self._limits = limits
        self._callers = Callers(portal, ledgers, limits)

    async def respond(self, route: Route, request: Request) -> Response:
        """Answer a request to a route."""
        try:
            holder = await self._callers.holder(request)
        except ProblemError as problem:
            return refusal(problem)
        except GitmeterError as error:
            return refusal(unreadable(error))
        taken = self._limits.take(holder)
        if not taken.is_allowed:
            return with_limits(refusal(problems.too_many(taken.reset_s)), taken)
        return with_limits(await self._answered(route, request, holder), taken)

    async def _answered(self, route: Route, request: Request, holder: Holder) -> Response:
        try:
            check_right(route, holder)
            query = _query_of(route, request)
            body = _body_of(route, request, await request.body())
            self._limits.check_writes(route, holder)
            if route.is_quick:
                return self._answer(route, request, holder, (query, body))
            with self._limits.of_busy(holder):
                return await to_thread.run_sync(
                    partial(self._answer, route, request, holder, (query, body)),
                    limiter=self._limits.waiting_for("till") if route.waits else None,
                )
        except ProblemError as problem:
            return refusal(problem)
        except GitmeterError as error:
            return refusal(unreadable(error))

    def _answer(
        self, route: Route, request: Request, holder: Holder, sent: tuple[Form | None, Form | None]
    ) -> Response:
        portal, now = self._portal, self._portal.desk.clock()
        with self._ledgers.reading() as store:
            check_state(route, holder, store, now, portal.config.stale_max_s)
            asked = Asked(portal, store, holder, now, request.path_params, *sent)
            form = None if route.waits else route.answer(asked)
        if route.waits:  # not with the ledger's log held
            form = route.answer(asked)
        return answer(
            form,
            route.status,
            seal=portal.desk.seal if route.is_kept and not route.writes else b"",
            seen_by=f"{holder.user} {holder.name} {_asked_for(request)}",
            known=request.headers.get("If-None-Match"),
        )


def _query_of(route: Route, request: Request) -> Form:
    """What is after `?`.

    Raises:
        ProblemError: it has not the form that the route states.
    """
    stated = request.query_params.multi_items()
    repeated = [name for name, count in Counter(name for name, _ in stated).items() if count > 1]
    if repeated:
        raise problems.invalid(*(f"{name}: is stated more than once" for name in repeated))
    try:
        return route.query.model_validate(dict(stated))
    except ValidationError as error:
        raise invalid_form(error) from None


def _body_of(route: Route, request: Request, body: bytes) -> Form | None:
    """What was sent as JSON; an empty table where nothing was.

    Raises:
        ProblemError: it is something else, or has not the form that the route states.
    """
    # a page in a browser cannot send this type to another address by itself
    if body and request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
        raise problems.unsupported_type()
    if route.body is None:
        return None
    try:
        return route.body.model_validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        raise invalid_form(error) from None


def invalid_form(error: ValidationError) -> ProblemError:
    """What a form is not filled in well with, in words."""
    if any(fault["type"] == "json_invalid" for fault in error.errors(include_url=False)):
        return problems.invalid("the body is not JSON")
    return problems.invalid(*islice(sentences(error, numbered), FAULTS_MAX))


def _asked_for(request: Request) -> str:
    """The path and what is after `?`, as they were sent."""
    return f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"


def unreadable(error: Exception) -> ProblemError:
    """The ledger or the desk cannot be used now; why is the operator's to know."""
    _log.warning("not answered", why=str(error), kind=type(error).__name__)
    if isinstance(error, NoDatabaseError | SchemaVersionError):
        return problems.not_now("there is no ledger that this program can read", retry_after_s=60)
    return problems.not_now("this cannot be answered now")
