"""Which plan lines count, and which plan is in force in an hour (section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.support.naive.basics import HOUR, day_of, hour_of, instant, nano
from tests.support.naive.facts import NaiveLine, Table, in_force
from tests.support.naive.lines.standing import NaiveStanding
from tests.support.naive.pool import NaivePool

Agreed = tuple[object, ...]


@dataclass(eq=False)
class NaivePeriod:
    """A plan line that counts: one period of an account.

    Attributes:
        line: Of the lines that agree with it and were judged after it, or it, the earliest.
        until: None of a plan without a fee.
        upgrades: The period whose cycle an upgrade keeps, None of a plain line.
    """

    line: NaiveLine
    user: str
    plan: str
    start: int
    until: int | None
    fee_nano: Fraction
    upgrades: NaivePeriod | None

    @property
    def root(self) -> NaivePeriod:
        """The plain line that began the cycles."""
        return self.upgrades.root if self.upgrades else self


@dataclass
class NaiveCycle:
    """The plan that an account has in an hour, and the cycle that the hour is in.

    Attributes:
        version: The plan's version that this cycle has.
        key: What the hours of one cycle have in common; an upgrade keeps it.
        period: The line in force; None of the default plan and of plans without a fee.
    """

    plan: str
    version: Table
    start: int
    end: int
    key: tuple[object, ...]
    period: NaivePeriod | None


class NaivePlans:
    """The plan lines of all accounts, judged.

    Attributes:
        periods: The lines that count.
        waiting: Names of desks' lines beyond their fees of a day.
        refused: By their names, why lines do not count beside those judged before them.
    """

    def __init__(self, pool: NaivePool) -> None:
        self.pool = pool
        self.standing = pool.standing
        self.book: list[Table] = self.standing.facts.rules["plans"]
        lines, self.waiting = without_what_waits(self.standing)
        self.periods: list[NaivePeriod] = []
        self.refused: dict[str, str] = {}
        counting: dict[Agreed, NaivePeriod] = {}
        for line in sorted(lines, key=judged_order):
            counted = counting.get(agreed(line))
            if counted is not None:
                counted.line = min(counted.line, line, key=lambda one: one.order)
                continue
            period = self._judge(line)
            if period is not None:
                self.periods.append(period)
                counting[agreed(line)] = period

    def fees_before(self, user: str, asked: int) -> int:
        """Nano-dollars of fees of the account's lines dated before an instant."""
        mine = [p for p in self.periods if p.user == user and p.line.ts < asked]
        return round(sum(p.fee_nano for p in mine))

    def in_force(self, user: str, hour: int) -> NaivePeriod | None:
        """The line that began last, None where there is none or it has ended."""
        begun = [p for p in self.periods if p.user == user and p.start <= hour]
        if not begun:
            return None
        last = max(begun, key=lambda p: (p.start, self.periods.index(p)))
        return None if last.until is not None and last.until <= hour else last

    def cycle(self, user: str, hour: int) -> NaiveCycle | None:
        """The plan and cycle of an account in an hour, None where it has no plan."""
        period = self.in_force(user, hour)
        if period is not None and period.until is not None:
            return self._paid_cycle(period, hour)
        name = self._default() if period is None else period.plan
        return None if name is None else self._free_cycle(name, hour)

    def version(self, plan: str, at: int) -> Table | None:
        """The latest version of a plan that has begun."""
        return in_force([table for table in self.book if table["name"] == plan], at)

    def paid(self, plan: str) -> bool:
        """Whether the plan has a fee."""
        return any("fee_usd" in table for table in self.book if table["name"] == plan)

    def _default(self) -> str | None:
        names = [table["name"] for table in self.book if table.get("default")]
        return names[0] if names else None

    def _paid_cycle(self, period: NaivePeriod, hour: int) -> NaiveCycle | None:
        root = period.root
        version = self.version(period.plan, period.start)
        if version is None or period.until is None:
            return None
        length = version["cycle_hours"] * HOUR
        start = hour - (hour - root.start) % length
        end = min(start + length, period.until)
        of_cycle = self.version(period.plan, start if period is root else period.start)
        key = (root.line.name, start)
        return NaiveCycle(period.plan, of_cycle or version, start, end, key, period)

    def _free_cycle(self, name: str, hour: int) -> NaiveCycle | None:
        version = self.version(name, hour)
        if version is None:
            return None
        length = version["cycle_hours"] * HOUR
        start = hour - hour % length
        first = min((t for t in self.book if t["name"] == name), key=lambda t: instant(t["from"]))
        of_cycle = self.version(name, start) or first
        return NaiveCycle(name, of_cycle, start, start + length, (name, start), None)

    def _judge(self, line: NaiveLine) -> NaivePeriod | None:
        """The period of a line where it counts beside those that count so far."""
        user, plan = line.fields["user"], line.fields["plan"]
        start = instant(line.fields["from"])
        until = None if line.get("until") is None else instant(line.fields["until"])
        version = self.version(plan, start)
        if version is None:
            return self._refuse(line, "no_version")
        if self.paid(plan) != (until is not None):
            return self._refuse(line, "fee_without_until" if until is None else "until_without_fee")
        running = self.in_force(user, start)
        if line.get("instead_of") is None:
            base, price = None, nano(version.get("fee_usd", "0"))
            if running is not None and running.until is not None:
                return self._refuse(line, "period_runs")
        else:
            base = running
            cycle = self.cycle(user, start)
            if base is None or cycle is None or cycle.period is not base:
                return self._refuse(line, "not_in_force")
            fault = _upgrade_fault(line, cycle, version)
            if fault is not None:
                return self._refuse(line, fault)
            price = nano(version.get("fee_usd", "0")) - nano(cycle.version.get("fee_usd", "0"))
        fee = nano(line.get("fee_usd") or "0")
        if line.role == "desk" and not self._desk_may_sell(line, version, fee, price):
            return self._refuse(line, "a desk may not sell it")
        return NaivePeriod(line, user, plan, start, until, fee, base)

    def _refuse(self, line: NaiveLine, reason: str) -> NaivePeriod | None:
        self.refused[line.name] = reason
        return None

    def _desk_may_sell(
        self, line: NaiveLine, version: Table, fee: Fraction, price: Fraction
    ) -> bool:
        start, length = instant(line.fields["from"]), version["cycle_hours"] * HOUR
        written = hour_of(line.ts)
        if "desk" not in version.get("sold_by", []) or fee != price:
            return False
        if not written <= start <= written + length:
            return False
        plain = line.get("instead_of") is None
        until = line.get("until")
        if plain and until is not None and instant(until) != start + length:
            return False
        if fee == 0:
            return True
        mine = [period for period in self.periods if period.user == line.get("user")]
        commit = line.commit_ts
        money = self.pool.of(
            line.fields["user"], lambda one: one.ts < commit and one.commit_ts < commit
        )
        return money - sum(period.fee_nano for period in mine) >= fee


