"""What a charge is made of: its units by tier, included units, packages and flat fees. Pure.

The parts add up to the charge, in units and to the nano-dollar: each costs the difference of two
rounded costs, as the charge itself does.
"""

from enum import StrEnum
from typing import NamedTuple

from aggregator.rating.tariff import Tariff
from aggregator.rating.windows import InWindow
from wire_format.money import MULTIPLIER_SCALE, divide_half_even


class ShareKind(StrEnum):
    """What a part of a charge is charged for."""

    UNITS = "units"
    """Units at the rate of a tier, or at the one rate."""
    INCLUDED = "included"
    """Units that a plan includes; they cost nothing."""
    PACKAGES = "packages"
    """Packages that were begun."""
    FLAT = "flat"
    """What the first unit of a tier costs besides."""


class CostShare(NamedTuple):
    """A part of a charge.

    Attributes:
        kind: what it is charged for.
        tier: the place of the tier, from 0.
        units: the units of it, which add up to those of the charge; a flat fee has none.
        priced: how many times the price is due: units, packages, or 1 of a flat fee.
        list_cost_nano, billed_cost_nano: what it costs, in nano-dollars.
    """

    kind: ShareKind
    tier: int
    units: int
    priced: int
    list_cost_nano: int
    billed_cost_nano: int


def cost_shares(
    tariff: Tariff, quantity: int, in_window: InWindow | None, multiplier: int
) -> list[CostShare]:
    """Take a charge apart, if it was rated in full.

    Args:
        tariff: the price in force.
        quantity: the units of the charge.
        in_window: where in the window of its price it lies; None if it is alone there.
        multiplier: billed cost divided by list cost, in billionths.
    """
    included, before, total = in_window or InWindow(0, 0, quantity)
    end = before + quantity - included
    found = []
    if included:
        found.append(CostShare(ShareKind.INCLUDED, 0, included, included, 0, 0))
    costs = _Costs(tariff, multiplier, tariff.cost(before, total))
    package = tariff.package_size
    if package is not None and end > before:
        begun = -(-end // package) - -(-before // package)
        return [
            *found,
            costs.up_to(tariff.cost(end, total), ShareKind.PACKAGES, 0, end - before, begun),
        ]
    at = before
    for share in tariff.shares(before, end, total):
        flat = tariff.flat_of(share.tier) if share.is_begun else 0
        if flat:
            found.append(costs.up_to(costs.so_far + flat, ShareKind.FLAT, share.tier, 0, 1))
        at += share.units
        found.append(
            costs.up_to(
                tariff.cost(at, total), ShareKind.UNITS, share.tier, share.units, share.units
            )
        )
    return found


class _Costs:
    """Costs of a window up to one point after another.

    Args:
        tariff: the price.
        multiplier: of the discount, in billionths.
        so_far: the numerator of what was charged before the first part.
    """

    def __init__(self, tariff: Tariff, multiplier: int, so_far: int) -> None:
        self._denominator, self._multiplier = tariff.denominator, multiplier
        self.so_far = so_far

    def up_to(self, cost: int, kind: ShareKind, tier: int, units: int, priced: int) -> CostShare:
        """The part that brings the cost of the window up to a numerator."""
        list_nano, billed_nano = (
            divide_half_even(after, denominator) - divide_half_even(before, denominator)
            for after, before, denominator in (
                (cost, self.so_far, self._denominator),
                (
                    cost * self._multiplier,
                    self.so_far * self._multiplier,
                    self._denominator * MULTIPLIER_SCALE,
                ),
            )
        )
        self.so_far = cost
        return CostShare(kind, tier, units, priced, list_nano, billed_nano)
