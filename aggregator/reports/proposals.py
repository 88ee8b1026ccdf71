"""The decision that would release a held line or end an incident, and the command that takes it.

The aggregator only proposes: decisions are lines of the books, and only `books` writes them.
"""

import shlex
from datetime import datetime
from typing import Any, Final, NamedTuple

from aggregator.incidents.kinds import ACCEPTABLE, ACKNOWLEDGED, IncidentKind
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.held import HeldReason
from gitmeter.money.reasons import reason_of
from gitmeter.roles.role import PROGRAMS
from wire_format.fields import INT_MAX, VERSION
from wire_format.instants import format_ts, parse_ts
from wire_format.lines import Decision, Folder

_REASON: Final = ("--reason", "...")


class Remedy(NamedTuple):
    """A decision that can be taken.

    Attributes:
        decision: the decision as a line of the books would state it.
        command: the command to paste; the person fills in the reason.
    """

    decision: Decision
    command: str


def of_held(
    store: LedgerStore, decisions: Decisions, row: dict[str, Any], now: datetime
) -> Remedy | None:
    """Find the decision that would let a held line count; None if no decision can.

    Args:
        store: the ledger.
        decisions: the decisions in force.
        row: the held line, as `aggregator.reports.repos.held` returns it.
        now: the time of the decision.
    """
    reason = reason_of(row["reason"])
    if row["seq"] is None or row["path"].startswith(f"{Folder.DECISIONS}/"):
        return None  # decisions are about other lines, never about each other
    node, seq, ts = row["node"], row["seq"], parse_ts(row["ts"])
    if reason is HeldReason.CONFLICT:
        words = ("choose", node, str(seq), row["ts"], row["line_sha256"])
        decision = _decision(
            now, kind="choose", of=node, of_seq=seq, of_ts=ts, line_sha256=row["line_sha256"]
        )
        return Remedy(decision, _command(*words))
    if reason is HeldReason.EXCLUDED:
        excluding = decisions.of_node(node).excluding(seq, ts)
        if excluding is None:
            return None
        decision = _decision(now, kind="withdraw", node=excluding.node, refers_to=excluding.seq)
        return Remedy(decision, _command("withdraw", str(excluding.seq)))
    if reason is HeldReason.SAME_MOVEMENT:
        counted = store.money.counted_instead(node, seq, ts)
        if counted is None:
            return None
        writer, other, at = counted
        decision = _decision(now, kind="exclude", of=writer, of_seq=other, of_ts=at)
        words = ("exclude", writer, str(other), "--ts", format_ts(at))
        return Remedy(decision, _command(*words))
    return None


def of_incident(repo: str, role: str | None, kind: str, subject: str) -> str | None:
    """Return the command of the decision that would end an incident; None if no decision does.

    For lines ahead of their commit it is the command for the node, which sends them again. None for
    a rewritten history too: `aggregator rewrites` finds out what there is to accept. And None for
    held books: none of their decisions is read while they are held.
    """
    if role == "books" and kind in ACCEPTABLE:
        return None
    if kind in ACCEPTABLE and kind != IncidentKind.REWRITTEN and subject:
        return _command("accept-tip", repo, subject)
    if kind == IncidentKind.LINES_AHEAD:
        program = PROGRAMS[role or "usage"]
        return f"{program} resend {subject.removeprefix('seq ')}"
    if kind == IncidentKind.UNCONFIRMED:
        return "aggregator payments --unconfirmed --json | books reconcile"
    if kind in ACKNOWLEDGED:
        return _command("acknowledge", repo, kind, "--subject", subject)
    return None


def accept_tip(repo: str, tip: str) -> str:
    """Return the command that accepts a history up to a commit."""
    return _command("accept-tip", repo, tip)


def _command(*words: str) -> str:
    return f"books decide {shlex.join((*words, *_REASON))}"


def _decision(now: datetime, *, node: str = "preview", **values: Any) -> Decision:  # noqa: ANN401 - its fields
    """Make a decision with a seq above all others."""
    return Decision(
        v=VERSION, node=node, seq=INT_MAX, ts=now, by="preview", reason="preview", **values
    )
