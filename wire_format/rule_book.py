"""The rule book: `prices.toml`, `discounts.toml` and `imported.toml` in `rules/` of the books.

Prices and the discount ladder change as commits that can be reviewed. This module reads and checks
the files; the aggregator rates with its result, the books write the files.
"""

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from wire_format import fields
from wire_format.fields import AppliesTo
from wire_format.instants import format_ts, hour_of
from wire_format.money import MULTIPLIER_SCALE, PRICE_SCALE
from wire_format.wording import FORMS, Place, sentences

PRICES_PATH: Final = "rules/prices.toml"
DISCOUNTS_PATH: Final = "rules/discounts.toml"
IMPORTED_PATH: Final = "rules/imported.toml"
RULE_PATHS: Final = (PRICES_PATH, DISCOUNTS_PATH, IMPORTED_PATH)
"""In the order of the arguments of `parse_rule_book`."""

RULE_FILE_BYTES_MAX: Final = 8 * 1024 * 1024

DEFAULT_DISCOUNTS: Final = """\
# The discount ladder. Tenure runs from a user's first succeeded payment to the start of the hour
# that is charged; there is no reset for inactivity. A category that a tier does not list pays the
# list price.

[[ladder]]
from = 2020-01-01T00:00:00Z
tiers = [
  { name = "week",  after_days = 7,  multiplier = "0.5",  applies_to = ["hero_os_hourly", "llm"] },
  { name = "month", after_days = 30, multiplier = "0.25", applies_to = ["hero_os_hourly", "llm"] },
]
"""

_MADE_FROM: Final = re.compile(rb"^# made from rule book ([0-9a-f]{64})[^\n]*\n?", re.MULTILINE)
_VM_PREFIX: Final = "vm/"
_TIER_NAME_PATTERN: Final = r"[a-z][a-z0-9_]{0,31}"
_FORMS: Final = FORMS | {_TIER_NAME_PATTERN: "1 to 32 of a-z, 0-9 and _, beginning with a letter"}
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,15})?")
_MULTIPLIER = re.compile(r"(0(\.[0-9]{1,9})?|1(\.0{1,9})?)")


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


def _scaled(text: str, scale: int) -> int:
    whole, _, fraction = text.partition(".")
    digits = len(str(scale)) - 1
    return int(whole) * scale + int(fraction.ljust(digits, "0"))


def _check_price(text: str) -> str:
    if _PRICE.fullmatch(text) is None:
        raise ValueError('must be a decimal in quotes such as "10.00", at most 15 decimals')
    return text


def _check_multiplier(text: str) -> str:
    if _MULTIPLIER.fullmatch(text) is None:
        raise ValueError('must be a decimal in quotes from "0" to "1", at most 9 decimals')
    return text


Hour = Annotated[datetime, BeforeValidator(_hour)]


