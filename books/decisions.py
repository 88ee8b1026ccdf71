"""The operator's decisions: from what a person enters to a line on disk.

Every decision is decoded by the wire format's own reader before it is recorded, so none leaves the
books that the aggregator would reject. Whether the lines, commits and incidents it names exist is
not checked: a decision applies to them whenever they arrive.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from books.decision_status import DecisionStatus, decision_statuses, same_decision
from books.earlier_lines import find_line, recorded_decisions
from books.forms import malformed
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import Home
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import Draft, draft_lines
from node_pusher.spool.outcomes import Refusal
from wire_format import fields
from wire_format.lines import Decision, Folder

_PATTERNS: Final = {
    "repo": fields.REPO_PATTERN,
    "tip": fields.COMMIT_PATTERN,
    "of": fields.NODE_PATTERN,
    "line_sha256": fields.SHA256_PATTERN,
    "incident": fields.INCIDENT_PATTERN,
    "subject": fields.SUBJECT_PATTERN,
    "by": fields.BY_PATTERN,
    "reason": fields.REASON_PATTERN,
}
"""The forms of fields that a person enters."""

_LIST_HINT: Final = "`books decide list` shows the decisions with their seq"


class DecisionError(GitmeterError):
    """A decision breaks a rule; nothing was recorded."""


class RecordedDecision(NamedTuple):
    """A decision on disk.

    Attributes:
        decision: the line, with its `seq`.
        repeated: whether it was recorded earlier, so that nothing was recorded now.
    """

    decision: Decision
    repeated: bool


def decide(home: Home, spool: Spool, wanted: Decision) -> RecordedDecision:
    """Record a decision as a line of the books, unless the newest on its matter says the same.

    Args:
        home: of the books.
        spool: of the books.
        wanted: of these books, with `seq` set to `node_pusher.spool.drafts.UNNUMBERED`.

    Raises:
        DecisionError: it breaks a rule, or withdraws what cannot be withdrawn.
        RemoteError: it withdraws a decision that is not on this machine, and the remote does not
            provide it.
        SpoolError: it could not be written; nothing was recorded.
    """
    _draft(wanted)
    if wanted.kind == "withdraw":
        withdrawn_by = _withdrawal(home, spool, wanted.refers_to)
        if withdrawn_by is not None:
            return RecordedDecision(withdrawn_by, repeated=True)
    elif (there := same_decision(wanted, recorded_decisions(home, spool, fetch=False))) is not None:
        return RecordedDecision(there, repeated=True)
    return RecordedDecision(record_decisions(spool, [wanted])[0], repeated=False)


def record_decisions(spool: Spool, wanted: Sequence[Decision]) -> list[Decision]:
    """Record decisions as lines of the books, all in one transaction, whatever was decided before.

    Args:
        spool: of the books.
        wanted: see `decide`; all by the same person.

    Returns:
        them, with their numbers.

    Raises:
        DecisionError: one of them breaks a rule; nothing was recorded.
        SpoolError: they could not be written; nothing was recorded.
    """
    drafts = [_draft(each) for each in wanted]
    by = wanted[0].by if wanted else ""
    recorded = []
    for each, outcome in zip(
        wanted, spool.append_drafts(Folder.DECISIONS, drafts, by=by), strict=True
    ):
        if isinstance(outcome, Refusal):
            raise DecisionError(outcome.reason)
        recorded.append(msgspec.structs.replace(each, seq=outcome.seq))
    return recorded


def _draft(wanted: Decision) -> Draft:
    """The line without its `seq`.

    Raises:
        DecisionError: it is not valid.
    """
    if wrong := malformed(wanted, _PATTERNS):
        raise DecisionError("; ".join(wrong))
    if not wanted.reason.strip(" ."):
        raise DecisionError(
            "reason: is still to be filled in", hint="it stays in the books: say why, for auditors"
        )
    draft = draft_lines([wanted], wanted.node, Folder.DECISIONS)[0]
    if isinstance(draft, Refusal):
        raise DecisionError(draft.reason)
    return draft


def _withdrawal(home: Home, spool: Spool, seq: int | None) -> Decision | None:
    """The decision that withdrew the one with this seq already; None if it is in force.

    Raises:
        DecisionError: there is no such decision, or it cannot be withdrawn.
    """
    every = decision_statuses(recorded_decisions(home, spool, fetch=True))
    by_seq = {status.decision.seq: status for status in every}
    if seq not in by_seq:
        money = None if seq is None else find_line(home, spool, seq)
        raise DecisionError(
            f"no line of these books has seq {seq}"
            if money is None
            else f"seq {seq} is not a decision but a {money.kind}",
            hint=_LIST_HINT,
        )
    found = by_seq[seq]
    _refuse_lasting(found)
    return None if found.withdrawn_by is None else by_seq[found.withdrawn_by].decision


def _refuse_lasting(found: DecisionStatus) -> None:
    """Refuse to withdraw a decision that cannot be withdrawn."""
    decision = found.decision
    if decision.kind == "accept_tip":
        raise DecisionError(
            f"seq {decision.seq} accepts a tip, which cannot be withdrawn: what was billed from"
            " that history stays billed",
            hint="`books decide exclude` takes single lines or a range out of the bill",
        )
    if decision.kind == "withdraw":
        raise DecisionError(
            f"seq {decision.seq} is itself a withdrawal, which cannot be withdrawn",
            hint=f"take the decision of seq {decision.refers_to} again",
        )
