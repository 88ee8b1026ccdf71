"""Measure the way from git to balances: `python -m benchmarks.ingest --help`.

Things that are compared are measured in turns, A B A B, each run in a fresh process, so that the
ratio is right even if the machine's speed drifts. `benchmarks/README.md` says what the figures
mean.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from aggregator.cli.context import now as clock
from aggregator.reports import accounts
from aggregator.store.store import open_for_reading
from benchmarks import obvious_script, report
from benchmarks.data import RECORDS_PER_CHARGE, Shape, make
from benchmarks.new_commit import shape_of
from benchmarks.place import Place
from benchmarks.recording import seconds_to_record
from benchmarks.report import Row
from gitmeter.git_remote.runner import clean_environment

ROOT: Final = Path(__file__).parent.parent
PARTS: Final = ("typical", "sparse", "script", "memory", "new-commit", "record", "stages")
KINDS: Final = {"typical": RECORDS_PER_CHARGE, "sparse": 1}
"""How many records share a charge, by kind of data."""

RATIO_MAX: Final = {"typical": 2.2, "sparse": 4.5}
NEW_COMMIT: Final = {
    "applied": 1.3,
    "pulled: probe, fetch and apply": None,
    "fetched over http, CPU with git's": 1.2,
}
"""What is measured of one new commit, and the most that a long history may multiply it by."""

FETCHED_CPU_MS_MAX: Final = 10
MEMORY_MB_MAX: Final = 170
RECORDED_PER_S_MIN: Final = 100_000
GIT_LOG: Final = "`git log -p --reverse`"


class Sizes(NamedTuple):
    """How much is measured.

    Attributes:
        records, commits, users: the size of the main data.
        runs: the rounds of each comparison; the median counts.
        memory_records: the numbers of records at which memory is measured.
        histories: the commits of the two histories to which new commits are added.
        repetitions: how many new commits are added to each.
        recorded: the number of lines given to `node-pusher record -`.
    """

    records: int
    commits: int
    users: int
    runs: int
    memory_records: tuple[int, ...] = (1_000_000, 10_000_000)
    histories: tuple[int, int] = (24, 87_600)
    repetitions: int = 60
    recorded: int = 500_000


QUICK: Final = Sizes(600, 6, 100, 2, (600, 1200), (3, 12), 2, 500)


class Bench:
    """Makes data, unless it exists, and measures with it.

    Args:
        folder: the folder of the data.
        sizes: how much is measured.
        parts: what is measured, of `PARTS`.
    """

    def __init__(self, folder: Path, sizes: Sizes, parts: frozenset[str]) -> None:
        self.folder = folder
        self.sizes = sizes
        self.parts = parts

    def rows(self) -> Iterator[Row]:
        """Measure the chosen parts, yielding a row at a time."""
        for kind in KINDS:
            if self.parts & {kind, "script"}:
                yield from self._ingest(kind)
        if "memory" in self.parts:
            yield from self._memory()
        if "new-commit" in self.parts:
            yield from self._new_commit()
        if "record" in self.parts:
            yield self._record()

    @cached_property
    def stage_seconds(self) -> Mapping[str, Mapping[str, float]]:
        """Seconds of each stage by kind of data; empty if stages are not measured."""
        if "stages" not in self.parts:
            return {}
        return {kind: self._stages(kind) for kind in KINDS}

    def place(self, kind: str, records: int) -> Place:
        """Make data of a kind and size; each commit has as many records as in the main data."""
        commits = max(1, records * self.sizes.commits // self.sizes.records)
        shape = Shape(f"{kind}-{records}", records, commits, self.sizes.users, KINDS[kind])
        show_progress(f"data: {shape.name}")
        return make(self.folder / shape.name, shape)

    def _ingest(self, kind: str) -> Iterator[Row]:
        sizes = self.sizes
        place = self.place(kind, sizes.records)
        out = place.folder / "script.db"
        contenders: dict[str, Callable[[], float]] = {"git": lambda: git_log_seconds(place.mirror)}
        if kind in self.parts:
            contenders["pull"] = lambda: pull(place, sizes.records)["seconds"]
        if "script" in self.parts:
            contenders["script"] = lambda: script_seconds(place, out)
        git_log_seconds(place.mirror)  # so that no round pays for a cold disk
        seconds = take_turns(contenders, sizes.runs, kind)
        yardstick = (GIT_LOG, seconds["git"])
        what = f"{kind}: {sizes.records:,} records, {sizes.commits:,} commits"
        if kind in self.parts:
            limit = RATIO_MAX[kind]
            yield report.against(what, seconds["pull"], yardstick, limit, sizes.records)
        if "script" in self.parts:
            name = f"{kind}, the obvious script"
            yield report.against(name, seconds["script"], yardstick, None, sizes.records)
        if {kind, "script"} <= self.parts:
            check_balances(place, out)

    def _memory(self) -> Iterator[Row]:
        for records in self.sizes.memory_records:
            for kind in KINDS:
                place = self.place(kind, records)
                show_progress(f"memory: {kind}, {records:,} records")
                peak = pull(place, records)["memory_peak_bytes"]
                name = f"memory peak, {kind}, {records:,} records"
                yield report.at_most(name, peak, MEMORY_MB_MAX)

    def _new_commit(self) -> Iterator[Row]:
        folder = self.folder / "histories"
        for commits in self.sizes.histories:
            shape = shape_of(commits)
            show_progress(f"data: {shape.name}")
            make(folder / shape.name, shape)
        show_progress(f"one new commit: {self.sizes.repetitions} times on each history")
        few, many = child("new-commit", folder, str(self.sizes.repetitions))
        for i, (name, limit) in enumerate(NEW_COMMIT.items(), start=1):
            what = f"one new commit on {many[0]:,} commits, {name}"
            base = (f"on {few[0]:,} commits", [few[i]])
            yield report.against(what, [many[i]], base, limit)
        yield report.at_most_ms(what, many[-1], FETCHED_CPU_MS_MAX)

    def _record(self) -> Row:
        folder, records = self.folder / "record", self.sizes.recorded
        seconds = []
        for i in range(self.sizes.runs):
            show_progress(f"record: run {i + 1} of {self.sizes.runs}")
            seconds.append(seconds_to_record(folder, records))
        what = f"`node-pusher record -`, {records:,} lines"
        return report.at_least(what, records, seconds, RECORDED_PER_S_MIN)

    def _stages(self, kind: str) -> dict[str, float]:
        place = self.place(kind, self.sizes.records)
        show_progress(f"stages: {kind}")
        place.forget()
        found: dict[str, float] = child("stages", place.folder)
        return found


def take_turns(
    contenders: Mapping[str, Callable[[], float]], runs: int, kind: str
) -> dict[str, list[float]]:
    """Measure each contender once in each round; return the seconds of all rounds by name."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for i in range(runs):
        for name, measure in contenders.items():
            seconds[name].append(measure())
        now = ", ".join(f"{name} {found[-1]:.2f} s" for name, found in seconds.items())
        show_progress(f"{kind}: run {i + 1} of {runs}: {now}")
    return seconds


