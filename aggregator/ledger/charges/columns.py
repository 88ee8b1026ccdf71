"""Thousands of new parts of charges at once: merged, rated and summed as columns of numbers.

What it does is what `charging` does for one charge after the other, with the same result to the
last bit. Whatever does not fit into 64 bits is left to that.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from aggregator.admission.grouped import COLUMNS, GroupedSegment, Kind
from aggregator.rating.columns import NEVER_US, Charges, Column, rate_all
from aggregator.rating.rating import STATES, ChargeState, Rater
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.active_periods import PERIOD_HOURS
from aggregator.store.charges.charge_rows import CATEGORY_NUMBERS, StoredCharge
from wire_format.fields import AppliesTo

_PAGE: Final = 5_000
"""Rows that are Python's numbers at a time: they take ten times the memory of a column's."""

_SUM_MAX: Final = 2**61
"""No sum of two columns below it leaves 64 bits."""


class Parts(NamedTuple):
    """Parts of charges, each charge once, in the order of the table's key.

    Attributes:
        accounts: the accounts of all of them, and perhaps others, by id.
        kinds: resources and categories, by the numbers that the table has for them.
        hour: the clock hour of each charge, since 1970.
        account, kind: the places of its account and its kind.
        units, records: what is added to it.
    """

    accounts: Sequence[AccountRow]
    kinds: Sequence[Kind]
    hour: Column
    account: Column
    kind: Column
    units: Column
    records: Column


class ChargedParts(NamedTuple):
    """What parts change, besides the sums of their accounts.

    Attributes:
        pages: the charges as the table has them, in its order, some thousands at a time: the
            numbers of one after the other.
        periods: account and period of each, in any order.
        unrated: by state and kind, how many more charges are not rated in full.
    """

    pages: Iterable[list[int]]
    periods: Iterable[tuple[int, int]]
    unrated: Mapping[tuple[ChargeState, Kind], int]


def merged(
    segments: Collection[GroupedSegment],
    accounts: Collection[AccountRow],
    resources: Mapping[str, int],
) -> Parts | None:
    """Merge segments into one part for each charge; None if a number may leave 64 bits.

    Args:
        segments: at least one.
        accounts: those of all their users.
        resources: the ids of their resources.
    """
    by_id = sorted(accounts, key=lambda account: account.id)
    kinds = sorted(
        {kind for segment in segments for kind in segment.kinds},
        key=lambda kind: (resources[kind[0]], CATEGORY_NUMBERS[kind[1]]),
    )
    users = {account.user: place for place, account in enumerate(by_id)}
    kind_places = {kind: place for place, kind in enumerate(kinds)}
    tables: list[Column] = []
    for segment in segments:
        table = np.frombuffer(segment.sums, dtype=np.int64).reshape(COLUMNS, -1).copy()
        table[1] = np.array([users[user] for user in segment.users])[table[1]]
        table[2] = np.array([kind_places[kind] for kind in segment.kinds])[table[2]]
        tables.append(table)
    hour, user, kind, units, records = np.concatenate(tables, axis=1)
    hours = int(hour.max()) - int(hour.min()) + 1
    if max(hours * len(users) * len(kinds), int(units.max()) * len(units)) > _SUM_MAX:
        return None
    # sorting by one number takes a third of the time of sorting by three
    key = ((hour - hour.min()) * len(users) + user) * len(kinds) + kind
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    first = order[starts]
    return Parts(
        *(by_id, kinds, hour[first], user[first], kind[first]),
        *(np.add.reduceat(column[order], starts) for column in (units, records)),
    )


def keys_in(
    parts: Parts, hours: Iterable[int], resources: Mapping[str, int]
) -> list[tuple[int, int, int, AppliesTo, int]]:
    """Hour, account, resource and category of the charges in some hours, and their place."""
    wanted = np.flatnonzero(np.isin(parts.hour, list(hours)))
    kinds = [(resources[resource], applies_to) for resource, applies_to in parts.kinds]
    return [
        (hour, parts.accounts[account].id, *kinds[kind], at)
        for at, hour, account, kind in zip(
            wanted.tolist(),
            *(column[wanted].tolist() for column in (parts.hour, parts.account, parts.kind)),
            strict=True,
        )
    ]


def charge(
    parts: Parts,
    before: Mapping[int, StoredCharge],
    resources: Mapping[str, int],
    rater: Rater,
) -> ChargedParts | None:
    """Rate charges with what is added to them, and add the change to their accounts.

    Args:
        parts: what is added.
        before: the charges that are stored already, by their place in `parts`.
        resources: the ids of resources.
        rater: rates under the rule book in force.

    Returns:
        None, with nothing changed, if a number may leave 64 bits.
    """
    if any(found.quantity > _SUM_MAX for found in before.values()):
        return None
    stored = np.zeros((len(parts.hour), 5), dtype=np.int64)
    if before:
        stored[list(before)] = [list(found) for found in before.values()]
    quantity, records = parts.units + stored[:, 0], parts.records + stored[:, 1]
    state, list_cost, billed_cost = rate_all(
        rater,
        Charges(quantity, parts.hour, parts.kind, _paid_us(parts), parts.kinds),
    )
    if max(int(list_cost.max()), int(stored[:, 3].max())) > _SUM_MAX // len(list_cost):
        return None
    is_unrated, was_unrated = state != 0, stored[:, 2] != 0
    _add_to_accounts(
        parts,
        list_cost - stored[:, 3],
        billed_cost - stored[:, 4],
        is_unrated.astype(np.int64) - was_unrated,
    )
    ids = np.array([account.id for account in parts.accounts])
    resource_ids = np.array([resources[resource] for resource, _ in parts.kinds])
    categories = np.array([CATEGORY_NUMBERS[applies_to] for _, applies_to in parts.kinds])
    columns = (
        *(parts.hour, ids[parts.account], resource_ids[parts.kind], categories[parts.kind]),
        *(quantity, records, state, list_cost, billed_cost),
    )
    unrated: dict[tuple[ChargeState, Kind], int] = {}
    for which, states, sign in ((is_unrated, state, 1), (was_unrated, stored[:, 2], -1)):
        both = states[which] * len(parts.kinds) + parts.kind[which]
        for number, count in zip(*_counted(both), strict=True):
            state_at, kind_at = divmod(number, len(parts.kinds))
            key = (STATES[state_at], parts.kinds[kind_at])
            unrated[key] = unrated.get(key, 0) + sign * count
    table = np.stack(columns, axis=1)
    pages = (table[at : at + _PAGE].ravel().tolist() for at in range(0, len(table), _PAGE))
    return ChargedParts(pages, _periods(parts), unrated)


def _paid_us(parts: Parts) -> Column:
    """For each charge the payment from which its user's tenure counts in its hour."""
    last = [account.tenure[-1].first_paid_us for account in parts.accounts]
    paid_us = np.array([NEVER_US if us is None else us for us in last], dtype=np.int64)
    column: Column = paid_us[parts.account]
    for place, account in enumerate(parts.accounts):
        if len(account.tenure) > 1:
            own = np.flatnonzero(parts.account == place)
            steps = np.array([step.from_hour for step in account.tenure])
            values = [
                NEVER_US if s.first_paid_us is None else s.first_paid_us for s in account.tenure
            ]
            at = np.searchsorted(steps, parts.hour[own], side="right") - 1
            column[own] = np.array(values, dtype=np.int64)[at]
    return column


