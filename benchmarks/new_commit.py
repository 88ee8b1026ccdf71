"""Measure one new commit on a long history and on a short one, in a process that has opened both.

There are three figures for each: *applied* starts when the commit is in the mirror and ends when
its charges, balances and cursor are committed; *pulled* is a whole pass: probe, fetch, apply;
*fetched* is the CPU time of fetching alone over http, with that of the git program that it starts.
"""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from aggregator.cli.context import Context, now
from aggregator.ledger.ledger import Ledger
from aggregator.mirrors.gc import maintain
from aggregator.mirrors.state import State
from aggregator.pulling.passes import Puller
from benchmarks.adding import History, cpu_s
from benchmarks.data import Shape, usage_commit, users_of
from benchmarks.git_server import serving
from benchmarks.place import NODE, Place
from gitmeter.git_remote.gained import FetchLimits, fetch_gained
from gitmeter.git_remote.remote import Remote

_LIMITS = FetchLimits(600, 600, memory_bytes_max=1 << 30, file_bytes_max=1 << 30)
_WARM_UP = 3


class GrowingHistory(History):
    """A repo with all commits applied, which gets one more hour's usage at a time."""

    def __init__(self, place: Place, shape: Shape, state: State, ledger: Ledger) -> None:
        super().__init__(place, NODE, state, ledger)
        self._shape = shape
        self._path = f"{place.folder.name}/{place.origin(NODE).name}"
        self._records = shape.records // shape.commits
        self._next_hour = datetime.fromtimestamp(self.head.commit_time, UTC)

    def grow(self) -> None:
        """Commit one more hour's usage to the remote, as the node would."""
        users = users_of(self._shape.users)
        made = usage_commit(
            users, self._next_hour, self.next_seq, self._records, self._shape.records_per_charge
        )
        self.push(made)
        self._next_hour = made.at

    def fetch(self, address: str) -> float:
        """Fetch the new commit into the mirror; return the CPU time in seconds."""
        mirror = self.mirror
        remote, tip = Remote(f"{address}{self._path}"), str(self.head.id)
        began_s = cpu_s()
        known = mirror.head or ""
        branch = self.repo.branch
        sent = fetch_gained(remote, mirror.path, branch, tip=tip, known=known, limits=_LIMITS)
        if sent != tip:
            raise RuntimeError(f"one new commit was to be fetched, not {sent}")
        mirror.move_head(tip)
        return cpu_s() - began_s

    def apply_one(self, at: datetime) -> None:
        """Apply the one new commit in the mirror."""
        applied = self.apply(at)
        self.record()
        if (applied.commits, applied.admitted) != (1, self._records):
            raise RuntimeError(f"one new commit was to be applied, not {applied}")

    def pull(self) -> None:
        """Make a whole pass that finds one new commit."""
        reports = {report.name: report for report in Puller(self.state, self.ledger, now).pull()}
        if (reports[NODE].commits, reports[NODE].admitted) != (1, self._records):
            raise RuntimeError(f"one new commit was to be pulled: {reports[NODE]}")


class Timing(NamedTuple):
    """Medians for one history, in seconds; of fetching the CPU time."""

    commits: int
    applied_s: float
    pulled_s: float
    fetched_cpu_s: float


def shape_of(commits: int) -> Shape:
    """A shape with ten records per commit, each a charge of its own."""
    return Shape(f"commits-{commits}", commits * 10, commits, 100, 1)


def measure(folder: Path, repetitions: int) -> list[Timing]:
    """Pull every history in `folder` to its head, then time new commits, one at a time in turns."""
    sizes = sorted(int(path.name.removeprefix("commits-")) for path in folder.glob("commits-*"))
    with ExitStack() as stack:
        histories: dict[int, GrowingHistory] = {}
        for commits in sizes:
            shape = shape_of(commits)
            place = Place(folder / shape.name)
            context = Context(place.config_path, None, verbose=False)
            state, ledger = stack.enter_context(context.writing())
            for _ in Puller(state, ledger, now).pull():
                pass
            histories[commits] = GrowingHistory(place, shape, state, ledger)
        address = stack.enter_context(serving(folder))
        fetched: dict[int, list[float]] = {commits: [] for commits in sizes}
        applied: dict[int, list[float]] = {commits: [] for commits in sizes}
        pulled: dict[int, list[float]] = {commits: [] for commits in sizes}
        for _ in range(_WARM_UP + repetitions):
            for commits, history in histories.items():
                history.grow()
                fetched[commits].append(history.fetch(address))
                started = time.perf_counter()
                history.apply_one(now())
                applied[commits].append(time.perf_counter() - started)
                history.grow()
                started = time.perf_counter()
                history.pull()
                pulled[commits].append(time.perf_counter() - started)
                maintain(history.place.mirror)  # as the daemon does: not more packs than it lets be
    figures = (applied, pulled, fetched)
    return [Timing(n, *(median(found[n][_WARM_UP:]) for found in figures)) for n in sizes]
