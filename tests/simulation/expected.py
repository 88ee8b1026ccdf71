"""What the ledger must be at its cursors: the naive references over what git holds up to there.

Everything is read from the forge with pygit2 alone. A line counts for a node if it stands in a repo
of that node; it claims its key if any commit that carries it is late enough.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tests.simulation.forge import Commit, Repo
from tests.simulation.reckoned import Lines, Reckoned, Rules, reckon
from tests.simulation.witness import epoch_of
from tests.support.strategies import DEFAULT_LADDER
from wire_format.fields import EPOCH_SIZE

BAD_RULES: Final = b"[[price]]\nresource = 7\n"
GARBAGE: Final = b'{"v":1,"node":"'
_REASONS: Final = {
    "repeated reference": "same_movement",
    "refund of no counted payment": "no_payment",
    "failed after it succeeded": "contradicts",
    "bonus on no counted payment": "no_payment",
}

Held = tuple[str, bytes, str]
"""The node in whose repo the line stands, the line, the reason."""


class Expected(NamedTuple):
    """What the ledger must say.

    Attributes:
        reckoned: charges, accounts, grants and plans.
        held: lines that are not billed.
        rejected: how many invalid lines each node has.
        seen: the numbers of each node that stand in its lines.
    """

    reckoned: Reckoned
    held: set[Held]
    rejected: dict[str, int]
    seen: dict[str, set[int]]


@dataclass
class _Read:
    """The lines of one repo, sorted by what they can be."""

    claiming: dict[bytes, datetime]
    held: set[Held]
    rejected: int
    seen: set[int]


def expect(
    repos: Iterable[Repo],
    tips: Mapping[str, Sequence[str]],
    skew: timedelta,
    now: datetime,
    ask: Iterable[datetime] = (),
) -> Expected:
    """Reckon what the ledger must be.

    Args:
        repos: the forge.
        tips: the commits up to which each repo is billed, the cursor last.
        skew: how far a line may lie ahead of its commit.
        now: the time of the aggregator.
        ask: instants of which is asked besides.
    """
    usage: set[bytes] = set()
    books: dict[bytes, datetime] = {}
    held: set[Held] = set()
    rejected: dict[str, int] = {}
    seen: dict[str, set[int]] = {}
    rules = Rules([], [DEFAULT_LADDER], [])
    for repo in repos:
        history = _united(repo, tips.get(repo.name, ()))
        found = _read(repo.name, history, skew)
        held |= found.held
        rejected[repo.name] = found.rejected
        seen[repo.name] = found.seen
        if repo.name == "books":
            books = found.claiming
            rules = _rules(history)
        else:
            usage |= found.claiming.keys()
    decisions = {line for line in books if b'"by":' in line}
    others = {line: when for line, when in books.items() if line not in decisions}
    reckoned = reckon(Lines(usage, others, decisions), rules, now, ask)
    for line, reason in reckoned.held.items():
        held.add((json.loads(line)["node"], line, _REASONS.get(reason, reason)))
    return Expected(reckoned, held, rejected, seen)


def _united(repo: Repo, tips: Sequence[str]) -> list[Commit]:
    """Every commit that the tips reach, once, those of the last tip at the end."""
    commits: dict[str, None] = {}
    for tip in tips:
        for commit in reversed(repo.chain(tip)):
            commits.pop(commit, None)
            commits[commit] = None
    return [repo.commit_at(commit) for commit in commits]


def _read(node: str, history: Iterable[Commit], skew: timedelta) -> _Read:
    read = _Read({}, set(), 0, set())
    commits: dict[bytes, list[datetime]] = {}
    for commit in history:
        for segment in commit.segments:
            for line in segment.lines:
                if line.startswith(GARBAGE) and not line.endswith(b"}\n"):
                    read.rejected += 1
                else:
                    commits.setdefault(line, []).append(commit.when)
    for line, dates in commits.items():
        row = json.loads(line)
        if row["node"] != node:
            read.held.add((node, line, "wrong_node"))
            continue
        read.seen.add(row["seq"])
        late = [when for when in dates if datetime.fromisoformat(row["ts"]) <= when + skew]
        if late:
            read.claiming[line] = late[0]
        else:
            read.held.add((node, line, "ahead_of_commit"))
    return read


def _rules(history: Iterable[Commit]) -> Rules:
    """The last usable rule book."""
    found = Rules([], [DEFAULT_LADDER], [])
    for commit in history:
        if commit.rules is None or commit.rules[0] == BAD_RULES:
            continue
        prices, discounts, plans = (tomllib.loads((f or b"").decode()) for f in commit.rules)
        ladders = [DEFAULT_LADDER] if commit.rules[1] is None else discounts.get("ladder", [])
        found = Rules(prices.get("price", []), ladders, plans.get("plan", []))
    return found


def missing_numbers(seen: set[int]) -> set[int]:
    """The numbers that must be named as gaps: below the highest of their epoch, and not seen."""
    highest: dict[int, int] = {}
    for seq in seen:
        epoch = epoch_of(seq)
        highest[epoch] = max(seq, highest.get(epoch, seq))
    return {
        seq
        for epoch, last in highest.items()
        for seq in range(epoch * EPOCH_SIZE + 1, last)
        if seq not in seen
    }
