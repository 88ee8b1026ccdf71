"""What one late record costs: in an account of one month, and in one of three years.

Its commit is in the mirror, and applied: read, admitted, rated, with all charges and draws that it
moves, and committed. Each figure is CPU time of the one thread that bills.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from aggregator.cli.context import Context, now
from aggregator.proof.digest import digest
from aggregator.pulling.passes import Puller
from benchmarks import report
from benchmarks.adding import History, check_rebuild
from benchmarks.data import RESOURCES
from benchmarks.ingest import child, show_progress
from benchmarks.place import NODE, Place
from benchmarks.report import Row
from benchmarks.terms.account import MONTH_HOURS, AccountShape, Mode, late_commit, provide_account

_WARM_UP: Final = len(RESOURCES)
"""One late record of each resource."""


class Sizes(NamedTuple):
    """How much is measured.

    Attributes:
        month_hours: the hours of the account of one month.
        long_hours: those of the account of years.
        repetitions: how many late records each figure is the median of.
    """

    month_hours: int
    long_hours: int
    repetitions: int


def rows(folder: Path, sizes: Sizes) -> Iterator[Row]:
    """Measure late records; yield a row at a time."""
    hours = sizes.month_hours
    modes: tuple[tuple[Mode, int], ...] = (("graduated", 10), ("volume", 50))
    for mode, limit_ms in modes:
        shape = AccountShape(f"month-{mode}", hours, mode)
        found = _measure(folder, shape, [0], sizes.repetitions)
        what = f"a late record in the first of {hours:,} hours x 8 resources, {mode} tiers"
        yield _row(what, found[0], limit_ms)
    shape = AccountShape("years", sizes.long_hours, has_terms=True)
    last = max(0, shape.hours - MONTH_HOURS // 2)
    places = {"first hour": 0, "middle": shape.hours // 2, "last month": last}
    found = _measure(folder, shape, list(places.values()), sizes.repetitions)
    for where, hour in places.items():
        what = f"a late record in the {where} of {shape.hours:,} hours x 8 resources, plan, grants"
        yield _row(what, found[hour], 500)


def _row(what: str, seconds: list[float], limit_ms: int) -> Row:
    row = report.at_most_ms(what, median(seconds), limit_ms)
    return row._replace(against=f"the slowest: {report.duration(max(seconds))}")


def _measure(
    folder: Path, shape: AccountShape, hours: list[int], repetitions: int
) -> dict[int, list[float]]:
    show_progress(f"data: {shape.name}")
    place = provide_account(folder, shape)
    place.forget()
    show_progress(f"late records: {shape.name}")
    arguments = place.folder, shape.mode, shape.hours, repetitions, *sorted({*hours})
    found = child("late", *arguments, of="benchmarks.terms.child")
    return {hour: found[str(hour)] for hour in hours}


def measure(
    place: Place, mode: Mode, hours: int, repetitions: int, late: list[int]
) -> Mapping[int, list[float]]:
    """Pull an account's history to its head, then add late records in turns.

    Args:
        place: where its repos are; they have no ledger yet.
        mode: how its tiers apply.
        hours: the hours that it has.
        repetitions: late records for each hour.
        late: the hours that get them, since `START`.

    Returns:
        By hour the CPU time of each record, in seconds.
    """
    shape = AccountShape(place.folder.name, hours, mode)
    found: dict[int, list[float]] = {hour: [] for hour in late}
    context = Context(place.config_path, None, verbose=False)
    with context.writing() as (state, ledger):
        for _ in Puller(state, ledger, now).pull():
            pass
        history = History(place, NODE, state, ledger)
        for _ in range(_WARM_UP + repetitions):
            for hour in late:
                history.push(late_commit(shape, history.next_seq, hour))
                place.fetch(state, NODE)
                applied = history.apply(now())
                found[hour].append(history.cpu_s)
                history.record()
                if (applied.commits, applied.admitted) != (1, 1):
                    raise RuntimeError(f"one late record was to be applied, not {applied}")
        ended = digest(ledger.store)
    check_rebuild(place, ended)
    return {hour: seconds[_WARM_UP:] for hour, seconds in found.items()}
