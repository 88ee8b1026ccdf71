"""One seed from its first step to rest."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from aggregator.ledger import ingest
from node_pusher.spool import plan
from tests.simulation.boundaries import replaced
from tests.simulation.finish import finish
from tests.simulation.fleet import Fleet, Weather, weather
from tests.simulation.patches import installed
from tests.simulation.steps import STEPS, Step
from tests.support.memory import MEMORY
from wire_format.fields import SEGMENT_RECORDS_MAX

STEPS_DEFAULT: Final = 60
Trace = Callable[[str], object]


@dataclass
class Run:
    """What one seed did.

    Attributes:
        seed: which one.
        failure: what was found, or "".
        step: the step at which it was found, from 1; steps made when nothing was.
        digest: of the ledger in the end.
        trace_sha256: names everything that happened.
        faults: how often each was met.
        counts: of processes and records.
        crossings: how often each boundary was crossed.
    """

    seed: int
    failure: str = ""
    step: int = 0
    digest: str = ""
    trace_sha256: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    crossings: Counter[str] = field(default_factory=Counter)


def simulate(seed: int, steps: int = STEPS_DEFAULT, trace: Trace = lambda _: None) -> Run:
    """Run one seed.

    Args:
        seed: decides everything.
        steps: how many before the faults stop.
        trace: told each step.
    """
    run = Run(seed)
    told = hashlib.sha256()

    def tell(line: str) -> None:
        told.update(line.encode())
        trace(line)

    with TemporaryDirectory(dir=MEMORY, prefix="simulation-") as folder:
        random = Random(seed)
        optional = tuple(step.name for step in STEPS if step.is_optional)
        drawn = weather(random, optional)
        with _limits(drawn):
            fleet = Fleet(Path(folder), random, drawn)
            tell(f"{drawn}")
            with installed(fleet.boundaries):
                _run(fleet, run, steps, tell)
    run.trace_sha256 = told.hexdigest()
    return run


def _run(fleet: Fleet, run: Run, steps: int, tell: Trace) -> None:
    try:
        for number in range(1, steps + 1):
            run.step = number
            _make_step(fleet, tell, number)
        tell("the faults stop")
        run.digest = finish(fleet)
        tell(f"at rest: {run.digest}")
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed found it
        run.failure = f"{type(error).__name__}: {error}" if str(error) else repr(error)
    run.faults = fleet.boundaries.met
    run.crossings = fleet.boundaries.crossings
    run.counts = fleet.counts
    run.counts["records"] = sum(len(s.witness.acknowledged) for s in fleet.sites.values())


def _make_step(fleet: Fleet, tell: Trace, number: int) -> None:
    for step in _drawn(fleet):
        before = f"{number:3} {fleet.time.now:%m-%d %H:%M:%S} {step.name}"
        try:
            happened = step.make(fleet)
        except BaseException:
            tell(f"{before}: failed")
            raise
        if happened is not None:
            tell(f"{before}: {happened}")
            fleet.counts[step.name] += 1
            break
    fleet.note()
    fleet.time.pass_by(fleet.span())


def _drawn(fleet: Fleet) -> Iterator[Step]:
    """Steps that this seed makes, drawn by weight, until one is possible."""
    awake = [step for step in STEPS if step.name not in fleet.weather.idle]
    while True:
        yield fleet.random.choices(awake, [step.weight for step in awake])[0]


@contextmanager
def _limits(drawn: Weather) -> Iterator[None]:
    """Small segments and batches, so that a few records make many."""
    with ExitStack() as stack:
        stack.enter_context(replaced(ingest, "BATCH_WEIGHT", drawn.batch_weight))
        limit = min(drawn.segment_records_max, SEGMENT_RECORDS_MAX)
        stack.enter_context(replaced(plan, "SEGMENT_RECORDS_MAX", limit))
        yield
