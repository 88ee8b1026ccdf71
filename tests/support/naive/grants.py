"""Grants with terms: which lines count, what they are worth, and from when they are void."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from tests.support.naive.basics import hour_of, instant, matches, nano
from tests.support.naive.facts import NaiveLine, Table
from tests.support.naive.lines.allowed import template_of
from tests.support.naive.lines.rivals import NaiveRivals
from tests.support.naive.pool import NaivePayments, everything


@dataclass
class NaiveGrant:
    """Credit with terms that an account has: of a line, or of a cycle of a plan.

    Attributes:
        amount_nano: What it is worth before anything is drawn.
        until: None where it has no end.
        scope: Globs of resources, None for all.
        void_from: The hour from which it is void, None where it is not.
        held_up: Whether it may pay in an hour, beside its terms (its plan is in force).
    """

    provider: str
    reference: str
    user: str
    amount_nano: int
    category: str
    priority: int
    start: int
    until: int | None
    scope: list[str] | None
    void_from: int | None
    held_up: Callable[[int], bool]

    @property
    def name(self) -> str:
        """How answers name it: `provider:reference`."""
        return f"{self.provider}:{self.reference}"

    @property
    def of_plan(self) -> bool:
        """Whether it is the credit of a cycle."""
        return self.provider == "plan"

    @property
    def order(self) -> tuple[int, bool, int, bool, int, str, str]:
        """The order of drawing (section 6)."""
        return (
            self.priority,
            self.until is None,
            self.until or 0,
            self.category != "promotional",
            self.start,
            self.provider,
            self.reference,
        )

    def in_force(self, hour: int) -> bool:
        """Whether it may pay in an hour."""
        begun = self.start <= hour
        ended = self.until is not None and self.until <= hour
        void = self.void_from is not None and self.void_from <= hour
        return begun and not ended and not void and self.held_up(hour)

    def void_before(self, asked: int) -> bool:
        """Whether it was void before an instant; a void after its end is none."""
        if self.void_from is None or self.void_from >= asked:
            return False
        return self.until is None or self.void_from < self.until

    def pays_for(self, resource: str) -> bool:
        """Whether its scope matches a resource."""
        return self.scope is None or any(matches(glob, resource) for glob in self.scope)


class NaiveGrantLines:
    """The grant lines and voids that count.

    Attributes:
        stand: Grant lines that count, of both versions.
        voids: Void lines that count.
        waiting: Names of desks' grants beyond their template's budget.
    """

    def __init__(self, payments: NaivePayments) -> None:
        self.payments = payments
        self.standing = payments.standing
        self.waiting: set[str] = set()
        lines = [x for x in self.standing.of_kinds("grant") if not self._held(x)]
        firsts = self._told = self.standing.firsts(lines)
        for line in firsts:
            if line.role == "desk" and self._beyond_budget(line, firsts):
                self.waiting.add(line.name)
        self.stand = NaiveRivals(self.standing).settle(lines, self.waiting)
        self.voids = [x for x in self.standing.of_kinds("void") if self._void_counts(x)]

    def old(self) -> list[NaiveLine]:
        """The grants of version 1, which are money of the pool."""
        return [line for line in self.stand if line.version == 1]

    def grants(self) -> list[NaiveGrant]:
        """The grants with terms."""
        return [self._grant(line) for line in self.stand if line.version == 2]

    def _grant(self, line: NaiveLine) -> NaiveGrant:
        until = line.get("until")
        voids = [self._void_start(x) for x in self.voids if _is_of(x, line)]
        return NaiveGrant(
            provider=line.fields["provider"],
            reference=line.fields["external_ref"],
            user=line.fields["user"],
            amount_nano=floor(line.credit * self._bonus_share(line)),
            category=line.fields["category"],
            priority=line.fields["priority"],
            start=instant(line.fields["from"]),
            until=None if until is None else instant(until),
            scope=line.get("scope"),
            void_from=min(voids, default=None),
            held_up=lambda _hour: True,
        )

    def _bonus_share(self, line: NaiveLine) -> Fraction:
        payment = self.payments.by_name.get((line.get("of_provider"), line.get("of_ref")))
        return Fraction(1) if payment is None else payment.share_not_taken()

    def _held(self, line: NaiveLine) -> bool:
        payment = self.payments.by_name.get((line.get("of_provider"), line.get("of_ref")))
        if line.get("of_ref") is not None and payment is None:
            return True
        table = self._template(line)
        if table is None or table.get("after_payment_usd") is None:
            return False
        looked_at = [payment] if payment else self.payments.of(line.fields["user"])
        left = sum(p.left(everything) for p in looked_at if payment or p.line.ts <= line.ts)
        return left < nano(table["after_payment_usd"])

    def _beyond_budget(self, line: NaiveLine, firsts: list[NaiveLine]) -> bool:
        table = self._template(line)
        if table is None or table.get("budget_usd") is None:
            return False
        name = table["name"]
        total = sum(
            one.credit
            for one in firsts
            if one.writer == line.writer
            and one.seq <= line.seq
            and (self._template(one) or {}).get("name") == name
        )
        return total > nano(table["budget_usd"])

    def _template(self, line: NaiveLine) -> Table | None:
        if line.role != "desk":
            return None
        return template_of(self.standing.facts, line, line.commit_ts)

    def _void_counts(self, void: NaiveLine) -> bool:
        if not any(line.version == 2 and _is_of(void, line) for line in self.stand):
            return False
        counting = next(x for x in self.stand if _is_of(void, x))
        told = (x for x in self._told if x.name not in self.waiting)
        recorded = [x for x in told if _agrees(x, counting)]
        return void.role == "books" or any(x.writer == void.writer for x in recorded)

    def _void_start(self, void: NaiveLine) -> int:
        start = instant(void.fields["from"])
        return start if void.role == "books" else max(start, hour_of(void.ts))


def _agrees(one: NaiveLine, other: NaiveLine) -> bool:
    """Whether a grant line says the same as another, whenever and by whomever."""
    told = ("provider", "external_ref", "user", "category", "priority", "from", "until", "scope")
    named = (*told, "of_provider", "of_ref")
    return all(one.get(name) == other.get(name) for name in named) and one.credit == other.credit


def _is_of(void: NaiveLine, grant: NaiveLine) -> bool:
    named = void.get("of_provider"), void.get("of_ref")
    return named == (grant.get("provider"), grant.get("external_ref"))
