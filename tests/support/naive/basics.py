"""Time, money and globs: the few plain functions on which every other module here stands."""

import re
from datetime import UTC, datetime
from fractions import Fraction

NANO = 10**9
HOUR = 3600
DAY = 86400


def instant(text: str) -> int:
    """Seconds since 1970 of an ISO 8601 time in UTC."""
    return int(datetime.fromisoformat(text).timestamp())


def written(seconds: int) -> str:
    """The time as cases write it, such as `2026-11-01T05:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hour_of(seconds: int) -> int:
    """The beginning of the clock hour in which the instant lies."""
    return seconds - seconds % HOUR


def last_hour_before(seconds: int) -> int:
    """The beginning of the latest hour that began before the instant."""
    return hour_of(seconds - 1)


def month_of(seconds: int) -> str:
    """The UTC month of an instant, such as `2026-11`."""
    return written(seconds)[:7]


def day_of(seconds: int) -> str:
    """The UTC day of an instant, such as `2026-11-01`."""
    return written(seconds)[:10]


def nano(usd: str | int) -> Fraction:
    """Nano-dollars, exact, of a decimal text in dollars."""
    return Fraction(usd) * NANO


def rounded(amount: Fraction) -> int:
    """R() of the design: half to even. It is the one place where money is rounded to a nano."""
    return round(amount)


def matches(glob: str, resource: str) -> bool:
    """Whether a resource matches a glob in which `*` alone is special, and goes over `/` too."""
    parts = [re.escape(part) for part in glob.split("*")]
    return re.fullmatch(".*".join(parts), resource, re.DOTALL) is not None
