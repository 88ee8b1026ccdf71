"""The totals in a commit's message. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from wire_format.commit_message import Total
from wire_format.lines import Line, Money, Usage
from wire_format.money import format_usd, parse_nano


class Totals:
    """Sums over records: units per resource, amounts per kind, currency and status of money.

    Decisions, lines about accounts and some kinds of money have no amounts: their total is the
    number of each kind.
    """

    def __init__(self) -> None:
        self._units: defaultdict[str, int] = defaultdict(int)
        self._amounts_nano: defaultdict[str, int] = defaultdict(int)
        self._records: defaultdict[str, int] = defaultdict(int)

    def add(self, records: Iterable[Line]) -> None:
        """Add records to the sums."""
        for record in records:
            if isinstance(record, Usage):
                name = record.resource
                self._units[name] += record.units
            elif not isinstance(record, Money) or not record.amount:
                name = record.kind
                self._units[name] += 1
            else:
                settled = record.status in {"succeeded", None}
                name = f"{record.kind} {record.currency}" + (
                    "" if settled else f" ({record.status})"
                )
                self._amounts_nano[name] += parse_nano(record.amount)
            self._records[name] += 1

    def totals(self) -> list[Total]:
        """The sums, by name."""
        sums = {name: str(units) for name, units in self._units.items()} | {
            name: format_usd(nano) for name, nano in self._amounts_nano.items()
        }
        return [Total(name, sums[name], self._records[name]) for name in sorted(sums)]
