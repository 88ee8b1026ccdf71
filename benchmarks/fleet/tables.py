"""The tables that `benchmarks.fleet` prints."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any, Final

from benchmarks import report
from benchmarks.fleet.gauges import Cost, Moment
from benchmarks.fleet.month import RECORDS_PER_FETCH, Month
from benchmarks.fleet.passes import EVERY_S
from benchmarks.fleet.programs import Program

_KINDS: Final = {
    "first": "the first pass: everything fetched and billed",
    "start": "first pass of a restarted daemon: every repo is probed",
    "nothing": "nothing new: the listing alone",
    "some": "5 % have a new commit",
    "all": "all have a new commit",
    "second": f"one in {EVERY_S} has a new commit, announced by webhook",
}
_PASS_HEADERS: Final = (
    *("pass", "runs", "seconds", "CPU seconds", "of the billing thread", "requests: git", "API"),
    *("git programs", "files open, most", "memory after", "memory, most"),
)
_MEGABYTE: Final = 1_000_000


def pass_table(costs: Mapping[str, Sequence[Cost]]) -> str:
    """Format the cost of each kind of pass: median, lowest and highest."""
    rows = []
    for kind, found in costs.items():
        middle = Cost(*(median(values) for values in zip(*found, strict=True)))
        rows.append(
            (
                _KINDS[kind],
                str(len(found)),
                spread([cost.seconds for cost in found]),
                spread([cost.cpu_s for cost in found]),
                spread([cost.thread_cpu_s for cost in found]),
                f"{middle.git_requests:,.0f}",
                f"{middle.api_requests:,.0f}",
                f"{middle.programs:,.0f}",
                str(max(cost.files_peak for cost in found)),
                megabytes(middle.memory_bytes),
                megabytes(max(cost.memory_peak_bytes for cost in found)),
            )
        )
    return report.markdown(_PASS_HEADERS, rows)


def push_table(costs: Mapping[str, Sequence[Cost]], repos: int) -> str:
    """Format what a push costs, and each second where every node pushes once in `EVERY_S`."""
    total = median([cost.cpu_s for cost in costs["all"]]) / repos
    billing = median([cost.thread_cpu_s for cost in costs["all"]]) / repos
    nodes = f"{repos:,} nodes, each pushing every {EVERY_S} s"
    rows = [
        ("a push, CPU", report.duration(total)),
        ("... of it in the thread that bills", report.duration(billing)),
        (nodes, _share([cost.cpu_s for cost in costs["second"]])),
        (f"{nodes}: the thread that bills", _share([c.thread_cpu_s for c in costs["second"]])),
    ]
    return report.markdown(("measured", "result"), rows)


def _share(cpu_s: Sequence[float]) -> str:
    """The work of one second each, as a share of a core."""
    return f"{fmean(cpu_s):.0%} of a core"


def curve_table(curves: Mapping[str, Sequence[Sequence[Any]]]) -> str:
    """Format memory, files and threads from the first to the last of many passes."""
    names = {"quiet": "nothing new", "busy": "5 % new"}
    rows = []
    for kind, points in curves.items():
        for number, values in points:
            now = Moment(*values)
            counts = (str(now.files), str(now.threads), f"{now.objects:,}")
            cells = (megabytes(now.memory_bytes), *counts)
            rows.append((names[kind], f"{number:,}", *cells))
    headers = ("passes", "after", "memory", "open files", "threads", "Python objects")
    return report.markdown(headers, rows)


def month_table(month: Month) -> str:
    """Format what a month leaves in a mirror, and in a thousand of them."""
    many = 1000
    packed = (
        f"{month.rounds} times, {month.first_s:.2f} s at first, {month.last_s:.2f} s at the end"
    )
    rows = [
        ("packs of a mirror, most", str(month.packs_max)),
        ("inodes of a mirror, most", str(month.files_max)),
        ("packed", packed),
        ("written by packing, per mirror", megabytes(month.written_bytes)),
        ("disk of a mirror before its last packing", megabytes(month.disk_bytes_max)),
        ("disk of a mirror at the end", megabytes(month.disk_bytes)),
        ("ledger's database, per node", megabytes(month.database_bytes)),
        (f"disk of {many:,} mirrors and the ledger", _disk_text(month, many)),
    ]
    fetches = f"{month.fetches} hourly fetches of {RECORDS_PER_FETCH} records each"
    return report.markdown((fetches, f"of {month.mirrors} mirrors"), rows)


def _disk_text(month: Month, mirrors: int) -> str:
    size = max(month.disk_bytes, month.disk_bytes_max) + month.database_bytes
    return f"{size * mirrors / 1e9:.1f} GB, {month.files_max * mirrors:,} inodes"


def registration_rows(
    found: Mapping[str, Sequence[float]], repos: int
) -> Iterable[tuple[str, str]]:
    """Format the times that registrations take."""
    names: Mapping[str, str] = {
        "written": f"{repos:,} registrations written, each synced",
        "read": f"configuration with {repos:,} registrations read",
        "compared": "registrations checked for changes, as in each pass",
    }
    return [(names[kind], spread(values)) for kind, values in found.items()]


def program_text(program: Program) -> str:
    """Format the wall time and CPU time of a program."""
    return f"{spread(program.seconds)}, CPU {median(program.cpu_s):.2f} s"


def spread(values: Sequence[float]) -> str:
    """Format the median, with lowest and highest if there are several values."""
    middle = report.duration(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({report.duration(min(values))} to {report.duration(max(values))})"


def megabytes(size_bytes: float) -> str:
    """Format a number of bytes in megabytes."""
    return f"{size_bytes / _MEGABYTE:.1f} MB"
