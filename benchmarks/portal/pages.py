"""Measure the pages of an account with a year of usage: `python -m benchmarks.portal.pages`.

The account uses eight resources in every hour. CPU is that of the portal's process, user and
system; what is transferred is counted with its heads, as a browser that comes for the first time
asks for it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import click
import requests

from benchmarks import report
from benchmarks.ingest import data_folder
from benchmarks.portal.ledger import DAYS, PortalLedger, provide_accounts
from benchmarks.portal.program import Serving, portal
from tests.portal.pages.visitor import Visitor, signed_in

_ACCOUNTS: Final = 10
_TIMES: Final = 50
_QUICK_DAYS: Final = 3
_MS_PER_S: Final = 1000
_KILOBYTE: Final = 1000
_PATHS: Final = (
    "/",
    "/usage",
    "/usage?by=day&from={start:%Y-%m-%d}",
    "/usage?by=month",
    "/charges",
)
_FILES: Final = re.compile(r'(?:href|src)="(/static/[^"]+)"')


class Cost(NamedTuple):
    """What a page costs.

    Attributes:
        path: of the page.
        cpu_s: of the portal, each time.
        page_bytes: of the page.
        all_bytes: of the page and the files that it loads.
    """

    path: str
    cpu_s: float
    page_bytes: int
    all_bytes: int


def costs(serving: Serving, ledger: PortalLedger, times: int = _TIMES) -> Iterator[Cost]:
    """Ask for each page some times."""
    visitor = signed_in(f"http://{serving.host}:{serving.port}", serving.keys[0])
    for pattern in _PATHS:
        path = pattern.format(start=ledger.start)
        page = visitor.page(path)
        before_s = serving.cpu_s()
        for _ in range(times):
            visitor.page(path)
        cpu_s = (serving.cpu_s() - before_s) / times
        own = _size(visitor.get(path))
        files = sum(_size(_file(visitor, each)) for each in _FILES.findall(page))
        yield Cost(path, cpu_s, own, own + files)


def _file(visitor: Visitor, path: str) -> requests.Response:
    return requests.get(visitor.url + path, timeout=30, stream=True)


def _size(answered: requests.Response) -> int:
    """The bytes of a response as they were sent, with its head."""
    head = sum(len(name) + len(value) + 4 for name, value in answered.headers.items())
    sent = answered.headers.get("Content-Length")
    return head + (len(answered.content) if sent is None else int(sent))


@click.command()
@click.option("--quick", is_flag=True, help="A few days, to see that it works.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the ledger there, to reuse it.")
def main(*, quick: bool, keep: Path | None) -> None:
    """Measure what pages cost, and print a table."""
    days = _QUICK_DAYS if quick else DAYS
    with data_folder(keep) as folder, TemporaryDirectory() as home:
        ledger = provide_accounts(folder, _ACCOUNTS, days)
        with portal(Path(home), ledger) as serving:
            found = [*costs(serving, ledger)]
    rows = (
        (
            f"`{each.path}`",
            f"{each.cpu_s * _MS_PER_S:.1f} ms",
            f"{each.page_bytes / _KILOBYTE:.1f} kB",
            f"{each.all_bytes / _KILOBYTE:.1f} kB",
        )
        for each in found
    )
    headers = ("page", "CPU", "the page", "with the files that it loads")
    click.echo(report.markdown(headers, rows))


if __name__ == "__main__":
    main()
