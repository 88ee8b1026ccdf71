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
from benchmarks.data import RESOURCES
from benchmarks.ingest import data_folder, show_progress
from benchmarks.portal import floor
from benchmarks.portal.beside import billing
from benchmarks.portal.clients import CONNECTIONS, ask
from benchmarks.portal.ledger import DAYS, KEYS, PortalLedger, provide_accounts
from benchmarks.portal.program import Serving, portal

_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.portal --write` -->"
_END: Final = "<!-- end: portal -->"
_MS_PER_S: Final = 1000
_MEGABYTE: Final = 1_000_000
_BALANCE: Final = "/v1/balance"
_PATHS: Final = (_BALANCE, "/v1/entitlements", "/v1/me")
_USAGE: Final = "/v1/usage?by=day&from={:%Y-%m-%dT%H:%M:%SZ}"


class Size(NamedTuple):
    """How much is asked.

    Attributes:
        accounts, days: of the ledger.
        rate: requests in a second where the rate is steady.
        steady: requests at that rate, of each path.
        many: requests as fast as they are answered.
        few: requests for a year of usage.
        billed: records in a second that are billed beside.
    """

    accounts: int
    days: int = DAYS
    rate: int = 100
    steady: int = 3000
    many: int = 100_000
    few: int = 40
    billed: int = 1000


QUICK: Final = Size(1000, days=5, steady=20, many=100, few=3, billed=50)


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


def loads(ledger: PortalLedger, size: Size) -> Iterator[Load]:
    """Put every load on a portal, and first on a server of nothing.

    Args:
        ledger: what the portal reads.
        size: how much is asked.
    """
    with floor.empty_application() as serving:
        ask(serving, floor.PATH, KEYS, None)  # what is done for the first time is not counted
        yield _load(serving, "nothing, as fast as answered", floor.PATH, size.many, None)
        yield _load(serving, f"nothing, {size.rate} a second", floor.PATH, size.steady, size.rate)
    with TemporaryDirectory() as folder, portal(Path(folder), ledger) as serving:
        for path in _PATHS:
            ask(serving, path, KEYS, None)
            what = f"`GET {path}`, {size.rate} a second"
            yield _load(serving, what, path, size.steady, size.rate)
        what = f"`GET {_BALANCE}`, {size.many:,} as fast as answered"
        yield _load(serving, what, _BALANCE, size.many, None)
        what = f"`GET {_BALANCE}`, one after the other on one connection"
        yield _load(serving, what, _BALANCE, size.steady, None, 1)
        path = _USAGE.format(ledger.start)
        what = (
            f"`GET {path.partition('&')[0]}`, {len(RESOURCES)} resources an hour, {size.days} days"
        )
        first = serving._replace(keys=serving.keys[:1])
        ask(first, path, 1, None)
        yield _load(first, what, path, size.few, None, 1)
    with (
        TemporaryDirectory() as folder,
        TemporaryDirectory() as copy,
        billing(ledger, Path(copy), size.billed) as billed,
        portal(Path(folder), billed) as serving,
    ):
        ask(serving, _BALANCE, KEYS, None)
        what = (
            f"`GET {_BALANCE}`, {size.rate} a second, {size.billed:,} records a second are billed"
        )
        yield _load(serving, what, _BALANCE, size.steady, size.rate)


def _load(
    serving: Serving,
    what: str,
    path: str,
    number: int,
    rate: int | None,
    connections: int = CONNECTIONS,
) -> Load:
    show_progress(what)
    cpu_s, memory_bytes = serving.cpu_s(), serving.memory_bytes()
    latencies_s = ask(serving, path, number, rate, connections)
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
@click.option("--accounts", type=click.IntRange(min=1), default=1_000_000, show_default=True)
@click.option("--quick", is_flag=True, help="Tiny sizes, to see that it works.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the ledger there, to reuse it.")
@click.option("--write", is_flag=True, help="Put the table into benchmarks/README.md.")
def main(*, accounts: int, quick: bool, keep: Path | None, write: bool) -> None:
    """Measure what a portal's answers cost, and print a table."""
    if write and quick:
        raise click.UsageError("--write needs a whole run, without --quick")
    size = QUICK if quick else Size(accounts)
    with data_folder(keep) as folder:
        found = list(loads(provide_accounts(folder, size.accounts, size.days), size))
    text = (
        f"{size.accounts:,} accounts with usage in {size.days} days, keys of {KEYS:,} of them."
        f" Measured with {report.machine()} CPU.\n\n{table(found)}"
    )
    click.echo(text)
    if write:
        report.keep(text, _BEGIN, _END)


if __name__ == "__main__":
    main()
