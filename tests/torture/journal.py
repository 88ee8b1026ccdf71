"""What the clients know: what they sent, how often, and what was acknowledged."""

import itertools
import json
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.support.strategies import ts_text
from tests.torture.killing import Ending
from tests.torture.place import CATEGORIES, USERS

_UNITS_MAX: Final = 5000
_BACK: Final = timedelta(hours=30)
"""How far back usage lies: into another day than that of its segment."""

_OUTPUT_SHOWN_MAX: Final = 2000


@dataclass
class Use:
    """One use as a service hands it over.

    Attributes:
        number: tells it from every other one; stands in `meta`.
        node: where it is recorded.
        values: the line.
        tries: how often it was sent.
        acknowledged: whether any run that took it said so.
    """

    number: int
    node: str
    values: dict[str, Any]
    tries: int = 0
    acknowledged: bool = False

    @property
    def line(self) -> bytes:
        """The line for `record -`."""
        return json.dumps(self.values).encode() + b"\n"


@dataclass
class Payment:
    """One payment that an operator records; the reference makes a repetition harmless.

    Attributes:
        reference: the provider's own.
        user: who paid.
        amount: in dollars.
        ts: when.
        tries: how often it was recorded.
        acknowledged: whether a run said that it is on disk.
    """

    reference: str
    user: str
    amount: str
    ts: str
    tries: int = 0
    acknowledged: bool = False


@dataclass
class Tally:
    """Runs of one program.

    Attributes:
        aimed: runs that were to be killed.
        hit: kills that met a living process.
        at_work: of these, while it was seen at work.
        git: of these, while a git program of its ran.
        late: kills that came after its end.
        left_alone: runs that were not to be killed.
        codes: exit codes of runs that came to their end.
    """

    aimed: int = 0
    hit: int = 0
    at_work: int = 0
    git: int = 0
    late: int = 0
    left_alone: int = 0
    codes: Counter[int] = field(default_factory=Counter)


class Journal:
    """Shared by all actors.

    Args:
        file: one JSON object for each run is added to it.
        now: uses and payments lie before it.

    Attributes:
        uses: every use ever sent, by number.
        payments: every payment, by reference.
        tallies: by program.
        problems: what no client should ever meet, one sentence each.
        hits: kills so far that met a living process.
    """

    def __init__(self, file: Path, now: datetime) -> None:
        self.uses: dict[int, Use] = {}
        self.payments: dict[str, Payment] = {}
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.problems: list[str] = []
        self.hits = 0
        self._now = now
        self._numbers = itertools.count(1)
        self._file = file
        self._lock = threading.Lock()

    def new_use(self, rng: Random, node: str, *, with_id: bool) -> Use:
        """A use that was never sent; one in three leaves its `ts` to the spool."""
        with self._lock:
            number = next(self._numbers)
            resource = rng.choice(sorted(CATEGORIES))
            values: dict[str, Any] = {
                "user": rng.choice(USERS),
                "resource": resource,
                "units": rng.randrange(_UNITS_MAX),
                "applies_to": CATEGORIES[resource],
                "meta": {"n": number},
            }
            if with_id:
                values["id"] = f"req-{number}"
            if rng.random() < 2 / 3:
                values["ts"] = ts_text(self._now - rng.random() * _BACK)
            self.uses[number] = use = Use(number, node, values)
            return use

    def new_payment(self, rng: Random) -> Payment:
        """A payment of the last forty days, so that discounts begin while usage comes in."""
        with self._lock:
            reference = f"pi_{len(self.payments) + 1}"
            amount = f"{rng.randrange(1, 100)}.{rng.randrange(100):02d}"
            ts = ts_text(self._now - rng.random() * timedelta(days=40))
            self.payments[reference] = payment = Payment(reference, rng.choice(USERS), amount, ts)
            return payment

    def note(self, program: str, ending: Ending) -> None:
        """Count a run, and write it down."""
        with self._lock:
            tally = self.tallies[program]
            if ending.aim is None:
                tally.left_alone += 1
            else:
                tally.aimed += 1
                tally.late += not ending.hit
            if ending.hit:
                self.hits += 1
                tally.hit += 1
                tally.at_work += ending.at_work
                tally.git += ending.git
            else:
                tally.codes[ending.code] += 1
            row = {"program": program, **ending._asdict()}
            row["out"], row["err"] = (row[key][-_OUTPUT_SHOWN_MAX:] for key in ("out", "err"))
            with self._file.open("a") as stream:
                stream.write(json.dumps(row) + "\n")

    def problem(self, text: str) -> None:
        """Note what should never happen."""
        with self._lock:
            self.problems.append(text)
