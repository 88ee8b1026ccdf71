"""What the aggregator says a proposed rule file would do to the charges of its ledger."""

import json
from typing import Any, Final, NamedTuple

from gitmeter.support.errors import GitmeterError
from wire_format.money import NANO

REPRICED_BYTES_MAX: Final = 64 * 1024 * 1024


class RepricedError(GitmeterError):
    """The answer of `aggregator reprice` cannot be read, or is about another change."""


class Repriced(NamedTuple):
    """The answer of `aggregator reprice FILE --json`.

    Attributes:
        rule_book: the hash of the proposed rule book.
        rule_book_in_force: the hash of the one that the ledger is rated by.
        charges, charges_changed: how many there are, and how many would cost something else.
        difference_nano: by how much all of them together, in nano-dollars.
        accounts: how many accounts would have another billed cost.
    """

    rule_book: str
    rule_book_in_force: str
    charges: int
    charges_changed: int
    difference_nano: int
    accounts: int

    def __str__(self) -> str:
        sign = "-" if self.difference_nano < 0 else "+"
        whole, fraction = divmod(abs(self.difference_nano), NANO)
        usd = f"{sign}{whole}.{f'{fraction:09}'.rstrip('0').ljust(2, '0')}"
        return (
            f"it re-rates {self.charges_changed} of {self.charges} charges: {usd} USD in all,"
            f" accounts with another balance: {self.accounts}"
        )


def read_repriced(text: bytes) -> Repriced:
    """Read the answer.

    Raises:
        RepricedError: it is not that of `aggregator reprice --json`.
    """
    try:
        found: Any = json.loads(text)
        repriced = Repriced(
            **{name: found[name] for name in Repriced._fields[:-1]}, accounts=len(found["accounts"])
        )
    except (ValueError, RecursionError, TypeError, KeyError):
        repriced = None
    types = [str, str, int, int, int, int]
    if repriced is None or list(map(type, repriced)) != types:
        raise RepricedError(
            "this is not the answer of `aggregator reprice`",
            hint="`aggregator reprice FILE --json` writes it",
        )
    return repriced


def check_repriced(repriced: Repriced, before: str, after: str) -> None:
    """Refuse an answer that is about another change than that from rule book to rule book.

    Raises:
        RepricedError: it is.
    """
    if repriced.rule_book_in_force != before:
        raise RepricedError(
            f"the aggregator rates by rule book {repriced.rule_book_in_force[:12]}, and the newest"
            f" one here is {before[:12]}",
            hint="`books push`, let the aggregator pull it, and ask `aggregator reprice` again",
        )
    if repriced.rule_book != after:
        raise RepricedError(
            f"the aggregator was asked about rule book {repriced.rule_book[:12]}, and this would be"
            f" {after[:12]}",
            hint="ask `aggregator reprice` about this very file",
        )
