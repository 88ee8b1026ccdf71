"""Decimal money texts to whole nano-dollars and back, and the one way to round. No float is used.

One nano-dollar is 1e-9 USD; amounts are Python integers, so nothing overflows. A fraction of one is
rounded by `divide_half_even`, wherever that happens.
"""

import re
from typing import Final

from wire_format.fields import AMOUNT_PATTERN

NANO: Final = 1_000_000_000
"""Nano-dollars in a dollar."""

PRICE_SCALE: Final = 10**15
"""A price is kept as whole 1e-15 dollars, so that a price of a token in decimals stays exact."""

MULTIPLIER_SCALE: Final = 1_000_000_000
"""A discount's multiplier is kept as whole 1e-9."""

_AMOUNT = re.compile(AMOUNT_PATTERN)
_DECIMALS: Final = 9


class InvalidAmountError(ValueError):
    """A text is not an amount of money in the form the wire format allows."""


def parse_nano(text: str) -> int:
    """Read `12.5` as 12_500_000_000: up to 9 digits before and 9 after the point, an optional `-`.

    Raises:
        InvalidAmountError: for any other form.
    """
    if _AMOUNT.fullmatch(text) is None:
        raise InvalidAmountError(
            "must be a decimal such as 12.50, with up to 9 digits before and 9 after the point"
        )
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    return sign * (int(whole) * NANO + int(fraction.ljust(_DECIMALS, "0")))


def format_usd(amount_nano: int, decimals_min: int = 2) -> str:
    """Write nano-dollars exactly: at least `decimals_min` decimals, and as many as are needed."""
    sign = "-" if amount_nano < 0 else ""
    whole, nano = divmod(abs(amount_nano), NANO)
    fraction = f"{nano:09d}".rstrip("0").ljust(decimals_min, "0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def format_cents(amount_nano: int) -> str:
    """Write nano-dollars for people, rounded to cents: `12.35`."""
    cents = divide_half_even(amount_nano, NANO // 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def divide_half_even(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction, ties to the even one; `denominator` is above zero."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient
