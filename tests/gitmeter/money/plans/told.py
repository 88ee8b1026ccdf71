"""Plans, and what customers, desks and books write about them, in few words.

Times are hours since the 10th of November 2026, 00:00 UTC.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any, Literal

from gitmeter.money.plans.plan_faults import PlanFault
from gitmeter.money.plans.plan_lines import JudgedPlanLines, PlanEntry, judge_plan_lines
from gitmeter.money.plans.timeline import PlanTimeline
from wire_format.instants import hour_of, to_us
from wire_format.lines import Account
from wire_format.money import parse_nano
from wire_format.plans import PlanMeter, Plans, PlanVersion

DAY_10 = datetime(2026, 11, 10, tzinfo=UTC)
ZERO = hour_of(DAY_10)
"""The clock hour since 1970 from which tests count."""
LONG_AGO = -7000
Hours = int | Fraction


def instant(hours: Hours) -> datetime:
    return DAY_10 + timedelta(seconds=int(hours * 3600))


def meter(name: str, included: int | None, match: str | None = None) -> PlanMeter:
    return PlanMeter(name, (match or f"{name}/*",), included, "bill")


def plan(
    name: str,
    fee: str | None = None,
    credit: str = "0",
    *,
    begins: int = LONG_AGO,
    **more: Any,  # noqa: ANN401 - what a version states
) -> PlanVersion:
    """A plan that desks sell; of 48 hours, without a fee of 24."""
    fee_nano = None if fee is None else parse_nano(fee)
    own = {"cycle_hours": 24 if fee is None else 48, "sold_by": ("desk",), **more}
    own["credit_nano"] = parse_nano(credit)
    return PlanVersion(name=name, from_hour=ZERO + begins, fee_nano=fee_nano, **own)


FREE = plan("free", is_default=True)
PRO = plan("pro", "2", "1", meters=(meter("search", 5),))
POWER = plan("power", "3", "1.50", meters=(meter("search", 20),))
TOP = plan("top", "5", "1.20", meters=(meter("search", None), meter("mail", 9)))
PLANS = Plans((FREE, PRO, POWER, TOP))
LITE = plan("lite", meters=(meter("search", 5),))
"""Without a fee, and none of `PLANS`."""


@dataclass
class Customer:
    """One account, what it paid, and the plan lines about it."""

    plans: Plans = PLANS
    entries: list[PlanEntry] = field(default_factory=list)
    money: list[tuple[int, int, int]] = field(default_factory=list)

    def pays(self, usd: str, at: Hours = -10, committed: Hours | None = None) -> None:
        """Pay, or below zero have something refunded."""
        times = [at, at if committed is None else committed]
        at_us, committed_us = (to_us(instant(time)) for time in times)
        self.money.append((at_us, committed_us, parse_nano(usd)))

    def line(
        self,
        name: str,
        first: int,
        end: int | None = None,
        fee: str | None = None,
        *,
        by: str = "desk-1",
        ts: Hours | None = None,
        committed: Hours | None = None,
        instead_of: str | None = None,
    ) -> Account:
        """Write a plan line: half past the hour of its `from`, and at once."""
        ts = first + Fraction(1, 2) if ts is None else ts
        record = Account(
            v=2,
            node=by,
            seq=len(self.entries) + 1,
            ts=instant(ts),
            user="alice",
            kind="plan",
            plan=name,
            instead_of=instead_of,
            from_=instant(first),
            until=None if end is None else instant(end),
            fee_usd=fee,
        )
        committed_us = to_us(instant(ts if committed is None else committed))
        role: Literal["books", "desk"] = "books" if by == "books" else "desk"
        self.entries.append(PlanEntry(record, role, committed_us))
        return record

    def money_before(self, committed_us: int) -> int:
        """What lines say whose `ts` and commit are before an instant."""
        return sum(nano for at, seen, nano in self.money if max(at, seen) < committed_us)

    def judged(self, shuffled: Random | None = None) -> JudgedPlanLines:
        """Which of the lines count."""
        entries = list(self.entries)
        if shuffled is not None:
            shuffled.shuffle(entries)
        return judge_plan_lines(entries, self.plans, self.money_before)

    def faults(self) -> dict[int, PlanFault | None]:
        """By the number of the line, from 1."""
        return {line.record.seq: line.fault for line in self.judged().judged}

    def counted(self) -> list[int]:
        """The numbers of those that count."""
        return [record.seq for record in self.judged().counted]

    def timeline(self) -> PlanTimeline:
        """What comes of those that count."""
        return PlanTimeline(self.judged().counted, self.plans)


def shown(timeline: PlanTimeline, hour: int) -> tuple[str, int, int, str] | None:
    """The plan, the cycle, and its name without the time."""
    found = timeline.at(ZERO + hour)
    if found is None:
        return None
    cycle = found.cycle_start - ZERO, found.cycle_end - ZERO
    return found.version.name, *cycle, found.cycle_of.partition("@")[0]


def credited(timeline: PlanTimeline, first: int = -99, end: int = 999) -> list[tuple[Any, ...]]:
    """Each credit: its name, its amount in cents, its hours."""
    return [
        (
            granted.reference,
            granted.amount_nano // 10_000_000,
            [(span.first - ZERO, span.end - ZERO) for span in granted.spans],
        )
        for granted in timeline.credits(ZERO + first, ZERO + end)
    ]
