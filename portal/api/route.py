"""A row of the table of routes: what is asked for, by whom, and in which form it is answered."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Literal, NamedTuple

from portal.api.request import Asked, Form

Method = Literal["GET", "POST", "PATCH", "DELETE"]


class Nothing(Form):
    """A request without parameters."""


class Route(NamedTuple):
    """One method of one path.

    Attributes:
        method: of HTTP.
        path: with names in braces.
        summary: what it is for, in a line.
        answer: makes the answer; its docstring is the description.
        model: the form of the answer; None where there is none.
        scope: what the key must open; empty where every key in force opens it.
        query: the form of what is after `?`.
        body: the form of what is sent; None for nothing.
        status: of a good answer.
        problems: further kinds of refusal, by status.
        roles: of staff who may ask; empty for routes of accounts and services.
        is_kept: whether a client may keep the answer and ask whether it has changed.
        waits: whether it asks another program, and nothing of the ledger.
        is_quick: whether it is answered at once, beside nothing else: it reads a few rows.
        takes_back: whether all that it does is to let less happen from now on: from that neither an
            old ledger nor a suspended account keeps anybody.
    """

    method: Method
    path: str
    summary: str
    answer: Callable[[Asked], Form | None]
    model: type[Form] | None
    scope: str
    query: type[Form] = Nothing
    body: type[Form] | None = None
    status: HTTPStatus = HTTPStatus.OK
    problems: Mapping[HTTPStatus, str] = {}
    roles: frozenset[str] = frozenset()
    is_kept: bool = True
    waits: bool = False
    is_quick: bool = False
    takes_back: bool = False

    @property
    def needs_recent(self) -> bool:
        """Whether it is refused where the ledger is older than it may be."""
        return self.settles or bool(self.roles)

    @property
    def settles(self) -> bool:
        """Whether it is for accounts that may settle something."""
        return self.writes and not self.takes_back

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"
