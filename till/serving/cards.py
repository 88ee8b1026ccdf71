"""What is asked about saved cards, by programs of this machine alone: they say whose cards.

Each answer is the provider's own of this moment; nothing of a card is kept here. A provider that
is slow holds up some of these questions and no checkout.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gitmeter.support.errors import GitmeterError
from till.cards.kept import attempts_of, cards_of, remove_card
from till.checkout.asked import check_user
from till.checkout.problems import CheckoutProblemError, bad_request, not_now, not_offered
from till.intake.till import Till
from till.serving.answers import is_json, json_answer, no_json, problem_answer
from wire_format.instants import format_ts

_log = structlog.get_logger()

AT_ONCE_MAX: Final = 2
"""Questions at one time: the rest of the server's threads are for checkouts."""
WAITING_MAX: Final = 32
"""Further ones are asked to come again."""

_NO_TERMS: Final = not_offered(HTTPStatus.NOT_FOUND)
_METHOD_PATTERN: Final = r"^[A-Za-z0-9_]{1,128}\Z"
_Text = Annotated[str, msgspec.Meta(max_length=256)]


class CardBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of `POST /cards/remove`.

    Attributes:
        user: whose card it is.
        account: the account at the provider.
        method: the provider's name of the card.
    """

    user: _Text
    account: _Text
    method: Annotated[str, msgspec.Meta(pattern=_METHOD_PATTERN)]


_BODY: Final = msgspec.json.Decoder(CardBody)


class CardEndpoints:
    """The endpoints, and what they need; they belong to one event loop.

    Args:
        till: the till.
    """

    def __init__(self, till: Till) -> None:
        self._till = till
        self._room = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0

    def routes(self) -> list[Route]:
        """What they answer."""
        return [
            Route("/cards", self._cards, methods=["GET"]),
            Route("/cards/remove", self._remove, methods=["POST"]),
            Route("/attempts", self._attempts, methods=["GET"]),
            Route("/terms", self._terms, methods=["GET"]),
        ]

    async def _cards(self, request: Request) -> Response:
        return await self._answer(lambda: self._listed(_user(request)))

    async def _remove(self, request: Request) -> Response:
        if not is_json(request):
            return no_json()
        body = await request.body()
        return await self._answer(lambda: self._removed(_read_body(body)))

    async def _attempts(self, request: Request) -> Response:
        return await self._answer(lambda: self._attempted(_user(request)))

    async def _terms(self, _: Request) -> Response:
        cards = self._till.config.cards
        return json_answer(cards.model_dump()) if cards else problem_answer(_NO_TERMS)

    async def _answer(self, work: Callable[[], dict[str, Any]]) -> Response:
        """Do it in a thread, once there is room for it."""
        if self._waiting >= WAITING_MAX:
            return problem_answer(not_now("busy", "too many questions wait for the provider", 5))
        self._waiting += 1
        try:
            async with self._room:
                return await run_in_threadpool(_answered, work)
        finally:
            self._waiting -= 1

    def _listed(self, user: str) -> dict[str, Any]:
        cards = [
            {"account": account, **card._asdict()} for account, card in cards_of(self._till, user)
        ]
        return {"cards": cards}

    def _removed(self, asked: CardBody) -> dict[str, Any]:
        account = self._till.accounts.by_name.get(asked.account)
        is_removed = account is not None and remove_card(
            self._till, account, asked.user, asked.method
        )
        if is_removed:
            _log.info("card removed", account=asked.account)
        return {"removed": is_removed}

    def _attempted(self, user: str) -> dict[str, Any]:
        attempts = [
            {
                "account": account,
                "attempt": charge.attempt,
                "payment": charge.object_id,
                "status": charge.status,
                "reason": charge.reason,
                "url": charge.url,
                "created_at": format_ts(charge.created_at),
            }
            for account, charge in attempts_of(self._till, user)
        ]
        return {"attempts": attempts}


def _answered(work: Callable[[], dict[str, Any]]) -> Response:
    try:
        return json_answer(work())
    except CheckoutProblemError as problem:
        return problem_answer(problem)
    except GitmeterError as error:
        _log.warning("no answer about cards", why=str(error))
        if error.retry:
            return problem_answer(not_now("provider-unreachable", "the provider does not answer"))
        return problem_answer(not_now("not-now", "the provider does not tell"))


def _user(request: Request) -> str:
    """Whom a question is about.

    Raises:
        CheckoutProblemError: it does not say, or not in the form of an account.
    """
    stated = request.query_params.getlist("user")
    if len(stated) != 1:
        raise bad_request("bad-user", "user: is required, once")
    return check_user(stated[0])


def _read_body(body: bytes) -> CardBody:
    """Read which card is meant.

    Raises:
        CheckoutProblemError: it has not the form.
    """
    try:
        asked = _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("bad-request", f"the body names no card: {error}") from None
    check_user(asked.user)
    return asked
