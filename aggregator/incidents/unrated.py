"""Usage that is not billed in full: incidents that follow the charges as they stand.

One incident for each resource and category, and one for each node with records beyond the limit.
Anyone who can push can invent resources, so there is a bound: the first by name have an incident of
their own, and one incident counts the rest. Which are open is therefore a function of the charges,
and the same after a rebuild; it is found out again only where the first charge of a resource and
category comes into a state, or the last one leaves it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from aggregator.incidents.kinds import IncidentKind
from aggregator.rating.rating import ChargeState
from aggregator.store.questions.unrated import GroupKey, UnratedGroup
from aggregator.store.store import LedgerStore
from gitmeter.support.terminal import counted
from wire_format.fields import APPLIES_TO
from wire_format.instants import format_hour

INCIDENTS_MAX: Final = 50
"""Resources and categories of one kind that have an incident of their own."""

REST: Final = "the rest"
"""Subject of the incident that counts those that have none; no resource is called so."""

KIND_OF_STATE: Final = {
    ChargeState.UNPRICED: IncidentKind.UNPRICED,
    ChargeState.CATEGORY_MISMATCH: IncidentKind.CATEGORY_MISMATCH,
    ChargeState.OVERFLOW: IncidentKind.OVERFLOW,
}


def subject_of(resource: str, applies_to: str) -> str:
    """What an incident is about: a resource and a category."""
    return f"{resource} ({applies_to})"


def detail_of(group: UnratedGroup) -> str:
    """A sentence that counts the charges of a resource and category."""
    cost = "cost the limit" if group.state is ChargeState.OVERFLOW else "cost nothing so far"
    return (
        f"{subject_of(group.resource, group.applies_to)}: {counted(group.charges, 'charge')} of"
        f" {counted(group.users, 'user')}, {counted(group.units, 'unit')} in all, since"
        f" {format_hour(group.since_hour)}: {cost}"
    )


def file_unrated(
    store: LedgerStore, states: Iterable[ChargeState], nodes: Iterable[int], now: datetime
) -> set[IncidentKind]:
    """Open and close the incidents of usage that is not billed in full, in a transaction.

    Args:
        store: the ledger's store, in a transaction.
        states: the states in which resources and categories appeared or vanished.
        nodes: the rows of nodes of which records beyond the limit were filed or released.
        now: when incidents count as opened or closed.

    Returns:
        The kinds of those that were opened.
    """
    opened = {KIND_OF_STATE[state] for state in states if _file_state(store, state, now)}
    for node_id in nodes:
        if _file_node(store, node_id, now):
            opened.add(IncidentKind.BEYOND_LIMIT)
    return opened


def _file_state(store: LedgerStore, state: ChargeState, now: datetime) -> bool:
    """File the incidents of one state; returns whether one was opened."""
    kind = KIND_OF_STATE[state]
    first = {_subject(key): key for key in store.unrated.first(state, INCIDENTS_MAX)}
    rest = store.unrated.count(state) - len(first)
    is_open = {row.subject: row.id for row in store.incidents.open_of_kind(kind)}
    for subject in is_open.keys() - first.keys():
        if subject != REST or not rest:
            store.incidents.close(is_open[subject], now)
    new = first.keys() - is_open.keys()
    for subject in sorted(new):
        detail = detail_of(store.unrated.group(first[subject]))
        store.incidents.open(None, kind, subject, detail, now)
    if rest:
        store.incidents.open(None, kind, REST, rest_of(rest), now)
    return bool(new) or (bool(rest) and REST not in is_open)


def rest_of(count: int) -> str:
    """A sentence that counts the resources and categories without an incident of their own."""
    return f"{count} more of this kind; `aggregator unpriced` lists them all"


def _subject(key: GroupKey) -> str:
    return subject_of(key.resource, APPLIES_TO[key.applies_to])


def _file_node(store: LedgerStore, node_id: int, now: datetime) -> bool:
    """File the incident of a node's records beyond the limit; returns whether it was opened."""
    count, node = store.lines.count_beyond_limit(node_id), store.repos.node_name(node_id)
    is_open = {
        row.subject: row.id for row in store.incidents.open_of_kind(IncidentKind.BEYOND_LIMIT)
    }
    if count:
        lines = counted(count, "line")
        detail = f"node {node}: {lines} held, of records that alone cost more than the limit"
        store.incidents.open(None, IncidentKind.BEYOND_LIMIT, node, detail, now)
    elif node in is_open:
        store.incidents.close(is_open[node], now)
    return bool(count) and node not in is_open
