"""The units in which Stripe counts money, which are not always those of ISO 4217."""

import re
from typing import Final

from providers.interface import RefusedByProviderError

_NO_DECIMALS: Final = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"),
    )
)
_THREE_DECIMALS: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""Their last digit must be 0."""

_WHOLE_OF_TWO: Final = frozenset(["ISK"])
"""Counted in hundredths, although only whole ones exist."""

_REFUSED: Final = frozenset(["UGX"])
"""Stripe's own pages disagree about its unit: it could be a hundredth of what is meant."""

_AMOUNT: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def to_minor(amount: str, currency: str) -> int:
    """An amount in decimal text as the whole number that Stripe takes.

    Raises:
        RefusedByProviderError: it is not a whole number of the smallest unit, or not above zero.
    """
    if _CURRENCY.fullmatch(currency) is None or currency in _REFUSED:
        raise RefusedByProviderError(
            f"payments in {currency} are not taken", hint="choose another currency"
        )
    found = _AMOUNT.fullmatch(amount)
    decimals = _decimals(currency)
    step = 10 if currency in _THREE_DECIMALS else 100 if currency in _WHOLE_OF_TWO else 1
    if found is not None:
        fraction = (found[2] or "").rstrip("0")
        minor = int(found[1] + fraction.ljust(decimals, "0"))
        if len(fraction) <= decimals and minor > 0 and minor % step == 0:
            return minor
    places = 2 if currency in _THREE_DECIMALS else 0 if currency in _WHOLE_OF_TWO else decimals
    raise RefusedByProviderError(
        f"{amount} {currency} cannot be paid",
        hint=f"an amount in {currency} is above zero and has at most {places} decimals",
    )


def from_minor(minor: int, currency: str) -> str:
    """A whole number of Stripe's as decimal text: `20.00`, or `500` where there are no decimals."""
    decimals = _decimals(currency)
    digits = str(minor).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    if not fraction or (currency in _WHOLE_OF_TWO and not fraction.strip("0")):
        return whole
    return f"{whole}.{fraction}"


def _decimals(currency: str) -> int:
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
