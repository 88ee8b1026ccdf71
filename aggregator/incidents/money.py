"""Incidents that the books' money lines show: open as long as the lines are as they are."""

from collections.abc import Collection, Iterator
from datetime import datetime

from aggregator.incidents.kinds import ABOUT_MONEY, IncidentKind, seqs_in
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.money_lines import Judged, MoneyState, beyond, credited_nano, refunded_nano
from wire_format.money import format_usd

_Found = tuple[IncidentKind, str]
"""A kind of incident and its subject."""


def file_about_money(
    store: LedgerStore,
    node_id: int,
    changed: Collection[int],
    judged: Collection[Judged],
    decisions: Decisions,
    now: datetime,
) -> set[IncidentKind]:
    """Open and close the incidents about some money lines, in the caller's transaction.

    Args:
        store: the ledger's store, in a transaction.
        node_id: the row of the node whose lines they are.
        changed: the seqs of lines that came or went.
        judged: all lines that were judged with them.
        decisions: the operator's decisions; what they acknowledge is not opened.
        now: when the incidents count as opened or closed.

    Returns:
        The kinds that were opened, or were open already.
    """
    if not changed:
        return set()
    repo = store.repos.first_of_node(node_id)
    found = dict(_shown_by([line for line in judged if line.record.node == repo.node]))
    about = {line.record.seq for line in judged}.union(changed)
    for incident in store.incidents.open_of_repo(repo.id, ABOUT_MONEY):
        kind = IncidentKind(incident.kind)
        if seqs_in(incident.subject).first in about and (kind, incident.subject) not in found:
            store.incidents.close(incident.id, now)
    shown: set[IncidentKind] = set()
    for (kind, subject), detail in found.items():
        if subject not in decisions.acknowledged_subjects(repo.name, kind):
            store.incidents.open(repo.id, kind, subject, detail, now)
            shown.add(kind)
    return shown


def _shown_by(judged: Collection[Judged]) -> Iterator[tuple[_Found, str]]:
    """What lines show: kind and subject, and a sentence."""
    sums_nano = refunded_nano(judged)
    for payment, excess_nano in beyond(judged).items():
        refunded, paid = format_usd(sums_nano[payment]), format_usd(credited_nano(payment))
        detail = (
            f"{payment.user}: {refunded} USD were refunded of the payment of {paid} USD"
            f" with seq {payment.seq}"
        )
        subject = f"seq {payment.seq} by {format_usd(excess_nano)} USD"
        yield (IncidentKind.OVER_REFUNDED, subject), detail
    for record, state, _ in judged:
        if state is MoneyState.CONTRADICTS:
            detail = (
                f"{record.user}: {record.kind} {record.external_ref} of {record.provider} failed,"
                " but an earlier line says that it succeeded, and counts"
            )
            yield (IncidentKind.CONTRADICTED, f"seq {record.seq}"), detail
