"""The discount ladder: the tier that a user's tenure has reached, and its multipliers.

Tenure runs from the user's first succeeded payment to the start of the hour that is charged.
Inactivity does not reset it. The tier displayed with an account is never used for rating.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from wire_format.fields import AppliesTo
from wire_format.instants import DAY_US, HOUR_US
from wire_format.money import MULTIPLIER_SCALE

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_book import Ladder

TIER_NONE: Final = "none"


class Discount(NamedTuple):
    """The discount of one tier for one category.

    Attributes:
        tier: its name; `none` before the first tier.
        multiplier: billed cost divided by list cost, in billionths (see `MULTIPLIER_SCALE`).
    """

    tier: str
    multiplier: int


NO_DISCOUNT: Final = Discount(TIER_NONE, MULTIPLIER_SCALE)


class LadderStep(NamedTuple):
    """One step of a ladder: the tenure from which it holds, and the multipliers by category."""

    tenure_us_min: int
    name: str
    multipliers: dict[AppliesTo, int]


class DiscountLadder:
    """All versions of the discount ladder, by the hour from which each is in force.

    Args:
        ladders: the versions, in any order.

    Attributes:
        from_hours: the first hour of each version, ascending.
        versions: the tiers of each, the longest tenure first.
    """

    def __init__(self, ladders: "Iterable[Ladder]") -> None:
        ordered = sorted(ladders, key=lambda ladder: ladder.from_hour)
        self.from_hours = [ladder.from_hour for ladder in ordered]
        self.versions = [_tiers(ladder) for ladder in ordered]

    def discount_at(self, first_paid_us: int | None, hour: int, applies_to: AppliesTo) -> Discount:
        """The tier that a tenure has reached at the start of `hour`, and its multiplier.

        Args:
            first_paid_us: time of the first succeeded payment, microseconds since 1970; None
                without one.
            hour: the clock hour that is charged, since 1970.
            applies_to: the discount category of the charge.
        """
        if first_paid_us is None:
            return NO_DISCOUNT
        index = bisect_right(self.from_hours, hour)
        if index:
            tenure_us = hour * HOUR_US - first_paid_us
            for tier in self.versions[index - 1]:
                if tenure_us >= tier.tenure_us_min:
                    return Discount(tier.name, tier.multipliers.get(applies_to, MULTIPLIER_SCALE))
        return NO_DISCOUNT

    def tier_at(self, first_paid_us: int | None, hour: int) -> str:
        """The name of the tier at the start of `hour`, for display."""
        # any category will do: a tier has one name for all of them
        return self.discount_at(first_paid_us, hour, "hero_os_hourly").tier


def _tiers(ladder: "Ladder") -> list[LadderStep]:
    """The tiers of a ladder, the longest tenure first."""
    return [
        LadderStep(tier.after_days * DAY_US, tier.name, dict.fromkeys(tier.applies_to, tier.scaled))
        for tier in reversed(ladder.tiers)
    ]
