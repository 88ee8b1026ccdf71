"""Incidents that the books' money lines show: open as long as the lines are as they are."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping
from datetime import datetime

from aggregator.incidents.kinds import ABOUT_MONEY, IncidentKind, seqs_in
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.money.pool import Payment
from gitmeter.money.rivals import Judged, MoneyState
from wire_format.lines import Account, Money
from wire_format.money import format_usd

_Found = tuple[IncidentKind, str]
"""A kind of incident and its subject."""


def file_about_money(
    store: LedgerStore,
    changed: Collection[Money | Account],
    judged: Collection[Judged],
    paid: Mapping[Money, Payment],
    decisions: Decisions,
    now: datetime,
) -> set[IncidentKind]:
    """Open and close the incidents about money lines, in the caller's transaction.

    Args:
        store: the ledger's store, in a transaction.
        changed: lines that came or went.
        judged: all lines that were judged with them.
        paid: the payments among those that count.
        decisions: the operator's decisions; what they acknowledge is not opened.
        now: when the incidents count as opened or closed.

    Returns:
        The kinds that were opened, or were open already.
    """
    shown: set[IncidentKind] = set()
    by_node: dict[str, list[Judged]] = defaultdict(list)
    about: dict[str, set[int]] = defaultdict(set)
    for line in judged:
        by_node[line.record.node].append(line)
        about[line.record.node].add(line.record.seq)
    for record in changed:
        about[record.node].add(record.seq)
    exceeded = {record: each for record, each in paid.items() if each.beyond_nano()}
    for node, seqs in sorted(about.items()):
        node_id = store.repos.find_node(node)
        if node_id is not None:
            found = dict(_shown_by(by_node[node], exceeded))
            shown |= _file(store, node_id, seqs, found, decisions, now)
    return shown


def _file(
    store: LedgerStore,
    node_id: int,
    about: Container[int],
    found: Mapping[_Found, str],
    decisions: Decisions,
    now: datetime,
) -> set[IncidentKind]:
    """Open the incidents of one node that were found, and close those that are over."""
    repo = store.repos.first_of_node(node_id)
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


def _shown_by(
    judged: Collection[Judged], exceeded: Mapping[Money, Payment]
) -> Iterator[tuple[_Found, str]]:
    """What lines of one node show: kind and subject, and a sentence."""
    for record, state, _ in judged:
        payment = exceeded.get(record)
        if state is MoneyState.COUNTED and payment is not None:
            asked, paid = format_usd(payment.asked_nano()), format_usd(payment.credit_nano)
            detail = (
                f"{record.user}: {asked} USD were refunded of the payment of {paid} USD"
                f" with seq {record.seq}"
            )
            subject = f"seq {record.seq} by {format_usd(payment.beyond_nano())} USD"
            yield (IncidentKind.OVER_REFUNDED, subject), detail
        if state is MoneyState.CONTRADICTS:
            detail = (
                f"{record.user}: {record.kind} {record.external_ref} of {record.provider} failed,"
                " but an earlier line says that it succeeded, and counts"
            )
            yield (IncidentKind.CONTRADICTED, f"seq {record.seq}"), detail
