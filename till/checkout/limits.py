"""How much a customer may ask for; pure.

A stolen card or key is used at once and often, so what is new is held small: few open checkouts,
few a day, and little in the first week.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from till.checkout.problems import CheckoutProblemError, over_limit
from till.records.checkouts import Earlier
from till.records.lines import KnownLine
from wire_format.instants import from_us
from wire_format.money import format_usd, parse_nano

OPEN_MAX: Final = 3
DAY_MAX: Final = 10
PROMPTS_MAX: Final = 3
WEEK: Final = timedelta(days=7)
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S


class Paid(NamedTuple):
    """What a customer has paid with this till.

    Attributes:
        first_at: when the first payment was; None before it.
        week_nano: the credit of the 7 days from it, in nano-dollars.
    """

    first_at: datetime | None
    week_nano: int


def paid(payments: Sequence[KnownLine]) -> Paid:
    """What a customer has paid, given his payments that count, the earliest first."""
    if not payments:
        return Paid(None, 0)
    first_at = from_us(payments[0].ts_us)
    within = [line for line in payments if from_us(line.ts_us) < first_at + WEEK]
    return Paid(first_at, sum(parse_nano(line.credited_usd or line.amount) for line in within))


def refusal(
    usd_nano: int, earlier: Earlier, before: Paid, first_week_nano: int, now: datetime
) -> CheckoutProblemError | None:
    """Why a customer may not open another checkout now; None if he may.

    Args:
        usd_nano: the credit that is asked for, in nano-dollars.
        earlier: what was asked for before.
        before: what was paid before.
        first_week_nano: the limit of the first week, in nano-dollars.
        now: the time.
    """
    if len(earlier.open_nano) >= OPEN_MAX:
        detail = f"{OPEN_MAX} checkouts of this account are open: pay one of them, or wait"
        return over_limit("too-many-open", detail, _HOUR_S)
    if earlier.of_day >= DAY_MAX:
        return over_limit("too-many-a-day", f"at most {DAY_MAX} checkouts a day", _DAY_S)
    if max(earlier.prompts_of_user, earlier.prompts_of_number) >= PROMPTS_MAX:
        return over_limit("too-many-prompts", f"at most {PROMPTS_MAX} prompts an hour", _HOUR_S)
    is_first_week = before.first_at is None or now < before.first_at + WEEK
    asked_nano = before.week_nano + sum(earlier.open_nano) + usd_nano
    if is_first_week and asked_nano > first_week_nano:
        most = format_usd(first_week_nano)
        return over_limit("first-week", f"at most {most} USD in the first seven days", _DAY_S)
    return None
