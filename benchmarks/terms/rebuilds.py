"""What tiers and grants cost a rebuild, compared with the same usage under plainer books."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from benchmarks.data import RECORDS_PER_CHARGE, BooksKind, Shape, make
from benchmarks.ingest import pull, show_progress, take_turns
from benchmarks.place import Place
from benchmarks.report import Row


class Usage(NamedTuple):
    """How much usage is read.

    Attributes:
        records, commits: how many there are.
        few, many: the accounts, for prices by tiers and for grants.
        runs: the rounds; the median counts.
    """

    records: int
    commits: int
    few: int
    many: int
    runs: int


def rows(folder: Path, usage: Usage) -> Iterator[Row]:
    """Measure rebuilds, in CPU time of fresh processes that take turns; yield a row at a time."""
    few, many = f"{usage.few:,} accounts", f"{usage.many:,} accounts"
    seconds = _take_turns(folder, usage, usage.few, ("plain", "tiers"))
    plain = ("the same under plain prices", seconds["plain"])
    yield report.against(
        f"tiers by the month for every resource, {few}", seconds["tiers"], plain, 1.5
    )
    seconds = _take_turns(folder, usage, usage.many, ("plain", "grants without terms", "grants"))
    base = ("no grants, half the money lines", seconds["plain"])
    without = ("the same grants without terms (version 1)", seconds["grants without terms"])
    granted = f"a sign-up grant with terms (version 2) for each of {many}"
    yield report.against(granted, seconds["grants"], without, 1.3)
    yield report.against(granted, seconds["grants"], base, 1.3)
    what = f"a sign-up grant without terms (version 1) for each of {many}"
    yield report.against(what, without[1], base)


def _take_turns(
    folder: Path, usage: Usage, accounts: int, books: Sequence[BooksKind]
) -> dict[str, list[float]]:
    """CPU seconds of rebuilds of the same usage under several books, by these."""
    places: dict[str, Place] = {}
    for kind in books:
        name = f"{kind} of {accounts} accounts".replace(" ", "-")
        show_progress(f"data: {name}")
        shape = Shape(name, *usage[:2], accounts, RECORDS_PER_CHARGE, kind)
        places[kind] = make(folder / name, shape)
    contenders = {kind: partial(_cpu_s, place, usage.records) for kind, place in places.items()}
    return take_turns(contenders, usage.runs, "rebuild")


def _cpu_s(place: Place, records: int) -> float:
    return pull(place, records)["cpu_s"]
