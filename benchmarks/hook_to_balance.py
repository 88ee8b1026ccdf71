"""From a provider's webhook to the balance: how long a customer waits.

    python -m benchmarks.hook_to_balance 100

Real programs on this machine: a till, git over http, the aggregator's daemon, which is told of each
push. Measured is from the moment when the provider sends the event until the ledger has the credit.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fixtures.money.site import Site
from tests.support.git_http import GitHttpServer
from tests.support.providers.clock import Clock
from tests.support.providers.fake_stripe import FakeStripe

_PERCENTILE = 99


def measure(count: int, pause_s: float) -> list[float]:
    """Seconds from event to balance, for `count` payments one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        (root / "remotes").mkdir(parents=True)
        now = datetime.now(UTC)
        with FakeStripe(Clock(now)) as stripe, GitHttpServer(root / "remotes") as git:
            site = Site(root, stripe, git)
            try:
                site.set_up(now - timedelta(hours=1), limit="1000000")
                site.start()
                return [_once(site, number, pause_s) for number in range(count)]
            finally:
                site.end()


def _once(site: Site, number: int, pause_s: float) -> float:
    user = f"user-{number}"
    time.sleep(pause_s)
    _, page = site.checkout(user, "20.00")
    session = page["url"].rsplit("/", 1)[-1]
    begun_s = time.monotonic()
    site.stripe.pay(session)
    with closing(
        sqlite3.connect(f"file:{site.root / 'state'}/ledger.db?mode=ro", uri=True)
    ) as ledger:
        site.until(lambda: _has_credit(ledger, user), f"the balance of {user}")
    return time.monotonic() - begun_s


def _has_credit(ledger: sqlite3.Connection, user: str) -> bool:
    row = ledger.execute("SELECT credit_nano FROM account WHERE user = ?", (user,)).fetchone()
    return row is not None and row[0] > 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--pause-s", type=float, default=2.0, help="between two customers")
    asked = parser.parse_args(arguments)
    found = sorted(measure(asked.count, asked.pause_s))
    high = found[min(len(found) - 1, len(found) * _PERCENTILE // 100)]
    print(
        f"{len(found)} hooks: median {statistics.median(found):.2f} s,"
        f" {_PERCENTILE} % within {high:.2f} s, slowest {found[-1]:.2f} s"
    )


if __name__ == "__main__":
    main()
