"""The ledger is a function of the accepted tips, however often a history was rewritten.

A node's branch is rewritten once or twice: commits are dropped, edited and split in other ways. The
operator accepts each new history, up to its head or up to a commit in its middle. The ledger is
then the reference's over every line that an accepted tip reaches, each commit compared with its
first parent.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pygit2
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.aggregator.broken_variants.scenarios import expect
from tests.aggregator.broken_variants.scenarios_accepted import accept
from tests.support.deliveries import segments_of
from tests.support.ledger.telling import digest_from_git, mismatches
from tests.support.ledger.world import BOOKS, World, segment_path
from tests.support.memory import MEMORY
from tests.support.repos import RepoWriter, usage_line
from tests.support.strategies import decision_lines, usage_lines

NODE = "node-1"
Pulls = tuple[str, ...]


class Change(NamedTuple):
    """One commit to make.

    Attributes:
        added: segments, each under a path of its own.
        edited: other content for existing files, by their number; None deletes the file.
    """

    added: tuple[bytes, ...]
    edited: tuple[tuple[int, bytes | None], ...] = ()


class Rewrite(NamedTuple):
    """One new history.

    Attributes:
        base: how many commits of the old history it keeps.
        commits: its commits above those.
        accepted: index of the commit that the operator accepts.
        above: the node's later commits, which edit nothing.
        is_decided_first: whether the decision is pushed before the history.
        pulls: what two aggregators pull after the history, the decision and the later commits.
    """

    base: int
    commits: tuple[Change, ...]
    accepted: int
    above: tuple[Change, ...]
    is_decided_first: bool
    pulls: tuple[tuple[Pulls, Pulls], ...]


@dataclass(frozen=True)
class Plan:
    """A history, its rewrites and the decisions about its lines."""

    first: tuple[Change, ...]
    rewrites: tuple[Rewrite, ...]
    decisions: frozenset[bytes]
    copied_after: int


EDITS = (None, *(usage_line(node=NODE, seq=20 + units, units=units) for units in (1, 2, 3, 4)))
"""What an edited file may become; these lines come from nowhere else."""

_pulls = st.sampled_from([(), (NODE,), (BOOKS,), (NODE, BOOKS), (BOOKS, NODE)])


@st.composite
def _changes(
    draw: st.DrawFn, lines: Iterable[bytes], *, edits: bool, min_size: int = 0
) -> tuple[Change, ...]:
    """Commits that add these lines, split in some way, some of them in place of billed files."""
    segments = segments_of(draw, lines, messy=True)
    found: list[Change] = []
    while segments:
        size = draw(st.integers(1, min(4, len(segments))))
        part, segments = segments[:size], segments[size:]
        edited: list[tuple[int, bytes | None]] = []
        if edits and draw(st.integers(0, 2)):
            edited.append((draw(st.integers(0, 9)), draw(st.sampled_from(EDITS))))
        found.append(Change(tuple(part), tuple(edited)))
    return (*found, *[Change(())] * (min_size - len(found)))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A history, one or two that replace it, and decisions about the lines."""
    lines = sorted(draw(usage_lines(NODE, max_size=6)))
    some = st.lists(st.sampled_from(lines), max_size=6) if lines else st.just([])
    first = draw(_changes(draw(some), edits=False, min_size=2))
    rewrites = []
    for _ in range(draw(st.integers(1, 2))):
        commits = draw(_changes(draw(some), edits=True, min_size=1))
        rewrites.append(
            Rewrite(
                base=draw(st.integers(0, 3)),
                commits=commits,
                accepted=draw(st.integers(0, len(commits) - 1)),
                above=draw(_changes(draw(some), edits=False)),
                is_decided_first=draw(st.booleans()),
                pulls=tuple(draw(st.tuples(_pulls, _pulls)) for _ in range(3)),
            )
        )
    decisions = draw(decision_lines(lines, max_size=2))
    return Plan(first, tuple(rewrites), decisions, draw(st.integers(0, len(rewrites) * 3)))


