"""What lines of money and accounts are judged by, besides each other."""

from typing import NamedTuple

from gitmeter.counting.decisions import Decisions
from gitmeter.money.places import MoneyLimits
from wire_format.plans import NO_PLANS, Plans


class MoneyRules(NamedTuple):
    """What lines of money and accounts are judged by, besides each other.

    Attributes:
        limits: what tills and desks may state, and whether tests count.
        decisions: the operator's.
        tenure_min_nano: how much of a payment must be left for tenure to count from it.
        plans: what accounts may have.
    """

    limits: MoneyLimits
    decisions: Decisions
    tenure_min_nano: int = 0
    plans: Plans = NO_PLANS
