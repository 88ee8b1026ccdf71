"""Lines told by writers, put into numbers, commits and repos as a case states them."""

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tests.support.naive.basics import DAY, HOUR, instant, written

BORDER = instant("2026-11-01T00:00:00Z")
LONG_AGO = "2026-01-01T00:00:00Z"
ATTEMPTS = ("pending", "ended")
PAID = {"kind": "payment", "amount": "1.70", "currency": "USD", "status": "succeeded"}


@dataclass(eq=False)
class NaiveTold:
    """A line before it has a number: `points` names other lines by the field that holds their seq.

    Attributes:
        commit_ts: When it is committed; numbers follow it, then the order of telling.
        tip: Of a decision the line whose commit it names as `tip`.
    """

    writer: str
    role: str
    ts: int
    commit_ts: int
    fields: dict[str, Any]
    points: dict[str, "NaiveTold"]
    tip: "NaiveTold | None" = None
    commit: str = ""
    seq: int = 0


class NaiveSpools:
    """Everything told so far, in memory."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.told: list[NaiveTold] = []
        self.count = 0

    def instant(self, before_hours: int = 60, after_hours: int = 60) -> int:
        """A random instant near the border of the month, often at a full hour."""
        hour = BORDER + self.rng.randint(-before_hours, after_hours) * HOUR
        return hour + self.rng.choice([0, 0, 1, 300, 1800, 3599])

    def number(self) -> int:
        """A new number for a reference."""
        self.count += 1
        return self.count

    def tell(
        self,
        writer: str,
        ts: int,
        fields: dict[str, Any],
        points: dict[str, NaiveTold] | None = None,
        late: int | None = None,
        tip: NaiveTold | None = None,
    ) -> NaiveTold:
        """Adds a line of a writer, committed some seconds (`late`) after its `ts`."""
        role = "usage"
        if writer == "books":
            role = "books"
        elif writer.startswith(("till", "desk")):
            role = writer.partition("-")[0]
        if late is None:
            late = self.rng.choice([0, 0, 1, 60, HOUR, 5 * HOUR, 20 * HOUR])
        told = NaiveTold(writer, role, ts, ts + late, fields, points or {}, tip)
        for other in told.points.values():
            told.commit_ts = max(told.commit_ts, other.commit_ts)
        self.told.append(told)
        return told

    def lines(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The commits and lines of the case: one line a commit, or several of one time in one."""
        commits: dict[str, Any] = {}
        lines: list[dict[str, Any]] = []
        by_writer: dict[str, list[NaiveTold]] = defaultdict(list)
        for told in self.told:
            by_writer[told.writer].append(told)
        for writer in sorted(by_writer):
            mine = sorted(by_writer[writer], key=lambda told: told.commit_ts)
            commit: str | None = None
            for seq, told in enumerate(mine, 1):
                told.seq = seq
                joins = commit is not None and commits[commit]["ts"] == written(told.commit_ts)
                if commit is None or not joins or self.rng.random() < 0.5:
                    parent, commit = commit, f"{writer}.{seq}"
                    commits[commit] = {"ts": written(told.commit_ts), "parent": parent}
                told.commit = commit
                lines.append(_line(told, writer, commit, told.commit_ts))
        for told in self.told:
            often = 0.3 if told.fields.get("kind") in ATTEMPTS else 0.04
            if self.rng.random() < often and told.role != "books":  # there is one repo of them
                self._tell_again(told, commits, lines)
        for line in lines:
            self._fill(line)
        return commits, lines

    def _tell_again(
        self, told: NaiveTold, commits: dict[str, Any], lines: list[dict[str, Any]]
    ) -> None:
        """The line, or another of its number, in a second repo of its writer."""
        repo = f"{told.writer}-again-{told.seq}"
        commit_ts = max(told.ts, told.commit_ts + self.rng.choice([-HOUR, 0, HOUR, 2 * DAY]))
        commits[f"{repo}.1"] = {"ts": written(commit_ts), "parent": None}
        line = _line(told, repo, f"{repo}.1", commit_ts)
        differs = told.role in {"till", "desk"} and self.rng.random() < 0.5
        amount = "credited_usd" if "credited_usd" in line else "amount"
        for name in (amount, "fee_usd"):
            if differs and name in line:
                line[name] = self.rng.choice(["0.70", "1.70"])
        if differs and told.fields.get("kind") in ATTEMPTS:
            # whether the attempt has its number is seen by whether this payment stands under it
            line |= PAID | {"external_ref": f"pi_{self.number()}"}
            line.pop("attempt")
        lines.append(line)

    def _fill(self, line: dict[str, Any]) -> None:
        told = line.pop("told")
        line.update({name: other.seq for name, other in told.points.items()})
        if told.tip is not None:
            line["tip"] = told.tip.commit


def _line(told: NaiveTold, repo: str, commit: str, commit_ts: int) -> dict[str, Any]:
    place = {"repo": repo, "role": told.role, "node": told.writer, "seq": told.seq}
    times = {"ts": written(told.ts), "commit": commit, "commit_ts": written(commit_ts)}
    return place | times | told.fields | {"told": told}
