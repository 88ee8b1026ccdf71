"""Asking about everything that may have moved, whether an event came or not.

Money moves weeks after a payment began, and events are lost. So a sweep looks at a week before the
last complete one began, and again at each object of ours that was not final. It notes that it ran
only when it has read to the end.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from gitmeter.support.errors import GitmeterError
from providers.interface import UnreachableProviderError
from till.config.accounts import TillAccount
from till.intake.intake import NotRecordedError, ask, end_attempt
from till.intake.missing import LATE_MAX
from till.intake.till import Till
from wire_format.instants import to_us

OVERLAP: Final = timedelta(days=7)
ATTEMPT_MAX: Final = timedelta(days=3)
"""An attempt of which a provider knows nothing has ended after this time."""

EXPIRED: Final = "expired"

Progress = Callable[[str, int], object]
"""Called with the account and the number of objects that were asked about."""


class Swept(NamedTuple):
    """What a sweep of an account did.

    Attributes:
        account: its name.
        since: from when on it looked.
        objects: how many objects it asked about.
        lines: how many lines it wrote.
        failed: how many objects it could not ask about or record.
        why: why it could not read to the end; empty if it did.
    """

    account: str
    since: datetime
    objects: int
    lines: int
    failed: int
    why: str


def sweep(till: Till, account: TillAccount, since: datetime | None, progress: Progress) -> Swept:
    """Ask about everything of an account that may have moved, and write what is missing.

    Args:
        till: the till.
        account: which account.
        since: from when on; None for a week before the last complete sweep began. Nothing older
            than can be written is looked at.
        progress: told of each object.

    Raises:
        SpoolError, MemoryFileError: nothing can be written.
    """
    began_at = till.clock()
    before = till.marks.times(account.name).swept_at
    if since is None:
        since = began_at - LATE_MAX if before is None else before - OVERLAP
    since = max(since, began_at - LATE_MAX)
    objects = lines = failed = 0
    why = ""
    try:
        for name in _each_once(_names(till, account, since)):
            objects += 1
            try:
                lines += ask(till, account, name)
            except NotRecordedError as error:
                failed += 1
                if isinstance(error.__cause__, UnreachableProviderError):
                    raise
            progress(account.name, objects)
        lines += _end_forgotten(till, account, began_at)
    except GitmeterError as error:
        why = str(error)
    if not why:  # what failed by itself is noted, and asked about by each sweep until it works
        till.marks.note_sweep(account.name, began_at)
    return Swept(account.name, since, objects, lines, failed, why)


def _names(till: Till, account: TillAccount, since: datetime) -> Iterator[str]:
    """What moved, then what is not final, then what was promised and neither paid nor ended."""
    with account.provider() as provider:
        # oldest first: of two payments with one tag the first one keeps it
        yield from provider.since(since)
    yield from till.marks.watched(account.name)
    with till.spool.store.exclusive():
        till.lines.follow(till.spool)
    yield from (line.key.ref for line in till.lines.waiting_attempts(account.name))


def _each_once(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name not in seen:
            seen.add(name)
            yield name


def _end_forgotten(till: Till, account: TillAccount, now: datetime) -> int:
    """Close the attempts that were promised long ago and never came to anything."""
    return sum(
        end_attempt(till, line, EXPIRED)
        for line in till.lines.waiting_attempts(account.name)
        if line.ts_us < to_us(now - ATTEMPT_MAX)
    )
