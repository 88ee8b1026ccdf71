"""Which decisions are in force, and what each of them says. Pure.

`wire_format/README.md`, under *Decisions*, states the rules.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final, NamedTuple

from wire_format.instants import format_ts
from wire_format.lines import Decision

SEEN_AGAIN_AFTER: Final = timedelta(hours=24)
"""A tip that was seen a day ago may be seen again: more of the past then claims nothing."""


class DecisionStatus(NamedTuple):
    """A decision, and whether it is in force.

    Attributes:
        decision: the line.
        withdrawn_by: the seq of the decision that withdrew it; None if none did.
        overridden_by: the seq of a decision in force in its place; None if there is none.
    """

    decision: Decision
    withdrawn_by: int | None
    overridden_by: int | None

    @property
    def holds(self) -> bool:
        """Whether it is in force."""
        return self.withdrawn_by is None and self.overridden_by is None

    def __str__(self) -> str:
        if self.withdrawn_by is not None:
            return f"withdrawn by {self.withdrawn_by}"
        if self.overridden_by is not None:
            return f"overridden by {self.overridden_by}"
        return "holds"


def decision_statuses(decisions: Iterable[Decision]) -> list[DecisionStatus]:
    """The status of each decision of these books, newest last."""
    taken = sorted(decisions, key=lambda decision: (decision.seq, decision.ts))
    withdrawals = {d.refers_to: d.seq for d in reversed(taken) if d.kind == "withdraw"}
    found = [
        (decision, withdrawals.get(decision.seq) if is_withdrawable(decision) else None)
        for decision in taken
    ]
    in_force = [decision for decision, withdrawn_by in found if withdrawn_by is None]
    return [
        DecisionStatus(
            decision,
            withdrawn_by,
            _overriding(decision, in_force) if withdrawn_by is None else None,
        )
        for decision, withdrawn_by in found
    ]


def is_withdrawable(decision: Decision) -> bool:
    """Whether it can be withdrawn."""
    return decision.kind not in {"accept_tip", "withdraw"}


def same_decision(wanted: Decision, decisions: Iterable[Decision]) -> Decision | None:
    """The newest decision on the same matter, if it says what `wanted` says; else None.

    A tip that was seen at another time is another matter after a day.
    """
    on_it = [
        status
        for status in decision_statuses(decisions)
        if _about(status.decision) == _about(wanted) and status.withdrawn_by is None
    ]
    if not on_it or _said(on_it[-1].decision) != _said(wanted):
        return None
    there = on_it[-1].decision
    is_new = wanted.kind == "seen" and wanted.ts - there.ts >= SEEN_AGAIN_AFTER
    return None if is_new else there


def describe(decision: Decision) -> str:
    """A decision in words."""
    return _DESCRIBED[decision.kind](decision)


def _overriding(decision: Decision, in_force: list[Decision]) -> int | None:
    """The seq of what overrides it.

    That is for a `choose` an exclusion of its record, or a later choice; for an `only` a later one.
    """
    if decision.kind not in {"choose", "only"}:
        return None
    return next(
        (
            other.seq
            for other in reversed(in_force)
            if (other.kind == "exclude" and _covers(other, decision))
            or (_about(other) == _about(decision) and other.seq > decision.seq)
        ),
        None,
    )


def _covers(exclude: Decision, record: Decision) -> bool:
    if exclude.of_seq is None or record.of_seq is None or exclude.of != record.of:
        return False
    last_seq = exclude.to_seq or exclude.of_seq
    return exclude.of_seq <= record.of_seq <= last_seq and exclude.of_ts in {None, record.of_ts}


def _about(decision: Decision) -> tuple[object, ...]:
    """The matter of a decision: two decisions with equal values are on the same matter."""
    return (
        decision.kind,
        decision.repo,
        decision.of,
        decision.from_seq,
        decision.of_seq,
        decision.to_seq,
        decision.of_ts,
        decision.incident,
        decision.subject,
        decision.refers_to,
    )


def _said(decision: Decision) -> tuple[object, ...]:
    return decision.tip, decision.line_sha256


def _exclude_described(decision: Decision) -> str:
    span = "" if decision.to_seq is None else f"..{decision.to_seq}"
    return f"exclude {decision.of} seq {decision.of_seq}{span}{_at(decision)}"


def _choose_described(decision: Decision) -> str:
    line = _short(decision.line_sha256)
    return f"choose {line} for {decision.of} seq {decision.of_seq}{_at(decision)}"


def _acknowledge_described(decision: Decision) -> str:
    return f"acknowledge {decision.incident} of {decision.repo}: {decision.subject}"


def _reconciled_described(decision: Decision) -> str:
    span = f"{decision.from_seq}..{decision.to_seq}"
    return f"reconciled {decision.of} seq {span} within {_short(decision.tip)}"


def _at(decision: Decision) -> str:
    return "" if decision.of_ts is None else f" at {format_ts(decision.of_ts)}"


def _short(name: str | None) -> str:
    """A hash as git abbreviates commits."""
    return "" if name is None else name[:12]


_DESCRIBED: Final[dict[str, Callable[[Decision], str]]] = {
    "accept_tip": lambda decision: f"accept {decision.repo} up to {_short(decision.tip)}",
    "exclude": _exclude_described,
    "choose": _choose_described,
    "acknowledge": _acknowledge_described,
    "seen": lambda decision: f"seen {decision.of} up to {_short(decision.tip)}",
    "only": lambda decision: f"only what {decision.of} wrote up to {_short(decision.tip)}",
    "reconciled": _reconciled_described,
    "withdraw": lambda decision: f"withdraw seq {decision.refers_to}",
}
