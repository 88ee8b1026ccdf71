"""What one run leaves for the next. Pure.

The aggregator's answer has only lines that no reconciliation covers. What is needed of the others
is kept for as long as it can matter. Nothing of it moves money: without it, what moved before is
not looked for again, and a payment whose `pending` line is covered stays uncovered.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

from msgspec import Struct, field

KEPT: Final = timedelta(days=40)
"""Longer than any payment may take from its promise on."""

VERSION: Final = 1
T = TypeVar("T", "KnownMovement", "UsedTag", "KnownPromise")


class KnownMovement(Struct, frozen=True):
    """A movement that is a line which agreed.

    Attributes:
        at: when it was.
        user: whose.
    """

    at: datetime
    user: str


class UsedTag(Struct, frozen=True):
    """A tag, and the payment for which it counts.

    Attributes:
        at: when that was made.
        payment: its reference.
    """

    at: datetime
    payment: str


class KnownPromise(Struct, frozen=True):
    """A `pending` line that agreed.

    Attributes:
        at: the time of its commit.
        node, seq: its key.
        user, amount, currency, credited_usd: what it states.
    """

    at: datetime
    node: str
    seq: int
    user: str
    amount: str
    currency: str
    credited_usd: str | None


class MissingLine(Struct, frozen=True):
    """A movement that is no line.

    Attributes:
        since: the earliest time at which it can have been there to be recorded.
        object_id: to ask about it again.
    """

    since: datetime
    object_id: str


class AccountMemory(Struct):
    """About one account at a provider.

    Attributes:
        began: what moved earlier may be a line that is not known here; None if none can be.
        complete_at: the start of the last run that read all movements; None if none did.
        movements: by kind and reference.
        tags: by nonce.
        promises: by attempt.
        open: objects that were not final, with the time at which they were asked about.
        missing: by kind and reference.
    """

    began: datetime | None
    complete_at: datetime | None = None
    movements: dict[str, KnownMovement] = field(default_factory=dict)
    tags: dict[str, UsedTag] = field(default_factory=dict)
    promises: dict[str, list[KnownPromise]] = field(default_factory=dict)
    open: dict[str, datetime] = field(default_factory=dict)
    missing: dict[str, MissingLine] = field(default_factory=dict)


class FoundDifference(Struct, frozen=True):
    """What lines and provider do not say alike.

    Attributes:
        account: the account at the provider.
        node: the writer of the line; empty where there is no line.
        seq: its number; 0 where there is no line.
        movement: kind and reference.
        what: the movement, in words.
        why: what is different.
        commands: what a person can do, to be pasted.
    """

    account: str
    node: str
    seq: int
    movement: str
    what: str
    why: str
    commands: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What it is about."""
        return self.account, self.node, self.seq, self.movement


class Memory(Struct):
    """The content of the file.

    Attributes:
        version: of its form.
        ran_at: when the last run ended; None before the first one.
        accounts: by name.
        differences: those that the last run found.
        seen: the tip that was last to be seen of each repo, by its writer and itself. When it was,
            or whether that came to be, the decisions say.
    """

    version: int = VERSION
    ran_at: datetime | None = None
    accounts: dict[str, AccountMemory] = field(default_factory=dict)
    differences: list[FoundDifference] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)


def forget_old(memory: Memory, now: datetime) -> None:
    """Drop what cannot matter any more."""
    for account in memory.accounts.values():
        account.movements = _recent(account.movements, now)
        account.tags = _recent(account.tags, now)
        account.promises = {
            attempt: kept
            for attempt, promises in account.promises.items()
            if (kept := [promise for promise in promises if now - promise.at <= KEPT])
        }


def _recent(found: Mapping[str, T], now: datetime) -> dict[str, T]:
    return {key: each for key, each in found.items() if now - each.at <= KEPT}
