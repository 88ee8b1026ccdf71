"""Every point at which a process of the product touches the world, and what may happen there.

A process is one call of product code. Before it starts, a `Plan` says at which of its crossings it
dies (before or after the effect), loses power or meets a full disk, and what the network does. What
a dead process leaves is a copy of its folder made at that very moment: whatever Python still does
while the call is unwound happens to a folder that is thrown away.
"""

import errno
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from gitmeter.support.errors import GitmeterError
from tests.simulation.disk import copy_folder, remove_folder, replace_folder, write_log

T = TypeVar("T")


class DeathError(BaseException):
    """The process ends here."""


class Fate(StrEnum):
    """What happens at the crossing that the plan names."""

    LIVES = "lives"
    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"
    LOSES_POWER = "loses power at"
    NO_SPACE = "no space at"


class Wire(StrEnum):
    """What the network does to one command."""

    FAILS = "fails"
    HALF = "half"
    """Objects arrive, no ref moves."""
    DONE_BUT_FAILS = "done but fails"
    LIES = "lies"
    """Says that it was done though nothing was."""


@dataclass(frozen=True)
class Plan:
    """What goes wrong in one process.

    Attributes:
        fate: what happens at the crossing.
        crossing: which one, from 0.
        at: counts only the crossings of this boundary; "" counts all.
        tail: how much of what was not synced outlives a loss of power, 0 to 1.
        wire: what the network does to the first use of a command (`push`, `fetch`, `look`).
    """

    fate: Fate = Fate.LIVES
    crossing: int = 0
    at: str = ""
    tail: float = 0.0
    wire: Mapping[str, Wire] = field(default_factory=dict)


CALM = Plan()


class End(NamedTuple):
    """How a process ended.

    Attributes:
        value: what it returned; None when it did not.
        error: what it raised, or None.
        died: whether it was killed.
        fault: the fault that was met, or "".
    """

    value: Any
    error: Exception | None
    died: bool
    fault: str

    @property
    def done(self) -> bool:
        """Whether it came to its end."""
        return self.error is None and not self.died


class Boundaries:
    """Counts crossings and lets the plan happen.

    Attributes:
        met: how often each fault happened, over all processes.
        crossings: how often each boundary was crossed.
    """

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()
        self.crossings: Counter[str] = Counter()
        self._plan: Plan | None = None
        self._folder = Path()
        self._unsynced: tuple[str, ...] = ()
        self._left: Path | None = None
        self._count = 0
        self._wire: dict[str, Wire] = {}
        self._full = False
        self._dead = False
        self._fault = ""

    def process(
        self,
        folder: Path,
        plan: Plan,
        action: Callable[[], Any],
        unsynced: tuple[str, ...] = (),
    ) -> End:
        """Run one process on one folder.

        Args:
            folder: what it works on and what its death leaves.
            plan: what goes wrong.
            action: the process.
            unsynced: files of the folder whose tail a loss of power takes.
        """
        self._plan, self._folder, self._unsynced = plan, folder, unsynced
        self._left, self._count, self._wire = None, 0, dict(plan.wire)
        self._full = self._dead = False
        self._fault = ""
        try:
            value = action()
            end = End(value, None, died=False, fault=self._fault)
        except DeathError:
            end = End(None, None, died=True, fault=self._fault)
        except Exception as error:
            if not self._fault and not isinstance(error, GitmeterError):
                raise
            end = End(None, error, died=False, fault=self._fault)
        finally:
            self._plan = None
        if self._dead:
            end = end._replace(died=True, value=None, error=None)
            self._restore()
        return end

    def _restore(self) -> None:
        if self._left is None:
            remove_folder(self._folder)
        else:
            replace_folder(self._folder, self._left)

    @property
    def is_armed(self) -> bool:
        """Whether a process of the product runs."""
        return self._plan is not None

    def cross(
        self, name: str, effect: Callable[[], T], full: Callable[[], Exception] | None = None
    ) -> T:
        """Let one effect of a process happen, or not.

        Args:
            name: of the boundary.
            effect: what the process does there.
            full: the error that a full disk causes there; None where it causes none.
        """
        plan = self._plan
        if plan is None:
            return effect()
        if self._dead:
            raise DeathError
        due = self._is_due(plan, name)
        self._count += plan.at in {"", name}
        self.crossings[name] += 1
        if due and plan.fate in {Fate.DIES_BEFORE, Fate.LOSES_POWER}:
            self._die(plan.fate, name)
        if plan.fate is Fate.NO_SPACE and full is not None and (due or self._full):
            self._full = True
            self._note(f"{plan.fate} {name}")
            raise full()
        value = effect()
        if due and plan.fate is Fate.DIES_AFTER:
            self._die(plan.fate, name)
        return value

    def _is_due(self, plan: Plan, name: str) -> bool:
        return plan.at in {"", name} and self._count == plan.crossing

    def cross_commit(self, log: Path, effect: Callable[[], T], full: Callable[[], Exception]) -> T:
        """Let a transaction commit; a loss of power tears what it writes to its log.

        Args:
            log: of the database.
            effect: the commit.
            full: as in `cross`.
        """
        plan = self._plan
        if (
            plan is None
            or self._dead
            or plan.fate is not Fate.LOSES_POWER
            or not self._is_due(plan, "commit")
        ):
            return self.cross("commit", effect, full)
        before = log.read_bytes() if log.exists() else b""
        effect()
        if not log.exists():  # nothing was written
            self._die(plan.fate, "commit")
        after = log.read_bytes()
        common = zip(before, after, strict=False)
        same = next((i for i, (a, b) in enumerate(common) if a != b), min(len(before), len(after)))
        kept = same + int(plan.tail * (len(after) - same))
        self._die(plan.fate, "commit", torn=(log, after[:kept] + before[kept:]))
        raise AssertionError

    def _die(self, fate: Fate, name: str, torn: tuple[Path, bytes] | None = None) -> None:
        self._dead = True
        self._note(f"{fate} {name}")
        if self._folder.exists():
            self._left = self._folder.with_name(f"{self._folder.name}.left")
            remove_folder(self._left)
            copy_folder(self._folder, self._left)
            if fate is Fate.LOSES_POWER and self._plan is not None:
                self._lose_tails(self._left, torn, self._plan.tail)
        raise DeathError

    def _lose_tails(self, left: Path, torn: tuple[Path, bytes] | None, tail: float) -> None:
        if torn is not None:
            log, data = torn
            write_log(left / log.relative_to(self._folder), data)
        for name in self._unsynced:
            log = left / name
            if log.exists():
                data = log.read_bytes()
                write_log(log, data[: int(tail * len(data))])

    def wire(self, command: str) -> Wire | None:
        """What the network does to a command that a process gives now."""
        found = self._wire.pop(command, None) if self.is_armed and not self._dead else None
        if found is not None:
            self._note(f"{command} {found}")
        return found

    def _note(self, fault: str) -> None:
        if fault not in self._fault:
            self.met[fault] += 1
            self._fault = f"{self._fault}, {fault}" if self._fault else fault


def no_space() -> OSError:
    """What the system says of a full disk."""
    return OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def replaced(owner: Any, name: str, value: object) -> Iterator[None]:  # noqa: ANN401 - anything with attributes
    """Set an attribute for the length of a block."""
    before = owner.__dict__[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
