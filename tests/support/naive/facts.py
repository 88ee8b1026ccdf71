"""A case as facts: lines with the commits they stand in, lineages of commits, and decisions."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.support.naive.basics import DAY, instant, nano

Table = Mapping[str, Any]

ABOUT_THE_PLACE = ("repo", "role", "commit", "commit_ts")


@dataclass(frozen=True)
class NaiveCopy:
    """One place in which a line stands: a commit of a repo with a role."""

    ts: int
    commit: str
    role: str


@dataclass(eq=False)
class NaiveLine:
    """One line by its content; `copies` are all commits that have it.

    Attributes:
        text: The content as sorted JSON; lines with one text are one line.
        place: The earliest good commit in which the writer might write it, or None.
    """

    node: str
    seq: int
    ts: int
    type: str
    kind: str
    version: int
    fields: Table
    text: str
    copies: list[NaiveCopy] = field(default_factory=list)
    place: NaiveCopy | None = None

    def get(self, name: str) -> Any:  # noqa: ANN401 - a field is whatever the line says
        """A field of the line, None where it is absent."""
        return self.fields.get(name)

    @property
    def name(self) -> str:
        """How answers name the line: `node:seq`."""
        return f"{self.node}:{self.seq}"

    @property
    def order(self) -> tuple[int, str, int]:
        """The order (`ts`, node, `seq`)."""
        return self.ts, self.node, self.seq

    @property
    def role(self) -> str:
        """The role of the repo by which the line counts."""
        return self.place.role if self.place else ""

    @property
    def writer(self) -> str:
        """The node of a till or desk, or the books as a whole."""
        return "books" if self.role == "books" else self.node

    @property
    def commit_ts(self) -> int:
        """The time of the commit by which the line is judged."""
        return self.place.ts if self.place else 0

    @property
    def amount(self) -> Fraction:
        """The amount in the line's currency."""
        return Fraction(self.fields["amount"])

    @property
    def credit(self) -> Fraction:
        """What the line itself says it is worth, in nano-dollars; 0 where it does not say."""
        if self.get("credited_usd") is not None:
            return nano(self.fields["credited_usd"])
        return nano(self.fields["amount"]) if self.get("currency") == "USD" else Fraction(0)


class NaiveFacts:
    """All that a case states, with lines told several times brought together."""

    def __init__(self, case: Table) -> None:
        self.rules: Table = case["rules"]
        self.writers: Table = self.rules["writers"]
        self.commits: Table = case["commits"]
        self.ask: list[str] = case["ask"]
        rows = case["lines"]
        self.users = sorted({row["user"] for row in rows if row.get("user") is not None})
        self.lines = _lines(rows)
        self.roles = self._roles()
        self.decisions = self._decisions()

    def lineage(self, commit: str | None) -> list[str]:
        """The commit, its parent, and so on to the first."""
        found = []
        while commit is not None and commit in self.commits:
            found.append(commit)
            commit = self.commits[commit]["parent"]
        return found

    def root(self, commit: str) -> str:
        """The first commit of the repo that a commit is in."""
        return self.lineage(commit)[-1]

    def time(self, commit: str) -> int:
        """When a commit is dated."""
        return instant(self.commits[commit]["ts"])

    def accepted(self, commit: str) -> bool:
        """Whether neither it nor a commit below holds the repo (W5), nor it was made later (W6).

        A commit that appeared after it should have been seen claims nothing; those above it do.
        """
        return not any(map(self._back_dated, self.lineage(commit))) and not self._unseen(commit)

    def claims(self, node: str, commit: str) -> bool:
        """Whether the decisions `only` let a writer's line in this commit claim anything (W8)."""
        for only in self.decisions:
            tip = only.get("tip")
            if only.kind != "only" or only.get("of") != node or tip not in self.commits:
                continue
            root = self.root(commit)
            later = root != self.root(tip) and self.time(root) > self.time(tip)
            if commit not in self.lineage(tip) and not later:
                return False
        return True

    def excluded(self, line: NaiveLine) -> bool:
        """Whether a decision of the books excludes the line."""
        return any(
            d.kind == "exclude" and d.get("of") == line.node and d.get("of_seq") == line.seq
            for d in self.decisions
        )

    def reconciled(self, line: NaiveLine, by: int | None = None) -> bool:
        """Whether a reconciliation (committed by then, where `by` is given) covers it (W10)."""
        return any(
            d.kind == "reconciled"
            and d.get("of") == line.node
            and d.fields["from_seq"] <= line.seq <= d.fields["to_seq"]
            and (by is None or d.commit_ts <= by)
            and any(copy.commit in self.lineage(d.get("tip")) for copy in line.copies)
            for d in self.decisions
        )

    def _back_dated(self, commit: str) -> bool:
        of_writer = self.roles.get(self.root(commit)) in {"till", "desk"}
        return of_writer and any(self.time(b) > self.time(commit) for b in self.lineage(commit))

    def _unseen(self, commit: str) -> bool:
        if self.roles.get(self.root(commit)) not in {"till", "desk"}:
            return False
        for seen in self.decisions:
            tip = seen.get("tip")
            if seen.kind != "seen" or tip not in self.commits:
                continue
            same_repo = self.root(tip) == self.root(commit)
            unseen = same_repo and commit not in self.lineage(tip)
            if unseen and self.time(commit) < seen.ts - DAY:
                return True
        return False

    def _roles(self) -> dict[str, str]:
        return {self.root(copy.commit): copy.role for line in self.lines for copy in line.copies}

    def _decisions(self) -> list[NaiveLine]:
        told = []
        for line in self.lines:
            books = [copy for copy in line.copies if copy.role == "books"]
            if line.type == "decision" and books:
                line.place = min(books, key=lambda copy: (copy.ts, copy.commit))
                told.append(line)
        told.sort(key=lambda line: line.seq, reverse=True)
        standing: list[NaiveLine] = []
        for line in told:
            if not any(d.kind == "withdraw" and d.get("refers_to") == line.seq for d in standing):
                standing.append(line)
        return standing


def in_force(versions: list[Table], at: int) -> Table | None:
    """Of tables with `from` (and `until`) the latest begun, or None where it has ended (W1)."""
    begun = [table for table in versions if instant(table["from"]) <= at]
    if not begun:
        return None
    latest = max(begun, key=lambda table: instant(table["from"]))
    until = latest.get("until")
    return None if until is not None and instant(until) <= at else latest


def _lines(rows: list[Table]) -> list[NaiveLine]:
    copies: dict[str, set[NaiveCopy]] = defaultdict(set)
    for row in rows:
        content = {name: row[name] for name in row if name not in ABOUT_THE_PLACE}
        copy = NaiveCopy(instant(row["commit_ts"]), row["commit"], row["role"])
        copies[json.dumps(content, sort_keys=True)].add(copy)
    found = []
    for text in sorted(copies):
        content = json.loads(text)
        found.append(
            NaiveLine(
                node=content["node"],
                seq=content["seq"],
                ts=instant(content["ts"]),
                type=content["type"],
                kind=content.get("kind", ""),
                version=content.get("v", 1),
                fields=content,
                text=text,
                copies=sorted(copies[text], key=lambda copy: (copy.ts, copy.commit)),
            )
        )
    return found
