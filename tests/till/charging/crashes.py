"""A process that dies at any of its writes and requests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import pytest

from front.memory_file import MemoryFile
from node_pusher.spool.store import Store
from providers.interface import UnreachableProviderError
from tests.till.world import CardWorldProvider, World

_REQUESTS: Final = (
    *("truth", "customer_tag", "charges", "charge", "create_charge"),
    *("confirm", "confirm_with_customer", "cancel"),
)


class CrashedError(BaseException):
    """The process is dead: nothing of it may be done any more."""


class Crashes:
    """Counts the points at which a process may die, and lets it die at one of them.

    Attributes:
        happened: how often it died.
        passed: how many points there were since it was armed.
    """

    def __init__(self) -> None:
        self.happened = 0
        self.passed = 0
        self._left: int | None = None

    def arm(self, point: int | None) -> None:
        """Die after so many points; never if None."""
        self._left, self.passed = point, 0

    def point(self) -> None:
        """Here it may die."""
        self.passed += 1
        if self._left is None:
            return
        if self._left == 0:
            self._left = None
            self.happened += 1
            raise CrashedError
        self._left -= 1

    @contextmanager
    def at_writes(self) -> Iterator[None]:
        """Let it die before and after each transaction, too."""
        writing, exclusive = MemoryFile.writing, Store.exclusive

        def around(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
            @contextmanager
            def crashing(itself: Any) -> Iterator[Any]:  # noqa: ANN401
                self.point()
                with original(itself) as inside:
                    yield inside
                self.point()

            return crashing

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MemoryFile, "writing", around(writing))
            patch.setattr(Store, "exclusive", around(exclusive))
            yield


class CrashingProvider(CardWorldProvider):
    """A provider before and after whose answers the process may die, and whose answers get lost."""

    def __init__(self, world: World, name: str, crashes: Crashes, chance: Random) -> None:
        super().__init__(world, name)
        self.crashes = crashes
        self.chance = chance
        self.loses = 0.0
        self.before: Callable[[str, tuple[Any, ...]], None] = lambda *_: None


def _crashing(name: str) -> Callable[..., Any]:
    def request(self: CrashingProvider, *args: Any) -> Any:  # noqa: ANN401
        self.crashes.point()
        self.before(name, args)
        answer = getattr(CardWorldProvider, name)(self, *args)
        answer = list(answer) if name == "charges" else answer
        self.crashes.point()
        if self.chance.random() < self.loses:
            raise UnreachableProviderError("the answer was lost")
        return answer

    return request


for _name in _REQUESTS:
    setattr(CrashingProvider, _name, _crashing(_name))
