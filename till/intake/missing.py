"""Which lines are missing, given those that must exist and those that do; pure.

A till writes one line about a movement and never another. So what is written does not depend on
the order in which events come, how often, or whether any did.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from providers.expected import ExpectedLine
from providers.interface import Truth
from providers.tag import Promise
from till.records.lines import KnownLine, LineKey
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.fields import VERSION_2
from wire_format.instants import from_us
from wire_format.lines import Money
from wire_format.money import parse_nano

LATE_MAX: Final = timedelta(days=34)
"""A line lies at most 35 days before its commit; a day is left for pushing it."""

TOO_OLD: Final = "moved more than 34 days ago, which is a line of the books"
DIFFERS: Final = "is not what its line says"


class MissingLines(NamedTuple):
    """What there is to do about one payment.

    Attributes:
        lines: to be written, in this order.
        faults: what a person has to look at: the movement, and what is wrong.
    """

    lines: tuple[ExpectedLine, ...]
    faults: tuple[tuple[str, str], ...]


def keys_of(provider: str, lines: Iterable[ExpectedLine]) -> list[LineKey]:
    """What the lines that must exist are about."""
    return [LineKey(provider, line.kind, line.external_ref) for line in lines]


def missing(
    provider: str,
    lines: Iterable[ExpectedLine],
    known: Mapping[LineKey, KnownLine],
    now: datetime,
) -> MissingLines:
    """The lines that have to be written.

    Args:
        provider: the account.
        lines: those that must exist.
        known: those that exist, at least about the same movements.
        now: the time.
    """
    wanted: list[ExpectedLine] = []
    faults: list[tuple[str, str]] = []
    for line in lines:
        there = known.get(LineKey(provider, line.kind, line.external_ref))
        if there is not None:
            if not _agree(line, there):
                faults.append((line.external_ref, DIFFERS))
        elif line.at < now - LATE_MAX:
            faults.append((line.external_ref, TOO_OLD))
        else:
            wanted.append(line)
    return MissingLines(tuple(wanted), tuple(faults))


def _agree(line: ExpectedLine, there: KnownLine) -> bool:
    """Whether a line says what it must; one that is undecided is a person's already."""
    if there.status == "undecided":
        return True
    credited = line.credited_usd or line.amount, there.credited_usd or there.amount
    return (
        (line.user or "", line.of_ref or "", line.currency)
        == (there.user, there.of_ref, there.currency)
        and parse_nano(line.amount) == parse_nano(there.amount)
        and parse_nano(credited[0]) == parse_nano(credited[1])
    )


def promise_of(pending: KnownLine) -> Promise:
    """The promise of a pending line."""
    return Promise(
        pending.user,
        pending.credited_usd or pending.amount,
        pending.currency,
        pending.amount,
        from_us(pending.ts_us),
        nonce="",
    )


def ended(truth: Truth, known: Mapping[LineKey, KnownLine], provider: str) -> str | None:
    """Why an attempt has ended without a payment, if a line has to say so.

    Args:
        truth: what the provider says.
        known: the lines that exist, at least about the same attempt.
        provider: the account.
    """
    attempt = truth.attempt or ""
    is_pending = LineKey(provider, "pending", attempt) in known
    if truth.failed is None or not is_pending or LineKey(provider, "ended", attempt) in known:
        return None
    return None if any(fact.kind == "payment" for fact in truth.facts) else truth.failed


def money_lines(
    node: str, seq: int, provider: str, lines: Iterable[ExpectedLine]
) -> Iterator[Money]:
    """The lines as a till writes them.

    Args:
        node: the till.
        seq: the number that stands for one that is given later.
        provider: the account.
        lines: what they say.
    """
    for line in lines:
        yield Money(
            v=VERSION_2,
            node=node,
            seq=seq,
            ts=line.at,
            user=line.user or "",
            kind=line.kind,
            provider=provider,
            external_ref=line.external_ref,
            of_ref=line.of_ref,
            amount=line.amount,
            currency=line.currency,
            credited_usd=line.credited_usd,
            status=line.status,
            attempt=line.attempt,
        )


def pending_line(
    *,
    node: str,
    seq: int,
    at: datetime,
    provider: str,
    promise: Promise,
    attempt: str,
) -> Money:
    """The line of an attempt that is about to be offered to a customer."""
    is_usd = promise.currency == CURRENCY_DEFAULT
    return Money(
        v=VERSION_2,
        node=node,
        seq=seq,
        ts=at,
        user=promise.user,
        kind="pending",
        provider=provider,
        amount=promise.amount,
        currency=promise.currency,
        credited_usd=None if is_usd else promise.credited_usd,
        attempt=attempt,
    )


def ended_line(*, node: str, seq: int, at: datetime, pending: KnownLine, reason: str) -> Money:
    """The line that closes an attempt."""
    return Money(
        v=VERSION_2,
        node=node,
        seq=seq,
        ts=at,
        user=pending.user,
        kind="ended",
        provider=pending.key.provider,
        attempt=pending.key.ref,
        reason=reason,
    )
