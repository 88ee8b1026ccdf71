"""Measure one new commit on a long history and on a short one, in a process that has opened both.

There are three figures for each: *applied* starts when the commit is in the mirror and ends when
its charges, balances and cursor are committed; *pulled* is a whole pass: probe, fetch, apply;
*fetched* is the CPU time of fetching alone over http, with that of the git program that it starts.
"""

import resource
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pygit2

from aggregator.cli.context import Context, now
from aggregator.config.known_repo import KnownRepo
from aggregator.ledger.ingest import Ingest, Rules, Stretch
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.segments import segment_reader
from aggregator.mirrors.gc import maintain
from aggregator.mirrors.state import State
from aggregator.pulling.passes import Puller
from benchmarks.data import NODE, Place, Shape, usage_commit, users_of
from benchmarks.git_server import serving
from cursors.position import advance
from gitmeter.git_remote.gained import FetchLimits, fetch_gained
from gitmeter.git_remote.remote import Remote
from wire_format.commit_message import parse_message

_LIMITS = FetchLimits(600, 600, memory_bytes_max=1 << 30, file_bytes_max=1 << 30)
_WARM_UP = 3


class History:
    """A repo with all commits applied, and an aggregator with its cursor at the head."""

    def __init__(self, place: Place, shape: Shape, state: State, ledger: Ledger) -> None:
        self.state = state
        self.ledger = ledger
        self._shape = shape
        self._repo = next(repo for repo in state.config.repo if repo.name == NODE)
        self._known = KnownRepo(NODE, NODE, self._repo.role, self._repo.branch)
        self._origin = pygit2.Repository(str(place.usage_origin))
        self._path = f"{place.folder.name}/{place.usage_origin.name}"
        self._records = shape.records // shape.commits
        head = self._head()
        summary = parse_message(head.message)
        if summary is None:
            raise RuntimeError(f"{head.id} states no records")
        self._next_seq = summary.last_seq + 1
        self._next_hour = datetime.fromtimestamp(head.commit_time, UTC)

    def push(self) -> None:
        """Commit one more hour's usage to the remote, as the node would."""
        users = users_of(self._shape.users)
        at, message, files = usage_commit(
            users, self._next_hour, self._next_seq, self._records, self._shape.records_per_charge
        )
        ((path, data),) = files.items()
        head = self._head()
        tree = _with_file(self._origin, head.tree, path.split("/"), data)
        who = pygit2.Signature(NODE, f"{NODE}@example.invalid", int(at.timestamp()), 0)
        self._origin.create_commit("refs/heads/main", who, who, message, tree, [head.id])
        self._next_hour = at
        self._next_seq += self._records

    def _head(self) -> pygit2.Commit:
        return self._origin.references["refs/heads/main"].peel(pygit2.Commit)

    def fetch(self, address: str) -> float:
        """Fetch the new commit into the mirror; return the CPU time in seconds."""
        mirror = self.state.mirrors.open(self._known)
        remote, tip = Remote(f"{address}{self._path}"), str(self._head().id)
        began_s = _cpu_s()
        known = mirror.head or ""
        branch = self._repo.branch
        sent = fetch_gained(remote, mirror.path, branch, tip=tip, known=known, limits=_LIMITS)
        if sent != tip:
            raise RuntimeError(f"one new commit was to be fetched, not {sent}")
        mirror.move_head(tip)
        return _cpu_s() - began_s

    @property
    def mirror(self) -> Path:
        """The mirror of the node's repo."""
        return self.state.config.mirror_path(NODE)

    def apply(self, at: datetime) -> None:
        """Apply the one new commit in the mirror."""
        store = self.ledger.store
        mirror = self.state.mirrors.open(self._known)
        position = advance(store.cursors.of_repo(NODE), mirror.head, mirror.first_parent)
        with store.transaction():
            row = store.repos.row(self._repo.identity)
        rules = Rules(segment_reader(self.state), at, at, ReadAhead())
        ingest = Ingest(self.ledger, row, mirror, rules)
        intake = ingest.run(Stretch(position.commits))
        cursor = store.cursors.of_repo(NODE)
        if cursor is None or (intake.commits, intake.admitted) != (1, self._records):
            raise RuntimeError(f"one new commit was to be applied, not {intake}")
        mirror.advance_applied(cursor)

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
        histories: dict[int, History] = {}
        for commits in sizes:
            shape = shape_of(commits)
            place = Place(folder / shape.name)
            context = Context(place.config_path, None, verbose=False)
            state, ledger = stack.enter_context(context.writing())
            for _ in Puller(state, ledger, now).pull():
                pass
            histories[commits] = History(place, shape, state, ledger)
        address = stack.enter_context(serving(folder))
        fetched: dict[int, list[float]] = {commits: [] for commits in sizes}
        applied: dict[int, list[float]] = {commits: [] for commits in sizes}
        pulled: dict[int, list[float]] = {commits: [] for commits in sizes}
        for _ in range(_WARM_UP + repetitions):
            for commits, history in histories.items():
                history.push()
                fetched[commits].append(history.fetch(address))
                started = time.perf_counter()
                history.apply(now())
                applied[commits].append(time.perf_counter() - started)
                history.push()
                started = time.perf_counter()
                history.pull()
                pulled[commits].append(time.perf_counter() - started)
                maintain(history.mirror)  # as the daemon does: not more packs than it lets be
    figures = (applied, pulled, fetched)
    return [Timing(n, *(median(found[n][_WARM_UP:]) for found in figures)) for n in sizes]


def _cpu_s() -> float:
    """Of this process and of the programs that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _with_file(
    repo: pygit2.Repository, tree: pygit2.Tree | None, path: list[str], data: bytes
) -> pygit2.Oid:
    """Write a tree with one more file; return its id."""
    builder = repo.TreeBuilder() if tree is None else repo.TreeBuilder(tree)
    name, *below = path
    if not below:
        builder.insert(name, repo.create_blob(data), pygit2.enums.FileMode.BLOB)
        return builder.write()
    old = tree[name] if tree is not None and name in tree else None
    inner = _with_file(repo, old if isinstance(old, pygit2.Tree) else None, below, data)
    builder.insert(name, inner, pygit2.enums.FileMode.TREE)
    return builder.write()
