"""The fuse over all automatic payments: most attempts, and most money, within any hour. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from wire_format.instants import HOUR_US
from wire_format.writers import TopupLimits


class Begun(NamedTuple):
    """An attempt of whichever account: when it began, and what it is to credit.

    Attributes:
        at_us: microseconds since 1970.
        credit_nano: in nano-dollars.
    """

    at_us: int
    credit_nano: int


def blows(begun: Iterable[Begun], wanted_nano: int, limits: TopupLimits, now_us: int) -> bool:
    """Whether another attempt would be one too many within the last hour.

    What failed counts as well: a thief's attempts do mostly fail. What is dated after now counts,
    too, so that a clock that was set back opens nothing.

    Args:
        begun: attempts of all accounts, at least those of the last hour.
        wanted_nano: what the next one is to credit, in nano-dollars.
        limits: of an hour.
        now_us: the time.
    """
    recent = [each.credit_nano for each in begun if each.at_us > now_us - HOUR_US]
    return len(recent) >= limits.hour_max or sum(recent) + wanted_nano > limits.hour_max_nano
