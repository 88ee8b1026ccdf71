"""The reports that are measured. Another one is another line of `_REPORTS`."""

from datetime import timedelta
from typing import Final, NamedTuple

from benchmarks.place import NODE
from benchmarks.reports.ledger import BenchLedger
from gitmeter.git_remote.runner import run_git

_REPORTS: Final = """\
usage --period all
usage --period all --by user --csv
usage --period all --by day --by resource
usage SMALL --period all
usage LARGEST --period all
usage LARGEST --period all --by day --by resource --csv
revenue --period all
revenue --period all --by plan
revenue --period all --by month
revenue --period all --by user --csv
liability
liability --as-of MIDDLE
accounts --running-out 7d
payments --csv
payments --json
balance
balance --json
balance --at MIDDLE
charges LARGEST
charges LARGEST --json
statement SMALL MONTH
statement LARGEST MONTH
statement LARGEST MONTH --csv
statement LARGEST MONTH --html
statement LARGEST all --csv
changes --since COMMIT
export charges --period all
export payments --period all
export focus --period MONTH
export hledger
"""
"""Arguments of `aggregator`, in which a word in capital letters is what `_named` says."""

_SINCE: Final = timedelta(days=7)
_GIT_TIMEOUT_S: Final = 60


class Command(NamedTuple):
    """A report.

    Attributes:
        name: its name in the table.
        words: the arguments of `aggregator`.
    """

    name: str
    words: tuple[str, ...]


def commands(ledger: BenchLedger) -> list[Command]:
    """The reports about a ledger."""
    named = _named(ledger)
    return [
        Command(f"`{name}`", tuple(named.get(word, word) for word in name.split()))
        for name in _REPORTS.splitlines()
    ]


def _named(ledger: BenchLedger) -> dict[str, str]:
    """The largest account, a small one, the middle of the time, and a commit of a week ago."""
    users = ledger.size.users
    return {
        "LARGEST": users[0],
        "SMALL": users[-1],
        "MIDDLE": f"{ledger.middle:%Y-%m-%d}",
        "MONTH": f"{ledger.middle:%Y-%m}",
        "COMMIT": _commit_before(ledger),
    }


def _commit_before(ledger: BenchLedger) -> str:
    before = f"--before={ledger.end - _SINCE:%Y-%m-%dT%H:%M:%SZ}"
    origin = str(ledger.place.origin(NODE))
    found = run_git(["-C", origin, "rev-list", "-1", before, "main"], timeout_s=_GIT_TIMEOUT_S)
    return found.stdout.decode().strip()
