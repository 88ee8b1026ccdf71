"""Many refunds of one payment as few lines, so that the next one costs no look at each. Pure.

What a payment has left, and what was given back of it, follows from sums of its refunds. So refunds
that touch nothing but their payment are one line with the sum of their amounts.
"""

from collections.abc import Collection, Iterable, Iterator
from operator import add, sub
from typing import Final, NamedTuple

from msgspec.structs import replace

from gitmeter.counting.effects import credited_nano
from wire_format.lines import Folder, Money
from wire_format.money import format_usd, parse_nano
from wire_format.segment import decode_segment

AMOUNT_MAX_NANO: Final = parse_nano("999999999.999999999")
"""The most that a line can state."""


def money_in(lines: Iterable[bytes]) -> Iterator[Money]:
    """What canonical lines say about money; nothing where one is not valid."""
    for line in lines:
        for record in decode_segment(line, Folder.PAYMENTS).records:
            if isinstance(record, Money):
                yield record


class _Totals(NamedTuple):
    """What refunds take.

    Attributes:
        amount_nano: in their currency, in 1e-9 of its unit.
        credit_nano: of the balance, in nano-dollars.
    """

    amount_nano: int
    credit_nano: int


def _totals_of(records: Iterable[Money]) -> _Totals:
    taken = [(parse_nano(record.amount), credited_nano(record)) for record in records]
    return _Totals(sum(amount for amount, _ in taken), sum(credit for _, credit in taken))


class AlikeRefunds:
    """Admitted refunds of one payment, alike in all but number, time, reference and amount.

    Args:
        most_nano: the most that they may take, in their currency and of the balance.
    """

    def __init__(self, most_nano: int) -> None:
        self._most_nano = most_nano
        self._taken = _Totals(0, 0)
        self._lines: dict[bytes, None] = {}

    def add(self, line: bytes, record: Money) -> bool:
        """Add one; False, with nothing added, where they would take too much."""
        more = _totals_of([record])
        taken = _Totals(*map(add, self._taken, more))
        if max(taken) > self._most_nano:
            return False
        self._taken = taken
        self._lines[line] = None
        return True

    def take_out(self, line: bytes) -> bool:
        """Take one out; False where it is not among them."""
        if line not in self._lines:
            return False
        del self._lines[line]
        self._taken = _Totals(*map(sub, self._taken, _totals_of(money_in([line]))))
        return True

    def as_one(self, but: Collection[bytes]) -> Money | None:
        """One line that takes what all of them take, except some; None where none is left.

        It has number, time and reference of the first of them.
        """
        first = next((line for line in self._lines if line not in but), None)
        if first is None:
            return None
        apart = _totals_of(money_in(line for line in but if line in self._lines))
        taken = _Totals(*map(sub, self._taken, apart))
        return replace(
            next(money_in([first])),
            amount=format_usd(taken.amount_nano),
            credited_usd=format_usd(taken.credit_nano),
        )


class ManyLines:
    """The lines under one key, of which many are refunds that touch nothing but their payment.

    Args:
        most_nano: the most that refunds which are added up may take together.

    Attributes:
        read: how many lines were looked at, in the order in which they came.
        others: those of them that are looked at one by one.
    """

    def __init__(self, most_nano: int) -> None:
        self.read = 0
        self.others: list[bytes] = []
        self._most_nano = most_nano
        self._alike: dict[tuple[object, ...], list[AlikeRefunds]] = {}

    def add_up(self, line: bytes, record: Money) -> None:
        """Add a refund to those that are like it."""
        payment = (record.refers_to, record.of_provider, record.of_ref)
        kind = (record.v, record.user, record.provider, *payment, record.currency, record.status)
        alike = self._alike.setdefault(kind, [])
        if alike and alike[-1].add(line, record):
            return
        more = AlikeRefunds(self._most_nano)
        if more.add(line, record):
            alike.append(more)
        else:
            self.others.append(line)

    def take_out(self, line: bytes) -> None:
        """Look at a line by itself from now on, if it was added up."""
        if any(refunds.take_out(line) for refunds in self.sums()):
            self.others.append(line)

    def sums(self) -> Iterator[AlikeRefunds]:
        """What was added up."""
        return (refunds for alike in self._alike.values() for refunds in alike)
