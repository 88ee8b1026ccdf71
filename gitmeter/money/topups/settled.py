"""What a customer settled about automatic payments, and what he consented to. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple, Self

from wire_format.lines import Account
from wire_format.money import format_usd, parse_nano
from wire_format.writers import ConsentLimits

SETTINGS_OF_TOPUPS: Final = ("auto_topup_usd", "auto_topup_below_usd", "auto_topup_month_usd")
"""The settings that say what an automatic payment is; it is off where one is missing, or where the
first or the last is zero."""


class AutoTopup(NamedTuple):
    """When a card is charged, how much, and how often; in nano-dollars.

    Attributes:
        amount_nano: what one payment credits.
        below_nano: the balance below which it is made.
        month_nano: most by such payments in a calendar month, UTC.
    """

    amount_nano: int
    below_nano: int
    month_nano: int

    @classmethod
    def of_texts(cls, amount_usd: str, below_usd: str, month_usd: str) -> Self:
        """From amounts as lines have them."""
        return cls(parse_nano(amount_usd), parse_nano(below_usd), parse_nano(month_usd))

    @property
    def texts(self) -> tuple[str, str, str]:
        """The three amounts as lines have them."""
        amount, below, month = (format_usd(nano) for nano in self)
        return amount, below, month

    def covers(self, other: "AutoTopup") -> bool:
        """Whether a consent to this is one to another, in each of the three."""
        return all(theirs <= own for own, theirs in zip(self, other, strict=True))


def settled(settings: Mapping[str, str]) -> AutoTopup | None:
    """What is settled; None where automatic payments are off.

    Args:
        settings: by the names of fields, as `gitmeter.money.accounts.AccountAt` has them.
    """
    texts = [settings.get(name) for name in SETTINGS_OF_TOPUPS]
    amount, below, month = texts
    if amount is None or below is None or month is None:
        return None
    found = AutoTopup.of_texts(amount, below, month)
    return found if found.amount_nano > 0 and found.month_nano > 0 else None


def consented(consent: Account | None, limits: ConsentLimits | None) -> AutoTopup | None:
    """What a consent allows; None where it allows nothing.

    It has to name the payment at which it was given, because the card of that payment is the one
    that may be charged, and to be within what its till may state now.

    Args:
        consent: the last one that counts.
        limits: of its till, as the rule book has them now; None where it states none.
    """
    if consent is None or limits is None or consent.of_ref is None:
        return None
    if consent.amount_usd is None or consent.below_usd is None or consent.month_usd is None:
        return None
    found = AutoTopup.of_texts(consent.amount_usd, consent.below_usd, consent.month_usd)
    is_within = found.amount_nano <= limits.amount_max_nano
    return found if is_within and found.month_nano <= limits.month_max_nano else None
