"""What changed in which balances since an earlier ledger, and by which commits."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from aggregator.balances.funds import CurrentFunds, Funds
from aggregator.mirrors.mirrors import Mirrors
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.periods.report import Column, Report
from aggregator.reports.statements.since import new_commits
from aggregator.store.store import LedgerStore
from cursors.tips import Tips

_COLUMNS: Final = (
    Column("user", "user", "text"),
    Column("before", "before", is_spare=True),
    Column("money", "money"),
    Column("usage", "usage"),
    Column("grants", "grants"),
    Column("after", "after"),
    Column("commits", "commits", "number"),
)


_State = tuple[Funds, int]
"""What an account has, and how many of its charges are not rated in full."""

_NOTHING: Final[_State] = Funds(0, 0, 0, 0), 0


def changes_report(
    before: LedgerStore,
    after: LedgerStore,
    mirrors: Mirrors,
    tips: Mapping[str, Tips],
    now: datetime,
) -> Report:
    """Compare two ledgers, each in the caller's view.

    Args:
        before: the earlier one.
        after: the one of today.
        mirrors: the mirrors.
        tips: the commits from which the earlier one was made, by repo.
        now: the time, by which grants are in force in both.

    Returns:
        The accounts that have another balance, or used, were paid or were given something else. Its
        head has the `commits` since then that name an account, decide something or change rules.

    Raises:
        MirrorError: a mirror cannot be read.
    """
    commits, naming = _commits(after, mirrors, tips)
    rows: list[tuple[Any, ...]] = []
    for user, was, is_now in _pairs(before, after, now):
        if was == is_now:
            continue
        (then, _), (today, _) = was, is_now
        rows.append(
            (
                *(user, then.balance_nano),
                today.pool_nano - then.pool_nano,
                then.billed_nano - today.billed_nano,
                _in_grants_nano(today) - _in_grants_nano(then),
                *(today.balance_nano, naming[user]),
            )
        )
    sums = [sum(row[at] for row in rows) for at in range(1, len(_COLUMNS) - 1)]
    return Report({"commits": commits, **stands_on(after)}, _COLUMNS, rows, (None, *sums, None))


def _pairs(
    before: LedgerStore, after: LedgerStore, now: datetime
) -> Iterator[tuple[str, _State, _State]]:
    """Every account that one of two ledgers has, with what it has in each, sorted by user."""
    both = merge(_all(before, now), _all(after, now), key=itemgetter(0))
    for user, found in groupby(both, itemgetter(0)):
        states = {store: state for _, store, state in found}
        yield user, states.get(before, _NOTHING), states.get(after, _NOTHING)


def _all(store: LedgerStore, now: datetime) -> Iterator[tuple[str, LedgerStore, _State]]:
    """What each account has, and how many of its charges are not rated in full, sorted by user."""
    current = CurrentFunds(store, now)
    for row in store.reports.accounts():
        yield row["user"], store, (current.of(row), row["unrated"])


def _in_grants_nano(funds: Funds) -> int:
    """What grants paid, and what is left of them."""
    return funds.drawn_nano + funds.granted_nano


def _commits(
    store: LedgerStore, mirrors: Mirrors, tips: Mapping[str, Tips]
) -> tuple[list[Answer], Counter[str]]:
    """The new commits that say something, and how many of them name each account."""
    found: list[Answer] = []
    naming: Counter[str] = Counter()
    for commit in new_commits(store, mirrors, tips, store.repos.judged_by()):
        told = {folder: own.total() - own[""] for folder, own in commit.naming.items()}
        answer = commit.answer(told)
        if answer is not None:
            users = {user for folder in told for user in commit.naming[folder] if user}
            naming.update(users)
            found.append({**answer, "users": len(users)})
    return found, naming
