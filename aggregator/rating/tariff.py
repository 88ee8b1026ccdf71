"""What a number of units costs under one price: a rate, tiers or packages. Pure.

The cost is an exact fraction with one denominator for each price, so that it is rounded once, where
it becomes money.
"""

from bisect import bisect_left
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from wire_format.money import NANO, PRICE_SCALE

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_files.prices_file import Price


class _Rung(NamedTuple):
    """One tier as numerators.

    Attributes:
        floor: the units of the tiers before it.
        below: what those cost.
        unit: one unit of it.
        flat: what its first unit costs besides.
    """

    floor: int
    below: int
    unit: int
    flat: int


class TierShare(NamedTuple):
    """The units of a charge that lie in one tier.

    Attributes:
        tier: its place, from 0.
        units: how many.
        is_begun: whether the first unit of the tier is among them, so that `flat_usd` is due.
    """

    tier: int
    units: int
    is_begun: bool


class Tariff:
    """The cost of units under a price.

    Args:
        price: the price in the rule book.

    Attributes:
        rule: the price.
        denominator: of all costs, in nano-dollars.
        unit: the numerator of one unit where all have the same rate and nothing else is due; None
            where the cost of a unit depends on the others.
        is_volume: whether the rate of all units follows from how many there are in the end.
        package_size: units of a package, which is due as a whole; None for a price of units.
    """

    def __init__(self, price: "Price") -> None:
        self.rule = price
        steps = price.steps
        per = price.units_per * PRICE_SCALE
        self.package_size = None if price.package is None else price.package.size
        # of a package the price is for all of it, of a tier `flat_usd` is for once
        units = [step.scaled * NANO * (self.package_size or 1) for step in steps]
        flats = [step.flat_scaled * NANO * price.units_per for step in steps]
        divisor = gcd(per, *units, *flats)
        self.denominator = per // divisor
        self.is_volume = price.mode == "volume"
        self._borders = [step.up_to for step in steps if step.up_to is not None]
        self._rungs: list[_Rung] = []
        floor = below = 0
        for step, unit, flat in zip(steps, units, flats, strict=True):
            self._rungs.append(_Rung(floor, below, unit // divisor, flat // divisor))
            if step.up_to is not None:
                below += ((step.up_to - floor) * unit + flat) // divisor
                floor = step.up_to
        is_plain = len(steps) == 1 and not flats[0] and self.package_size is None
        self.unit = self._rungs[0].unit if is_plain else None

    def cost(self, units: int, total: int) -> int:
        """The numerator of what the first `units` of a window cost.

        Args:
            units: how many; 0 or more.
            total: how many the window has in the end; only the tiers of volume prices look at it.
        """
        if self.unit is not None:
            return units * self.unit
        if units <= 0:
            return 0
        if self.package_size is not None:
            return -(-units // self.package_size) * self._rungs[0].unit
        if self.is_volume:
            rung = self._rungs[self.tier_of(total)]
            return units * rung.unit + rung.flat
        floor, below, unit, flat = self._rungs[bisect_left(self._borders, units)]
        return below + (units - floor) * unit + flat

    def tier_of(self, unit: int) -> int:
        """The place of the tier that a unit lies in, from 0."""
        return bisect_left(self._borders, unit)

    def flat_of(self, tier: int) -> int:
        """The numerator of what the first unit of a tier costs besides."""
        return self._rungs[tier].flat

    def shares(self, before: int, counted: int, total: int) -> list[TierShare]:
        """How the units after the first `before`, up to `counted`, lie in the tiers.

        Args:
            before: units of the window before those that are asked about.
            counted: units of it with them.
            total: units that the window counts in the end.
        """
        if counted <= before:
            return []
        if self.is_volume:
            return [TierShare(self.tier_of(total), counted - before, is_begun=before == 0)]
        found: list[TierShare] = []
        ends = [*self._borders, counted]
        for tier, (rung, end) in enumerate(zip(self._rungs, ends, strict=True)):
            units = min(end, counted) - max(rung.floor, before)
            if units > 0:
                found.append(TierShare(tier, units, is_begun=before <= rung.floor))
        return found

    def units_within(self, cost_max_nano: int) -> int | None:
        """Units that cost at most this whatever came before them; None if all do.

        It may be fewer than there are: nothing is asked of it but that none of them costs more.
        """
        dearest = max(rung.unit for rung in self._rungs)
        flats = sum(rung.flat for rung in self._rungs)
        if not dearest and not flats:
            return None
        left = cost_max_nano * self.denominator - flats
        if self.package_size is not None:
            return max(0, left // dearest) * self.package_size
        return max(0, left // dearest) if dearest else (None if left >= 0 else 0)
