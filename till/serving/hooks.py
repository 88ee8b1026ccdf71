"""`POST /hooks/<account>`: events of providers, which strangers may forge.

Nothing of an event is believed but the name of an object, and that only if its signature is right.
The answer is a success once what the provider says about the object is on disk, and makes it send
the event again otherwise. Where that has not helped for long, it is asked no more: the object is
an incident, and each sweep asks about it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from front.pusher import Pusher
from gitmeter.support.backoff import is_worth_a_log
from gitmeter.support.errors import GitmeterError
from providers.interface import ProviderError, SignatureError
from till.config.accounts import TillAccount
from till.intake.intake import NotRecordedError, ask
from till.intake.till import Till
from till.serving.answers import no_such, plain
from till.serving.asking import Asking, FullError, Key

_log = structlog.get_logger()
_REFUSED: Final = "not an event of this account"
_AGAIN: Final = "not recorded, send it again"

EVENT_BYTES_MAX: Final = 64 << 10
"""Events have a few KiB. A signature can only be judged when a whole body has been read, so this
bounds the work that a stranger can cause."""


class Hooks:
    """The endpoint, and what it needs.

    Args:
        till: the till.
        pusher: pushes what was written.
    """

    def __init__(self, till: Till, pusher: Pusher) -> None:
        self._till = till
        self._pusher = pusher
        self._asking: Asking | None = None
        self._refused = 0

    def asgi(self) -> Starlette:
        """The application for a server."""
        return Starlette(
            routes=[Route("/hooks/{account}", self._hook, methods=["POST"])],
            exception_handlers={HTTPException: no_such, Exception: _failed},
        )

    async def _hook(self, request: Request) -> Response:
        account = self._till.accounts.by_name.get(request.path_params["account"])
        if account is None:
            return plain(HTTPStatus.NOT_FOUND)
        body = await request.body()
        try:
            name = await run_in_threadpool(self._object_in, account, body, request.headers)
        except SignatureError as error:
            return self._refuse(account, error)
        except ProviderError as error:
            _log.warning("event not read", account=account.name, why=str(error))
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, _AGAIN)
        if name is None:
            return plain(HTTPStatus.OK, "of no interest")
        return await self._ask(account, name)

    def _object_in(
        self, account: TillAccount, body: bytes, headers: Mapping[str, str]
    ) -> str | None:
        now = self._till.clock()
        with account.provider() as provider:
            name = provider.object_in(body, headers, account.secrets, now)
        self._till.marks.note_event(account.name, now)
        return name

    def _refuse(self, account: TillAccount, error: SignatureError) -> Response:
        self._refused += 1
        if is_worth_a_log(self._refused):
            _log.warning("event refused", account=account.name, why=str(error), times=self._refused)
        return plain(HTTPStatus.BAD_REQUEST, _REFUSED)

    async def _ask(self, account: TillAccount, name: str) -> Response:
        if self._asking is None:  # here, because it belongs to the loop of the server
            self._asking = Asking(self._work)
        try:
            await self._asking.ask((account.name, name))
        except FullError:
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, _AGAIN)
        except NotRecordedError as error:
            if error.failing.is_incident:
                return plain(HTTPStatus.ACCEPTED, "noted: it is asked about again by itself")
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, _AGAIN)
        except GitmeterError as error:  # not even the failure could be noted
            _log.error("event not recorded", account=account.name, why=str(error))
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, _AGAIN)
        return plain(HTTPStatus.OK, "recorded")

    def _work(self, key: Key) -> None:
        account, name = key
        try:
            written = ask(self._till, self._till.accounts.named(account), name)
        except NotRecordedError as error:
            if is_worth_a_log(error.failing.times):
                _log.warning(
                    "not recorded",
                    account=account,
                    object=name,
                    times=error.failing.times,
                    why=str(error),
                    exc_info=not isinstance(error.__cause__, GitmeterError),
                )
            raise
        if written:
            _log.info("recorded", account=account, object=name, lines=written)
            self._pusher.wake()


def _failed(_: Request, __: Exception) -> Response:
    """The server logs the error; the provider sends the event again."""
    return plain(HTTPStatus.INTERNAL_SERVER_ERROR)
