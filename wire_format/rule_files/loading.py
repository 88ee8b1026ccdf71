"""Reading a rule file: TOML, its tables by a model, and what is wrong with it in words."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
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
        raise RuleBookError(path, sentences(error, _spaced, _FORMS)) from None


def refuse_twins(path: str, names: Iterable[str]) -> None:
    """Refuse a file in which two tables have one name.

    Raises:
        RuleBookError: with each such name.
    """
    twins = [name for name, times in Counter(names).items() if times > 1]
    if twins:
        raise RuleBookError(path, [f"stated more than once: {name}" for name in twins])


def scaled(text: str, scale: int) -> int:
    """A decimal as a whole number of `1 / scale`, which is a power of ten."""
    whole, _, fraction = text.partition(".")
    digits = len(str(scale)) - 1
    return int(whole) * scale + int(fraction.ljust(digits, "0"))


def _spaced(place: Place) -> str:
    return "".join(f" #{p + 1}" if isinstance(p, int) else f" {p}" for p in place).strip()
