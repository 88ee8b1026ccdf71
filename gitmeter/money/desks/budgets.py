"""What a line of a desk is summed up with, and up to what. Pure.

A sum is of the lines of one desk, over all versions of what bounds it, so that a new version gives
room and no new budget.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from gitmeter.counting.held import HeldReason
from gitmeter.money.desks.templates import adjust_template, grant_template, template_name
from gitmeter.money.writer import Worth
from wire_format.instants import DAY_US, from_us
from wire_format.lines import Account, Money
from wire_format.writers import Writers

_TOLD_PERCENT: Final = 80
"""From how much of a budget on the operator is told, while there is time to look."""


class DeskSum(NamedTuple):
    """Which lines of a desk are added up: those that agree in all of this.

    Attributes:
        kind: of the lines: `grant`, `adjustment` or `plan`.
        template: the name that grants and adjustments have; empty for plans.
        user: whose adjustments in a month; None for those of all accounts.
        period: months or days by the time of the commit, counted from the year 0 or from 1970;
            None for all time.
    """

    kind: str
    template: str
    user: str | None
    period: int | None


class Bound(NamedTuple):
    """A sum that a line is in, and the most that it may come to with the line, nano-dollars."""

    over: DeskSum
    limit_nano: int


def bounds_of(record: Money | Account, committed_us: int, writers: Writers) -> tuple[Bound, ...]:
    """The sums that a line of a desk is in; none for what moves nothing, or has no limit.

    Args:
        record: the line, which its place allows.
        committed_us: the time of its commit, microseconds since 1970.
        writers: desks and templates.
    """
    if isinstance(record, Account):
        return _of_fees(record, committed_us, writers)
    name = template_name(record)
    granting = grant_template(record, committed_us, writers) if record.kind == "grant" else None
    if granting is not None:
        return (Bound(DeskSum("grant", name, None, None), granting.budget_nano),)
    adjusting = (
        adjust_template(record, committed_us, writers) if record.kind == "adjustment" else None
    )
    if adjusting is None:
        return ()
    of_account = DeskSum("adjustment", name, record.user, _month(committed_us))
    return (
        Bound(DeskSum("adjustment", name, None, None), adjusting.budget_nano),
        Bound(of_account, adjusting.per_account_month_nano),
    )


class BudgetUse(NamedTuple):
    """What one desk has given by a template.

    Attributes:
        kind: of its lines: `grant` or `adjustment`.
        template: the name of the template.
        given_nano: their sum over all versions, with what waits, in nano-dollars.
        limit_nano: most that it may be, by the version that begins last.
    """

    kind: str
    template: str
    given_nano: int
    limit_nano: int

    @property
    def is_nearly_used(self) -> bool:
        """Whether the operator is told."""
        return self.given_nano * 100 >= self.limit_nano * _TOLD_PERCENT and self.given_nano > 0


def budget_uses(
    lines: Iterable[tuple[Money | Account, Worth]], writers: Writers
) -> list[BudgetUse]:
    """What one desk has given by each template.

    Args:
        lines: its lines, each with what it is worth.
        writers: the templates.
    """
    given: dict[tuple[str, str], int] = defaultdict(int)
    for record, worth in lines:
        if isinstance(record, Money) and worth.reason in {None, HeldReason.OVER_BUDGET}:
            given[record.kind, template_name(record)] += worth.moved_nano
    limits: dict[tuple[str, str], int] = {}
    for grant in sorted(writers.grants, key=lambda each: each.from_us):
        limits["grant", grant.name] = grant.budget_nano
    for adjust in sorted(writers.adjusts, key=lambda each: each.from_us):
        limits["adjustment", adjust.name] = adjust.budget_nano
    return [
        BudgetUse(*name, given[name], limit_nano)
        for name, limit_nano in sorted(limits.items())
        if given.get(name)
    ]


def _of_fees(record: Account, committed_us: int, writers: Writers) -> tuple[Bound, ...]:
    rules = writers.desk_at(record.node, committed_us)
    if record.kind != "plan" or rules is None or rules.fees_day_nano is None:
        return ()
    return (Bound(DeskSum("plan", "", None, committed_us // DAY_US), rules.fees_day_nano),)


def _month(at_us: int) -> int:
    at = from_us(at_us)
    return at.year * 12 + at.month
