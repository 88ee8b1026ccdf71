"""Measure every report about one large ledger: `python -m benchmarks.reports --help`.

Each figure is that of one whole process: its CPU time (user and system), and its peak of memory in
RAM.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from benchmarks import report
from benchmarks.ingest import data_folder, show_progress
from benchmarks.reports.commands import Command, commands
from benchmarks.reports.ledger import BenchLedger, provide_ledger
from benchmarks.reports.usage import Size
from benchmarks.whole_process import Used, figures, use

_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.reports --write` -->"
_END: Final = "<!-- end: reports -->"
_WHOLE: Final = Size(248_000, 5_900_000, 365)
QUICK: Final = Size(1_500, 2_000, 10)
_RUNS: Final = 3
_LONG_S: Final = 20
"""A report that takes so long is asked for once."""


class Measured(NamedTuple):
    """A report, how many lines it has, and what its runs needed with each folder of programs."""

    command: Command
    lines: int
    used: tuple[list[Used], ...]


def measure(
    ledger: BenchLedger, programs: Sequence[Path], runs: int, only: str = ""
) -> Iterator[Measured]:
    """Measure every report.

    Args:
        ledger: what they are about.
        programs: folders of programs.
        runs: how often each of them is asked.
        only: what the names of those that are measured have in them.

    Raises:
        RuntimeError: a program failed.
    """
    out = ledger.place.folder / "out"
    for command in commands(ledger):
        if only not in command.name:
            continue
        show_progress(command.name)
        used = tuple([*_asked(ledger, command, each, runs, out)] for each in programs)
        with out.open("rb") as answer:
            yield Measured(command, sum(1 for _ in answer), used)


def _asked(
    ledger: BenchLedger, command: Command, programs: Path, runs: int, out: Path
) -> Iterator[Used]:
    program = str(programs / "aggregator")
    words = (program, "--config", str(ledger.place.config_path), *command.words)
    for _ in range(runs):
        used = use(command.name, words, out)
        yield used
        if used.cpu_s > _LONG_S:
            return


def table(found: Sequence[Measured]) -> str:
    """Format the figures as Markdown; those of a second folder are headed `before`."""
    before = ("CPU before", "memory before") if len(found[0].used) > 1 else ()
    headers = ("`aggregator ...`", "lines", *before, "CPU", "memory, at most")
    return report.markdown(headers, map(_cells, found))


def _cells(measured: Measured) -> tuple[str, ...]:
    now, *before = measured.used
    shown = [text for runs in (*before, now) for text in figures(runs)]
    return measured.command.name, f"{measured.lines:,}", *shown


@click.command()
@click.option("--quick", is_flag=True, help="Tiny sizes, to see that it works.")
@click.option("--only", default="", help="Measure only reports with this in their names.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the ledger there, to reuse it.")
@click.option(
    "--before", type=click.Path(path_type=Path), help="A folder with programs to compare with."
)
@click.option("--write", is_flag=True, help="Put the table into benchmarks/README.md.")
def main(*, quick: bool, only: str, keep: Path | None, before: Path | None, write: bool) -> None:
    """Measure what reports cost, and print a table."""
    if write and (only or quick):
        raise click.UsageError("--write needs a whole run, without --only and --quick")
    size, runs = (QUICK, 1) if quick else (_WHOLE, _RUNS)
    programs = [Path(sys.executable).parent, *([before] if before else [])]
    with data_folder(keep) as folder:
        found = list(measure(provide_ledger(folder, size), programs, runs, only))
    text = (
        f"{size.accounts:,} accounts, {size.charges:,} charges in {size.days} days. Measured with"
        f" {report.machine()} CPU: medians of {runs} runs, or one run of more than {_LONG_S} s;"
        f" memory: the most of them.\n\n{table(found)}"
    )
    click.echo(text)
    if write:
        report.keep(text, _BEGIN, _END)


if __name__ == "__main__":
    main()
