"""A node that dates one record for each of many accounts back by years, and who waits for that.

Usage is billed by one thread: commits of one repo are read into a batch, and written in one
transaction. So a record that another node pushes meanwhile waits for the whole of it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final, NamedTuple

from aggregator.cli.context import Context, now
from aggregator.ledger.ledger import Ledger
from aggregator.mirrors.state import State
from aggregator.proof.digest import digest
from aggregator.pulling.passes import Puller
from benchmarks import report
from benchmarks.adding import History, check_rebuild
from benchmarks.data import RESOURCES, START, Shape, make, segment_commit, usage, users_of
from benchmarks.ingest import child, show_progress
from benchmarks.place import NODE, CommitFiles, Place
from benchmarks.report import Row
from wire_format.lines import Usage

OTHER: Final = "bench-02"
LONG_AGO: Final = datetime(2000, 3, 1, tzinfo=UTC)
_YEAR_HOURS: Final = 300 * 24
_SEGMENT_LINES: Final = 5_000
_MS_PER_S: Final = 1000


class Sizes(NamedTuple):
    """How much is measured.

    Attributes:
        records, commits: the usage of all accounts; each commit is an hour.
        accounts: how many there are.
        runs: the rounds; the median counts.
    """

    records: int
    commits: int
    accounts: int
    runs: int


def rows(folder: Path, sizes: Sizes) -> Iterator[Row]:
    """Measure, and yield a row at a time."""
    shape = Shape("many-accounts", *sizes[:3], 1, "tiers and grants")
    show_progress(f"data: {shape.name}")
    others = {OTHER: [one_line(OTHER, 1, START)]}
    place = make(folder / shape.name, shape, others)
    place.forget()
    show_progress(f"a record dated back for each of {sizes.accounts:,} accounts")
    arguments = place.folder, *sizes
    found = child("dated-back", *arguments, of="benchmarks.terms.child")
    accounts = f"{sizes.accounts:,} accounts"
    for when, of_what in (("in the year 2000", "back"), ("in the next hour", "next")):
        seconds = found[of_what]
        each_ms = median(seconds) * _MS_PER_S / sizes.accounts
        yield Row(
            f"a record of each of {accounts} {when}, in one transaction",
            report.duration(median(seconds)),
            f"the slowest: {report.duration(max(seconds))}",
            f"{each_ms:.2f} ms an account",
        )
    yield Row(
        "... a record that another node pushes as the first of these begins: until it is billed",
        report.duration(max(found["waited"])),
        f"without: {report.duration(median(found['alone']))}",
        f"{max(found['waited']) * _MS_PER_S:,.0f} ms, by the clock",
    )


def measure(place: Place, sizes: Sizes) -> dict[str, list[float]]:
    """Pull the histories to their heads, then add records.

    Args:
        place: where the repos are; they have no ledger yet.
        sizes: what the repos have.

    Returns:
        Seconds of each round: CPU time of a record of each account `back` in 2000 and in the
        `next` hour; by the clock, how long another record `waited` from its push until it was
        billed, and how long it takes `alone`.
    """
    found: dict[str, list[float]] = {name: [] for name in ("back", "next", "waited", "alone")}
    with Context(place.config_path, None, verbose=False).writing() as (state, ledger):
        for _ in Puller(state, ledger, now).pull():
            pass
        both = Both(place, sizes, state, ledger)
        for number in range(sizes.runs):
            both.push(LONG_AGO + timedelta(hours=2 * number), spread_hours=_YEAR_HOURS)
            found["back"].append(both.apply())
            both.push(both.end + timedelta(hours=number), spread_hours=1)
            found["next"].append(both.apply())
            found["alone"].append(both.wait_alone())
            both.push(LONG_AGO + timedelta(hours=2 * number + 1), spread_hours=_YEAR_HOURS)
            found["waited"].append(both.wait())
        wanted = digest(ledger.store)
    check_rebuild(place, wanted)
    return found


class Both:
    """A node with records of every account, and another one with a record now and then."""

    def __init__(self, place: Place, sizes: Sizes, state: State, ledger: Ledger) -> None:
        self.end = START + timedelta(hours=sizes.commits)
        self._sizes = sizes
        self._state = state
        self._ledger = ledger
        self._many = History(place, NODE, state, ledger)
        self._other = History(place, OTHER, state, ledger)

    def push(self, first: datetime, spread_hours: int) -> None:
        """Commit a record of each account to the remote of the first node."""
        users = users_of(self._sizes.accounts)
        for begin in range(0, len(users), _SEGMENT_LINES):
            some = users[begin : begin + _SEGMENT_LINES]
            seq = self._many.next_seq
            hours = [(begin + i) % spread_hours for i in range(len(some))]
            lines = [
                _line(NODE, seq + i, first + timedelta(hours=hours[i]), user)
                for i, user in enumerate(some)
            ]
            self._many.push(segment_commit(self._committed_at(seq), lines))

    def apply(self) -> float:
        """Apply what the first node pushed; return the CPU time of it, in seconds."""
        self._many.place.fetch(self._state, NODE)
        applied = self._many.apply(now())
        if applied.admitted != self._sizes.accounts:
            raise RuntimeError(f"one record of each account was to be applied, not {applied}")
        self._many.record()
        return self._many.cpu_s

    def wait_alone(self) -> float:
        """Push a record of the other node, and pull it; return the seconds that takes."""
        self._push_other()
        began_s = perf_counter()
        return self._ended_s({OTHER}, []) - began_s

    def wait(self) -> float:
        """Pull what the first node pushed; the other one pushes once that is being applied.

        Returns:
            The seconds from that push until the record is billed.
        """
        pushed_s: list[float] = []
        return self._ended_s({NODE}, pushed_s) - pushed_s[0]

    def _ended_s(self, names: set[str], pushed_s: list[float]) -> float:
        """Pull some repos and then the other node's; return when that was billed."""

        def on_commit(name: str, _done: int, _total: int) -> None:
            if name == NODE and not pushed_s:
                self._push_other()
                pushed_s.append(perf_counter())

        hints = [{OTHER}]
        puller = Puller(self._state, self._ledger, now)
        reports = puller.pull(
            on_commit,
            skip=lambda name: name not in names,
            also=lambda: hints.pop() if pushed_s and hints else frozenset(),
            is_whole=False,
        )
        ended_s = {each.name: perf_counter() for each in reports if each.admitted}
        if set(ended_s) != {*names, OTHER}:
            raise RuntimeError(f"records of {', '.join(ended_s)} were billed")
        return ended_s[OTHER]

    def _push_other(self) -> None:
        seq = self._other.next_seq
        self._other.push(one_line(OTHER, seq, self._committed_at(seq)))

    def _committed_at(self, seq: int) -> datetime:
        return self.end + timedelta(days=30, seconds=seq)


def one_line(node: str, seq: int, at: datetime) -> CommitFiles:
    """The commit of one record, of an account that no other node knows."""
    return segment_commit(at + timedelta(hours=1), [_line(node, seq, at, "somebody")])


def _line(node: str, seq: int, ts: datetime, user: str) -> Usage:
    return usage(seq, user, ts, RESOURCES[seq % len(RESOURCES)], 100, node)
