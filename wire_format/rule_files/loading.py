"""Reading a rule file: TOML, its tables by a model, and what is wrong with it in words."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

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
        lines = _Lines(text)
        raise RuleBookError(path, sentences(error, lines.where, _FORMS)) from None


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
    lines = _Lines(text)
    for key, names in tables.items():
        for twin in (name for name, times in Counter(names).items() if times > 1):
            found = lines.of(key)
            begins = [str(found[at]) for at, name in enumerate(names) if found and name == twin]
            faults.append(f"stated more than once: {twin}" + _on_lines(begins))
    if faults:
        raise RuleBookError(path, faults)


def _on_lines(numbers: Sequence[str]) -> str:
    if not numbers:
        return ""
    return f" (lines {', '.join(numbers[:-1])} and {numbers[-1]})"


class _Lines:
    """Where the tables of a file begin that are stated as `[[name]]`.

    Args:
        text: a file that is TOML.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text.decode()
        self._found: dict[str, list[int]] = {}

    def of(self, key: str) -> list[int]:
        """The line of each table of a list, from 1; empty where they are not stated so."""
        if key not in self._found:
            self._found[key] = self._search(key)
        return self._found[key]

    def _search(self, key: str) -> list[int]:
        header = re.compile(rf"[ \t]*\[\[[ \t]*{re.escape(key)}[ \t]*\]\]")
        found = [at for at, line in enumerate(self._text.split("\n"), 1) if header.match(line)]
        tables = tomllib.loads(self._text).get(key)
        # a text of several lines may have a line that looks like a header
        return found if isinstance(tables, list) and len(tables) == len(found) else []

    def where(self, place: Place) -> str:
        """A place in words: `price #3 (line 14) tiers #2 usd`."""
        words = [f"#{part + 1}" if isinstance(part, int) else part for part in place]
        key, number = (*place, None, None)[:2]
        if isinstance(key, str) and isinstance(number, int) and (lines := self.of(key)):
            words[1] += f" (line {lines[number]})"
        return " ".join(words)


def scaled(text: str, scale: int) -> int:
    """A decimal as a whole number of `1 / scale`, which is a power of ten."""
    whole, _, fraction = text.partition(".")
    digits = len(str(scale)) - 1
    return int(whole) * scale + int(fraction.ljust(digits, "0"))
