"""Measure a portal under load: `python -m benchmarks.portal --help`.

Latency is what a client sees, from when a request was due; CPU is that of the portal's process,
user and system. Clients are in one other process on the same machine.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import click

from benchmarks import report
from benchmarks.ingest import data_folder, show_progress
from benchmarks.portal.clients import ask
from benchmarks.portal.program import Serving, portal
from benchmarks.reports.ledger import BenchLedger, provide_ledger
from benchmarks.reports.usage import Size

_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.portal --write` -->"
_END: Final = "<!-- end: portal -->"
_WHOLE: Final = Size(248_000, 5_900_000, 365)
QUICK: Final = Size(1_500, 2_000, 10)
_KEYS: Final = 1000
_RATE: Final = 100
_SECONDS: Final = 30
_MANY: Final = 100_000
_MS_PER_S: Final = 1000
_MEGABYTE: Final = 1_000_000
_PATHS: Final = ("/v1/balance", "/v1/entitlements", "/v1/me")


class Load(NamedTuple):
    """What a load needed.

    Attributes:
        what: the load.
        latencies_s: of each answer.
        cpu_s: of the portal.
        memory_bytes: of the portal before it and after it.
    """

    what: str
    latencies_s: list[float]
    cpu_s: float
    memory_bytes: tuple[int, int]


def loads(ledger: BenchLedger, number: int, many: int) -> Iterator[Load]:
    """Put every load on a portal.

    Args:
        ledger: what it reads.
        number: requests at a steady rate, of each path.
        many: requests as fast as they are answered.
    """
    users = ledger.size.users
    asking = users[:: max(1, len(users) // _KEYS)][:_KEYS]
    with (
        TemporaryDirectory() as folder,
        portal(Path(folder), ledger.place, asking) as serving,
    ):
        for path in _PATHS:
            ask(serving, path, len(asking), None)  # what is read for the first time is not counted
            yield _load(serving, f"`GET {path}`, {_RATE} a second", path, number, _RATE)
        what = f"`GET {_PATHS[0]}`, {many:,} as fast as answered"
        yield _load(serving, what, _PATHS[0], many, None)


def _load(serving: Serving, what: str, path: str, number: int, rate: int | None) -> Load:
    show_progress(what)
    cpu_s, memory_bytes = serving.cpu_s(), serving.memory_bytes()
    latencies_s = ask(serving, path, number, rate)
    used_s = serving.cpu_s() - cpu_s
    return Load(what, latencies_s, used_s, (memory_bytes, serving.memory_bytes()))


def table(found: list[Load]) -> str:
    """Format the figures as Markdown."""
    headers = ("load", "p50", "p99", "CPU a request", "memory before and after")
    return report.markdown(headers, map(_cells, found))


def _cells(load: Load) -> tuple[str, ...]:
    percentiles = quantiles(load.latencies_s, n=100)
    before, after = (each / _MEGABYTE for each in load.memory_bytes)
    return (
        load.what,
        f"{percentiles[49] * _MS_PER_S:.2f} ms",
        f"{percentiles[98] * _MS_PER_S:.2f} ms",
        f"{load.cpu_s / len(load.latencies_s) * _MS_PER_S:.2f} ms",
        f"{before:.0f}, {after:.0f} MB",
    )


@click.command()
@click.option("--quick", is_flag=True, help="Tiny sizes, to see that it works.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the ledger there, to reuse it.")
@click.option("--write", is_flag=True, help="Put the table into benchmarks/README.md.")
def main(*, quick: bool, keep: Path | None, write: bool) -> None:
    """Measure what a portal's answers cost, and print a table."""
    if write and quick:
        raise click.UsageError("--write needs a whole run, without --quick")
    size, number, many = (QUICK, _RATE, 1000) if quick else (_WHOLE, _RATE * _SECONDS, _MANY)
    with data_folder(keep) as folder:
        found = list(loads(provide_ledger(folder, size), number, many))
    text = (
        f"{size.accounts:,} accounts, {size.charges:,} charges in {size.days} days, keys of"
        f" {_KEYS:,} accounts. Measured with {report.machine()} CPU.\n\n{table(found)}"
    )
    click.echo(text)
    if write:
        report.keep(text, _BEGIN, _END)


if __name__ == "__main__":
    main()
