"""Measure prices by tiers, plans and grants: `python -m benchmarks.terms --help`.

All but one of the figures are CPU time, since the clock depends more on what else the machine does.
`benchmarks/README.md` says what they mean.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click

from benchmarks import report
from benchmarks.ingest import data_folder
from benchmarks.report import Row
from benchmarks.terms import dated_back, late, rebuilds

_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.terms --write` -->"
_END: Final = "<!-- end: terms -->"


class Sizes(NamedTuple):
    """How much is measured: of each part of its own."""

    rebuilds: rebuilds.Usage
    late: late.Sizes
    dated_back: dated_back.Sizes


WHOLE: Final = Sizes(
    rebuilds.Usage(1_000_000, 1_000, 2_000, 100_000, 5),
    late.Sizes(720, 26_280, 24),
    dated_back.Sizes(1_000_000, 720, 10_000, 3),
)
QUICK: Final = Sizes(
    rebuilds.Usage(600, 6, 20, 40, 1), late.Sizes(12, 72, 1), dated_back.Sizes(600, 6, 40, 1)
)
PARTS: Final[dict[str, Callable[[Path, Sizes], Iterator[Row]]]] = {
    "rebuilds": lambda folder, sizes: rebuilds.rows(folder, sizes.rebuilds),
    "late": lambda folder, sizes: late.rows(folder, sizes.late),
    "dated-back": lambda folder, sizes: dated_back.rows(folder, sizes.dated_back),
}


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(PARTS)), help="Measure only this.")
@click.option("--quick", is_flag=True, help="Tiny sizes, to see that it works.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the data there and reuse it.")
@click.option("--write", is_flag=True, help="Put the table into benchmarks/README.md.")
def main(*, only: tuple[str, ...], quick: bool, keep: Path | None, write: bool) -> None:
    """Measure what tiers, plans and grants cost, and print a table."""
    if write and (only or quick):
        raise click.UsageError("--write needs a whole run, without --only and --quick")
    sizes = QUICK if quick else WHOLE
    with data_folder(keep) as folder:
        rows = [row for part in only or PARTS for row in PARTS[part](folder, sizes)]
    runs = (
        f"Medians: of {sizes.rebuilds.runs} rebuilds, of {sizes.late.repetitions} late records,"
        f" of {sizes.dated_back.runs} transactions."
    )
    text = f"Measured with {report.machine()} {runs}\n\n{report.table(rows)}"
    click.echo(text)
    if write:
        report.keep(text, _BEGIN, _END)


if __name__ == "__main__":
    main()
