"""What judging lines found: those of money, and what an account has by them besides its pool."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from gitmeter.money.granted import Granted, first_changed_hour
from gitmeter.money.plans.timeline import PlanTimeline, first_difference
from gitmeter.money.pool import Payment, payments_of
from gitmeter.money.rivals import Judged
from wire_format.lines import Account, Money
from wire_format.plans import Plans


class JudgedMoney:
    """Lines of money, judged.

    Args:
        lines: by their rows.
        voids: the voids among them that count, with the hour from which each ends its grant.

    Attributes:
        lines, voids: the arguments.
    """

    def __init__(self, lines: Mapping[int, Judged], voids: Mapping[Money, int]) -> None:
        self.lines = lines
        self.voids = voids

    @cached_property
    def paid(self) -> Mapping[Money, Payment]:
        """The payments among them that count, by their line, with what was taken of each."""
        return payments_of(self.lines.values())


class Having(NamedTuple):
    """What an account has besides its pool.

    Attributes:
        lines: its plan lines that count, in the order in which they were judged.
        grants: its grants with terms that count, in the order in which they pay.
        plans: the plans by which the lines were judged.
    """

    lines: tuple[Account, ...]
    grants: tuple[Granted, ...]
    plans: Plans


def first_hour_changed(before: Having, after: Having) -> int | None:
    """A clock hour before which both agree in what usage costs and what pays for it.

    None where they agree for ever. An account without plan lines has what all such accounts have.
    """
    hours = [first_changed_hour(before.grants, after.grants)]
    if before.lines or after.lines:
        timelines = (PlanTimeline(each.lines, each.plans) for each in (before, after))
        hours.append(first_difference(*timelines))
    return min((hour for hour in hours if hour is not None), default=None)
