"""From which payment an account's tenure counts, hour by hour. Pure.

In each hour it is the first payment of which something was left by lines dated before that hour. So
a refund moves no hour that is closed, and most accounts have one step for all hours.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

BEFORE_ALL_HOURS: Final = -1


class TenureStep(NamedTuple):
    """From when an account's tenure counts, in the hours from one on.

    Attributes:
        from_hour: the first clock hour since 1970; of the first step below all hours.
        first_paid_us: the payment, microseconds since 1970; None where there is none.
    """

    from_hour: int
    first_paid_us: int | None


Tenure = Sequence[TenureStep]
"""Ascending, and at least one step."""

NO_TENURE: Final = (TenureStep(BEFORE_ALL_HOURS, None),)


def first_paid_at(tenure: Tenure, hour: int) -> int | None:
    """The payment from which tenure counts in a clock hour, microseconds since 1970, or None."""
    if len(tenure) == 1:
        return tenure[0].first_paid_us
    at = bisect_right(tenure, hour, key=lambda step: step.from_hour)
    return tenure[at - 1].first_paid_us


def tenure_text(tenure: Tenure) -> str | None:
    """Several steps as JSON; None for a single one."""
    return None if len(tenure) == 1 else json.dumps(tenure)


def read_tenure(stored: str | int | None) -> Tenure:
    """The steps that `tenure_text` wrote, or the one payment of an account that has one step."""
    if isinstance(stored, str):
        return tuple(TenureStep(*step) for step in json.loads(stored))
    return (TenureStep(BEFORE_ALL_HOURS, stored),)
