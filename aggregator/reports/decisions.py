"""The operator's decisions: what, who, why, and whether each is about anything the ledger knows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.incidents.kinds import IncidentKind
from aggregator.reports.basis import Answer
from aggregator.reports.repos import held
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions, span_of
from gitmeter.counting.held import HeldReason
from wire_format.instants import format_ts, parse_ts
from wire_format.lines import Decision


def decision_list(store: LedgerStore) -> list[dict[str, Any]]:
    """List every decision in the order of its seq.

    Returns:
        The fields of each decision, whether it is `in_force`, a `remark`: why it has no effect
        so far, or None; and the `lines` that are not billed because of it, as `held` lists them.
    """
    records = sorted(store.decisions.all(), key=lambda record: (record.seq, record.ts))
    decisions = Decisions(records, store.decisions.waiting())
    in_force = set(decisions.in_force)
    lines: dict[Decision, list[Answer]] = defaultdict(list)
    for row in held(store):
        if (by := decided_by(decisions, row)) is not None:
            lines[by].append(row)
    repos = store.repos.judged_by()
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
            "lines": lines.get(record, []),
            "remark": _remark(store, record, records, set(repos), decisions.waiting),
        }
        for record in records
    ]


def decided_by(decisions: Decisions, row: Answer) -> Decision | None:
    """The decision because of which a held line is not billed; None if it is still open.

    Args:
        decisions: those that are carried out.
        row: the line, as `aggregator.reports.repos.held` returns it.
    """
    if row["seq"] is None:
        return None
    node, seq, ts = row["node"], row["seq"], parse_ts(row["ts"])
    if row["reason"] == HeldReason.EXCLUDED:
        return decisions.of_node(node).excluding(seq, ts)
    if row["reason"] != HeldReason.CONFLICT or decisions.of_node(node).chosen(seq, ts) is None:
        return None
    chosen = [
        record
        for record in decisions.about(node)
        if (record.kind, record.of_seq, record.of_ts) == ("choose", seq, ts)
    ]
    return chosen[-1] if chosen else None


def _about(record: Decision) -> dict[str, Any]:
    return {
        "repo": record.repo,
        "tip": record.tip,
        "of": record.of,
        "from_seq": record.from_seq,
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
        if not store.lines.has_seen(node_id, *span_of(record)):
            return "no such line has arrived yet"
        if record.of in waiting and record not in waiting[record.of]:
            return "it waits for a mirror that cannot be read: see `aggregator incidents`"
    return None
