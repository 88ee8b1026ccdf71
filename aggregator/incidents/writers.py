"""Incidents about the lines of tills and desks: one of a kind for each writer, however many lines.

Its subject goes from the lowest to the highest number of those that nobody acknowledged. It is open
as long as there are any. Of the books, those about keys and plans alone; what else of theirs does
not count has incidents of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from aggregator.incidents.filing import acknowledged_seqs, file_span
from aggregator.incidents.kinds import IncidentKind
from aggregator.store.repo_rows import RepoRow
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.held import HeldReason
from gitmeter.money.plans.plan_faults import PlanFault
from gitmeter.money.rivals import MoneyState
from gitmeter.support.terminal import counted
from wire_format.money import format_usd

_STATES: Final[dict[IncidentKind, tuple[frozenset[str], str]]] = {
    IncidentKind.WRITER_HELD: (
        frozenset(
            {
                *(HeldReason.NOT_ALLOWED, HeldReason.BACK_DATED, HeldReason.WRONG_NAME),
                *(HeldReason.NUMBER_REUSED, HeldReason.CUT_OFF, HeldReason.TEST_MODE),
                *(HeldReason.OTHER_CURRENCY, HeldReason.UNLIKE_TEMPLATE),
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
    IncidentKind.OVER_BUDGET: (
        frozenset({HeldReason.OVER_BUDGET, HeldReason.OVER_FEES}),
        "more than a template's budget or the fees of a day, so it waits",
    ),
    IncidentKind.KEY_CLAIMED: (
        frozenset({HeldReason.KEY_CLAIMED}),
        "others claim the same keys for something else",
    ),
    IncidentKind.PLANS_HELD: (frozenset(map(str, PlanFault)), "plans that do not count"),
}
_TAKEN_BACK: Final = "refunds or disputes whose money did not come back"
_OF_EVERYBODY: Final = (IncidentKind.KEY_CLAIMED, IncidentKind.PLANS_HELD)
_OF_ROLE: Final = {
    "till": (
        *(IncidentKind.WRITER_HELD, IncidentKind.UNCONFIRMED, IncidentKind.RIVALS),
        *(IncidentKind.UNDECIDED, IncidentKind.TAKEN_BACK),
    ),
    "desk": (
        *(IncidentKind.WRITER_HELD, IncidentKind.RIVALS),
        *(IncidentKind.OVER_BUDGET, *_OF_EVERYBODY),
    ),
}
"""What lines of a role can be; nothing else is looked for."""


def file_about_writers(
    store: LedgerStore, nodes: Iterable[str], decisions: Decisions, now: datetime
) -> set[IncidentKind]:
    """Open and close the incidents about the lines of some writers, in the caller's transaction.

    Args:
        store: the ledger's store, in a transaction.
        nodes: the writers of which lines changed.
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
    for node in sorted(about):
        node_id = writers.get(node) or store.repos.find_node(node)
        if node_id is None:
            continue
        repo = store.repos.first_of_node(node_id)
        kinds = _kinds(store, repo, is_writer=node in writers)
        shown |= {kind for kind in kinds if _file(store, repo, kind, decisions, now)}
        if repo.role == "desk" and _file_budgets(store, repo, decisions, now):
            shown.add(IncidentKind.BUDGET_NEARLY_USED)
    return shown


def _kinds(store: LedgerStore, repo: RepoRow, *, is_writer: bool) -> Sequence[IncidentKind]:
    """What the lines of a node may show."""
    if is_writer:
        return _OF_ROLE.get(repo.role, _OF_EVERYBODY)
    states = frozenset[str]().union(*(_STATES[kind][0] for kind in _OF_EVERYBODY))
    is_any = store.payments.in_states(repo.node_id, states, ()) is not None
    return _OF_EVERYBODY if is_any or store.incidents.open_of_repo(repo.id, _OF_EVERYBODY) else ()


def _file(
    store: LedgerStore, repo: RepoRow, kind: IncidentKind, decisions: Decisions, now: datetime
) -> bool:
    """Open or close the incident of a kind about a node; returns whether there is one."""
    accepted = acknowledged_seqs(decisions, repo.name, kind)
    if kind is IncidentKind.TAKEN_BACK:
        found, what = store.payments.taken_back(repo.node_id, accepted), _TAKEN_BACK
    else:
        states, what = _STATES[kind]
        found = store.payments.in_states(repo.node_id, states, accepted)
    span, number = (None, 0) if found is None else found
    detail = f"{what}: {counted(number, 'line')} of {repo.node}, seq {span}"
    return file_span(store, repo, kind, span, detail, now)


def _file_budgets(store: LedgerStore, repo: RepoRow, decisions: Decisions, now: datetime) -> bool:
    """Open or close the incidents about the budgets of a desk; returns whether there are any."""
    kind = IncidentKind.BUDGET_NEARLY_USED
    known = decisions.acknowledged_subjects(repo.name, kind)
    found: dict[str, str] = {}
    for use in store.desks.budgets(repo.node_id):
        limit = format_usd(use.limit_nano)
        subject = f"{use.kind} {use.template} of {limit} USD"
        if use.is_nearly_used and subject not in known:
            given = format_usd(use.given_nano)
            found[subject] = f"{repo.node} has given {given} of {limit} USD by {use.template}"
    for incident in store.incidents.open_of_repo(repo.id, [kind]):
        if incident.subject not in found:
            store.incidents.close(incident.id, now)
    for subject, detail in found.items():
        store.incidents.open(repo.id, kind, subject, detail, now)
    return bool(found)