def _periods(parts: Parts) -> Iterator[tuple[int, int]]:
    """Yield account and period of the charges, each pair once."""
    period = parts.hour // PERIOD_HOURS
    begins = np.flatnonzero(np.diff(period, prepend=-1)).tolist()  # the charges are by hour
    for begin, end in pairwise([*begins, len(period)]):
        for place in _places(parts.account[begin:end]):
            yield parts.accounts[place].id, int(period[begin])


def _places(column: Column) -> list[int]:
    """The different places in a column."""
    return np.flatnonzero(np.bincount(column)).tolist()


def _counted(numbers: Column) -> tuple[list[int], list[int]]:
    """The different numbers of a column, and how often it has each."""
    different, counts = np.unique(numbers, return_counts=True)
    return different.tolist(), counts.tolist()


def _add_to_accounts(parts: Parts, list_cost: Column, billed_cost: Column, unrated: Column) -> None:
    """Add the change of costs to the accounts, and extend their active hours."""
    number = len(parts.accounts)
    sums = np.zeros((3, number), dtype=np.int64)
    for total, column in zip(sums, (list_cost, billed_cost, unrated), strict=True):
        np.add.at(total, parts.account, column)
    first = np.full(number, np.iinfo(np.int64).max)
    last = np.full(number, np.iinfo(np.int64).min)
    np.minimum.at(first, parts.account, parts.hour)
    np.maximum.at(last, parts.account, parts.hour)
    changes, firsts, lasts = sums.T.tolist(), first.tolist(), last.tolist()
    for place in _places(parts.account):
        account = parts.accounts[place]
        account.add_cost(*changes[place])
        account.add_hour(firsts[place])
        account.add_hour(lasts[place])
