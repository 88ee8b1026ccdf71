"""What is new since it was told last. Pure: a function of what was told and of what is.

It compares levels, not changes, so it does not matter how often it is asked, in how many steps the
ledger got where it is, or whether the ledger was made again in between. What is worse than what was
told is a crossing; what is better is forgotten in silence, so that the next crossing is told.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.admission.ranges import RangeSet
from aggregator.incidents.kinds import ABOUT_HEAD, IncidentKind, reused_seqs
from aggregator.store.questions.notices import AnnouncedIncident, Balance, OpenIncident

UNKNOWN_FOR: Final = timedelta(hours=25)
"""For how long an incident that was told is kept in mind when the ledger knows nothing of it.

A ledger that was made again finds most incidents in its first pull, and those of the daily look at
the forge within a day.
"""
EXHAUSTED_NANO: Final = 0
"""An account is exhausted when it has this much left, or less."""

_EACH_PULL_TELLS: Final = ABOUT_HEAD | {
    IncidentKind.SEQUENCE_REUSED,
    IncidentKind.BAD_RULE_BOOK,
    IncidentKind.SILENT,
}
"""Kinds that are open after a pull of the repo if they are so at all, whatever was lost before."""


class Level(StrEnum):
    """How little an account has left; an account with enough has no level."""

    LOW = "low"
    EXHAUSTED = "exhausted"


class AccountCrossing(NamedTuple):
    """An account that has less left than before: what it has, and on which level that is."""

    user: str
    balance_nano: int
    level: Level


class AccountChanges(NamedTuple):
    """What comparing balances comes to.

    Attributes:
        crossed: what is to be told.
        levels: levels that differ from what was told, by user; None where there is enough again.
    """

    crossed: tuple[AccountCrossing, ...]
    levels: Mapping[str, Level | None]


class Knowledge(NamedTuple):
    """What a ledger can say of incidents that are not open in it.

    Attributes:
        closed: those it knows as over.
        looked_at: repos whose heads were judged since it was made.
    """

    closed: frozenset[AnnouncedIncident]
    checked_repos: frozenset[str]


class IncidentChanges(NamedTuple):
    """What comparing incidents comes to.

    Attributes:
        opened: what is to be told.
        saved: what to write down as told, to since when the ledger knows nothing of it.
        forgotten: what is over.
    """

    opened: tuple[OpenIncident, ...]
    saved: Mapping[AnnouncedIncident, int | None]
    forgotten: tuple[AnnouncedIncident, ...]


def level_of(balance_nano: int, threshold_nano: int) -> Level | None:
    """The level of a balance; None where it is enough."""
    if balance_nano <= EXHAUSTED_NANO:
        return Level.EXHAUSTED
    return Level.LOW if balance_nano < threshold_nano else None


def below_nano(threshold_nano: int) -> int:
    """Every account on a level has less than this."""
    return max(threshold_nano, EXHAUSTED_NANO + 1)


def cross_accounts(
    told: Mapping[str, str],
    balances: Iterable[Balance],
    threshold_nano: int,
    threshold_before_nano: int,
) -> AccountChanges:
    """Compare balances with what was told of them.

    No balance crosses a threshold by the threshold being raised above it: such accounts are taken
    over as low in silence, unless they are below the one of before as well.

    Args:
        told: the level that was told of each account, by user.
        balances: of every account that has less than `below_nano`.
        threshold_nano: as it is configured.
        threshold_before_nano: as it was when balances were compared last.
    """
    crossed: list[AccountCrossing] = []
    levels: dict[str, Level | None] = {}
    gone = set(told)
    for user, balance_nano in balances:
        level, before = level_of(balance_nano, threshold_nano), told.get(user)
        if level is None:
            continue
        gone.discard(user)
        if level == before:
            continue
        levels[user] = level
        is_worse = level is Level.EXHAUSTED or before is None
        if is_worse and (level is Level.EXHAUSTED or balance_nano < threshold_before_nano):
            crossed.append(AccountCrossing(user, balance_nano, level))
    return AccountChanges(tuple(crossed), levels | dict.fromkeys(gone))


def cross_incidents(
    told: Mapping[AnnouncedIncident, int | None],
    open_now: Iterable[OpenIncident],
    knowledge: Knowledge,
    now_s: int,
) -> IncidentChanges:
    """Compare the open incidents with those that were told.

    One that says where a repo stands is the same incident whatever its subject, which is a head
    that moves. Reused seqs are compared as numbers: a ledger that was made again may group them
    otherwise.

    Args:
        told: those that were told, to since when the ledger knows nothing of them.
        open_now: the open ones.
        knowledge: what the ledger says of the others.
        now_s: the time, seconds since 1970.
    """
    there: dict[AnnouncedIncident, OpenIncident] = {}
    for row in open_now:
        there.setdefault(told_as(row), row)
    seqs_told = _seqs_by_repo(told)
    opened = [
        row for key, row in there.items() if key not in told and not _is_within(key, seqs_told)
    ]
    saved: dict[AnnouncedIncident, int | None] = {
        key: None for key in there if told.get(key, now_s) is not None
    }
    forgotten: list[AnnouncedIncident] = []
    for key, since_s in told.items():
        if key in there:
            continue
        first_s = now_s if since_s is None else since_s
        if _is_over(key, knowledge) or now_s - first_s > UNKNOWN_FOR.total_seconds():
            forgotten.append(key)
        elif since_s is None:
            saved[key] = now_s
    return IncidentChanges(tuple(opened), saved, tuple(forgotten))


def told_as(row: OpenIncident) -> AnnouncedIncident:
    """The identity under which an incident is told."""
    return AnnouncedIncident(row.kind, row.repo, "" if row.kind in ABOUT_HEAD else row.subject)


def _is_over(key: AnnouncedIncident, knowledge: Knowledge) -> bool:
    """Whether the ledger says that it is over, rather than nothing at all."""
    if key.kind in _EACH_PULL_TELLS and key.repo in knowledge.checked_repos:
        return True
    return key in knowledge.closed


def _seqs_by_repo(keys: Iterable[AnnouncedIncident]) -> dict[str, RangeSet]:
    found: dict[str, RangeSet] = {}
    for key in keys:
        if key.kind == IncidentKind.SEQUENCE_REUSED:
            found.setdefault(key.repo, RangeSet()).add(reused_seqs(key.subject))
    return found


def _is_within(key: AnnouncedIncident, seqs: Mapping[str, RangeSet]) -> bool:
    if key.kind != IncidentKind.SEQUENCE_REUSED or key.repo not in seqs:
        return False
    span = reused_seqs(key.subject)
    return seqs[key.repo].within(span) == [span]
