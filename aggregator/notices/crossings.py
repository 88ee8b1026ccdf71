"""What is new since the last comparison. Pure: a function of the ledger and of what was announced.

Levels are compared, not changes. So it does not matter how often that happens, in how many steps
the ledger reached its state, or whether it was rebuilt in between. An account or incident that is
worse than announced is a crossing. An account that is better is forgotten without a notice, an
incident that is over with one, so that the next crossing of either is announced again.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.incidents.kinds import ABOUT_HEAD, ABOUT_SEQS, IncidentKind
from aggregator.store.questions.notices import AnnouncedIncident, Balance, OpenIncident

UNKNOWN_FOR: Final = timedelta(hours=25)
"""How long an announced incident is remembered when the ledger knows nothing of it.

A rebuilt ledger finds most incidents in its first pull, and those of the daily check of the forge
within a day.
"""
EXHAUSTED_NANO: Final = 0
"""An account is exhausted when it has this much left, or less."""

_ONE_A_REPO: Final = ABOUT_HEAD.union(ABOUT_SEQS)
"""Kinds of which a repo has at most one open incident, whose subject changes."""

_EACH_PULL_TELLS: Final = ABOUT_HEAD | {
    *ABOUT_SEQS,
    IncidentKind.BAD_RULE_BOOK,
    IncidentKind.SILENT,
}
"""Kinds that a pull of the repo always opens where they apply, whatever was lost before."""


class Level(StrEnum):
    """How low a balance is; a sufficient balance has no level."""

    LOW = "low"
    EXHAUSTED = "exhausted"


class AccountCrossing(NamedTuple):
    """An account whose balance reached a lower level: the balance and that level."""

    user: str
    balance_nano: int
    level: Level


class AccountChanges(NamedTuple):
    """The result of comparing balances.

    Attributes:
        crossed: the accounts to announce.
        levels: levels that differ from those announced, by user; None where the balance is
            sufficient again.
    """

    crossed: tuple[AccountCrossing, ...]
    levels: Mapping[str, Level | None]


class Knowledge(NamedTuple):
    """What a ledger knows of incidents that are not open in it.

    Attributes:
        closed: incidents that it knows to be closed.
        looked_at: repos whose tips were judged since it was built.
    """

    closed: frozenset[AnnouncedIncident]
    checked_repos: frozenset[str]


class IncidentChanges(NamedTuple):
    """The result of comparing incidents.

    Attributes:
        opened: the incidents to announce.
        saved: incidents to save as announced, and since when the ledger knows nothing of each.
        forgotten: incidents that are closed, or of which nothing is known any more.
        closed: those of them that are known to be over.
    """

    opened: tuple[OpenIncident, ...]
    saved: Mapping[AnnouncedIncident, int | None]
    forgotten: tuple[AnnouncedIncident, ...]
    closed: tuple[AnnouncedIncident, ...]


def level_of(balance_nano: int, threshold_nano: int) -> Level | None:
    """The level of a balance; None if it is sufficient."""
    if balance_nano <= EXHAUSTED_NANO:
        return Level.EXHAUSTED
    return Level.LOW if balance_nano < threshold_nano else None


def below_nano(threshold_nano: int) -> int:
    """The bound below which every account with a level is."""
    return max(threshold_nano, EXHAUSTED_NANO + 1)


def cross_accounts(
    announced: Mapping[str, str],
    balances: Iterable[Balance],
    threshold_nano: int,
    threshold_before_nano: int,
) -> AccountChanges:
    """Compare balances with what was announced of them.

    Raising the threshold above a balance is not a crossing: such accounts become low without a
    notice, unless they are below the previous threshold as well.

    Args:
        announced: the level announced of each account, by user.
        balances: every account with less than `below_nano`.
        threshold_nano: the configured threshold.
        threshold_before_nano: the threshold of the previous comparison.
    """
    crossed: list[AccountCrossing] = []
    levels: dict[str, Level | None] = {}
    gone = set(announced)
    for user, balance_nano in balances:
        level, before = level_of(balance_nano, threshold_nano), announced.get(user)
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
    announced: Mapping[AnnouncedIncident, int | None],
    open_now: Iterable[OpenIncident],
    knowledge: Knowledge,
    now_s: int,
) -> IncidentChanges:
    """Compare the open incidents with those that were announced.

    An incident about the tip of a repo is the same one whatever its subject, since the tip moves.
    So are those about reused seqs and about lines ahead of their commits, whose subjects grow.

    Args:
        announced: incidents that were announced, and since when the ledger knows nothing of each.
        open_now: the open incidents.
        knowledge: what the ledger knows of the others.
        now_s: the current time, seconds since 1970.
    """
    there: dict[AnnouncedIncident, OpenIncident] = {}
    for row in open_now:
        there.setdefault(announced_as(row), row)
    opened = [row for key, row in there.items() if key not in announced]
    saved: dict[AnnouncedIncident, int | None] = {
        key: None for key in there if announced.get(key, now_s) is not None
    }
    forgotten: list[AnnouncedIncident] = []
    for key, since_s in announced.items():
        if key in there:
            continue
        first_s = now_s if since_s is None else since_s
        if _is_over(key, knowledge) or now_s - first_s > UNKNOWN_FOR.total_seconds():
            forgotten.append(key)
        elif since_s is None:
            saved[key] = now_s
    closed = tuple(key for key in forgotten if _is_over(key, knowledge))
    return IncidentChanges(tuple(opened), saved, tuple(forgotten), closed)


def announced_as(row: OpenIncident) -> AnnouncedIncident:
    """The identity under which an incident is announced."""
    return AnnouncedIncident(row.kind, row.repo, "" if row.kind in _ONE_A_REPO else row.subject)


def _is_over(key: AnnouncedIncident, knowledge: Knowledge) -> bool:
    """Whether the ledger knows the incident to be closed, rather than nothing of it."""
    if key.kind in _EACH_PULL_TELLS and key.repo in knowledge.checked_repos:
        return True
    return key in knowledge.closed
