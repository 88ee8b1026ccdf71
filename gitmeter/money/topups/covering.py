"""Whether a charge of a saved card was agreed to before it: once more, when it has been paid. Pure.

The till that charges judges before it charges, and whoever holds its key judges as he likes. But it
can write neither what customers settle nor what they consent to, and nobody can write either into
the past. So what a provider says was paid without its customer is compared with both again, and
with all other such payments of his month, and of everybody's hour.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from gitmeter.money.accounts import AccountEntry, account_at
from gitmeter.money.topups.settled import AutoTopup, consented, settled
from wire_format.instants import HOUR_US, month_of, to_us
from wire_format.lines import Account
from wire_format.writers import Writers

KNOWN_AFTER_US: Final = HOUR_US // 6
"""What was settled otherwise so shortly before may not have reached the till that charges."""


class StatedTerms(NamedTuple):
    """A `setting` or `consent` line that counts.

    Attributes:
        record: the line.
        committed_us: when its commit was made, microseconds since 1970; None of the books.
    """

    record: Account
    committed_us: int | None

    @property
    def stated_us(self) -> int:
        """From when on it can be relied on: its own time and that of its commit have come."""
        return max(to_us(self.record.ts), self.committed_us or 0)


class Agreed(NamedTuple):
    """What was agreed to at an instant.

    Attributes:
        wanted: what was settled; None where automatic payments were off.
        consent: the last consent; None without one.
        allowed: what that allows; None where it allows nothing.
    """

    wanted: AutoTopup | None
    consent: Account | None
    allowed: AutoTopup | None


class ChargedCard(NamedTuple):
    """A payment that a saved card gave; times in microseconds since 1970.

    Attributes:
        user: the account that it is credited to.
        provider, payment: what it is.
        paid_us: when money moved.
        credit_nano: what it credits, in nano-dollars.
        is_covered: whether somebody has confirmed it already.
    """

    user: str
    provider: str
    payment: str
    paid_us: int
    credit_nano: int
    is_covered: bool

    @property
    def order(self) -> tuple[bool, int, str, str]:
        """What is covered stands, and the rest is judged by when it was paid."""
        return not self.is_covered, self.paid_us, self.provider, self.payment


class CoverFault(StrEnum):
    """Why a payment is not covered by what was agreed to, in the order in which it is asked."""

    NO_CHARGER = "no charger"
    NOT_SETTLED = "not settled"
    NO_CONSENT = "no consent"
    AMOUNT = "amount"
    MONTH = "month"
    HOUR = "hour"


def agreed_between(
    terms: Sequence[StatedTerms], writers: Writers, since_us: int, until_us: int
) -> list[Agreed]:
    """What was agreed to at any time from one instant until another, the last first.

    Args:
        terms: of one user, in any order.
        writers: of the rule book.
        since_us: the first instant, microseconds since 1970.
        until_us: the last one.
    """
    after = {each.stated_us + 1 for each in terms if since_us <= each.stated_us < until_us}
    instants = sorted({since_us, until_us, *after}, reverse=True)
    return list(dict.fromkeys(_agreed_at(terms, writers, at_us) for at_us in instants))


def cover_fault(
    charged: ChargedCard, agreed: Agreed, others: Iterable[ChargedCard], writers: Writers
) -> CoverFault | None:
    """Why what was agreed to does not cover a payment; None if it does.

    Whatever the order in which payments are judged, those that are covered are together within
    each limit: each counts what is covered, and what was paid before it.

    Args:
        charged: the payment.
        agreed: to at the time at which it was asked for.
        others: all that are known, of its user within its month, and of everybody within an hour
            of it; it may be among them, and one may be there more than once.
        writers: of the rule book.
    """
    limit_nano, providers = _fuse_at(writers, charged)
    if limit_nano is None:
        return CoverFault.NO_CHARGER
    if agreed.wanted is None:
        return CoverFault.NOT_SETTLED
    if agreed.allowed is None or agreed.consent is None:
        return CoverFault.NO_CONSENT
    if agreed.consent.of_provider != charged.provider:
        return CoverFault.NO_CONSENT
    most = [min(pair) for pair in zip(agreed.wanted, agreed.allowed, strict=True)]
    amount_nano, _, month_nano = most
    if charged.credit_nano > amount_nano:
        return CoverFault.AMOUNT
    together = _counted_with(charged, others)
    month = month_of(charged.paid_us)
    own = [each for each in together if each.user == charged.user]
    if sum(each.credit_nano for each in own if month_of(each.paid_us) == month) > month_nano:
        return CoverFault.MONTH
    at_them = [each for each in together if each.provider in providers]
    return CoverFault.HOUR if _most_in_an_hour_nano(charged, at_them) > limit_nano else None


def _agreed_at(terms: Iterable[StatedTerms], writers: Writers, at_us: int) -> Agreed:
    entries = [AccountEntry(each.record) for each in terms if each.stated_us < at_us]
    found = account_at(entries, at_us)
    till = None if found.consent is None else writers.till_at(found.consent.node, at_us)
    limits = None if till is None else till.consents
    return Agreed(settled(found.settings), found.consent, consented(found.consent, limits))


def _fuse_at(writers: Writers, charged: ChargedCard) -> tuple[int | None, frozenset[str]]:
    """Most in an hour by all tills that charge at this account then, and where else they do."""
    tills = [writers.till_at(node, charged.paid_us) for node in {t.node for t in writers.tills}]
    fuses = [
        (till.topups.hour_max_nano, till.providers)
        for till in tills
        if till is not None and till.topups is not None and charged.provider in till.providers
    ]
    if not fuses:
        return None, frozenset()
    return sum(nano for nano, _ in fuses), frozenset().union(*(names for _, names in fuses))


def _counted_with(charged: ChargedCard, others: Iterable[ChargedCard]) -> list[ChargedCard]:
    """The payment, and each of the others that counts before it, once."""
    found = {(charged.provider, charged.payment): charged}
    for each in others:
        if each.order < charged.order:
            found.setdefault((each.provider, each.payment), each)
    return list(found.values())


def _most_in_an_hour_nano(charged: ChargedCard, together: Iterable[ChargedCard]) -> int:
    """The most that was paid in any hour in which a payment lies."""
    near = [each for each in together if abs(each.paid_us - charged.paid_us) < HOUR_US]
    return max(
        sum(each.credit_nano for each in near if 0 <= each.paid_us - first.paid_us < HOUR_US)
        for first in near
    )