class Play:
    """Carries out a plan on one set of remotes that two aggregators read.

    Attributes:
        worlds: the aggregators.
        reached: every line that an accepted tip reaches.
        accepted: the decision lines that accept a history.
        copy: an older copy of the first aggregator's database.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        first, second = World(folder / "1"), World(folder / "2")
        self.worlds = (first, second)
        self.writer: RepoWriter = first.repo(NODE)
        first.rules()
        second._writers, second._repos = first._writers, first._repos
        self.reached: set[bytes] = set()
        self.accepted: set[bytes] = set()
        self.copy = folder / "copy.db"
        self._days = count()
        self._points = count()
        self._plan = plan
        self._is_noted: set[str] = set()

    def run(self) -> None:
        """Carry out the plan."""
        first = self.worlds[0]
        for number, decision in enumerate(sorted(self._plan.decisions)):
            path = segment_path(date(2025, 6, 1), 101 + number, folder="decisions")
            first.repo(BOOKS).commit({path: decision})
        for change in self._plan.first:
            self._commit(change)
        self._all_pull()
        for number, rewrite in enumerate(self._plan.rewrites, 1):
            self._rewrite(number, rewrite)
        self._all_pull()

    def _rewrite(self, number: int, rewrite: Rewrite) -> None:
        old = self._chain()
        base = old[min(rewrite.base, len(old)) - 1] if rewrite.base else None
        lower, upper = rewrite.commits[: rewrite.accepted + 1], rewrite.commits[rewrite.accepted :]
        made = self._history(base, lower)
        if rewrite.is_decided_first:
            at_end = self.writer.tip()
            self.writer.force(old[-1])
            self._accept(made[-1], number)
            self._pull(rewrite.pulls[1])
            self.writer.force(str(at_end))
            self._pull(rewrite.pulls[0])
        else:
            self._pull(rewrite.pulls[0])
            self._accept(made[-1], number)
            self._pull(rewrite.pulls[1])
        for change in (*upper[1:], *rewrite.above):
            self._commit(change._replace(edited=()))
        self._pull(rewrite.pulls[2])
        self._all_pull()

    def _history(self, base: str | None, changes: Sequence[Change]) -> list[str]:
        parents = () if base is None else (base,)
        made = [self._commit(changes[0], parents)]
        return made + [self._commit(change) for change in changes[1:]]

    def _commit(self, change: Change, parents: tuple[str, ...] | None = None) -> str:
        above = self.writer.tip() if parents is None else (parents[0] if parents else None)
        there = sorted(self.writer.files(above)) if above else []
        files: dict[str, bytes | None] = {}
        for segment in change.added:
            day = date(2025, 6, 1) + timedelta(days=next(self._days))
            files[segment_path(day, json.loads(segment.split(b"\n")[0])["seq"])] = segment
        for at, content in change.edited:
            if there:
                files[there[at % len(there)]] = content
        return self.writer.commit(files, parents=parents)

    def _accept(self, tip: str, number: int) -> None:
        self.accepted.add(accept(tip, seq=number))
        path = segment_path(date(2025, 7, 1), number, folder="decisions")
        self.worlds[0].repo(BOOKS).commit({path: accept(tip, seq=number)})

    def _pull(self, pulls: tuple[Pulls, Pulls]) -> None:
        for world, names in zip(self.worlds, pulls, strict=True):
            for name in names:
                world.pull(name)
        if next(self._points) == self._plan.copied_after:
            shutil.copyfile(self.worlds[0].config.database_path, self.copy)

    def _all_pull(self) -> None:
        """Pull everything in both; the branch's head is then an accepted tip."""
        for world in self.worlds:
            world.pull()
        self._note(self._chain())

    def _chain(self) -> list[str]:
        """First parents of the branch, oldest first."""
        chain = [str(self.writer.tip())]
        while parents := self.writer.repo[chain[-1]].peel(pygit2.Commit).parent_ids:
            chain.append(str(parents[0]))
        return chain[::-1]

    def _note(self, chain: Sequence[str]) -> None:
        before: dict[str, bytes] = {}
        for commit in chain:
            files = self.writer.files(commit)
            if commit not in self._is_noted:
                for path in files:
                    if files[path] != before.get(path):
                        self.reached.update(files[path].splitlines(keepends=True))
            self._is_noted.add(commit)
            before = files


@settings(
    max_examples=30,
    phases=set(Phase) - {Phase.explain},  # explaining a failure takes longer than finding it
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(plans())
def test_rewritten_histories_end_in_the_ledger_of_the_reference(plan: Plan) -> None:
    """In two aggregators that pulled at different points; also rebuilt, and from an older copy."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        play = Play(Path(folder), plan)
        play.run()
        world, other = play.worlds
        decisions = {*plan.decisions, *play.accepted}
        expected = expect(play.reached, decisions=decisions)
        assert mismatches(world, expected) == []
        assert mismatches(other, expected) == []
        digest = digest_from_git(world)
        assert other.digest() == digest
        if play.copy.exists():
            world.forget()
            shutil.copyfile(play.copy, world.config.database_path)
            world.pull()
            assert world.digest() == digest
            assert world.verify().matches
