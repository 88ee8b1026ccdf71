"""An account whose units are counted on over windows, told to a ledger, and what it must cost."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import count
from typing import Final

from aggregator.rating.rating import COST_MAX_NANO_DEFAULT, ChargeState
from tests.support.case_rules import prices_toml
from tests.support.ledger.told_case import charges
from tests.support.ledger.world import World
from tests.support.priced import RESOURCE, Form, book, price, rated, tiers
from tests.support.repos import money_line, usage_line
from wire_format.instants import format_hour
from wire_format.money import NANO

GRADUATED: Final = price(**tiers("graduated", (10, "10", "0"), (None, "1", "0")), window="month")
VOLUME: Final = price(**tiers("volume", (20, "10", "4"), (None, "1", "8")), window="month")


def counted_line(**values: object) -> bytes:
    """A usage line of the account."""
    return usage_line(resource=RESOURCE, applies_to="llm", **values)


class CountedAccount:
    """One account whose usage, payments and rules are told to a ledger, and what it must cost.

    Attributes:
        world: the ledger.
        units: by hour.
    """

    def __init__(self, world: World, *prices: Form) -> None:
        self.world = world
        self.units: dict[str, int] = defaultdict(int)
        self._seqs = count(1)
        self._paid: str | None = None
        self.rule(*prices)

    def rule(self, *prices: Form, discounts: bytes = b"") -> None:
        """State a new rule book."""
        self.prices, self.discounts = prices, discounts
        self.world.rules(prices_toml(prices).encode(), discounts)
        self.world.pull()

    def use(self, uses: Mapping[str, int]) -> None:
        """Record units by hour, in one segment, and pull."""
        lines = []
        for hour, units in uses.items():
            ts = f"{hour}:30:00Z"
            lines.append(counted_line(seq=next(self._seqs), ts=ts, units=units))
            self.units[hour] += units
        self.world.usage(*lines)
        self.world.pull()

    def pay(self, hour: str) -> None:
        """Pay, which begins the tenure."""
        self._paid = hour
        self.world.pay(money_line(ts=f"{hour}:00:00Z"))
        self.world.pull()

    def costs(self) -> dict[str, tuple[int, int]]:
        """Units counted before each hour, and its list cost in dollars rounded down."""
        priced, unpriced = charges(self.world)
        assert unpriced == []
        return {c["hour"][:13]: (c["before"], c["list_nano"] // NANO) for c in priced}

    def check(self, cost_max_nano: int = COST_MAX_NANO_DEFAULT) -> None:
        """Compare with the pure rules, with a ledger that is made again, and with git."""
        rules = book(*self.prices, discounts=self.discounts)
        expected = [
            (format_hour(each.use.hour), each.use.quantity, each.before, *each.rating[1:])
            for each in rated(rules, self.units, paid=self._paid, cost_max_nano=cost_max_nano)
            if each.rating.state in {ChargeState.RATED, ChargeState.OVERFLOW}
        ]
        keys = ("hour", "quantity", "before", "list_nano", "billed_nano")
        assert [tuple(c[key] for key in keys) for c in charges(self.world)[0]] == expected
        billed = sum(each[-1] for each in expected)
        assert self.world.balance()["billed_cost_nano"] == billed
        assert self.world.digest() == self.world.rebuilt_digest()
        assert self.world.verify().matches
