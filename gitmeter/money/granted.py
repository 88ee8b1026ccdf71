"""Credit with terms: what it is worth, for what and when it pays, and in which order. Pure.

It lies beside the pool: what no grant pays falls on the pool.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

EVER_HOUR: Final = 2**53
"""After every clock hour that a line or a rule can name."""


class Hours(NamedTuple):
    """Clock hours since 1970; `end` is not among them."""

    first: int
    end: int


class Granted(NamedTuple):
    """A grant of version 2 that counts, or the credit of a plan's cycle.

    Attributes:
        provider, reference: its name.
        amount_nano: what it is worth, in nano-dollars.
        category: whether anybody paid for it.
        priority: of several grants the one with the smaller pays first.
        from_hour, until_hour: its own terms, clock hours since 1970; None for no end.
        scope: the resources that it pays for, as globs; None for all.
        spans: the hours in which it pays, ascending and apart: those of its terms, less what a
            void or another plan takes away.
        void_hour: the hour from which it is void; None where no void counts.
    """

    provider: str
    reference: str
    amount_nano: int
    category: Literal["promotional", "paid"]
    priority: int
    from_hour: int
    until_hour: int | None
    scope: tuple[str, ...] | None
    spans: tuple[Hours, ...]
    void_hour: int | None = None

    @property
    def name(self) -> str:
        """Its name in one text."""
        return f"{self.provider}:{self.reference}"

    @property
    def drawing_order(self) -> tuple[int, int, bool, int, bytes, bytes]:
        """Sorts grants in the order in which they pay."""
        until_hour = EVER_HOUR if self.until_hour is None else self.until_hour
        is_paid = self.category == "paid"
        names = self.provider.encode(), self.reference.encode()
        return self.priority, until_hour, is_paid, self.from_hour, *names


def first_changed_hour(before: Sequence[Granted], after: Sequence[Granted]) -> int | None:
    """The first hour in which any grant pays that only one of two lists has; None without one."""
    differing = {*before} ^ {*after}
    return min((span.first for each in differing for span in each.spans), default=None)


def grants_text(grants: Sequence[Granted]) -> str | None:
    """Grants as JSON; None for none."""
    return json.dumps(grants) if grants else None


def read_grants(stored: str | None) -> tuple[Granted, ...]:
    """The grants that `grants_text` wrote."""
    if stored is None:
        return ()
    return tuple(map(_granted, json.loads(stored)))


def _granted(stored: Sequence[Any]) -> Granted:
    found = Granted(*stored)
    scope = None if found.scope is None else tuple(found.scope)
    return found._replace(scope=scope, spans=tuple(Hours(*hours) for hours in found.spans))
