"""Money without terms: what payments are worth after what was taken back (section 3)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from tests.support.naive.basics import month_of, nano, rounded
from tests.support.naive.facts import NaiveLine, in_force
from tests.support.naive.lines.allowed import GIVES_BACK, TAKES
from tests.support.naive.lines.rivals import NaiveRivals
from tests.support.naive.lines.standing import NaiveStanding

Known = Callable[[NaiveLine], bool]


@dataclass
class NaivePayment:
    """A payment that counts, with the lines that took from it or gave back."""

    line: NaiveLine
    moves: list[NaiveLine] = field(default_factory=list)
    old_refunds: list[NaiveLine] = field(default_factory=list)

    def share_left(self, known: Known) -> Fraction:
        """The exact share of the payment that the known lines of version 2 left of it."""
        amount = self.line.amount
        sums = {
            kind: sum(
                (min(x.amount, amount) for x in self.moves if x.kind == kind and known(x)),
                Fraction(0),
            )
            for kind in (*TAKES, *GIVES_BACK)
        }
        refunded = max(Fraction(0), sums["refund"] - sums["refund_reversal"])
        disputed = max(Fraction(0), sums["dispute"] - sums["dispute_reversal"])
        return (amount - min(amount, refunded + disputed)) / amount

    def left(self, known: Known) -> int:
        """Nano-dollars that the payment gives by the known lines; 0 where itself is not known."""
        if not known(self.line):
            return 0
        value = rounded(self.line.credit * self.share_left(known))
        old = sum((x.credit for x in self.old_refunds if known(x)), Fraction(0))
        return value - min(value, rounded(old))

    def share_not_taken(self) -> Fraction:
        """The share not taken back by any line, refunds of version 1 among them (of a bonus)."""
        value = self.line.credit * self.share_left(everything)
        old = sum((x.credit for x in self.old_refunds), Fraction(0))
        return (value - min(value, old)) / self.line.credit if self.line.credit else Fraction(0)


class NaivePayments:
    """All payments that count.

    Attributes:
        by_name: The payments by (provider, external_ref).
        counting: The lines of payments, and of what took from them or gave back.
    """

    def __init__(self, standing: NaiveStanding) -> None:
        self.standing = standing
        self.by_name: dict[tuple[object, object], NaivePayment] = {}
        self.counting: list[NaiveLine] = []
        rivals = NaiveRivals(standing)
        for line in rivals.settle(standing.of_kinds("payment"), standing.waiting):
            if line.get("status") == "succeeded":
                name = line.get("provider"), line.get("external_ref")
                self.by_name[name] = NaivePayment(line)
                self.counting.append(line)
        takes = [x for x in standing.of_kinds(*TAKES, *GIVES_BACK) if not self._other_money(x)]
        for line in rivals.settle(takes, standing.waiting):
            self._take(line)

    def of(self, user: str) -> list[NaivePayment]:
        """The payments of an account, the earliest first."""
        mine = [p for p in self.by_name.values() if p.line.get("user") == user]
        return sorted(mine, key=lambda p: p.line.order)

    def _other_money(self, line: NaiveLine) -> bool:
        """Whether it is in another currency than its payment: such a line is held."""
        payment = self.by_name.get((line.get("provider"), line.get("of_ref")))
        return payment is not None and payment.line.get("currency") != line.get("currency")

    def _take(self, line: NaiveLine) -> None:
        if line.version == 1:
            payment = self._of_old_refund(line)
            if payment is not None and payment.line.get("user") == line.get("user"):
                payment.old_refunds.append(line)
                self.counting.append(line)
            return
        payment = self.by_name.get((line.get("provider"), line.get("of_ref")))
        if payment is not None:
            payment.moves.append(line)
            self.counting.append(line)

    def _of_old_refund(self, line: NaiveLine) -> NaivePayment | None:
        """The payment whose movement the line with the number `refers_to` names."""
        for told in self.standing.facts.lines:
            number = told.node, told.seq
            if number == (line.node, line.get("refers_to")) and told.kind == "payment":
                return self.by_name.get((told.get("provider"), told.get("external_ref")))
        return None


class NaivePool:
    """What payments, adjustments and version 1 grants give to accounts, before fees of plans.

    Attributes:
        waiting: Names of desks' adjustments over a budget.
        others: The adjustments and old grants that count.
    """

    def __init__(self, payments: NaivePayments, old_grants: list[NaiveLine]) -> None:
        self.standing = payments.standing
        self.payments = payments
        self.waiting: set[str] = set()
        self.others = self._adjustments() + old_grants

    def of(self, user: str, known: Known) -> int:
        """Nano-dollars of an account by the known lines."""
        paid = sum(payment.left(known) for payment in self.payments.of(user))
        others = [line for line in self.others if line.get("user") == user and known(line)]
        return paid + sum(rounded(line.credit) for line in others)

    def _adjustments(self) -> list[NaiveLine]:
        lines = self.standing.of_kinds("adjustment")
        firsts = self.standing.firsts(lines)
        for line in firsts:
            if line.role == "desk" and self._beyond_template(line, firsts):
                self.waiting.add(line.name)
        return NaiveRivals(self.standing).settle(lines, self.waiting)

    def _beyond_template(self, line: NaiveLine, firsts: list[NaiveLine]) -> bool:
        """Whether a desk's adjustment passes its template's budget or its account's month."""
        name = _template_name(line)
        tables = [t for t in self.standing.facts.writers["adjusts"] if t["name"] == name]
        table = in_force(tables, line.commit_ts) or {}
        up_to_it = [
            one
            for one in firsts
            if one.writer == line.writer and one.seq <= line.seq and _template_name(one) == name
        ]
        of_the_month = [
            one
            for one in up_to_it
            if one.get("user") == line.get("user")
            and month_of(one.commit_ts) == month_of(line.commit_ts)
        ]
        return _passes(up_to_it, table.get("budget_usd")) or _passes(
            of_the_month, table.get("per_account_month_usd")
        )


def everything(line: NaiveLine) -> bool:
    """Knows every line."""
    return True


def dated_before(asked: int) -> Known:
    """Knows the lines dated before an instant."""
    return lambda line: line.ts < asked


def _template_name(line: NaiveLine) -> str:
    return str(line.get("external_ref")).partition(":")[0]


def _passes(lines: list[NaiveLine], most: str | None) -> bool:
    return most is not None and sum(abs(x.credit) for x in lines) > nano(most)