class _Rule(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Price(_Rule):
    """What a resource costs from an hour on, until a later price of the same resource and category.

    A price that states `applies_to` takes precedence over one that does not.
    """

    resource: Annotated[str, StringConstraints(pattern=f"^(?:{fields.RESOURCE_PATTERN})$")] = Field(
        description="As in the usage lines."
    )
    usd: Annotated[str, AfterValidator(_check_price)] = Field(
        description="Dollars for `per` units, a decimal in quotes."
    )
    per: int = Field(ge=1, le=10**18, description="How many units the price is for.")
    from_: Hour = Field(alias="from", description="First clock hour it is in force, UTC.")
    applies_to: AppliesTo | None = Field(
        default=None,
        description="Binds the price to one discount category; required under `vm/`.",
    )

    @model_validator(mode="after")
    def _vm_is_bound(self) -> Self:
        if self.resource.startswith(_VM_PREFIX) and self.applies_to is None:
            raise ValueError(f"a price under {_VM_PREFIX} must state applies_to")
        return self

    @property
    def scaled(self) -> int:
        """The price of `per` units in whole 1e-15 dollars (`PRICE_SCALE`)."""
        return _scaled(self.usd, PRICE_SCALE)

    @property
    def from_hour(self) -> int:
        """First hour in force, as a clock-hour number."""
        return hour_of(self.from_)


class Tier(_Rule):
    """One rung of the ladder."""

    name: Annotated[str, StringConstraints(pattern=f"^(?:{_TIER_NAME_PATTERN})$")]
    after_days: int = Field(ge=1, le=36_500, description="Tenure in days from which it holds.")
    multiplier: Annotated[str, AfterValidator(_check_multiplier)] = Field(
        description="Billed over list cost."
    )
    applies_to: Annotated[tuple[AppliesTo, ...], Field(min_length=1, strict=False)]

    @property
    def scaled(self) -> int:
        """The multiplier in whole 1e-9 (`MULTIPLIER_SCALE`)."""
        return _scaled(self.multiplier, MULTIPLIER_SCALE)


class Ladder(_Rule):
    """One version of the discount ladder, in force until a later one."""

    from_: Hour = Field(alias="from", description="First clock hour it is in force, UTC.")
    tiers: Annotated[tuple[Tier, ...], Field(strict=False)]

    @property
    def from_hour(self) -> int:
        """First hour in force, as a clock-hour number."""
        return hour_of(self.from_)

    @model_validator(mode="after")
    def _tiers_ascend(self) -> Self:
        days = [tier.after_days for tier in self.tiers]
        if days != sorted(set(days)):
            raise ValueError("tiers: after_days must ascend")
        names = [tier.name for tier in self.tiers]
        if len(set(names)) < len(names) or "none" in names:
            raise ValueError("tiers: names must differ, and `none` is taken")
        return self


class _PriceFile(_Rule):
    price: Annotated[tuple[Price, ...], Field(strict=False)] = ()


class _DiscountFile(_Rule):
    ladder: Annotated[tuple[Ladder, ...], Field(strict=False)] = ()


_File = TypeVar("_File", _PriceFile, _DiscountFile)


class RuleBook(_Rule):
    """Prices and ladders as the files state them.

    Attributes:
        prices: of prices.toml, in file order; no two share resource, applies_to and `from`.
        ladders: in file order; no two share `from`.
        sha256: names this rule book, as `rule_book_sha256` computes it.
        imported: of imported.toml, in the same form; a price of `prices` takes precedence.
    """

    prices: tuple[Price, ...]
    ladders: tuple[Ladder, ...]
    sha256: str
    imported: tuple[Price, ...] = ()


def parse_rule_book(
    prices_toml: bytes | None, discounts_toml: bytes | None, imported_toml: bytes | None = None
) -> RuleBook:
    """Read the files; None is an absent file, and an absent ladder is the default one.

    Raises:
        RuleBookError: with every fault found in the first file that cannot be used.
    """
    prices = _load_prices(PRICES_PATH, prices_toml)
    ladders = _load(DISCOUNTS_PATH, _discounts_text(discounts_toml), _DiscountFile).ladder
    _refuse_twins(DISCOUNTS_PATH, (f"ladder from {format_ts(x.from_)}" for x in ladders))
    return RuleBook(
        prices=prices,
        ladders=ladders,
        sha256=rule_book_sha256(prices_toml, discounts_toml, imported_toml),
        imported=_load_prices(IMPORTED_PATH, imported_toml),
    )


def rule_book_sha256(
    prices_toml: bytes | None, discounts_toml: bytes | None, imported_toml: bytes | None = None
) -> str:
    """The hash that names a rule book; an absent or empty imported.toml has no part in it.

    In a shell, with `imported` as a third name where that file is not empty:

    for f in prices discounts; do sha256sum < $f.toml | cut -c1-64; done | sha256sum
    """
    files = [prices_toml or b"", _discounts_text(discounts_toml)]
    if imported_toml:
        files.append(imported_toml)
    hashes = (hashlib.sha256(text).hexdigest() for text in files)
    return hashlib.sha256("".join(f"{digest}\n" for digest in hashes).encode()).hexdigest()


def with_origin(data: bytes, sha256: str) -> bytes:
    """A rule file that says in its first line from which rule book it was made."""
    return f"# made from rule book {sha256}; `books rules set` checks it\n".encode() + data


def split_origin(data: bytes) -> tuple[bytes, str | None]:
    """A rule file without the line of `with_origin`, and the hash there; None without one."""
    found = _MADE_FROM.search(data)
    if found is None:
        return data, None
    return data[: found.start()] + data[found.end() :], found[1].decode()


def _discounts_text(discounts_toml: bytes | None) -> bytes:
    # Absent is not empty: an empty file is a book without a ladder, and has another hash.
    return DEFAULT_DISCOUNTS.encode() if discounts_toml is None else discounts_toml


def _load_prices(path: str, text: bytes | None) -> tuple[Price, ...]:
    prices = _load(path, text or b"", _PriceFile).price
    _refuse_twins(
        path,
        (
            f"{p.resource}{f' ({p.applies_to})' if p.applies_to else ''} from {format_ts(p.from_)}"
            for p in prices
        ),
    )
    return prices


def _load(path: str, text: bytes, model: type[_File]) -> _File:
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


def _spaced(place: Place) -> str:
    return "".join(f" #{p + 1}" if isinstance(p, int) else f" {p}" for p in place).strip()


def _refuse_twins(path: str, names: Iterable[str]) -> None:
    twins = [name for name, times in Counter(names).items() if times > 1]
    if twins:
        raise RuleBookError(path, [f"stated more than once: {name}" for name in twins])
