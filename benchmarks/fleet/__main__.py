"""Measure an aggregator with many nodes: `python -m benchmarks.fleet --help`.

The forge is that of the tests and runs in a process of its own; the aggregator runs in others.
`benchmarks/README.md` says what the figures mean.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from benchmarks import report
from benchmarks.fleet import programs
from benchmarks.fleet.forge import ForgeProcess
from benchmarks.fleet.gauges import Cost
from benchmarks.fleet.month import Month
from benchmarks.fleet.passes import Sizes
from benchmarks.fleet.site import Site
from benchmarks.fleet.tables import (
    curve_table,
    megabytes,
    month_table,
    pass_table,
    program_text,
    push_table,
    registration_rows,
    spread,
)
from benchmarks.ingest import ROOT, data_folder, show_progress

PARTS: Final = ("registrations", "passes", "endurance", "month", "programs")
COMMITS: Final = 5
"""How many commits each node's history has at first."""


class Wanted(NamedTuple):
    """How much is measured.

    Attributes:
        repos: the number of nodes.
        runs: passes and programs of each kind; of the longest passes a third of it.
        quiet, busy: passes in a row with nothing new, and with 5 % new.
        pushes: pushes that are announced by webhook.
        mirrors, fetches: mirrors of the month, and fetches of each.
    """

    repos: int
    runs: int
    quiet: int
    busy: int
    pushes: int
    mirrors: int
    fetches: int


class Bench:
    """A fleet and what is measured with it.

    Args:
        folder: the folder for the data; empty.
        wanted: how much is measured.
        parts: what is measured, of `PARTS`.
    """

    def __init__(self, folder: Path, wanted: Wanted, parts: frozenset[str]) -> None:
        self._folder = folder
        self._wanted = wanted
        self._parts = parts

    def tables(self) -> Iterator[str]:
        """Measure the chosen parts, yielding a table at a time."""
        if "month" in self._parts:
            yield month_table(self._month())
        if self._parts == {"month"}:
            return
        now = datetime.now(UTC).replace(microsecond=0)
        show_progress(f"data: {self._wanted.repos:,} repos")
        forge = ForgeProcess(self._folder / "forge", self._wanted.repos, COMMITS, now)
        try:
            self._site.lay_out(forge.place, now, COMMITS)
            self._site.register()
            yield from self._with_forge()
        finally:
            forge.stop()

    @cached_property
    def _site(self) -> Site:
        return Site(self._folder)

    def _with_forge(self) -> Iterator[str]:
        rows: list[Sequence[str]] = []
        if "registrations" in self._parts:
            show_progress("registrations")
            rows += registration_rows(
                programs.registrations(self._site, self._wanted.runs), self._wanted.repos
            )
        if self._parts & {"passes", "endurance", "programs"}:
            costs = self._passes("first")
            if "passes" in self._parts:
                costs |= self._passes("passes")
                yield pass_table(costs)
                yield push_table(costs, self._wanted.repos)
        if "endurance" in self._parts:
            yield curve_table(self._child("benchmarks.fleet.passes", "endurance", self._sizes))
        if "programs" in self._parts:
            rows += self._programs()
        if rows:
            yield report.markdown(("measured", "result"), rows)

    @property
    def _sizes(self) -> str:
        return json.dumps(Sizes(self._wanted.runs, self._wanted.quiet, self._wanted.busy))

    def _passes(self, task: str) -> dict[str, list[Cost]]:
        found = self._child("benchmarks.fleet.passes", task, self._sizes)
        return {kind: [Cost(*cost) for cost in costs] for kind, costs in found.items()}

    def _month(self) -> Month:
        wanted = self._wanted
        show_progress(f"a month: {wanted.fetches} fetches of {wanted.mirrors} mirrors")
        folder = self._folder / "month"
        numbers = (str(wanted.mirrors), str(wanted.fetches))
        return Month(**child("benchmarks.fleet.month", folder, numbers, self._site.log_path))

    def _programs(self) -> Iterator[Sequence[str]]:
        wanted, site = self._wanted, self._site
        show_progress("programs")
        for name, program in programs.commands(site, wanted.runs).items():
            yield f"`aggregator {name}`", program_text(program)
        program, requests = programs.forge_check(site)
        yield "`aggregator forge check`", f"{program_text(program)}, {requests:,} requests"
        show_progress("listener")
        found = programs.listening(site, wanted.pushes, wanted.runs * 2)
        yield "daemon: start to the end of the first pass", f"{found.ready_s:.1f} s"
        yield f"{wanted.pushes} pushes: from push to balance, by webhook", spread(found.push_s)
        size = f"{found.scrape_bytes / 1000:.0f} kB"
        yield "one scrape of `/metrics`", f"{spread(found.scrape_s)}, {size}"
        yield "daemon: memory afterwards", megabytes(found.memory_bytes)

    def _child(self, module: str, task: str, *arguments: str) -> dict[str, Any]:
        show_progress(task)
        return child(module, self._folder, arguments, self._site.log_path, task)


def child(
    module: str, folder: Path, arguments: Iterable[str], log: Path, *first: str
) -> dict[str, Any]:
    """Run a module in a fresh process that logs as under systemd; show its progress.

    Returns:
        The JSON object in the last line that it prints.
    """
    command = [sys.executable, "-m", module, *first, str(folder), *arguments]
    result = ""
    with (
        log.open("a") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"JOURNAL_STREAM": "1:1"},
        ) as process,
    ):
        for line in process.stdout or ():
            if line.startswith("# "):
                show_progress(line.removeprefix("# ").rstrip())
            else:
                result = line
    if process.returncode != 0:
        raise RuntimeError(f"{module} failed:\n{log.read_text()[-2000:]}")
    found: dict[str, Any] = json.loads(result)
    return found


@click.command()
@click.option("--repos", type=click.IntRange(min=20), default=1_000, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--sweeps",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="Passes in a row with nothing new.",
)
@click.option(
    "--busy",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Passes in a row with 5 % new.",
)
@click.option("--pushes", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--mirrors", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--fetches", type=click.IntRange(min=1), default=720, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Measure only this.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the data there.")
def main(  # noqa: PLR0913 - its options
    *,
    repos: int,
    runs: int,
    sweeps: int,
    busy: int,
    pushes: int,
    mirrors: int,
    fetches: int,
    only: tuple[str, ...],
    keep: Path | None,
) -> None:
    """Measure an aggregator with many nodes, and print tables."""
    wanted = Wanted(repos, runs, sweeps, busy, pushes, mirrors, fetches)
    with data_folder(keep) as folder:
        if any(folder.iterdir()):
            raise click.UsageError(f"{folder} is not empty: a fleet is new each time")
        bench = Bench(folder, wanted, frozenset(only or PARTS))
        click.echo(f"Measured with {report.machine()}")
        for table in bench.tables():
            click.echo(f"\n{table}")


if __name__ == "__main__":
    main()
