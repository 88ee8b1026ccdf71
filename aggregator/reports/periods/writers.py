"""Which nodes and instances wrote the usage of an account: read again from git.

A charge does not know who wrote its lines, so they are read and judged again, hour by hour, as for
an explanation of each charge.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from aggregator.ledger.rejudge import InForce
from aggregator.ledger.segments import SegmentReader
from aggregator.reports.accounts import account_of_user
from aggregator.reports.basis import stands_on
from aggregator.reports.charges.counted_lines import CountedLine, counted_lines
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.report import Column, Report
from aggregator.reports.periods.usage import day_text
from aggregator.store.store import LedgerStore
from wire_format.instants import DAY_HOURS

WriterBy = Literal["day", "month", "node", "instance", "resource"]
WRITER_BY: Final[tuple[WriterBy, ...]] = ("day", "month", "node", "instance", "resource")

_UNITS: Final = (Column("quantity", "units", "number"), Column("records", "records", "number"))


def writers_report(
    store: LedgerStore,
    reader: SegmentReader,
    in_force: InForce,
    user: str,
    period: Period,
    by: Sequence[WriterBy],
    on_hour: Callable[[int, int], object] = lambda *_: None,
) -> Report:
    """Add up what each node or instance wrote of the usage of an account, in the caller's view.

    Args:
        store: the ledger.
        reader: reads the segments that contain the lines.
        in_force: what the lines are judged by.
        user: the account.
        period: the time.
        by: what is kept apart, besides the resource: units of different ones have no sum.
        on_hour: called after each clock hour, with how many are done and of how many.

    Returns:
        A report; `adds_up` is whether its units are those of the charges.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    account = account_of_user(store, user)
    kept = [each for each in WRITER_BY if each in by or each == "resource"]
    charged: dict[str, int] = defaultdict(int)
    hours: set[int] = set()
    nodes = {each.node for each in store.account_nodes.of_account(account.id)}
    for charge in store.charges.of_account(account, *period[1:]):
        charged[charge.resource] += charge.row.quantity
        hours.add(charge.row.hour)
    sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for done, hour in enumerate(sorted(hours), start=1):
        for line in counted_lines(store, reader, in_force, (user, None, hour), nodes):
            found = sums[_key(line, hour, kept)]
            found[0] += line.record.units
            found[1] += 1
        on_hour(done, len(hours))
    read: dict[str, int] = defaultdict(int)
    for key, (units, _) in sums.items():
        read[key[-1]] += units
    head = {"user": user, **period.answer(), "by": kept, "adds_up": read == charged}
    records = sum(records for _, records in sums.values())
    return Report(
        {**head, **stands_on(store, account.id)},
        (*(Column(name, name, "text") for name in kept), *_UNITS),
        [(*key, *sums[key]) for key in sorted(sums)],
        (*([None] * len(kept)), None, records),
    )


def _key(line: CountedLine, hour: int, kept: Sequence[WriterBy]) -> tuple[str, ...]:
    day = day_text(hour // DAY_HOURS)
    texts: dict[str, Any] = {
        "day": day,
        "month": day[: len("2026-10")],
        "node": line.record.node,
        "instance": line.record.instance or "",
        "resource": line.record.resource,
    }
    return tuple(texts[name] for name in kept)
