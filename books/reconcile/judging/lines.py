"""What each line of the aggregator's answer needs in order to agree. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from books.reconcile.report import ReportedLine
from gitmeter.money.names import prefixes

_OF_A_PAYMENT: Final = frozenset({"refund", "refund_reversal", "dispute", "dispute_reversal"})
_BY_THEMSELVES: Final = frozenset({"pending", "ended", "consent"})
"""A till says them of itself; they move no money."""

_MAY_AGREE: Final = frozenset(
    {"counted", "waits", "unconfirmed", "not_succeeded", "rivals", "repeats", "same_movement"}
    | {"other_currency", "no_payment"}
)
"""States of lines that their place allows. Two tills that disagree (`rivals`) are told apart by
what agrees, so such a line is asked about too. A state that is not here never agrees: what is
excluded or not allowed claims nothing, and there is nothing to confirm."""


class Need(StrEnum):
    """What a line needs in order to agree."""

    PROVIDER = "provider"
    NOTHING = "nothing"
    DECISION = "decision"
    """A person decides about it; the line itself never agrees."""
    NEVER = "never"


def need(line: ReportedLine) -> Need:
    """What a line needs in order to agree."""
    if line.state == "undecided":
        return Need.DECISION
    if line.status == "undecided":
        return Need.NEVER  # a person has decided: the books' line about it counts
    if line.committed_at is None or line.state not in _MAY_AGREE:
        return Need.NEVER
    if line.kind in _BY_THEMSELVES:
        return Need.NOTHING
    return Need.PROVIDER if movement_of(line) is not None else Need.NEVER


def movement_of(line: ReportedLine) -> str | None:
    """The movement that a line is, as `movement_key` names it; None for what moves no money."""
    if not line.provider or not line.external_ref:
        return None
    if line.kind != "payment" and not (line.kind in _OF_A_PAYMENT and line.of_ref):
        return None
    return movement_key(line.kind, line.external_ref)


def object_of(line: ReportedLine, provider_kind: str) -> str:
    """The object that a provider is asked about, for a line that is a movement.

    Where payments have no names of their own form, a provider knows them by their attempt.
    """
    payment = line.external_ref if line.kind == "payment" else line.of_ref
    if line.attempt and not prefixes(provider_kind, "payment"):
        return line.attempt
    return payment or ""


def recorded_movements(
    lines: Iterable[ReportedLine],
) -> Mapping[str, Mapping[str, ReportedLine]]:
    """For each account the movements that are lines, by kind and reference.

    Whatever its place allows, or a person excluded, is a line; what it does not allow is none.
    """
    found: dict[str, dict[str, ReportedLine]] = defaultdict(dict)
    for line in sorted(lines, key=lambda line: (line.node, line.seq)):
        is_there = line.reconciled or line.state in {*_MAY_AGREE, "undecided", "excluded"}
        key = movement_of(line)
        if is_there and line.provider and key is not None:
            found[line.provider].setdefault(key, line)
    return found


def movement_key(kind: str, external_ref: str) -> str:
    """Names a movement within an account."""
    return f"{kind} {external_ref}"


def clashing_numbers(lines: Iterable[ReportedLine]) -> set[tuple[str, int]]:
    """The numbers under which there are different lines, each with its node."""
    first: dict[tuple[str, int], tuple[object, ...]] = {}
    found = set()
    for line in lines:
        key = (line.node, line.seq)
        says = line.says
        if line.kind == "consent" and line.amount_usd is None:
            # An older answer does not say to what, so they differ where their places do.
            says += (line.commit, line.path, line.line_no)
        if first.setdefault(key, says) != says:
            found.add(key)
    return found
