"""Usage of an account, added up by period."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from aggregator.reports.basis import stands_on
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.usage import day_text
from aggregator.reports.periods.writers import writers_report
from aggregator.store.account_rows import AccountRow
from aggregator.store.questions.sums import Grouping
from gitmeter.money.granted import Hours
from portal.api.customers.account import account_here
from portal.api.customers.freshness import fresh
from portal.api.customers.lines import JUDGED_MAX, LOOKED_THROUGH_MAX, reading_lines
from portal.api.models.usage import AccountUsage, Step, SumOfUsage, UsageWanted
from portal.api.problems import invalid
from portal.api.request import Asked
from wire_format.instants import DAY_HOURS, format_hour, hour_of, hour_start
from wire_format.money import format_usd

PERIODS_MAX: Final = 400
ROWS_MAX: Final = 10_000
INSTANCE_HOURS_MAX: Final = 24
_DAYS_DEFAULT: Final = 30
_WEEK_DAYS: Final = 7
_MONTHS: Final = 12
_COSTS: Final = ("list_usd", "billed_usd", "granted_usd")


def usage(asked: Asked) -> AccountUsage:
    """Add up units and costs of each resource, in days, weeks or months of UTC.

    Without `from` and `until` it is that of the last 30 days, today among them. At most 400 periods
    are answered, and 10,000 rows. A period that the time begins or ends within has the usage of the
    time that was asked for alone. Weeks are ISO weeks: they begin on Mondays.

    Which instance used what is in git alone, whose lines are read again: with `group=instance` it
    is told by day, without costs, for at most 24 hours (today's, where nothing is said), and
    for at most 20,000 lines of the account. `adds_up` says whether these come to the charges.
    """
    wanted: UsageWanted = asked.query
    account = account_here(asked)
    is_from_git = wanted.group == "instance"
    hours = _hours(wanted, asked.now, 1 if is_from_git else _DAYS_DEFAULT)
    if (number := _periods(wanted.by, hours)) > PERIODS_MAX:
        raise invalid(f"by: these are {number} periods, and at most {PERIODS_MAX} are answered")
    sums: dict[str, Any] = dict.fromkeys(_COSTS)
    adds_up, periods, resources = None, list[SumOfUsage](), list[SumOfUsage]()
    if is_from_git:
        rows, adds_up = _by_instance(asked, account, hours, wanted.by)
    else:
        found = [*islice(_rows(asked, account, hours, wanted.by), ROWS_MAX + 1)]
        # all at once, which takes a third of the time of a form for each row
        rows = [row for row, _ in found]
        for at, name in enumerate(_COSTS):
            sums[name] = format_usd(sum(costs[at] for _, costs in found))
        periods = [form for form, _ in _summed(found, "period")]
        dearest = sorted(_summed(found, "resource"), key=lambda each: -each[1])
        resources = [form for form, _ in dearest]
    if len(rows) > ROWS_MAX:
        raise invalid(f"by: these are more than {ROWS_MAX} rows: ask for longer periods, or less")
    return AccountUsage(
        by=wanted.by,
        group=wanted.group,
        from_=format_hour(hours.first),
        until=format_hour(hours.end),
        rows=rows,
        periods=periods,
        resources=resources,
        adds_up=adds_up,
        **sums,
        **fresh(asked, stands_on(asked.store, account.id)),
    )


def _summed(
    found: Iterable[tuple[Mapping[str, Any], Sequence[int]]], by: str
) -> Iterator[tuple[SumOfUsage, int]]:
    """The sums of rows that have something in common, and what is billed, in nano-dollars."""
    nanos: dict[str, list[int]] = {}
    for row, costs in found:
        before = nanos.setdefault(row[by], [0] * len(costs))
        nanos[row[by]] = [one + other for one, other in zip(before, costs, strict=True)]
    for of, costs in nanos.items():
        usd = map(format_usd, costs)
        yield SumOfUsage(of=of, **dict(zip(_COSTS, usd, strict=True))), costs[1]


def _by_instance(
    asked: Asked, account: AccountRow, hours: Hours, by: Step
) -> tuple[list[Any], bool]:
    """The fields of each row, read from git, and whether they add up to the charges.

    Raises:
        ProblemError: too much would have to be read, or it cannot be read now.
    """
    if by != "day":
        raise invalid("by: instances are told by day")
    if hours.end - hours.first > INSTANCE_HOURS_MAX:
        raise invalid(f"from: instances are told for at most {INSTANCE_HOURS_MAX} hours")
    sums = asked.store.sums.usage(*hours, Grouping(), account.id)
    lines_number = sum(used.records for used in sums)
    with reading_lines(asked, account.id) as lines:
        files = sum(map(lines.to_look_through, range(*hours)))
        if lines_number > JUDGED_MAX or files > LOOKED_THROUGH_MAX:
            raise invalid("from: these are too many lines to be read: ask for fewer hours")
        period = Period("", hours.first, hours.end)
        read = lines.store, lines.reader, lines.in_force
        report = writers_report(*read, account.user, period, ("day", "instance"))
        rows = [
            {
                "period": day,
                "resource": resource,
                "instance": instance or None,
                "quantity": units,
                "included": None,
                **dict.fromkeys(_COSTS),
            }
            for day, instance, resource, units, _ in report.rows
        ]
    return sorted(rows, key=_order), report.head["adds_up"]


def _order(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["period"], row["resource"], row["instance"] or ""


def _hours(wanted: UsageWanted, now: datetime, days: int) -> Hours:
    """The hours that are asked for; those of some last days where nothing is said.

    Raises:
        ProblemError: they end before they begin.
    """
    end = hour_of(now) + 1 if wanted.until is None else wanted.until
    today = (end - 1) // DAY_HOURS
    first = (today - days + 1) * DAY_HOURS if wanted.from_ is None else wanted.from_
    if end <= first:
        raise invalid("from: must be earlier than now, where until is not stated")
    return Hours(max(first, 0), end)


def _periods(by: Step, hours: Hours) -> int:
    first, last = hours.first // DAY_HOURS, (hours.end - 1) // DAY_HOURS
    if by == "day":
        return last - first + 1
    if by == "week":
        # 1970 began on a Thursday
        return (last + 3) // _WEEK_DAYS - (first + 3) // _WEEK_DAYS + 1
    begin, end = hour_start(hours.first), hour_start(hours.end - 1)
    return (end.year - begin.year) * _MONTHS + end.month - begin.month + 1


def _rows(
    asked: Asked, account: AccountRow, hours: Hours, by: Step
) -> Iterator[tuple[Mapping[str, Any], Sequence[int]]]:
    """The fields of each row, and its costs in nano-dollars."""
    sums, by_period = (
        asked.store.sums,
        Grouping(by_day=by == "day", by_month=by == "month", by_week=by == "week"),
    )
    asked_for = (*hours, by_period, account.id)
    included = {found[1:3]: found.included for found in sums.included(*asked_for)}
    drawn: dict[tuple[int | None, ...], int] = defaultdict(int)
    for paid in sums.drawn(*asked_for):
        drawn[paid[1:3]] += paid.nano
    for used in sums.costs(*asked_for):
        costs = used.list_nano, used.billed_nano, drawn.get(used[:2], 0)
        row = {
            "period": day_text(used.day or 0),
            "resource": used.resource,
            "instance": None,
            "quantity": used.quantity,
            "included": included.get(used[:2], 0),
            **{name: format_usd(nano) for name, nano in zip(_COSTS, costs, strict=True)},
        }
        yield row, costs
