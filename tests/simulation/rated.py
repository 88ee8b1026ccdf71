"""What units cost by the naive rules, with the discounts and the limit that cases leave out."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from tests.support.naive.basics import instant as seconds_of
from tests.support.naive.basics import written
from tests.support.naive.plans import NaivePlans
from tests.support.naive.pool import NaivePool
from tests.support.naive.prices import cost, price_of
from tests.support.naive.rating import NaiveRating, NaiveUnits
from tests.support.reference import (
    COST_MAX,
    Row,
    category_of,
    first_paid,
    hour_text,
    instant,
    multiplier,
)
from tests.support.strategies import ts_text


class Rating(NaiveRating):
    """Units rated with the discounts that are asked for, and no charge beyond the limit.

    Attributes:
        overflows: the units whose cost is the limit.
    """

    def __init__(
        self, discount: "Discount", book: "Prices", pool: NaivePool, plans: NaivePlans
    ) -> None:
        self.overflows: set[NaiveUnits] = set()
        self._discount = discount
        self._book = book
        super().__init__(pool, plans)

    def multiplier(self, units: NaiveUnits) -> Fraction:
        """By the ladder of the rule book in force."""
        return self._discount.of(units.user, units.category, units.hour)

    def rate(self, units: NaiveUnits) -> None:
        """As without a limit, unless the list cost is beyond it."""
        super().rate(units)
        if (units.list_nano or 0) > COST_MAX:
            self.overflows.add(units)
            units.list_nano = COST_MAX
            units.billed_nano = round(COST_MAX * self.multiplier(units))

    def state(self, units: NaiveUnits) -> str:
        """Whether units are billed in full, and if not, why."""
        if units.list_nano is not None:
            return "overflow" if units in self.overflows else "rated"
        return "category_mismatch" if self._book.has_any(units) else "unpriced"


class Discount:
    """The discounts of accounts, by their payments and the ladders."""

    def __init__(self, counted: list[Row], ladders: list[Row]) -> None:
        self.paid: dict[str, list[Row]] = defaultdict(list)
        for row in counted:
            if row["kind"] == "payment":
                self.paid[row["user"]].append(row)
        self._ladders = ladders

    def of(self, user: str, category: str, hour: int) -> Fraction:
        """In one clock hour, by the seconds at which it begins."""
        begins = instant(written(hour))
        return multiplier(category, begins, first_paid(self.paid[user], begins), self._ladders)


class Prices:
    """The prices of a rule book, as cases state them."""

    def __init__(self, tables: Iterable[Row]) -> None:
        self.tables = [as_text(table) for table in tables]

    def listed(self, parts: list[Row]) -> int:
        """What lines of one record cost alone, in nano-dollars."""
        row, hour = parts[0], seconds_of(hour_text(parts[0]))
        found = price_of(self.tables, row["user"], row["resource"], category_of(row), hour)
        units = sum(part["units"] for part in parts)
        return 0 if found is None else round(cost(found, units, units))

    def has_any(self, units: NaiveUnits) -> bool:
        """Whether the resource has a price for the account, of whatever category."""
        return any(
            table["resource"] == units.resource
            and table.get("user") in {None, units.user}
            and seconds_of(table["from"]) <= units.hour
            for table in self.tables
        )


def as_text(table: Row) -> Row:
    """A table with its instants as text."""
    return {
        name: ts_text(value) if isinstance(value, datetime) else value
        for name, value in table.items()
    }