def _upgrade_fault(line: NaiveLine, cycle: NaiveCycle, version: Table) -> str | None:
    """Why a line does not upgrade the cycle that runs; the first of several reasons."""
    old = cycle.version
    holds = {
        "not_in_force": line.get("instead_of") == cycle.plan,
        "not_at_once": instant(line.fields["from"]) == hour_of(line.ts),
        "other_cycle": version["cycle_hours"] == old["cycle_hours"],
        "fee_not_higher": nano(version.get("fee_usd", "0")) > nano(old.get("fee_usd", "0")),
        "less_included": all(_as_much(meter, version) for meter in old.get("meters", [])),
        "not_to_cycle_end": line.get("until") is not None
        and instant(line.fields["until"]) == cycle.end,
    }
    return next((fault for fault, is_held in holds.items() if not is_held), None)


def agreed(line: NaiveLine) -> Agreed:
    """All in which plan lines must agree to be one period."""
    names = ("user", "plan", "instead_of", "from", "until")
    return *(line.get(name) for name in names), nano(line.get("fee_usd") or "0")


def judged_order(line: NaiveLine) -> tuple[int, bool, int, str, int]:
    """The order in which plan lines are judged; of one instant those of desks first."""
    return line.commit_ts, line.role == "books", *line.order


def without_what_waits(standing: NaiveStanding) -> tuple[list[NaiveLine], set[str]]:
    """The plan lines to judge, and the names of desks' lines beyond the fees of a day (W12)."""
    lines = standing.of_kinds("plan")
    repeats: set[str] = set()
    waiting: set[str] = set()
    beyond: set[tuple[str, Agreed]] = set()
    for line in sorted((x for x in lines if x.role == "desk"), key=lambda x: x.seq):
        mine = [x for x in lines if x.writer == line.writer]
        if any(agreed(x) == agreed(line) and x.seq < line.seq for x in mine):
            repeats.add(line.name)
            if (line.writer, agreed(line)) in beyond:  # bought again, it waits with the first
                waiting.add(line.name)
            continue
        day = [
            x
            for x in mine
            if x.name not in repeats
            and x.seq <= line.seq
            and day_of(x.commit_ts) == day_of(line.commit_ts)
        ]
        tables = [t for t in standing.facts.writers["desks"] if t["node"] == line.node]
        most = (in_force(tables, line.commit_ts) or {}).get("fees_day_usd")
        fee = nano(line.get("fee_usd") or "0")
        total = sum(nano(x.get("fee_usd") or "0") for x in day)
        if most is not None and fee > 0 and total > nano(most):
            waiting.add(line.name)
            beyond.add((line.writer, agreed(line)))
    return [x for x in lines if (x.writer, agreed(x)) not in beyond], waiting


def _as_much(meter: Table, version: Table) -> bool:
    """Whether a version has the meter by name with at least as much included."""
    for new in version.get("meters", []):
        if new["name"] == meter["name"]:
            if new["included"] == "unlimited":
                return True
            old = meter["included"]
            return old != "unlimited" and int(new["included"]) >= int(old)
    return False
