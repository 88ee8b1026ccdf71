"""The whole world of one seed: machines, forge, time, and the random source that decides."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final, TypeVar

import pygit2

from gitmeter.support.errors import GitmeterError
from node_pusher.home.errors import NonFastForwardError
from tests.simulation.aggregator_site import AggregatorSite
from tests.simulation.boundaries import CALM, Boundaries, End, Fate, Plan, Wire
from tests.simulation.clients import Clients
from tests.simulation.clock import Clock, TrueTime
from tests.simulation.deciding import Judge
from tests.simulation.forge import Repo
from tests.simulation.operator import Operator
from tests.simulation.site import BEHIND, Site
from tests.simulation.terms import Terms
from tests.support.repos import RepoWriter

BROKEN_WORLD: Final = (GitmeterError, OSError, sqlite3.Error, pygit2.GitError)
"""What a process may end with when a fault was met."""

T = TypeVar("T")

_WIRES: Final = {
    "push": (Wire.FAILS, Wire.DONE_BUT_FAILS, Wire.LIES),
    "fetch": (Wire.FAILS, Wire.HALF, Wire.DONE_BUT_FAILS),
    "look": (Wire.FAILS,),
}
_RARE: Final = (
    *("git push", "git fetch", "look", "commit", "fsync", "replace", "git create"),
    *("git create_blob", "git create_commit_with_signature"),
)
"""Boundaries that few of the crossings are."""

_MANY_CROSSINGS: Final = 50
_FATES: Final = (Fate.DIES_BEFORE, Fate.DIES_AFTER, Fate.LOSES_POWER, Fate.NO_SPACE)


class DefectError(Exception):
    """Something that must hold does not."""


@dataclass(frozen=True)
class Weather:
    """How bad a seed is: each has its own, so that rare faults also meet alone.

    Attributes:
        fault_rate: how many processes meet a fault.
        wire_rate: how many meet a bad network.
        fates: the faults there are.
        batch_weight: lines after which the aggregator writes a batch.
        segment_records_max: of a segment.
        idle: names of steps that this seed does not make.
        is_signed: whether the aggregator bills only what the keys of the nodes have signed.
    """

    fault_rate: float
    wire_rate: float
    fates: tuple[Fate, ...]
    batch_weight: int
    segment_records_max: int
    idle: tuple[str, ...]
    is_signed: bool


def weather(random: Random, optional: tuple[str, ...]) -> Weather:
    """Draw the weather of a seed.

    Args:
        random: the seed's.
        optional: names of the steps that a seed may leave out.
    """
    fates = tuple(fate for fate in _FATES if random.random() < 0.7) or (Fate.DIES_BEFORE,)
    return Weather(
        fault_rate=random.choice((0.05, 0.2, 0.4)),
        wire_rate=random.choice((0.0, 0.1, 0.3)),
        fates=fates,
        batch_weight=random.choice((1, 2, 7, 50_000)),
        segment_records_max=random.choice((2, 5, 50_000)),
        idle=tuple(name for name in optional if random.random() < 0.4),
        is_signed=random.random() < 0.5,
    )


@dataclass
class Fleet:
    """Everything that a seed has.

    Attributes:
        folder: everything lies below it.
        random: decides everything.
        weather: how bad it is.
        boundaries: through which the product touches the world.
        time: the true time.
        repos: of the forge, the books first.
        sites: the machines with homes, by name, the books first.
        clients: the services of each node.
        counts: of steps, processes and records.
    """

    folder: Path
    random: Random
    weather: Weather
    boundaries: Boundaries = field(default_factory=Boundaries)
    time: TrueTime = field(default_factory=TrueTime)
    repos: dict[str, Repo] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    clients: dict[str, Clients] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        nodes = [f"node-{number}" for number in range(1, self.random.randint(1, 3) + 1)]
        for name in ("books", *nodes):
            folder = self.folder / "forge" / f"{name}.git"
            self.repos[name] = Repo(name, RepoWriter(folder), folder)
            homes = self.folder / "homes"
            homes.mkdir(exist_ok=True)
            clock = Clock(self.time)
            self.sites[name] = Site(homes, self.repos[name], clock, self.boundaries)
        self.clients = {name: Clients(self.sites[name], self.random) for name in nodes}
        self.operator = Operator(self.books, self.random)
        self.terms = Terms(self.books, self.random)
        self.chair = Judge(self.books, self.repos, self.random)
        self.aggregator = AggregatorSite(
            self.folder / "state",
            list(self.repos.values()),
            Clock(self.time),
            self.boundaries,
            self.folder / "allowed_signers" if self.weather.is_signed else None,
        )

    @property
    def books(self) -> Site:
        """The operator's machine."""
        return self.sites["books"]

    def any_site(self, suits: Callable[[Site], object]) -> Site | None:
        """One of the machines with a home that suits, or None."""
        return self._any([site for site in self.sites.values() if suits(site)])

    def any_node(self, suits: Callable[[Site], object]) -> Site | None:
        """One of the nodes that suits, or None."""
        return self._any(
            [site for site in self.sites.values() if site.role != "books" and suits(site)]
        )

    def any_repo(self, suits: Callable[[Repo], object]) -> Repo | None:
        """One of the repos that suits, or None."""
        return self._any([repo for repo in self.repos.values() if suits(repo)])

    def _any(self, usable: list[T]) -> T | None:
        return self.random.choice(usable) if usable else None

    def plan(self, crossings: int) -> Plan:
        """What goes wrong in the next process.

        Args:
            crossings: how many boundaries such a process crosses, about.
        """
        random = self.random
        wire: dict[str, Wire] = {}
        if random.random() < self.weather.wire_rate:
            command = random.choice(list(_WIRES))
            wire[command] = random.choice(_WIRES[command])
        # the aggregator has fewer and longer processes than the nodes
        rate = self.weather.fault_rate * (2 if crossings >= _MANY_CROSSINGS else 1)
        if random.random() >= rate:
            return Plan(wire=wire) if wire else CALM
        fate = random.choice(self.weather.fates)
        at = random.choice(_RARE) if random.random() < 0.4 else ""
        mean = max(1, crossings / 15) if at else crossings
        crossing = min(int(random.expovariate(1 / mean)), 500)
        return Plan(fate, crossing, at, random.random(), wire)

    def span(self) -> timedelta:
        """How long until the next step."""
        kind = self.random.choices(("seconds", "minutes", "hours", "days"), (6, 5, 4, 1))[0]
        return timedelta(**{kind: self.random.randint(1, 6), "microseconds": 1})

    def judge(self, end: End, *allowed: type[Exception]) -> str:
        """How a process ended, in words.

        Args:
            end: of the process.
            allowed: the errors that are right although no fault was met.

        Raises:
            DefectError: it ended with an error that it should not have.
        """
        self.counts["processes"] += 1
        if end.died:
            return end.fault
        if end.error is None:
            return f"well ({end.fault})" if end.fault else "well"
        right = BROKEN_WORLD if end.fault else allowed
        if not isinstance(end.error, right):
            told = f"{type(end.error).__name__}: {end.error}"
            raise DefectError(f"ended with {told}") from end.error
        return f"{type(end.error).__name__} ({end.fault or 'no fault'})"

    def pushed(self, site: Site, end: End) -> str:
        """As `judge`, of a push: where the remote holds something else, the home must rejoin."""
        if isinstance(end.error, NonFastForwardError) and site.repo.rewritten_from is None:
            site.needs = BEHIND
        allowed: list[type[Exception]] = []
        if site.repo.rewritten_from is not None or site.needs == BEHIND:
            allowed.append(NonFastForwardError)
        return self.judge(end, *allowed, *gone(site))

    def note(self) -> None:
        """Remember what the forge holds now, and let the aggregator know the nodes' keys."""
        for repo in self.repos.values():
            repo.note()
        self.aggregator.allow(key for site in self.sites.values() for key in site.keys)


def gone(site: Site) -> tuple[type[Exception], ...]:
    """The error of a remote that is not at its address."""
    from gitmeter.git_remote.failures import RepoGoneError

    return (RepoGoneError,) if site.repo.is_hidden else ()
