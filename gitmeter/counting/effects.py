"""What one money line states: its movement, the payment it is about, the credit it gives. Pure."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Final

from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.lines import Account, Money
from wire_format.money import parse_nano

Movement = tuple[str, str, str]
"""Provider, reference and kind: what several lines may state, and what counts once."""

TAKES: Final = frozenset({"refund", "dispute"})
"""Kinds that take from a payment."""
GIVES_BACK: Final = {"refund_reversal": "refund", "dispute_reversal": "dispute"}
"""Kinds that give back to a payment, each with what fell through or was won."""
OF_A_PAYMENT: Final = TAKES | GIVES_BACK.keys()
SILENT: Final = frozenset({"pending", "ended", "void"})
"""Kinds that are never money themselves."""

CONFIRMED_MAX_NANO: Final = 2**62
"""Twice as many dollars as an amount can state, and more."""

CreditPerUnit = Callable[[Movement], Fraction]
"""For a payment: the most nano-dollars for a nano-unit of its currency that a line of it states; 0
where none is known."""


def movement(record: Money) -> Movement | None:
    """Provider, reference and kind: what a line is about; None where it has no reference."""
    if record.external_ref is None:
        return None
    return record.provider, record.external_ref, record.kind


def payment_of(record: Money) -> Movement | None:
    """The payment that a refund, a dispute or a reversal of version 2 is about; None for others."""
    if record.v == 1 or record.kind not in OF_A_PAYMENT or record.of_ref is None:
        return None
    return record.provider, record.of_ref, "payment"


def bonus_payment_of(record: Money) -> Movement | None:
    """The payment that a grant is a bonus on; None for other grants and other lines."""
    if record.kind != "grant" or record.of_provider is None or record.of_ref is None:
        return None
    return record.of_provider, record.of_ref, "payment"


def ended_grant_of(record: Money) -> Movement | None:
    """The grant that a void is about; None for other lines."""
    if record.kind != "void" or record.of_provider is None or record.of_ref is None:
        return None
    return record.of_provider, record.of_ref, "grant"


def credited_nano(record: Money) -> int:
    """Nano-dollars that the line adds to a balance if it counts; a refund takes them away.

    Nothing for what is never money itself, and for a payment whose credit is undecided. A refund,
    dispute or reversal of version 2 states no credit: this is then its amount, whatever currency.
    """
    if record.kind in SILENT or record.status == "undecided":
        return 0
    return parse_nano(record.credited_usd or record.amount)


def rate_of(record: Money) -> Fraction:
    """Nano-dollars that a payment gives for a nano-unit of its currency."""
    return Fraction(credited_nano(record), parse_nano(record.amount))


def confirmed_nano(record: Money | Account, per_unit: CreditPerUnit) -> int:
    """Nano-dollars that a line moves, as far as its writer may move them unconfirmed.

    What is about a payment in another currency counts at the most that a line of the payment gives
    for a unit, rounded up, because it states no credit of its own. Never below zero, nor above what
    a number of 64 bits holds and no limit reaches.
    """
    if isinstance(record, Account):
        return parse_nano(record.fee_usd) if record.fee_usd else 0
    if record.kind in SILENT or record.status != "succeeded":
        return 0
    amount_nano = abs(credited_nano(record))
    payment = payment_of(record)
    if payment is not None and record.currency != CURRENCY_DEFAULT:
        return min(ceil(amount_nano * per_unit(payment)), CONFIRMED_MAX_NANO)
    return amount_nano


def effect_nano(record: Money | Account, per_unit: CreditPerUnit) -> int:
    """What a line leaves an account with: above zero if it adds, below zero if it takes."""
    moved = confirmed_nano(record, per_unit)
    if isinstance(record, Account) or record.kind in TAKES:
        return -moved
    if record.kind == "adjustment" and record.amount.startswith("-"):
        return -moved
    return moved
