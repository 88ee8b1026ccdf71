"""hledger, as a bookkeeper runs it."""

import csv
import io
import subprocess
from collections.abc import Iterator
from typing import Any


def hledger(journal: str, *words: str) -> str:
    """What hledger prints about a journal."""
    found = subprocess.run(
        ["hledger", "-f", "-", *words], input=journal, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def check(journal: str) -> None:
    """Let hledger check a journal: it balances, as it says it closes, and declares what it uses."""
    hledger(journal, "check", "--strict", "ordereddates")


def balances(journal: str, *words: str) -> dict[str, int]:
    """By account what hledger adds up, in nano-dollars; accounts at zero are left out."""
    rows = csv.DictReader(io.StringIO(hledger(journal, "balance", "--flat", "-O", "csv", *words)))
    return {row["account"]: nano_of(row["balance"]) for row in rows if row["account"] != "total"}


def printed(journal: str, *words: str) -> Iterator[dict[str, Any]]:
    """The postings of a journal as hledger reads them, each with those of its transaction."""
    yield from csv.DictReader(io.StringIO(hledger(journal, "print", "-O", "csv", *words)))


def nano_of(amount: str) -> int:
    """The nano-dollars of an amount, which hledger shows with nine decimals."""
    number, _, unit = amount.partition(" ")
    whole, point, decimals = number.partition(".")
    assert (unit, point, len(decimals)) == ("USD", ".", 9), amount
    return int(whole + decimals)
