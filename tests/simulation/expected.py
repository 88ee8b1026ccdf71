"""What the ledger must be at its cursors: the naive reference over what git holds up to there.

Everything is read from the forge with pygit2 alone. A line counts for a node if it stands in a repo
of that node; it claims its key if any commit that carries it is late enough.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from tests.simulation.forge import Commit, Repo
from tests.simulation.witness import epoch_of
from tests.support.reference import Ledger, reckon
from tests.support.strategies import DEFAULT_LADDER
from wire_format.fields import EPOCH_SIZE

BAD_RULES: Final = b"[[price]]\nresource = 7\n"
GARBAGE: Final = b'{"v":1,"node":"'
_REASONS: Final = {
    "repeated reference": "same_movement",
    "refund of no counted payment": "no_payment",
    "failed after it succeeded": "contradicts",
}

Held = tuple[str, bytes, str]
"""The node in whose repo the line stands, the line, the reason."""


class Expected(NamedTuple):
    """What the ledger must say.

    Attributes:
        ledger: charges and accounts of the reference.
        held: lines that are not billed.
        rejected: how many invalid lines each node has.
        seen: the numbers of each node that stand in its lines.
    """

    ledger: Ledger
    held: set[Held]
    rejected: dict[str, int]
    seen: dict[str, set[int]]


@dataclass
class _Read:
    """The lines of one repo, sorted by what they can be."""

    claiming: set[bytes]
    held: set[Held]
    rejected: int
    seen: set[int]


def expect(repos: Iterable[Repo], tips: Mapping[str, Sequence[str]], skew: timedelta) -> Expected:
    """Reckon what the ledger must be.

    Args:
        repos: the forge.
        tips: the commits up to which each repo is billed, the cursor last.
        skew: how far a line may lie ahead of its commit.
    """
    usage: set[bytes] = set()
    money: set[bytes] = set()
    held: set[Held] = set()
    rejected: dict[str, int] = {}
    seen: dict[str, set[int]] = {}
    prices: list[dict[str, Any]] = []
    ladders: list[dict[str, Any]] = [DEFAULT_LADDER]
    decisions: set[bytes] = set()
    for repo in repos:
        history = _united(repo, tips.get(repo.name, ()))
        found = _read(repo.name, history, skew)
        held |= found.held
        rejected[repo.name] = found.rejected
        seen[repo.name] = found.seen
        if repo.name == "books":
            money |= {line for line in found.claiming if b'"by":' not in line}
            decisions = found.claiming - money
            prices, ladders = _rules(history)
        else:
            usage |= found.claiming
    ledger = reckon(usage, money, prices, ladders, decisions)
    for line, reason in ledger.held.items():
        held.add((json.loads(line)["node"], line, _REASONS.get(reason, reason)))
    return Expected(ledger, held, rejected, seen)


def _united(repo: Repo, tips: Sequence[str]) -> list[Commit]:
    """Every commit that the tips reach, once, those of the last tip at the end."""
    commits: dict[str, None] = {}
    for tip in tips:
        for commit in reversed(repo.chain(tip)):
            commits.pop(commit, None)
            commits[commit] = None
    return [repo.commit_at(commit) for commit in commits]


def _read(node: str, history: Iterable[Commit], skew: timedelta) -> _Read:
    read = _Read(set(), set(), 0, set())
    latest: dict[bytes, datetime] = {}
    for commit in history:
        for segment in commit.segments:
            for line in segment.lines:
                if line.startswith(GARBAGE) and not line.endswith(b"}\n"):
                    read.rejected += 1
                else:
                    latest[line] = max(commit.when, latest.get(line, commit.when))
    for line, when in latest.items():
        row = json.loads(line)
        if row["node"] != node:
            read.held.add((node, line, "wrong_node"))
            continue
        read.seen.add(row["seq"])
        if datetime.fromisoformat(row["ts"]) > when + skew:
            read.held.add((node, line, "ahead_of_commit"))
        else:
            read.claiming.add(line)
    return read


def _rules(history: Iterable[Commit]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The last usable rule book."""
    prices: list[dict[str, Any]] = []
    ladders: list[dict[str, Any]] = [DEFAULT_LADDER]
    for commit in history:
        if commit.rules is None or commit.rules[0] == BAD_RULES:
            continue
        prices_toml, discounts_toml = commit.rules
        prices = tomllib.loads((prices_toml or b"").decode()).get("price", [])
        ladders = [DEFAULT_LADDER]
        if discounts_toml is not None:
            ladders = tomllib.loads(discounts_toml.decode()).get("ladder", [])
    return prices, ladders


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
