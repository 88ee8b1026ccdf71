"""What is left to do in one pass, and how long to wait for it."""

import time
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from dataclasses import dataclass, field

from aggregator.pulling.fetching import Fetched


@dataclass
class Turns:
    """What is left to do in one pass.

    Attributes:
        patience_s: how long to wait for remotes of which none answers; None for ever.
        turns: how many further turns are left for repos with a backlog.
        books_end_s: until when other repos wait for the books.
        begun: the fetches to wait for.
        end_s: until when; None for ever.
    """

    patience_s: float | None
    turns: int
    books_end_s: float
    begun: set[Future[Fetched]] = field(default_factory=set)
    end_s: float | None = None

    def __post_init__(self) -> None:
        self.heard()

    def heard(self) -> None:
        """Note that a remote has answered."""
        if self.patience_s is not None:
            self.end_s = time.monotonic() + self.patience_s

    def is_over(self, fetches: AbstractSet[Future[Fetched]]) -> bool:
        """Whether to leave the fetches that are still running, if any, to the next pass."""
        if self.patience_s is None or self.end_s is None:
            return not fetches
        return not self.begun & fetches or time.monotonic() >= self.end_s
