"""Units that a plan includes: the first ones of each cycle, over all resources of a meter. Pure.

They go to the units of a cycle in the order of hour, resource and category, whether these have a
price or not, and cost nothing. So what a charge gets depends on the units before it in its cycle,
and on nothing that arrives later than them.
"""

from collections.abc import Iterable, Iterator, MutableMapping
from typing import NamedTuple

from gitmeter.money.plans.timeline import PlanTimeline
from wire_format.fields import AppliesTo


class Metered(NamedTuple):
    """The units of one charge.

    Attributes:
        hour: its clock hour, since 1970.
        resource, applies_to: what was used.
        quantity: its units.
    """

    hour: int
    resource: str
    applies_to: AppliesTo
    quantity: int


Given = MutableMapping[tuple[str, str], int]
"""By cycle and meter, how many units were included so far."""


def include(charges: Iterable[Metered], timeline: PlanTimeline, given: Given) -> Iterator[int]:
    """How many units of each charge of one account are included.

    Args:
        charges: all of the account from some hour on, in the order of hour, resource and category.
        timeline: the account's plans.
        given: what was included before that hour; it goes on with each charge.
    """
    for charge in charges:
        plan = timeline.at(charge.hour)
        meter = None if plan is None else timeline.plans.meter_of(plan.version, charge.resource)
        if plan is None or meter is None:
            yield 0
            continue
        key = plan.cycle_of, meter.name
        units = max(0, charge.quantity)
        if meter.included is not None:
            units = max(0, min(units, meter.included - given.get(key, 0)))
        given[key] = given.get(key, 0) + units
        yield units
