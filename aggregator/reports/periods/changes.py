"""What changed in which balances since an earlier ledger, and by which commits."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from aggregator.balances.funds import CurrentFunds
from aggregator.mirrors.mirrors import Mirrors
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.periods.report import Column, Report
from aggregator.reports.statements.since import commit_answer, new_deltas
from aggregator.store.store import LedgerStore
from cursors.tips import Tips

_USER: Final = re.compile(rb'"user":"([^"]*)"')
_COLUMNS: Final = (
    Column("user", "user", "text"),
    Column("before", "before", is_spare=True),
    Column("money", "money"),
    Column("usage", "usage"),
    Column("grants", "grants"),
    Column("after", "after"),
    Column("commits", "commits", "number"),
)


class _Had(NamedTuple):
    """What an account had, in nano-dollars, and how many charges were not rated in full."""

    pool_nano: int
    billed_nano: int
    drawn_nano: int
    granted_nano: int
    unrated: int

    @property
    def balance_nano(self) -> int:
        return self.pool_nano - self.billed_nano + self.in_grants_nano

    @property
    def in_grants_nano(self) -> int:
        """What grants paid, and what is left of them."""
        return self.drawn_nano + self.granted_nano


_NOTHING: Final = _Had(0, 0, 0, 0, 0)


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
    was, is_now = (dict(_all(store, now)) for store in (before, after))
    commits, naming = _commits(after, mirrors, tips)
    rows: list[tuple[Any, ...]] = []
    for user in sorted({*was, *is_now}):
        then, today = was.get(user, _NOTHING), is_now.get(user, _NOTHING)
        if then != today:
            rows.append(
                (
                    *(user, then.balance_nano),
                    today.pool_nano - then.pool_nano,
                    then.billed_nano - today.billed_nano,
                    today.in_grants_nano - then.in_grants_nano,
                    *(today.balance_nano, naming[user]),
                )
            )
    sums = [sum(row[at] for row in rows) for at in range(1, len(_COLUMNS) - 1)]
    return Report({"commits": commits, **stands_on(after)}, _COLUMNS, rows, (None, *sums, None))


def _all(store: LedgerStore, now: datetime) -> Iterator[tuple[str, _Had]]:
    current = CurrentFunds(store, now)
    for row in store.reports.accounts():
        yield row["user"], _Had(*current.of(row), row["unrated"])


def _commits(
    store: LedgerStore, mirrors: Mirrors, tips: Mapping[str, Tips]
) -> tuple[list[Answer], Counter[str]]:
    """The new commits that say something, and how many of them name each account."""
    found: list[Answer] = []
    naming: Counter[str] = Counter()
    for name, mirror, delta in new_deltas(store, mirrors, tips, store.repos.judged_by()):
        users: set[str] = set()

        def is_told(line: bytes, users: set[str] = users) -> bool:
            named: Any = _USER.search(line)
            if named is not None:
                users.add(named[1].decode(errors="replace"))
            return named is not None

        answer = commit_answer(name, mirror, delta, is_told)
        if answer is not None:
            naming.update(users)
            found.append({**answer, "users": len(users)})
    return found, naming