def git_log_seconds(repo: Path) -> float:
    """Time the yardstick: git shows every added line once."""
    command = ["git", "-C", str(repo), "log", "-p", "--reverse", "main"]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=clean_environment())
    return time.perf_counter() - started


def pull(place: Place, records: int) -> dict[str, float]:
    """Make a new ledger from the mirrors, in a fresh process."""
    place.forget()
    found: dict[str, float] = child("pull", place.folder)
    if found["admitted"] != records:
        raise RuntimeError(f"{found['admitted']:,} of {records:,} records were admitted")
    return found


def script_seconds(place: Place, out: Path) -> float:
    """Time the obvious script, run as its user would run it."""
    out.unlink(missing_ok=True)
    paths = (place.mirror, place.books_mirror, out)
    command = [sys.executable, str(obvious_script.__file__), *map(str, paths)]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=clean_environment())
    return time.perf_counter() - started


def check_balances(place: Place, out: Path) -> None:
    """Check that ledger and script agree on every user's balance at list prices."""
    ledger = open_for_reading(place.config().database_path)
    ours = {
        row["user"]: row["credit_nano"] - row["list_cost_nano"]
        for row in accounts.balances(ledger, clock())
    }
    ledger.close()
    if ours != obvious_script.balances(str(out)):
        raise RuntimeError("the ledger and the obvious script disagree")


def child(task: str, *args: object, of: str = "benchmarks.child") -> Any:  # noqa: ANN401 - its own
    """Run a task of a module in a fresh process; return its result."""
    command = [sys.executable, "-m", of, task, *map(str, args)]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def show_progress(text: str) -> None:
    """Print on standard error what is being done."""
    click.echo(text, err=True)


@contextmanager
def data_folder(keep: Path | None) -> Iterator[Path]:
    """Provide the folder of the data: the one to keep, or a temporary one."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="gitmeter-bench-") as folder:
        yield Path(folder)


@click.command()
@click.option("--records", type=click.IntRange(min=1), default=1_000_000, show_default=True)
@click.option("--commits", type=click.IntRange(min=1), default=1_000, show_default=True)
@click.option("--users", type=click.IntRange(min=1), default=2_000, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Measure only this.")
@click.option("--quick", is_flag=True, help="Tiny sizes, to see that it works.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the data there and reuse it.")
@click.option("--write", is_flag=True, help="Put the tables into benchmarks/README.md.")
def main(  # noqa: PLR0913 - its options
    *,
    records: int,
    commits: int,
    users: int,
    runs: int,
    only: tuple[str, ...],
    quick: bool,
    keep: Path | None,
    write: bool,
) -> None:
    """Measure the way from git to balances, and print a table."""
    if write and (only or quick):
        raise click.UsageError("--write needs a whole run, without --only and --quick")
    sizes = QUICK if quick else Sizes(records, commits, users, runs)
    with data_folder(keep) as folder:
        bench = Bench(folder, sizes, frozenset(only or PARTS))
        rows = list(bench.rows())
        parts = [f"Measured with {report.machine()} Medians of {sizes.runs} rounds."]
        if rows:
            parts.append(report.table(rows))
        if bench.stage_seconds:
            parts.append(report.stage_table(bench.stage_seconds))
    text = "\n\n".join(parts)
    click.echo(text)
    if write:
        report.keep(text)


if __name__ == "__main__":
    main()
