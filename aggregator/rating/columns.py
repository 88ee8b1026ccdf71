"""Many charges rated at once: what `Rater.rate` says, over whole columns. Pure.

The arithmetic is that of 64-bit integers, where a bound proves that none overflows; any charge for
which it does not is rated by `Rater.rate` itself.
"""

from collections.abc import Sequence
from math import gcd
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggregator.rating.rating import STATES, ChargeState, Rater
from gitmeter.pricing.price_book import NoPrice
from wire_format.fields import AppliesTo
from wire_format.instants import HOUR_US
from wire_format.money import MULTIPLIER_SCALE

Column = NDArray[np.int64]

NEVER_US: Final = np.iinfo(np.int64).max
"""The first payment of a user who has not paid, in a column."""

_LIMIT: Final = 2**61
"""No product and no sum of two numbers below it leaves 64 bits."""

_NUMBERS: Final = {state: number for number, state in enumerate(STATES)}
_UNRATED: Final = {
    NoPrice.UNPRICED: _NUMBERS[ChargeState.UNPRICED],
    NoPrice.CATEGORY_MISMATCH: _NUMBERS[ChargeState.CATEGORY_MISMATCH],
}


class Charges(NamedTuple):
    """Charges to rate, in columns of one length.

    Attributes:
        quantity: the units of all records of the charge.
        hour: the clock hour, since 1970.
        kind: the place of its resource and category in `kinds`.
        paid_us: the user's first payment in microseconds since 1970, or `NEVER_US`.
        kinds: resources and categories.
    """

    quantity: Column
    hour: Column
    kind: Column
    paid_us: Column
    kinds: Sequence[tuple[str, AppliesTo]]


class Ratings(NamedTuple):
    """The state of each charge, as its place in `STATES`, and its costs in nano-dollars."""

    state: Column
    list_cost_nano: Column
    billed_cost_nano: Column


def rate_all(rater: Rater, charges: Charges) -> Ratings:
    """Rate charges; each rating is exactly that of `Rater.rate`."""
    numerator, denominator, state = _prices(rater, charges)
    is_rated = state == _NUMBERS[ChargeState.RATED]
    # a price that has no one rate, or is beyond 64 bits, has the numerator -1
    is_hard = is_rated & ((numerator < 0) | (charges.quantity > _LIMIT // np.maximum(numerator, 1)))
    amount = charges.quantity * np.where(is_rated & ~is_hard, numerator, 0)
    list_cost_nano = _divide_half_even(amount, denominator)
    is_hard |= list_cost_nano > rater.cost_max_nano
    share, whole = _multipliers(rater, charges)
    is_hard |= (amount > _LIMIT // np.maximum(share, 1)) | (denominator > _LIMIT // whole)
    easy = ~is_hard
    billed_cost_nano = list_cost_nano.copy()
    billed_cost_nano[easy] = _divide_half_even(
        amount[easy] * share[easy], denominator[easy] * whole[easy]
    )
    for at in np.flatnonzero(is_hard).tolist():
        resource, applies_to = charges.kinds[int(charges.kind[at])]
        paid_us = int(charges.paid_us[at])
        rating = rater.rate(
            *(int(charges.quantity[at]), resource, applies_to, int(charges.hour[at])),
            None if paid_us == NEVER_US else paid_us,
        )
        state[at] = _NUMBERS[rating.state]
        list_cost_nano[at], billed_cost_nano[at] = rating.list_cost_nano, rating.billed_cost_nano
    return Ratings(state, list_cost_nano, billed_cost_nano)


def _prices(rater: Rater, charges: Charges) -> tuple[Column, Column, Column]:
    """For each charge the price as a fraction, and the state that follows from it alone."""
    first = int(charges.hour.min(initial=0))
    both, where = np.unique(
        (charges.hour - first) * len(charges.kinds) + charges.kind, return_inverse=True
    )
    found = np.empty((3, len(both)), dtype=np.int64)
    for at, number in enumerate(both.tolist()):
        hour, kind = divmod(number, len(charges.kinds))
        resource, applies_to = charges.kinds[kind]
        price = rater.price_at(resource, applies_to, hour + first, "")
        if isinstance(price, NoPrice):
            found[:, at] = (0, 1, _UNRATED[price])
        elif price.unit is not None and max(price.unit, price.denominator) < _LIMIT:
            found[:, at] = (price.unit, price.denominator, _NUMBERS[ChargeState.RATED])
        else:
            found[:, at] = (-1, 1, _NUMBERS[ChargeState.RATED])
    numerator, denominator, state = (column[where] for column in found)
    return numerator, denominator, state


def _multipliers(rater: Rater, charges: Charges) -> tuple[Column, Column]:
    """For each charge the discount as a fraction of the list cost, in lowest terms."""
    share = np.ones(len(charges.hour), dtype=np.int64)
    whole = np.ones(len(charges.hour), dtype=np.int64)
    has_paid = charges.paid_us != NEVER_US
    tenure_us = charges.hour * HOUR_US - np.where(has_paid, charges.paid_us, 0)
    version = np.searchsorted(np.array(rater.ladder.from_hours), charges.hour, side="right") - 1
    categories = [applies_to for _, applies_to in charges.kinds]
    for number, tiers in enumerate(rater.ladder.versions):
        is_left = has_paid & (version == number)
        for tier in tiers:
            reached = is_left & (tenure_us >= tier.tenure_us_min)
            is_left &= ~reached
            scaled = [tier.multipliers.get(each, MULTIPLIER_SCALE) for each in categories]
            divisors = [gcd(each, MULTIPLIER_SCALE) for each in scaled]
            parts = np.array([s // d for s, d in zip(scaled, divisors, strict=True)])
            wholes = np.array([MULTIPLIER_SCALE // d for d in divisors])
            share[reached] = parts[charges.kind[reached]]
            whole[reached] = wholes[charges.kind[reached]]
    return share, whole


def _divide_half_even(numerator: Column, denominator: Column) -> Column:
    """As `aggregator.rating.rating.divide_half_even`, for numbers from 0 to `_LIMIT`."""
    quotient, remainder = np.divmod(numerator, denominator)
    twice = 2 * remainder
    is_up = (twice > denominator) | ((twice == denominator) & (quotient & 1 == 1))
    rounded: Column = quotient + is_up
    return rounded
