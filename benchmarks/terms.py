"""What tiers and grants cost a rebuild: `python -m benchmarks.terms --help`.

Each is compared with the same usage under a price for each resource and nothing else, in turns, in
fresh processes.
"""

from functools import partial
from pathlib import Path

import click

from benchmarks import report
from benchmarks.data import RECORDS_PER_CHARGE, BooksKind, Shape, make
from benchmarks.ingest import data_folder, pull, show_progress, take_turns
from benchmarks.place import Place
from benchmarks.report import Row


def measure(folder: Path, plain: Shape, other: Shape, runs: int, limit: float) -> Row:
    """Compare a rebuild with one of the same usage under plain books.

    Args:
        folder: of the data.
        plain: the usage under plain books.
        other: the same under others.
        runs: the rounds; the median counts.
        limit: how many times as long it may take.
    """
    places: dict[str, Place] = {}
    for shape in (plain, other):
        show_progress(f"data: {shape.name}")
        places[shape.books] = make(folder / shape.name, shape)
    contenders = {books: partial(_seconds, place, plain.records) for books, place in places.items()}
    seconds = take_turns(contenders, runs, other.name)
    base = ("plain books", seconds["plain"])
    return report.against(other.name, seconds[other.books], base, limit, plain.records)


def _seconds(place: Place, records: int) -> float:
    return pull(place, records)["seconds"]


@click.command()
@click.option("--records", type=click.IntRange(min=1), default=1_000_000, show_default=True)
@click.option("--commits", type=click.IntRange(min=1), default=1_000, show_default=True)
@click.option("--accounts", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the data there and reuse it.")
def main(*, records: int, commits: int, accounts: int, runs: int, keep: Path | None) -> None:
    """Measure tiers by the month, and a grant for each of many accounts."""
    few, many = min(2_000, accounts), accounts
    with data_folder(keep) as folder:
        rows = []
        compared: tuple[tuple[str, int, BooksKind, float], ...] = (
            ("tiers by the month", few, "tiers", 1.5),
            (f"a grant for each of {many:,} accounts", many, "grants", 1.3),
        )
        for name, users, books, limit in compared:
            shared = (records, commits, users, RECORDS_PER_CHARGE)
            plain = Shape(f"plain, {users:,} accounts", *shared)
            rows.append(measure(folder, plain, Shape(name, *shared, books), runs, limit))
    click.echo(f"Measured with {report.machine()} Medians of {runs} rounds.\n")
    click.echo(report.table(rows))


if __name__ == "__main__":
    main()
