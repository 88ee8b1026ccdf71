"""The discount ladder: which tier a user stands on at the start of an hour, and what it multiplies.

Tenure runs from the user's first succeeded payment to the start of the hour that is charged. There
is no reset for inactivity. The tier a person sees on the account never takes part in rating.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from wire_format.fields import AppliesTo
from wire_format.instants import HOUR_S
from wire_format.money import MULTIPLIER_SCALE

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_book import Ladder

TIER_NONE: Final = "none"
_US_PER_HOUR: Final = HOUR_S * 1_000_000
_US_PER_DAY: Final = 24 * _US_PER_HOUR


class Discount(NamedTuple):
    """What a tier does to one category.

    Attributes:
        tier: its name; `none` before the first rung.
        multiplier: billed over list cost, in whole 1e-9 (`MULTIPLIER_SCALE`).
    """

    tier: str
    multiplier: int


NO_DISCOUNT: Final = Discount(TIER_NONE, MULTIPLIER_SCALE)


class _Rung(NamedTuple):
    tenure_us_min: int
    name: str
    multipliers: dict[AppliesTo, int]


class DiscountLadder:
    """All versions of the ladder, indexed."""

    def __init__(self, ladders: "Iterable[Ladder]") -> None:
        ordered = sorted(ladders, key=lambda ladder: ladder.from_hour)
        self._from_hours = [ladder.from_hour for ladder in ordered]
        self._versions = [_rungs(ladder) for ladder in ordered]

    def discount_at(self, first_paid_us: int | None, hour: int, applies_to: AppliesTo) -> Discount:
        """The tier at the start of `hour` and what it multiplies for one category.

        Args:
            first_paid_us: microseconds since 1970 of the first succeeded payment; None without one.
            hour: the clock hour that is charged.
            applies_to: the charge's discount category.
        """
        if first_paid_us is None:
            return NO_DISCOUNT
        index = bisect_right(self._from_hours, hour)
        if index:
            tenure_us = hour * _US_PER_HOUR - first_paid_us
            for rung in self._versions[index - 1]:
                if tenure_us >= rung.tenure_us_min:
                    return Discount(rung.name, rung.multipliers.get(applies_to, MULTIPLIER_SCALE))
        return NO_DISCOUNT

    def tier_at(self, first_paid_us: int | None, hour: int) -> str:
        """The name of the tier at the start of `hour`, for display."""
        return self.discount_at(first_paid_us, hour, "hero_os_hourly").tier


def _rungs(ladder: "Ladder") -> list[_Rung]:
    """The rungs, highest first."""
    return [
        _Rung(tier.after_days * _US_PER_DAY, tier.name, dict.fromkeys(tier.applies_to, tier.scaled))
        for tier in reversed(ladder.tiers)
    ]
