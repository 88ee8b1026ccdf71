"""Measure the whole way of a file of usage to balances: `python -m benchmarks.whole_path --help`.

Every step is the real program, on one machine: `node-pusher record -`, `node-pusher push`,
`aggregator pull`. Beside it run a plain script with sqlite3 on the same file, and DuckDB if it is
installed. A run whose balances differ from those of the script stops the benchmark.
"""

import argparse
import json
import random
import resource as used
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks import plain_script
from benchmarks.data import RESOURCES, START, users_of
from benchmarks.ingest import show_progress
from benchmarks.recording import LINES_PER_S, as_line, usage_at
from benchmarks.report import README, keep, machine, markdown
from gitmeter.git_remote.runner import clean_environment

_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.whole_path --write` -->"
_END: Final = "<!-- end: whole path -->"
_BIN: Final = Path(sys.executable).parent
_USERS: Final = 2000
_HISTORY_DAYS: Final = 90
_SIZES: Final = (50_000, 1_000_000)
_HISTORY_SIZES: Final = (10_000, 100_000, 1_000_000)
_RUNS: Final = 3
_QUICK: Final = 1000


class Spent(NamedTuple):
    """What a step took: CPU seconds, of all its processes, and seconds by the clock."""

    cpu_s: float
    clock_s: float


Steps = dict[str, Spent]


def timed(*command: str | Path, stdin: Path | None = None) -> tuple[Spent, str]:
    """Run a program; return what it took and what it printed."""
    before = used.getrusage(used.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with (stdin or Path("/dev/null")).open("rb") as source:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=source,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env=clean_environment(),
        )
    clock_s = time.perf_counter() - started
    after = used.getrusage(used.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu_s, clock_s), done.stdout


def write_prices(path: Path) -> None:
    """Write a price for each resource, in force since before the first line."""
    tables = [
        f'[[price]]\nresource = "{each.name}"\nusd = "{each.usd}"\nper = {each.per}\n'
        f'applies_to = "{each.applies_to}"\nfrom = 2000-01-01T00:00:00Z\n'
        for each in RESOURCES
    ]
    path.write_text("\n".join(tables))


def write_usage(path: Path, records: int, order: str) -> None:
    """Write a file of usage with an `id` a line.

    Args:
        path: the file.
        records: how many lines.
        order: `dense` for a hundred lines a second, one after the other; `sorted` and `unsorted`
            for history of 90 days.
    """
    rng = random.Random(records)
    users = users_of(_USERS)
    seconds = [number / LINES_PER_S for number in range(records)]
    if order != "dense":
        seconds = [rng.uniform(0, _HISTORY_DAYS * 86_400) for _ in range(records)]
    if order == "sorted":
        seconds.sort()
    with path.open("w") as stream:
        for number, after_s in enumerate(seconds):
            ts = START + timedelta(microseconds=1 + int(after_s * 1_000_000))
            line = usage_at(ts, users, rng) | {"id": f"request-{number:09d}"}
            stream.write(as_line(line))


class Site:
    """A node, the operator's books with prices, and an aggregator, all in one folder."""

    def __init__(self, folder: Path, prices: Path) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        node, books = (self._remote(name) for name in ("node", "books"))
        self.node = (_BIN / "node-pusher", "--home", folder / "node")
        timed(*self.node, "init", "--node", "node", "--remote", node)
        own = (_BIN / "books", "--home", folder / "books")
        timed(*own, "init", "--remote", books)
        timed(*own, "rules", "set", prices)
        timed(*own, "push")
        signers = folder / "signers"
        signers.write_text("".join(timed(*each, "show-key")[1] for each in (self.node, own)))
        config = folder / "aggregator.toml"
        config.write_text(
            f'state = "{folder}/state"\nallowed_signers_file = "{signers}"\n'
            f'[[repo]]\nnode = "books"\nurl = "{books}"\nrole = "books"\n'
            f'[[repo]]\nnode = "node"\nurl = "{node}"\n'
        )
        self.aggregator = (_BIN / "aggregator", "--config", config)

    def _remote(self, name: str) -> str:
        path = self._folder / f"{name}.git"
        timed("git", "init", "--quiet", "--bare", "--initial-branch=main", path)
        # as a forge keeps it after its housekeeping: what was pushed stays packed as it came
        timed("git", "-C", path, "config", "receive.unpackLimit", "1")
        return path.as_uri()

    def walk(self, usage: Path, *, verify: bool = False) -> Steps:
        """Record, push and pull a file of usage."""
        steps = {
            "record -": timed(*self.node, "record", "-", stdin=usage)[0],
            "push": timed(*self.node, "push")[0],
            "pull": timed(*self.aggregator, "pull")[0],
        }
        if verify:
            steps["verify"] = timed(*self.aggregator, "verify")[0]
        return steps

    def owed(self) -> dict[str, int]:
        """The list cost of each user, in nano-dollars."""
        rows = json.loads(timed(*self.aggregator, "balance", "--json")[1])
        return {row["user"]: row["list_cost_nano"] for row in rows}


class Walked(NamedTuple):
    """A walk of one file, in several rounds, and what it is compared with."""

    records: int
    rounds: list[Steps]


def compare(folder: Path, records: int, runs: int) -> Walked:
    """Walk the whole way, with the scripts beside it in each round.

    Raises:
        RuntimeError: the balances differ.
    """
    usage, prices, out = (folder / name for name in ("usage.jsonl", "prices.toml", "plain.db"))
    write_usage(usage, records, "dense")
    write_prices(prices)
    rounds = []
    for number in range(runs):
        show_progress(f"{records:,} lines: run {number + 1} of {runs}")
        site = Site(folder / "site", prices)
        steps = site.walk(usage)
        steps["the whole path"] = Spent(*map(sum, zip(*steps.values(), strict=True)))
        out.unlink(missing_ok=True)
        script = (sys.executable, plain_script.__file__, usage, prices, out)
        steps["the sqlite3 script"], said = timed(*script)
        if site.owed() != json.loads(said):
            raise RuntimeError("the ledger and the script disagree")
        if find_spec("duckdb") is not None:
            steps["DuckDB"], said = timed(*script, "--duckdb")
            if site.owed() != json.loads(said):
                raise RuntimeError("the ledger and DuckDB disagree")
        rounds.append(steps)
    return Walked(records, rounds)


def history(folder: Path, records: int, runs: int) -> Iterator[tuple[str, Walked]]:
    """Walk with history of 90 days, in order of time and in none."""
    prices = folder / "prices.toml"
    write_prices(prices)
    files = {order: folder / f"{order}.jsonl" for order in ("sorted", "unsorted")}
    for order, usage in files.items():
        write_usage(usage, records, order)
    rounds: dict[str, list[Steps]] = {order: [] for order in files}
    for number in range(runs):
        for order, usage in files.items():
            show_progress(f"{order} history of {records:,}: run {number + 1} of {runs}")
            site = Site(folder / "site", prices)
            rounds[order].append(site.walk(usage, verify=True))
    for order, found in rounds.items():
        yield order, Walked(records, found)


def _middle(walked: Walked, step: str, of: Callable[[Spent], float]) -> float:
    return median(of(steps[step]) for steps in walked.rounds)


def table(found: Sequence[Walked]) -> str:
    """Format the whole path as Markdown."""
    rows = []
    for walked in found:
        for step in walked.rounds[0]:
            cpu_s = _middle(walked, step, lambda spent: spent.cpu_s)
            clock_s = _middle(walked, step, lambda spent: spent.clock_s)
            ratio = median(
                steps[step].cpu_s / steps["the sqlite3 script"].cpu_s for steps in walked.rounds
            )
            rate = f"{walked.records / cpu_s:,.0f}"
            cells = (f"{walked.records:,}", step, f"{cpu_s:.2f} s", rate, f"{clock_s:.2f} s")
            rows.append((*cells, f"{ratio:.2f}"))
    headers = ("lines", "step", "CPU", "lines per CPU second", "clock", "CPU / script")
    return markdown(headers, rows)


def history_table(found: Sequence[tuple[str, Walked]]) -> str:
    """Format the history as Markdown."""
    rows = [
        (
            f"{walked.records:,}",
            order,
            *(f"{_middle(walked, step, lambda s: s.cpu_s):.2f} s" for step in walked.rounds[0]),
        )
        for order, walked in found
    ]
    return markdown(("lines", "order", *(found[0][1].rounds[0])), rows)


def main() -> None:
    """Measure and print, and write the tables into the README if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a thousand lines, once")
    parser.add_argument("--write", action="store_true", help=f"replace the tables in {README.name}")
    options = parser.parse_args()
    runs = 1 if options.quick else _RUNS
    sizes, history_sizes = ((_QUICK,), (_QUICK,)) if options.quick else (_SIZES, _HISTORY_SIZES)
    with tempfile.TemporaryDirectory(prefix="gitmeter-path-") as temporary:
        folder = Path(temporary)
        whole = [compare(folder, records, runs) for records in sizes]
        past = [each for records in history_sizes for each in history(folder, records, 1)]
    text = (
        f"Measured with {machine()} Medians of {runs} runs.\n\n{table(whole)}\n\n"
        f"History of {_HISTORY_DAYS} days, CPU of one run:\n\n{history_table(past)}"
    )
    print(text)
    if options.write:
        keep(text, _BEGIN, _END)


if __name__ == "__main__":
    main()
