"""What stands between a request and its answer, in this order.

The key: without one in force there is 401, and a network that shows many wrong ones waits. Its
limit: by the key that was verified, never by what a stranger claims. Its scope. For what writes: an
account that is not suspended, and, as for staff, a ledger that is not too old. The forms of what
was sent.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.store.errors import NoDatabaseError, SchemaVersionError
from gitmeter.support.errors import GitmeterError
from portal.access.buckets import Buckets, Taken
from portal.access.holders import Holder, holder_of
from portal.access.networks import network_of
from portal.access.shown import shown_key
from portal.api import problems
from portal.api.problems import ProblemError
from portal.api.request import Asked, Form, Portal
from portal.api.route import Route
from portal.api.sending import answer, refusal, with_limits
from portal.reading.age import is_older, pulled_at
from portal.reading.ledgers import Ledgers
from wire_format.wording import numbered, sentences

_log = structlog.get_logger()
_JSON: Final = "application/json"


class Gate:
    """Answers requests; belongs to one event loop.

    Args:
        portal: whom they ask.
        ledgers: where they are answered from.
        monotonic_s: a clock that never goes back.
    """

    def __init__(
        self, portal: Portal, ledgers: Ledgers, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._portal = portal
        self._ledgers = ledgers
        self._monotonic_s = monotonic_s
        self._of_keys = Buckets()
        self._of_networks = Buckets()

    async def respond(self, route: Route, request: Request) -> Response:
        """Answer a request to a route."""
        try:
            holder = self._holder(request)
        except ProblemError as problem:
            return refusal(problem)
        except GitmeterError as error:
            return refusal(_unreadable(error))
        quota = holder.rpm or self._portal.config.rpm
        taken = self._of_keys.take(holder.key_id, quota, self._monotonic_s())
        if not taken.is_allowed:
            return with_limits(refusal(problems.too_many(taken.reset_s)), taken)
        return with_limits(await self._answered(route, request, holder), taken)

    def _holder(self, request: Request) -> Holder:
        """Who asks.

        Raises:
            ProblemError: nobody who is known, or a network that shows too many wrong keys.
        """
        sha256 = shown_key(request.headers.get("Authorization"))
        if sha256 is not None:
            with self._ledgers.reading() as store:
                now = self._portal.desk.clock()
                found = holder_of(store, self._portal.desk.unbilled, sha256, now)
            if found is not None:
                return found
        guessed = self._guess(request)
        raise problems.unauthorized() if guessed.is_allowed else problems.too_many(guessed.reset_s)

    def _guess(self, request: Request) -> Taken:
        config = self._portal.config
        peer = None if request.client is None else request.client.host
        forwarded = request.headers.get("X-Forwarded-For")
        network = network_of(peer or None, forwarded, config.listen.proxy)
        return self._of_networks.take(network, config.guesses_per_minute, self._monotonic_s())

    async def _answered(self, route: Route, request: Request, holder: Holder) -> Response:
        try:
            _check_right(route, holder)
            query = _read(route.query, dict(request.query_params))
            body = _read(route.body, _json_of(request, await request.body()))
            if route.is_quick:
                return self._answer(route, request, holder, (query, body))
            return await run_in_threadpool(self._answer, route, request, holder, (query, body))
        except ProblemError as problem:
            return refusal(problem)
        except GitmeterError as error:
            return refusal(_unreadable(error))

    def _answer(
        self, route: Route, request: Request, holder: Holder, sent: tuple[Form | None, Form | None]
    ) -> Response:
        portal, now = self._portal, self._portal.desk.clock()
        with self._ledgers.reading() as store:
            if route.writes and holder.is_suspended:
                raise problems.suspended()
            if route.needs_recent and is_older(pulled_at(store), now, portal.config.stale_max_s):
                raise problems.too_old()
            form = route.answer(Asked(portal, store, holder, now, request.path_params, *sent))
        return answer(
            form,
            route.status,
            seal=portal.desk.seal if route.is_kept and not route.writes else b"",
            seen_by=f"{holder.user} {holder.key_id} {request.url.path}?{request.url.query}",
            known=request.headers.get("If-None-Match"),
        )


def _check_right(route: Route, holder: Holder) -> None:
    """Check that a key opens a route.

    Raises:
        ProblemError: it does not; that there are routes of staff is nobody else's business.
    """
    if route.roles and (holder.member is None or holder.member.role not in route.roles):
        raise problems.not_found()
    if route.scope and not holder.may(route.scope):
        raise problems.forbidden(route.scope)


def _read(form: type[Form] | None, values: Any) -> Form | None:  # noqa: ANN401 - what was sent
    """What was sent, in its form.

    Raises:
        ProblemError: it has not the form.
    """
    if form is None:
        return None
    try:
        return form.model_validate(values)
    except ValidationError as error:
        raise problems.invalid(*sentences(error, numbered)) from None


def _json_of(request: Request, body: bytes) -> Any:  # noqa: ANN401 - what was sent
    """What was sent as JSON; nothing where nothing was.

    Raises:
        ProblemError: it is something else.
    """
    if not body:
        return {}
    # a page in a browser cannot send this type to another address by itself
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _JSON:
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise ProblemError("unsupported-media-type", status, f"send {_JSON}")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise problems.invalid("the body is not JSON") from None


def _unreadable(error: Exception) -> ProblemError:
    """The ledger or the desk cannot be used now; why is the operator's to know."""
    _log.warning("not answered", why=str(error), kind=type(error).__name__)
    if isinstance(error, NoDatabaseError | SchemaVersionError):
        return problems.not_now("there is no ledger that this program can read", retry_after_s=60)
    return problems.not_now("this cannot be answered now")
