"""Reading a rule file: TOML, its tables by a model, and what is wrong with it in words."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

from wire_format import fields
from wire_format.wording import FORMS, Place, sentences

RULE_FILE_BYTES_MAX: Final = 8 * 1024 * 1024
TIER_NAME_PATTERN: Final = r"[a-z][a-z0-9_]{0,31}"
_FORMS: Final = FORMS | {TIER_NAME_PATTERN: "1 to 32 of a-z, 0-9 and _, beginning with a letter"}
_PRICE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,15})?")


class RuleBookError(ValueError):
    """A rule file cannot be used.

    Attributes:
        faults: one sentence for each thing that is wrong, with its place in the file.
    """

    def __init__(self, path: str, faults: list[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(faults))
        self.faults = faults


def _hour(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("must be a time in UTC such as 2026-01-01T00:00:00Z, without quotes")
    if value.utcoffset() != timedelta(0):
        raise ValueError("must be in UTC (end with Z)")
    if value.minute or value.second or value.microsecond:
        raise ValueError("must be the start of a clock hour")
    return value.astimezone(UTC)


def _check_price(text: str) -> str:
    if _PRICE.fullmatch(text) is None:
        raise ValueError('must be a decimal in quotes such as "10.00", at most 15 decimals')
    return text


def is_of(pattern: str) -> StringConstraints:
    """A text is whole of this pattern."""
    return StringConstraints(pattern=f"^(?:{pattern})$")


def above_zero(text: str) -> str:
    """Check that a decimal which is not below zero is not zero either."""
    if not text.strip("0."):
        raise ValueError("must be above zero")
    return text


Hour = Annotated[datetime, BeforeValidator(_hour)]
"""The start of a clock hour."""

Name = Annotated[str, is_of(fields.NAME_PATTERN)]
"""What the operator calls something."""

UsdAboveZero = Annotated[str, is_of(fields.USD_PATTERN), AfterValidator(above_zero)]
"""Dollars with up to 9 decimals, more than none."""

PriceText = Annotated[str, AfterValidator(_check_price)]
"""Dollars with up to 15 decimals; zero is allowed."""


class Rule(BaseModel):
    """A table of a rule file, or the file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_File = TypeVar("_File", bound=Rule)


def load(path: str, text: bytes, model: type[_File]) -> _File:
    """Read a rule file.

    Args:
        path: its path in the repo, for its faults.
        text: its content.
        model: what it must contain.

    Raises:
        RuleBookError: with every fault.
    """
    if len(text) > RULE_FILE_BYTES_MAX:
        raise RuleBookError(path, [f"{len(text)} bytes; at most {RULE_FILE_BYTES_MAX}"])
    try:
        document = tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:  # ValueError: also a number of 5,000 digits
        raise RuleBookError(path, [f"not TOML: {error}"]) from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise RuleBookError(path, sentences(error, _places(text, document), _FORMS)) from None


def refuse_twins(path: str, text: bytes, tables: Mapping[str, Sequence[str]]) -> None:
    """Refuse a file in which two tables have one name.

    Args:
        path: its path in the repo.
        text: its content, which is valid.
        tables: the names of the tables of each list, in file order; the same name never stands in
            two lists.

    Raises:
        RuleBookError: with each such name, and the lines on which its tables begin.
    """
    faults: list[str] = []
    for key, names in tables.items():
        twins = repeated(names)
        found = table_lines(text, key, len(names)) if twins else []
        for twin in twins:
            begins = [str(found[at]) for at, name in enumerate(names) if found and name == twin]
            faults.append(f"stated more than once: {twin}" + _on_lines(begins))
    if faults:
        raise RuleBookError(path, faults)


def repeated(names: Iterable[str]) -> list[str]:
    """The names that stand there more than once."""
    return [name for name, times in Counter(names).items() if times > 1]


def _on_lines(numbers: Sequence[str]) -> str:
    if not numbers:
        return ""
    return f" (lines {', '.join(numbers[:-1])} and {numbers[-1]})"


def table_lines(text: bytes, key: str, tables: int) -> list[int]:
    """The line of each table of a list, from 1; empty where they are not stated as `[[key]]`.

    Args:
        text: a file that is TOML.
        key: the name of the list.
        tables: how many tables it has.
    """
    header = re.compile(rf"[ \t]*\[\[[ \t]*{re.escape(key)}[ \t]*\]\]".encode())
    found = [at for at, line in enumerate(text.split(b"\n"), 1) if header.match(line)]
    # a text of several lines may have a line that looks like a header
    return found if len(found) == tables else []


def _places(text: bytes, document: Mapping[str, object]) -> Callable[[Place], str]:
    """Tells a place of a file in words: `price #3 (line 14) tiers #2 usd`."""

    @cache
    def lines_of(key: str) -> list[int]:
        tables = document.get(key)
        return table_lines(text, key, len(tables)) if isinstance(tables, list) else []

    def where(place: Place) -> str:
        words = [f"#{part + 1}" if isinstance(part, int) else part for part in place]
        key, number = (*place, None, None)[:2]
        if isinstance(key, str) and isinstance(number, int) and (lines := lines_of(key)):
            words[1] += f" (line {lines[number]})"
        return " ".join(words)

    return where


def scaled(text: str, scale: int) -> int:
    """A decimal as a whole number of `1 / scale`, which is a power of ten."""
    whole, _, fraction = text.partition(".")
    digits = len(str(scale)) - 1
    return int(whole) * scale + int(fraction.ljust(digits, "0"))
