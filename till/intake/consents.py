"""What a customer agreed to when a card was saved, and the line that says so; pure.

The page on which he paid stated it, and the provider keeps it with the payment. So the line follows
from what the provider says, as those of money do: whatever order events come in, and whether any
did.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from gitmeter.money.topups.attempts import is_automatic
from gitmeter.money.topups.settled import AutoTopup
from providers.consents import ConsentTerms
from providers.expected import ExpectedLine
from providers.interface import Truth
from till.config.tables import CardsTable
from till.intake.missing import LATE_MAX
from till.records.lines import KnownLine, LineKey
from wire_format.fields import VERSION_2
from wire_format.lines import Account
from wire_format.money import InvalidAmountError, parse_nano

CONSENT: Final = "consent"
BEYOND: Final = "states a consent beyond [cards]"


class Consented(NamedTuple):
    """A consent that was given with a payment.

    Attributes:
        terms: to what.
        payment: the line of the payment.
        is_known: whether a line says so already.
        is_beyond: whether this till may not state it.
    """

    terms: ConsentTerms
    payment: ExpectedLine
    is_known: bool
    is_beyond: bool

    def is_missing(self, now: datetime) -> bool:
        """Whether its line has to be written; one that is too old for a till never is."""
        return not self.is_known and not self.is_beyond and self.payment.at >= now - LATE_MAX


def consent_of(
    provider: str,
    truth: Truth,
    lines: Iterable[ExpectedLine],
    known: Mapping[LineKey, KnownLine],
    cards: CardsTable | None,
) -> Consented | None:
    """The consent that was given with a payment; None if none was, or if it is worth nothing.

    It is worth something where the customer himself paid what was promised to him, and nobody else
    is credited for that payment.

    Args:
        provider: the account.
        truth: what the provider says.
        lines: those that must exist.
        known: those that exist, at least about the same payment and its consent.
        cards: what this till may state; None for nothing.
    """
    payment = next((line for line in lines if line.kind == "payment"), None)
    if truth.consent is None or cards is None or payment is None:
        return None
    if not truth.is_by_customer or is_automatic(truth.attempt):
        return None
    there = known.get(LineKey(provider, payment.kind, payment.external_ref))
    is_credited = there is None or (there.user, there.status) == (payment.user, payment.status)
    if payment.status != "succeeded" or not is_credited:
        return None
    is_known = LineKey(provider, CONSENT, payment.external_ref) in known
    is_beyond = not is_known and not _is_within(truth.consent, cards)
    return Consented(truth.consent, payment, is_known, is_beyond)


def consent_line(*, node: str, seq: int, provider: str, consented: Consented) -> Account:
    """The line of a consent, at the time of its payment."""
    amount_usd, below_usd, month_usd = consented.terms
    return Account(
        v=VERSION_2,
        node=node,
        seq=seq,
        ts=consented.payment.at,
        user=consented.payment.user,
        kind=CONSENT,
        amount_usd=amount_usd,
        below_usd=below_usd,
        month_usd=month_usd,
        of_provider=provider,
        of_ref=consented.payment.external_ref,
    )


def is_within(asked: AutoTopup, cards: CardsTable) -> bool:
    """Whether a consent is within what a till may state, and makes sense by itself."""
    return (
        0 < asked.amount_nano <= parse_nano(cards.consent_max_usd)
        and asked.below_nano >= 0
        and asked.amount_nano <= asked.month_nano <= parse_nano(cards.consent_month_max_usd)
    )


def _is_within(terms: ConsentTerms, cards: CardsTable) -> bool:
    try:
        return is_within(AutoTopup.of_texts(*terms), cards)
    except InvalidAmountError:  # of somebody who wrote it at the provider by hand
        return False
