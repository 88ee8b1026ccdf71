"""Lines of one movement by different writers: which stands, or that none does (W14 to W17)."""

from collections import defaultdict
from collections.abc import Iterable

from tests.support.naive.basics import instant
from tests.support.naive.facts import NaiveLine
from tests.support.naive.lines.allowed import MOVES, TAKES
from tests.support.naive.lines.standing import NaiveStanding, movement

Says = tuple[object, ...]


class NaiveRivals:
    """Settles movements: `settle` gives the lines that stand among some lines of some kinds."""

    def __init__(self, standing: NaiveStanding) -> None:
        self.standing = standing

    def settle(self, lines: Iterable[NaiveLine], waiting: set[str]) -> list[NaiveLine]:
        """The lines that stand, each for its movement.

        Args:
            lines: Standing lines of some kinds, of all writers, all those of a movement.
            waiting: Names of lines that wait; they keep their writer's other lines out (W15).
        """
        groups: dict[Says, list[NaiveLine]] = defaultdict(list)
        for line in self.standing.firsts(lines):
            if line.name not in waiting:
                groups[movement(line)].append(line)
        stand: list[NaiveLine] = []
        for name in sorted(groups, key=str):
            stand += self._settle_one(self._who_may_rival(groups[name]))
        return stand

    def _who_may_rival(self, group: list[NaiveLine]) -> list[NaiveLine]:
        reconciled = [line for line in group if self.standing.facts.reconciled(line)]
        if reconciled:
            return reconciled
        never_waited = [x for x in group if x.name not in self.standing.waited_once]
        return never_waited or group

    def _settle_one(self, group: list[NaiveLine]) -> list[NaiveLine]:
        if len({self._says(line) for line in group}) == 1:
            return [_first(group)]
        books = [line for line in group if line.role == "books"]
        if books:
            return [_first([x for x in group if self._says(x) == self._says(books[0])])]
        kind = group[0].kind
        if kind in TAKES:
            return self._largest_of_each_payment(group)
        if kind == "grant":
            return [min(group, key=lambda x: (instant(x.fields["from"]), x.node, x.seq))]
        return []

    def _largest_of_each_payment(self, group: list[NaiveLine]) -> list[NaiveLine]:
        payments: dict[object, list[NaiveLine]] = defaultdict(list)
        for line in group:
            payments[line.get("of_ref")].append(line)
        stand = []
        for ref in sorted(payments, key=str):
            currency = self._currency_of(payments[ref][0])
            fitting = [x for x in payments[ref] if currency in {None, x.get("currency")}]
            if fitting:
                largest = max(line.amount for line in fitting)
                stand.append(_first([line for line in fitting if line.amount == largest]))
        return stand

    def _currency_of(self, take: NaiveLine) -> object:
        """The currency of the payment that stands, None where none does."""
        same = [
            line
            for line in self.standing.of_kinds("payment")
            if line.get("provider") == take.get("provider")
            and line.get("external_ref") == take.get("of_ref")
        ]
        stand = self.settle(same, self.standing.waiting)
        return stand[0].get("currency") if stand else None

    def _says(self, line: NaiveLine) -> Says:
        """All in which lines must agree to be one (W16)."""
        scope = line.get("scope")
        takes_or_gives_back = line.kind in MOVES and line.kind != "payment"
        return (
            None if takes_or_gives_back else line.get("user"),
            line.amount,
            line.get("currency"),
            None if takes_or_gives_back and line.version == 2 else line.credit,
            line.get("status"),
            line.get("of_provider"),
            line.get("of_ref"),
            line.get("category"),
            line.get("priority"),
            line.get("from"),
            line.get("until"),
            None if scope is None else tuple(scope),
        )


def _first(lines: list[NaiveLine]) -> NaiveLine:
    return min(lines, key=lambda line: line.order)
