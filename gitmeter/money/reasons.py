"""Why a line is held: the reasons of lines, and those of plan lines among each other. Pure."""

from typing import Final

from gitmeter.counting.held import HeldReason
from gitmeter.money.plans.plan_faults import PlanFault

WAITING: Final = frozenset({HeldReason.UNCONFIRMED, HeldReason.OVER_BUDGET, HeldReason.OVER_FEES})
"""The reasons for which a line waits: it is in a sum that has passed its limit."""


def reason_of(text: str) -> HeldReason | PlanFault:
    """The reason that a text names.

    Raises:
        ValueError: it names none.
    """
    try:
        return HeldReason(text)
    except ValueError:
        return PlanFault(text)
