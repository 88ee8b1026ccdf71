"""Incidents about the lines of tills and desks: one of a kind for each writer, however many lines.

Its subject goes from the lowest to the highest number of those that nobody acknowledged. It is open
as long as there are any.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from aggregator.incidents.filing import acknowledged_seqs, file_span
from aggregator.incidents.kinds import IncidentKind
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.held import HeldReason
from gitmeter.money.rivals import MoneyState
from gitmeter.support.terminal import counted

_STATES: Final[dict[IncidentKind, tuple[frozenset[str], str]]] = {
    IncidentKind.WRITER_HELD: (
        frozenset(
            {
                *(HeldReason.NOT_ALLOWED, HeldReason.BACK_DATED, HeldReason.WRONG_NAME),
                *(HeldReason.NUMBER_REUSED, HeldReason.CUT_OFF, HeldReason.TEST_MODE),
                HeldReason.OTHER_CURRENCY,
            }
        ),
        "not allowed by its place, or a number claimed again",
    ),
    IncidentKind.UNCONFIRMED: (
        frozenset({HeldReason.UNCONFIRMED}),
        "more is unconfirmed than its limit, so the rest waits",
    ),
    IncidentKind.RIVALS: (
        frozenset({MoneyState.RIVALS}),
        "another writer says something else of the movement, so neither counts",
    ),
    IncidentKind.UNDECIDED: (
        frozenset({MoneyState.UNDECIDED}),
        "payments that came in otherwise than promised",
    ),
}
_TAKEN_BACK: Final = "refunds or disputes whose money did not come back"


def file_about_writers(
    store: LedgerStore, nodes: Iterable[str], decisions: Decisions, now: datetime
) -> set[IncidentKind]:
    """Open and close the incidents about the lines of some writers, in the caller's transaction.

    Args:
        store: the ledger's store, in a transaction.
        nodes: the tills and desks of which lines changed.
        decisions: the operator's decisions; what they acknowledge is not opened.
        now: when the incidents count as opened or closed.

    Returns:
        The kinds that were opened, or were open already.
    """
    shown: set[IncidentKind] = set()
    about = set(nodes)
    if not about:
        return shown
    writers = store.writers.all()
    for node in sorted(about & writers.keys()):
        node_id = writers[node]
        repo = store.repos.first_of_node(node_id)
        for kind in (*_STATES, IncidentKind.TAKEN_BACK):
            accepted = acknowledged_seqs(decisions, repo.name, kind)
            if kind is IncidentKind.TAKEN_BACK:
                found, what = store.payments.taken_back(node_id, accepted), _TAKEN_BACK
            else:
                states, what = _STATES[kind]
                found = store.payments.in_states(node_id, states, accepted)
            span, number = (None, 0) if found is None else found
            detail = f"{what}: {counted(number, 'line')} of {node}, seq {span}"
            if file_span(store, repo, kind, span, detail, now):
                shown.add(kind)
    return shown
