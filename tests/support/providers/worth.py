"""What a payment is worth by the books of a simulated provider."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass
class Worth:
    """What one payment is worth, by the books of the provider.

    Attributes:
        payment: `pi_`.
        tag: what was on it when it was made; whatever became of it later does not matter.
        attempt: which attempt it belongs to, as was written on it then, or as its order reference.
        currency: upper case.
        paid: what was received.
        taken: what was given back, or taken by a bank, and did not come back; at most `paid`.
        paid_at: seconds since 1970.
        is_live: of live mode.
    """

    payment: str
    tag: str | None
    attempt: str | None
    currency: str
    paid: Decimal
    taken: Decimal
    paid_at: int
    is_live: bool

    @property
    def left(self) -> Fraction:
        """The share of it that is left, from 0 to 1."""
        return Fraction(self.paid - self.taken) / Fraction(self.paid)
