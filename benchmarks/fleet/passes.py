"""Measure passes of the daemon over a fleet, in a process of their own.

`python -m benchmarks.fleet.passes TASK FOLDER SIZES` prints its progress and, in the last line, one
JSON object. A pass is all that the daemon does between two waits of its loop: registrations,
listing, probes, billing, silent nodes.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from aggregator.cli.context import Context
from aggregator.daemon.loop import Daemon
from aggregator.daemon.reload import Reload
from aggregator.ledger.ledger import Ledger
from benchmarks.fleet.forge import BOOKS, RECORDS_PER_COMMIT
from benchmarks.fleet.gauges import Cost, Moment, measure, moment, watch_programs
from benchmarks.fleet.site import Site

PARTS_OF_ALL: Final = 20
"""The share of nodes that push if 5 % do: every twentieth."""

EVERY_S: Final = 36
"""Seconds between two pushes of a node where each second one in so many nodes pushes."""

_POINTS: Final = (0.0, 0.1, 0.5, 1.0)
_SHOWN_EVERY: Final = 50


class Sizes(NamedTuple):
    """How many passes are made.

    Attributes:
        runs: passes of each kind.
        quiet, busy: passes in a row with nothing new, and with 5 % new.
    """

    runs: int
    quiet: int
    busy: int

    @property
    def long_runs(self) -> int:
        """Passes of each kind that takes a long time."""
        return max(1, self.runs // 3)


class Passes:
    """A daemon without its loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._next_node = 0

    @contextmanager
    def started(self) -> Iterator[Daemon]:
        """Provide a daemon that has just started."""
        with Context(self._site.config_path, None, verbose=False).writing() as (state, ledger):
            self._ledger = ledger
            yield Daemon(state, ledger, lambda: self._site.now, Reload(lambda: state.config))

    def once(self, daemon: Daemon) -> None:
        """Make one pass."""
        daemon._pull()  # noqa: SLF001 - the loop's step itself, without its waiting

    def cost(self, daemon: Daemon, records: int) -> Cost:
        """Measure one pass, which must bill this number of records."""
        return self._cost(lambda: self.once(daemon), records)

    def hinted_cost(self, daemon: Daemon, nodes: Sequence[str]) -> Cost:
        """Let nodes push a commit each, and measure reading them as their webhooks make it do."""
        self._site.forge.push(list(nodes))
        pull = lambda: daemon._pull_repos(set(nodes), is_whole=False)  # noqa: E731, SLF001 - as above
        return self._cost(pull, len(nodes) * RECORDS_PER_COMMIT)

    def _cost(self, work: Callable[[], object], records: int) -> Cost:
        before = records_of(self._ledger)
        cost = measure(self._site.forge, work)
        billed = records_of(self._ledger) - before
        if billed != records:
            raise RuntimeError(f"{billed} of {records} records were billed")
        return cost

    def push(self, share: int) -> int:
        """Let every `share`th node push, others each time; return how many records that is."""
        nodes = self._site.nodes
        chosen = nodes[self._next_node % share :: share]
        self._next_node += 1
        self._site.forge.push(list(chosen))
        return len(chosen) * RECORDS_PER_COMMIT

    def first(self, runs: int) -> list[Cost]:
        """Measure the very first pass, with an empty state directory each time."""
        costs = []
        records = self._site.commits * len(self._site.nodes) * RECORDS_PER_COMMIT
        for run in range(runs):
            if run:
                shutil.rmtree(self._site.state_dir)
            with self.started() as daemon:
                costs.append(self.cost(daemon, records))
            show_cost("first pass", costs[-1])
        return costs


def records_of(ledger: Ledger) -> int:
    """How many usage records are billed."""
    by_node = {row["node"]: row["records"] for row in ledger.store.reports.repos()}
    return sum(records for node, records in by_node.items() if node != BOOKS)


def first(site: Site, sizes: Sizes) -> object:
    """Measure the first pass."""
    return {"first": Passes(site).first(sizes.long_runs)}


def passes(site: Site, sizes: Sizes) -> object:
    """Measure passes after a start, with nothing new, with 5 % new and with everything new."""
    its = Passes(site)
    found: dict[str, list[Cost]] = {
        kind: [] for kind in ("start", "nothing", "some", "all", "second")
    }

    def note(kind: str, daemon: Daemon, records: int) -> None:
        found[kind].append(its.cost(daemon, records))
        show_cost(kind, found[kind][-1])

    for run in range(sizes.runs):
        with its.started() as daemon:
            note("start", daemon, 0)
            for _ in range(2):
                note("nothing", daemon, 0)
            note("some", daemon, its.push(PARTS_OF_ALL))
            if run < sizes.long_runs:
                note("all", daemon, its.push(1))
                for first in range(min(EVERY_S, len(site.nodes))):
                    nodes = site.nodes[first::EVERY_S]
                    found["second"].append(its.hinted_cost(daemon, nodes))
    return found


def endurance(site: Site, sizes: Sizes) -> object:
    """Measure memory and open files over many passes."""
    its = Passes(site)
    with its.started() as daemon:
        its.once(daemon)
        quiet = curve("nothing new", sizes.quiet, lambda: its.once(daemon))

        def busy() -> None:
            its.push(PARTS_OF_ALL)
            its.once(daemon)

        return {"quiet": quiet, "busy": curve("5 % new", sizes.busy, busy)}


def curve(name: str, count: int, step: Callable[[], None]) -> list[tuple[int, Moment]]:
    """Return the state of this process at the start and after 10 %, half and all of the steps."""
    points = {round(count * point) for point in _POINTS}
    found = [(0, moment())]
    for number in range(1, count + 1):
        step()
        if number in points:
            found.append((number, moment()))
        if number % _SHOWN_EVERY == 0:
            print(f"# {name}: {number} of {count}", flush=True)
    return found


def show_cost(kind: str, cost: Cost) -> None:
    """Print the cost of a pass as progress, apart from the result."""
    print(f"# {kind}: {cost.seconds:.2f} s, CPU {cost.cpu_s:.2f} s", flush=True)


_TASKS: Final[dict[str, Callable[[Site, Sizes], object]]] = {
    "first": first,
    "passes": passes,
    "endurance": endurance,
}


def main() -> None:
    """Run one task."""
    task, folder, sizes = sys.argv[1:]
    watch_programs()
    given: list[Any] = json.loads(sizes)
    print(json.dumps(_TASKS[task](Site(Path(folder)), Sizes(*given))))


if __name__ == "__main__":
    main()
