"""Which line stands under its number, and which lines of a till wait (W7, W10, W11, W14, W15)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from math import ceil

from tests.support.naive.basics import nano
from tests.support.naive.facts import NaiveFacts, NaiveLine, in_force
from tests.support.naive.lines.allowed import GIVES_BACK, MOVES, TAKES, find_place


class NaiveStanding:
    """The lines that their place allows, one for each number, and the till's lines that wait."""

    def __init__(self, facts: NaiveFacts) -> None:
        self.facts = facts
        self.allowed: list[NaiveLine] = []
        for line in facts.lines:
            line.place = find_place(facts, line)
            if line.place is not None:
                self.allowed.append(line)
        self.lines = self._one_for_each_number()
        self.waiting: set[str] = set()
        self.waited_once: set[str] = set()
        for till in sorted({line.node for line in self.lines if line.role == "till"}):
            self._limit(till)

    def of_kinds(self, *kinds: str) -> list[NaiveLine]:
        """The standing lines of these kinds."""
        return [line for line in self.lines if line.kind in kinds]

    def firsts(self, lines: Iterable[NaiveLine]) -> list[NaiveLine]:
        """Of each writer's lines of one movement the one that stands for it (W15)."""
        groups: dict[tuple[str, object], list[NaiveLine]] = defaultdict(list)
        for line in lines:
            groups[line.writer, movement(line)].append(line)
        return [min(group, key=self._within_writer) for group in groups.values()]

    def worth(self, line: NaiveLine) -> Fraction:
        """Nano-dollars by which the line moves its account up, or down below 0 (W7)."""
        if line.kind == "plan":
            return -nano(line.get("fee_usd") or 0)
        if line.get("status") != "succeeded":
            return Fraction(0)
        if line.kind in {"payment", "grant", "adjustment"}:
            return line.credit
        if line.kind == "refund" and line.version == 1:
            return -line.credit
        if line.kind in TAKES:
            return -self._converted(line)
        return self._converted(line) if line.kind in GIVES_BACK else Fraction(0)

    def _within_writer(self, line: NaiveLine) -> tuple[int, int, str, int]:
        if line.role == "books":
            return 0, *line.order
        return 0 if self.facts.reconciled(line) else 1, line.seq, "", 0

    def _converted(self, line: NaiveLine) -> Fraction:
        """A refund's amount in dollars, else at the best rate that a line of its payment states.

        In whole nano-dollars, rounded up.
        """
        if line.get("currency") == "USD":
            return line.credit
        rates = [
            payment.credit / payment.amount
            for payment in self.allowed
            if payment.kind == "payment"
            and payment.get("provider") == line.get("provider")
            and payment.get("external_ref") == line.get("of_ref")
        ]
        return Fraction(ceil(line.amount * max(rates, default=Fraction(0))))

    def _one_for_each_number(self) -> list[NaiveLine]:
        groups: dict[tuple[str, int], list[NaiveLine]] = defaultdict(list)
        for line in self.allowed:
            groups[line.node, line.seq].append(line)

        def rank(line: NaiveLine) -> tuple[bool, Fraction, str]:
            return not self.facts.reconciled(line), self.worth(line), line.text

        return [min(groups[number], key=rank) for number in sorted(groups)]

    def _limit(self, till: str) -> None:
        mine = [line for line in self.lines if line.node == till and line.role == "till"]
        moves = self.firsts(line for line in mine if line.kind in MOVES)
        for kinds in (("payment", *GIVES_BACK), TAKES):
            side = sorted((line for line in moves if line.kind in kinds), key=lambda x: x.seq)
            for line in side:
                if self._beyond(line, side, self.facts.reconciled):
                    self.waiting.add(line.name)
                if self._beyond(line, side, self._reconciled_by(line.commit_ts)):
                    self.waited_once.add(line.name)

    def _reconciled_by(self, by: int) -> Callable[[NaiveLine], bool]:
        return lambda line: self.facts.reconciled(line, by)

    def _beyond(
        self, line: NaiveLine, side: list[NaiveLine], covered: Callable[[NaiveLine], bool]
    ) -> bool:
        """Whether the sum of what no reconciliation covers passes the limit with this line."""
        if covered(line) or not self.worth(line):
            return False
        tables = [t for t in self.facts.writers["tills"] if t["node"] == line.node]
        entry = in_force(tables, line.commit_ts)
        if entry is None or entry.get("unconfirmed_max_usd") is None:
            return False
        up_to_it = [one for one in side if one.seq <= line.seq and not covered(one)]
        total = sum((abs(self.worth(one)) for one in up_to_it), Fraction(0))
        return total > nano(entry["unconfirmed_max_usd"])


def movement(line: NaiveLine) -> tuple[object, ...]:
    """The name of what moved: provider, reference and kind (W13, W14)."""
    return line.get("provider"), line.get("external_ref"), line.kind
