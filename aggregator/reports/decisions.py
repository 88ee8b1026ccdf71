"""The operator's decisions: what, who, why, and whether each is about anything the ledger knows."""

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.incidents.kinds import IncidentKind
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions, span_of
from wire_format.instants import format_ts
from wire_format.lines import Decision


def decision_list(store: LedgerStore) -> list[dict[str, Any]]:
    """List every decision in the order of its seq.

    Returns:
        The fields of each decision, whether it is `in_force`, and a `remark`: why it has no effect
        so far, or None.
    """
    records = sorted(store.decisions.all(), key=lambda record: (record.seq, record.ts))
    in_force = set(Decisions(records).in_force)
    repos, waiting = store.repos.judged_by(), store.decisions.waiting()
    return [
        {
            "node": record.node,
            "seq": record.seq,
            "ts": format_ts(record.ts),
            "kind": record.kind,
            **_about(record),
            "by": record.by,
            "reason": record.reason,
            "in_force": record in in_force,
            "remark": _remark(store, record, records, set(repos), waiting),
        }
        for record in records
    ]


def _about(record: Decision) -> dict[str, Any]:
    return {
        "repo": record.repo,
        "tip": record.tip,
        "of": record.of,
        "of_seq": record.of_seq,
        "to_seq": record.to_seq,
        "of_ts": None if record.of_ts is None else format_ts(record.of_ts),
        "line_sha256": record.line_sha256,
        "incident": record.incident,
        "subject": record.subject,
        "refers_to": record.refers_to,
    }


def _remark(
    store: LedgerStore,
    record: Decision,
    all_: list[Decision],
    repos: set[str],
    waiting: Mapping[str, Sequence[Decision]],
) -> str | None:
    """Why a decision has no effect so far, most often because of a typing error; None if it has."""
    if record.repo is not None and record.repo not in repos:
        return f"no repo is called {record.repo}"
    if record.incident is not None and record.incident not in set(IncidentKind):
        return f"no incident is called {record.incident}"
    if record.kind == "withdraw":
        known = {(r.node, r.seq) for r in all_ if r.kind not in {"withdraw", "accept_tip"}}
        named = (record.node, record.refers_to) in known
        return None if named else f"seq {record.refers_to} is no decision that can be withdrawn"
    if record.of is not None:
        node_id = store.repos.find_node(record.of)
        if node_id is None:
            return f"no node is called {record.of}"
        if not store.lines.seen(node_id).within(span_of(record)):
            return "no such line has arrived yet"
        if record.of in waiting and record not in waiting[record.of]:
            return "it waits for a mirror that cannot be read: see `aggregator incidents`"
    return None
