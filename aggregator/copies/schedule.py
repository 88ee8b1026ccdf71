"""Keep the copy remote up to date.

What is due is read from the database (`due`), copied without the database (`copy`, in any thread),
and the result is stored (`note`). The database only records which repos need no request; what is
pushed is decided by the refs that the copy remote reports.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

import structlog

from aggregator.copies.noted import read_copied, write_copied
from aggregator.copies.remote import CopyRemote
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State
from aggregator.store.store import LedgerStore
from cursors.tips import Tips
from gitmeter.support.background import Background
from gitmeter.support.errors import GitmeterError, with_hint
from wire_format.instants import format_ts

_log = structlog.get_logger()


class CopyWork(NamedTuple):
    """Repos to be copied.

    Attributes:
        tips: accepted tips, by repo name.
        marks: a hash over the tips, the copy remote's address and the day, by repo name. A repo
            with the same mark as at its last copy is not due.
    """

    tips: Mapping[str, Tips]
    marks: Mapping[str, str]


class CopyFailure(NamedTuple):
    """Why a repo was not copied.

    Attributes:
        detail: what went wrong.
        retry: whether another attempt may succeed without anyone's intervention.
    """

    detail: str
    retry: bool


class CopyResult(NamedTuple):
    """The result of copying.

    Attributes:
        copied: names of the repos of which the copy remote now has everything billed.
        failures: why others were not copied, by repo name.
    """

    copied: tuple[str, ...]
    failures: Mapping[str, CopyFailure]


def due(state: State, store: LedgerStore, now: datetime) -> CopyWork | None:
    """Find the repos with tips that moved since they were copied; once a day, all repos.

    Returns:
        None if there is no copy remote or nothing is due.
    """
    if state.config.copy_remote is None:
        return None
    copied = read_copied(store)
    tips: dict[str, Tips] = {}
    marks: dict[str, str] = {}
    for name, tip in store.cursors.tips().items():
        place = f"{state.config.copy_remote.url} {now:%Y-%m-%d}"
        mark = hashlib.sha256(" ".join([place, tip.cursor, *sorted(tip.kept)]).encode()).hexdigest()
        if copied.get(name, {}).get("mark") != mark:
            tips[name], marks[name] = tip, mark
    return CopyWork(tips, marks) if tips else None


def copy(
    state: State, work: CopyWork, interrupted: Callable[[], bool] = lambda: False
) -> CopyResult:
    """Bring the copy remote up to date; failures are returned, not raised.

    Args:
        state: the state directory, with the mirrors.
        work: the repos to copy.
        interrupted: called between repos; True stops early.
    """
    copied: list[str] = []
    failures: dict[str, CopyFailure] = {}
    try:
        remote = CopyRemote(state.config)
        there = remote.tips()
    except (GitmeterError, OSError) as error:
        return CopyResult((), dict.fromkeys(work.tips, _failure(error)))
    repos = {repo.name: repo for repo in state.repos.all()}
    for name, tips in work.tips.items():
        if interrupted():
            break
        try:
            if name not in repos:
                raise MirrorError("it is no longer configured and its mirror is gone")
            if there.get(name) != tips or not state.mirrors.is_archived(name):
                remote.push(state.mirrors.open(repos[name]), name, tips, there.get(name))
        except (GitmeterError, OSError) as error:
            failures[name] = _failure(error)
        else:
            copied.append(name)
    return CopyResult(tuple(copied), failures)


def _failure(error: GitmeterError | OSError) -> CopyFailure:
    return CopyFailure(with_hint(error), isinstance(error, OSError) or error.retry)


def note(store: LedgerStore, work: CopyWork, result: CopyResult, now: datetime) -> None:
    """Store what was copied, and open or close incidents, in one transaction."""
    at = format_ts(now)
    with store.transaction():
        noted = read_copied(store)
        for name in result.copied:
            noted[name] = {"mark": work.marks[name], "at": at}
            store.incidents.close_of_repo(_repo_id(store, name), [IncidentKind.COPY_FAILED], now)
        for name, failure in result.failures.items():
            kind = IncidentKind.COPY_FAILED
            store.incidents.open(_repo_id(store, name), kind, "", failure.detail, now)
        write_copied(store, noted)


def copy_now(
    state: State, store: LedgerStore, clock: Callable[[], datetime]
) -> Mapping[str, CopyFailure]:
    """Copy all that is due and store the result; return the failures by repo name."""
    work = due(state, store, clock())
    if work is None:
        return {}
    result = copy(state, work)
    note(store, work, result, clock())
    return result.failures


class Copying:
    """Copies in a thread beside a loop that must not wait, one run at a time.

    Args:
        state: the state directory, with the mirrors.
        store: the ledger's store; used by the caller's thread alone.
        clock: returns the current time, in UTC.
        interrupted: called between repos; True stops early.
    """

    def __init__(
        self,
        state: State,
        store: LedgerStore,
        clock: Callable[[], datetime],
        interrupted: Callable[[], bool],
    ) -> None:
        self._state = state
        self._store = store
        self._clock = clock
        self._interrupted = interrupted
        self._background = Background[CopyResult]()
        self._work: CopyWork | None = None

    def start(self) -> None:
        """Start copying what is due, unless the last run has not ended."""
        if not self._background.is_free:
            return
        self._work = work = due(self._state, self._store, self._clock())
        if work is not None:
            self._background.start(lambda: copy(self._state, work, self._interrupted))

    def collect(self) -> CopyResult | None:
        """Store and return the result of a run that has ended; None if there is none."""
        ended = self._background.collect()
        if ended is None or self._work is None:
            return None
        if (bug := ended.exception()) is not None:  # not raised: billing must continue
            _log.error("copying ended early", exc_info=bug)
            died = CopyFailure("copying ended without a result", retry=True)
            result = CopyResult((), dict.fromkeys(self._work.tips, died))
        else:
            result = ended.result()
        note(self._store, self._work, result, self._clock())
        return result


def _repo_id(store: LedgerStore, name: str) -> int:
    return store.repos.named(name).id
