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
        terms: to what; None where that is no amounts of money.
        payment: the line of the payment.
        is_known: whether a line says so already.
        is_beyond: whether this till may not state it.
    """

    terms: AutoTopup | None
    payment: ExpectedLine
    is_known: bool
    is_beyond: bool

    def to_write(self, now: datetime) -> AutoTopup | None:
        """What its line has to state, if it has to be written; one that is too old never is."""
        is_missing = not self.is_known and not self.is_beyond
        return self.terms if is_missing and self.payment.at >= now - LATE_MAX else None


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
    terms = _read(truth.consent)
    is_fine = is_known or (terms is not None and is_within(terms, cards))
    return Consented(terms, payment, is_known, is_beyond=not is_fine)


def consent_line(
    *, node: str, seq: int, provider: str, payment: ExpectedLine, terms: AutoTopup
) -> Account:
    """The line of a consent, at the time of its payment."""
    amount_usd, below_usd, month_usd = terms.texts
    return Account(
        v=VERSION_2,
        node=node,
        seq=seq,
        ts=payment.at,
        user=payment.user,
        kind=CONSENT,
        amount_usd=amount_usd,
        below_usd=below_usd,
        month_usd=month_usd,
        of_provider=provider,
        of_ref=payment.external_ref,
    )


def is_within(asked: AutoTopup, cards: CardsTable) -> bool:
    """Whether a consent is within what a till may state, and makes sense by itself."""
    return (
        0 < asked.amount_nano <= parse_nano(cards.consent_max_usd)
        and asked.below_nano >= 0
        and asked.amount_nano <= asked.month_nano <= parse_nano(cards.consent_month_max_usd)
    )


def _read(terms: ConsentTerms) -> AutoTopup | None:
    try:
        return AutoTopup.of_texts(*terms)
    except InvalidAmountError:  # of somebody who wrote it at the provider by hand
        return None
