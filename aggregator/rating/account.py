"""All charges of one account: what its plan includes, what they cost, what grants pay. Pure.

The ledger does the same for what a change moves alone; that both agree is held by a property.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aggregator.rating.drawing import Billed, Drawn, draw
from aggregator.rating.included import Metered, include
from aggregator.rating.rating import Rater, Rating
from aggregator.rating.series import Payer, SeriesRater
from aggregator.rating.windows import Use
from gitmeter.money.granted import Granted
from wire_format.fields import AppliesTo

ChargeName = tuple[int, str, AppliesTo]
"""Clock hour, resource and category."""


class AccountCharge(NamedTuple):
    """One charge of an account.

    Attributes:
        hour, resource, applies_to: its name.
        quantity: its units.
        included: those of them that the plan includes.
        before: units that the window of its price counted before it.
        rating: what it costs.
    """

    hour: int
    resource: str
    applies_to: AppliesTo
    quantity: int
    included: int
    before: int
    rating: Rating


def rate_account(
    rater: Rater, payer: Payer, quantities: Mapping[ChargeName, int]
) -> list[AccountCharge]:
    """Rate all charges of an account, in the order in which they draw."""
    metered = [Metered(*name, quantities[name]) for name in sorted(quantities)]
    included = include(metered, payer.plans, {})
    series: dict[tuple[str, AppliesTo], list[Use]] = defaultdict(list)
    for charge, units in zip(metered, included, strict=True):
        use = Use(charge.hour, charge.quantity, units)
        series[charge.resource, charge.applies_to].append(use)
    return sorted(
        AccountCharge(r.use.hour, *kind, r.use.quantity, r.use.included, r.before, r.rating)
        for kind, uses in series.items()
        for r in SeriesRater(rater, payer, *kind).rate(uses)
    )


def draw_account(charges: Sequence[AccountCharge], grants: Sequence[Granted]) -> list[Drawn]:
    """What the grants of an account pay of its charges."""
    billed = (
        Billed(charge.hour, charge.resource, charge.applies_to, charge.rating.billed_cost_nano)
        for charge in charges
    )
    return list(draw(billed, grants, {grant.name: grant.amount_nano for grant in grants}))
