"""Which lines of one node count: rivals under one key, decisions, corrections. Pure.

The verdicts are a function of the *set* of lines and of the decisions in force, never of the order
in which either came:

- of different lines under one key `(node, seq, ts)` the one with the fewer units counts, then the
  one with smaller bytes, unless the operator chose another;
- lines under an excluded key do not count;
- corrections count if the record that they correct counts under `(node, corrects, ts)`, has the
  same user, resource and category, is not itself a correction, and stays at or above zero with all
  of them together. Either all such corrections of a record count, or none;
- a record that with its corrections costs more than the limit at the list price does not count,
  and neither do they: it would bring its charge to the limit, whatever other nodes recorded there.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from gitmeter.counting.effects import credited_nano
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.held import HeldReason, line_sha256
from gitmeter.counting.lines import Claim
from wire_format.lines import Decision, Line, Money, Usage

Key = tuple[int, datetime]
"""`seq` and `ts`: with the node, what makes two lines the same record."""


Verdicts = dict[bytes, tuple[Claim[Line], HeldReason | None]]
"""For each distinct line its first claim, and why it is held (None when it counts)."""


def verdicts(claims: Iterable[Claim[Line]], grounds: Grounds) -> Verdicts:
    """Judge lines against each other.

    Args:
        claims: lines of one node, with every rival of each; for a correction also the record that
            it corrects and the other corrections of that record.
        grounds: what they are judged by, besides each other.
    """
    decisions = grounds.decisions
    found: Verdicts = {}
    rivals: dict[tuple[Key, type[Line]], dict[bytes, Claim[Line]]] = defaultdict(dict)
    for claim in claims:
        key = (claim.record.seq, claim.record.ts)
        rivals[key, type(claim.record)].setdefault(
            claim.line, claim
        )  # usage, money and decisions have their own keys
    winners: dict[Key, Claim[Usage]] = {}
    corrections: dict[Key, list[Claim[Line]]] = defaultdict(list)
    for (key, kind), lines in rivals.items():
        is_decision = kind is Decision
        excluded = not is_decision and decisions.excluding(*key) is not None
        for line, claim in lines.items():
            found[line] = (claim, HeldReason.EXCLUDED if excluded else HeldReason.CONFLICT)
        if excluded:
            continue
        winner = _winner(lines, None if is_decision else decisions.chosen(*key))
        found[winner.line] = (winner, None)
        if isinstance(winner.record, Usage):
            if winner.record.corrects is None:
                winners[key] = Claim(winner.record, winner.line, winner.place)
            else:
                corrections[winner.record.corrects, winner.record.ts].append(winner)
    for key, group in corrections.items():
        original = winners[key].record if key in winners else None
        found.update(_judge_corrections(original, group))
    for key, claim in winners.items():
        counted = [c for c in corrections.get(key, ()) if found[c.line][1] is None]
        found.update(_judge_cost(claim, counted, grounds))
    return found


def _winner(lines: dict[bytes, Claim[Line]], chosen: str | None) -> Claim[Line]:
    if len(lines) > 1 and chosen is not None:
        for line, claim in lines.items():
            if line_sha256(line) == chosen:
                return claim
    return min(lines.values(), key=precedence)


def precedence(claim: Claim[Line]) -> tuple[int, bytes]:
    """Sorts the line that counts first: fewer units (or less credit), then smaller bytes."""
    record = claim.record
    if isinstance(record, Money):
        return credited_nano(record), claim.line
    return (record.units if isinstance(record, Usage) else 0), claim.line


def _judge_corrections(original: Usage | None, group: list[Claim[Line]]) -> Verdicts:
    """Judge all corrections of one record, which is None when it does not count."""
    if original is None:
        return {claim.line: (claim, HeldReason.NO_ORIGINAL) for claim in group}
    alike = [claim for claim in group if _charged_as(claim.record) == _charged_as(original)]
    total = original.units + sum(_units(claim.record) for claim in alike)
    reason = HeldReason.BELOW_ZERO if total < 0 else None
    found: Verdicts = {claim.line: (claim, reason) for claim in alike}
    for claim in group:
        found.setdefault(claim.line, (claim, HeldReason.UNLIKE_ORIGINAL))
    return found


def _judge_cost(original: Claim[Usage], counted: list[Claim[Line]], grounds: Grounds) -> Verdicts:
    """Hold a record and its corrections that count, if together they cost too much."""
    units = original.record.units + sum(_units(claim.record) for claim in counted)
    if not grounds.exceeds(original.record, units):
        return {}
    return {claim.line: (claim, HeldReason.BEYOND_LIMIT) for claim in (original, *counted)}


def _charged_as(record: Line) -> tuple[str, ...]:
    return (record.user, record.resource, record.applies_to) if isinstance(record, Usage) else ()


def _units(record: Line) -> int:
    return record.units if isinstance(record, Usage) else 0
