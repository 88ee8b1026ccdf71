"""One torture: set up, let all act and be killed, let all finish, look at the result."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.torture.actors import Actor
from tests.torture.cast import Aggregator, Payer, Pusher, Recorder
from tests.torture.check import Delivered, delivered, everything_wrong
from tests.torture.journal import Journal
from tests.torture.place import BOOKS, NODES, Place

_BEAT_S = 0.2


@dataclass(frozen=True)
class Result:
    """How it ended.

    Attributes:
        journal: what was done.
        found: what was delivered.
        orphans: git programs that outlived the program that started them.
        wrong: a sentence for everything that is not as promised.
    """

    journal: Journal
    found: Delivered
    orphans: int
    wrong: list[str]


def torture(
    folder: Path,
    kills: int,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
    broken: Path | None = None,
) -> Result:
    """Kill programs at random moments until that many living ones were met, then check.

    Args:
        folder: empty, for everything.
        kills: how many living processes are to be killed.
        seed: of what is sent and when it is killed; the machine's speed has its part in it too.
        progress: told how many were met so far.
        broken: see `Place`.

    Raises:
        SetupError: a program failed that was left alone.
    """
    journal = Journal(folder / "journal.jsonl", datetime.now(UTC))
    place = Place(folder, broken)
    with place.server:
        place.set_up()
        cast = _cast(place, journal, kills, seed)
        _act(cast, journal, progress)
        orphans = place.runner.wait_for_orphans()
        for actor in cast:
            actor.finish()
        found = delivered(place)
        wrong = everything_wrong(place, journal, found)
    return Result(journal, found, orphans, wrong)


def _cast(place: Place, journal: Journal, kills: int, seed: int) -> list[Actor]:
    """Clients first, then who pushes for them, then who bills: they finish in this order."""
    shares = [3, 3, 1, 3, 3, 2, 5]
    quotas = [kills * share // sum(shares) for share in shares]
    quotas[-1] += kills - sum(quotas)
    rngs = [Random(f"{seed}/{i}") for i in range(len(shares))]
    given = iter(zip(rngs, quotas, strict=True))
    return [
        *(Recorder(place, journal, *next(given), node) for node in NODES),
        Payer(place, journal, *next(given)),
        *(Pusher(place, journal, *next(given), repo) for repo in (*NODES, BOOKS)),
        Aggregator(place, journal, *next(given)),
    ]


def _act(cast: list[Actor], journal: Journal, progress: Callable[[int], None]) -> None:
    """Let all act at the same time, until the kills of each have met what they were to."""
    over = threading.Event()
    failures: list[BaseException] = []

    def live(actor: Actor) -> None:
        try:
            actor.live(over)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            failures.append(error)

    threads = [threading.Thread(target=live, args=(actor,)) for actor in cast]
    for thread in threads:
        thread.start()
    try:
        while not failures and not all(actor.is_done for actor in cast):
            over.wait(_BEAT_S)
            progress(journal.hits)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
