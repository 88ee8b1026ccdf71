"""The tables that benchmarks print and write into `benchmarks/README.md`."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from pygit2 import LIBGIT2_VERSION

README: Final = Path(__file__).with_name("README.md")
_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.ingest --write` -->"
_END: Final = "<!-- end -->"
_HEADERS: Final = ("measured", "result", "against", "ratio or value", "target", "met")
_MEGABYTE: Final = 1_000_000
_MS_PER_S: Final = 1000
_SECONDS_EXACT_BELOW: Final = 0.1


class Row(NamedTuple):
    """One row of the table.

    Attributes:
        what: what was measured.
        result: the figure, with its unit.
        against: what it is compared with, and the figure of that.
        value: the number to which the target applies, as text.
        target: the limit of the value, as text; empty if there is none.
        is_met: whether the value meets the target; None if there is none.
    """

    what: str
    result: str
    against: str = ""
    value: str = ""
    target: str = ""
    is_met: bool | None = None


def against(
    what: str,
    seconds: Sequence[float],
    yardstick: tuple[str, Sequence[float]],
    limit: float | None = None,
    per_second: int | None = None,
) -> Row:
    """Make a row about a ratio of times that were measured in the same rounds.

    Args:
        what: what was measured.
        seconds: the time of each round.
        yardstick: what it is compared with, and its seconds in the same rounds.
        limit: the target, as the highest median ratio; None for no target.
        per_second: how many things one run processes, to show a rate; None for no rate.
    """
    name, yardstick_seconds = yardstick
    ratios = [a / b for a, b in zip(seconds, yardstick_seconds, strict=True)]
    middle = median(ratios)
    result = duration(median(seconds))
    if per_second is not None:
        result += f" ({per_second / median(seconds):,.0f}/s)"
    value = f"{middle:.2f}"
    if len(ratios) > 1:
        value += f" ({min(ratios):.2f} to {max(ratios):.2f})"
    target, is_met = ("", None) if limit is None else (f"at most {limit:g}", middle <= limit)
    return Row(
        what, result, f"{name}: {duration(median(yardstick_seconds))}", value, target, is_met
    )


def at_most(what: str, size_bytes: float, limit_mb: int) -> Row:
    """Make a row about memory, with a limit in megabytes."""
    megabytes = size_bytes / _MEGABYTE
    met = megabytes < limit_mb
    return Row(what, f"{megabytes:.0f} MB", "", f"{megabytes:.0f} MB", f"below {limit_mb} MB", met)


def at_most_ms(what: str, seconds: float, limit_ms: int) -> Row:
    """Make a row about a time, with a limit in milliseconds."""
    value = f"{seconds * _MS_PER_S:.2f} ms"
    met = seconds * _MS_PER_S <= limit_ms
    return Row(what, duration(seconds), "", value, f"at most {limit_ms} ms", met)


def at_least(what: str, count: int, seconds: Sequence[float], limit: int) -> Row:
    """Make a row about a rate, with the lowest number per second as its limit."""
    rate = count / median(seconds)
    value = f"{rate:,.0f}/s"
    return Row(what, duration(median(seconds)), "", value, f"at least {limit:,}/s", rate >= limit)


def duration(seconds: float) -> str:
    """Format a time in seconds, or in milliseconds if it is short."""
    if seconds < _SECONDS_EXACT_BELOW:
        return f"{seconds * _MS_PER_S:.2f} ms"
    return f"{seconds:.2f} s"


def table(rows: Iterable[Row]) -> str:
    """Format rows as Markdown."""
    met = {True: "yes", False: "**no**", None: ""}
    cells = [(*row[:5], met[row.is_met]) for row in rows]
    return markdown(_HEADERS, cells)


def stage_table(seconds_of: Mapping[str, Mapping[str, float]]) -> str:
    """Format the seconds of each stage (rows) by kind of data (columns) as Markdown."""
    kinds = list(seconds_of)
    totals = {kind: sum(seconds_of[kind].values()) for kind in kinds}
    stages = list(seconds_of[kinds[0]])
    cells = [
        (
            stage,
            *(
                f"{seconds_of[kind][stage]:.2f} s ({seconds_of[kind][stage] / totals[kind]:.0%})"
                for kind in kinds
            ),
        )
        for stage in stages
    ]
    return markdown(("stage", *kinds), cells)


def markdown(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Describe hardware and versions, on which the figures depend, without naming the machine."""
    git = subprocess.run(["git", "version"], check=True, capture_output=True, text=True).stdout
    return (
        f"{os.cpu_count()} {platform.machine()} cores,"
        f" {platform.python_implementation()} {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}, git {git.split()[2]},"
        f" pygit2 {version('pygit2')} (libgit2 {LIBGIT2_VERSION}),"
        f" msgspec {version('msgspec')}."
    )


def keep(text: str, begin: str = _BEGIN, end: str = _END) -> None:
    """Replace the text between two marks of the README."""
    before, found_begin, rest = README.read_text().partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise RuntimeError(f"{README.name} has lost its marks")
    README.write_text(f"{before}{begin}\n{text}\n{end}{after}")
