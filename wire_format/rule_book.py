"""The rule book: `rules/` of the books, above all `prices.toml` and `discounts.toml`.

Prices and the discount ladder change as commits that can be reviewed. This module reads and checks
the files; the aggregator rates with its result, the books write the files.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, NamedTuple, Self

from pydantic import AfterValidator, Field, InstanceOf, model_validator

from wire_format import fields
from wire_format.fields import AppliesTo
from wire_format.instants import format_ts, hour_of
from wire_format.money import MULTIPLIER_SCALE, parse_nano
from wire_format.plans import NO_PLANS, Plans
from wire_format.rule_files.fx_file import FX_PATH, parse_fx
from wire_format.rule_files.loading import (
    TIER_NAME_PATTERN,
    Hour,
    Rule,
    RuleBookError,
    is_of,
    load,
    refuse_twins,
    scaled,
)
from wire_format.rule_files.plans_file import PLANS_PATH, parse_plans
from wire_format.rule_files.prices_file import IMPORTED_PATH, PRICES_PATH, Price, load_prices
from wire_format.rule_files.writers_file import parse_writers
from wire_format.writers import NO_RATES, NO_WRITERS, WRITERS_PATH, Fx, Writers

DISCOUNTS_PATH: Final = "rules/discounts.toml"
RULE_PATHS: Final = (
    *(PRICES_PATH, DISCOUNTS_PATH, IMPORTED_PATH, WRITERS_PATH, FX_PATH, PLANS_PATH),
)
"""In the order of `RuleBookFiles`."""
RULE_NAMES: Final = tuple(path.rpartition("/")[2] for path in RULE_PATHS)
"""The same without their folder."""

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
_MULTIPLIER = re.compile(r"(0(\.[0-9]{1,9})?|1(\.0{1,9})?)")


def _check_multiplier(text: str) -> str:
    if _MULTIPLIER.fullmatch(text) is None:
        raise ValueError('must be a decimal in quotes from "0" to "1", at most 9 decimals')
    return text


class Tier(Rule):
    """One rung of the ladder."""

    name: Annotated[str, is_of(TIER_NAME_PATTERN)]
    after_days: int = Field(ge=1, le=36_500, description="Tenure in days from which it holds.")
    multiplier: Annotated[str, AfterValidator(_check_multiplier)] = Field(
        description="Billed over list cost."
    )
    applies_to: Annotated[tuple[AppliesTo, ...], Field(min_length=1, strict=False)]

    @property
    def scaled(self) -> int:
        """The multiplier in whole 1e-9 (`MULTIPLIER_SCALE`)."""
        return scaled(self.multiplier, MULTIPLIER_SCALE)


class Ladder(Rule):
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


class _DiscountFile(Rule):
    tenure_min_usd: Annotated[str, is_of(fields.USD_PATTERN)] = "0"
    ladder: Annotated[tuple[Ladder, ...], Field(strict=False)] = ()


class RuleBook(Rule):
    """Prices and ladders as the files state them.

    Attributes:
        prices: of prices.toml, in file order; no two have one name.
        ladders: in file order; no two share `from`.
        sha256: names this rule book, as `RuleBookFiles` computes it.
        imported: of imported.toml, in the same form; a price of `prices` takes precedence.
        writers: of writers.toml: who may write lines of money, and how much.
        fx: of fx.toml: what other currencies are worth.
        tenure_min_nano: how much must be left of a payment for tenure to count from it.
        plans: of plans.toml: what accounts may have, and what it includes.
    """

    prices: tuple[Price, ...]
    ladders: tuple[Ladder, ...]
    sha256: str
    imported: tuple[Price, ...] = ()
    writers: InstanceOf[Writers] = NO_WRITERS
    fx: InstanceOf[Fx] = NO_RATES
    tenure_min_nano: int = 0
    plans: InstanceOf[Plans] = NO_PLANS


class RuleBookFiles(NamedTuple):
    """The files of a rule book, in the order of `RULE_PATHS`; None for an absent one."""

    prices_toml: bytes | None
    discounts_toml: bytes | None
    imported_toml: bytes | None = None
    writers_toml: bytes | None = None
    fx_toml: bytes | None = None
    plans_toml: bytes | None = None

    def at(self, path: str) -> bytes | None:
        """The file at `path`."""
        return self[RULE_PATHS.index(path)]

    def replaced(self, files: Mapping[str, bytes]) -> "RuleBookFiles":
        """A copy with other files at some paths."""
        return RuleBookFiles(
            *(files.get(path, data) for path, data in zip(RULE_PATHS, self, strict=True))
        )

    @property
    def sha256(self) -> str:
        """The hash that names the rule book; later files that are absent or empty are not in it.

        In a shell, with `imported` as a third name where that file is not empty, with `imported`,
        `writers` and `fx` where writers.toml or fx.toml is not, and with these and `plans` where
        plans.toml is not:

        for f in prices discounts; do sha256sum < $f.toml | cut -c1-64; done | sha256sum
        """
        files = [self.prices_toml or b"", _discounts_text(self.discounts_toml)]
        if self.writers_toml or self.fx_toml or self.plans_toml:
            files += [self.imported_toml or b"", self.writers_toml or b"", self.fx_toml or b""]
            files += [self.plans_toml] if self.plans_toml else []
        elif self.imported_toml:
            files.append(self.imported_toml)
        hashes = (hashlib.sha256(text).hexdigest() for text in files)
        return hashlib.sha256("".join(f"{digest}\n" for digest in hashes).encode()).hexdigest()


def parse_rule_book(
    prices_toml: bytes | None,
    discounts_toml: bytes | None,
    imported_toml: bytes | None = None,
    writers_toml: bytes | None = None,
    fx_toml: bytes | None = None,
    plans_toml: bytes | None = None,
) -> RuleBook:
    """Read the files; None is an absent file, and an absent ladder is the default one.

    Raises:
        RuleBookError: with every fault found in the first file that cannot be used, alone or
            together with the others.
    """
    book = read_rule_files(
        RuleBookFiles(prices_toml, discounts_toml, imported_toml, writers_toml, fx_toml, plans_toml)
    )
    for path, own in ((PRICES_PATH, book.prices), (IMPORTED_PATH, book.imported)):
        _refuse_cycles(path, own, book.plans)
    return book


def read_rule_files(files: RuleBookFiles) -> RuleBook:
    """Read the files as `parse_rule_book` does, but judge each as if it were alone.

    Raises:
        RuleBookError: with every fault found in the first file that cannot be used.
    """
    prices = load_prices(PRICES_PATH, files.prices_toml)
    discounts_text = _discounts_text(files.discounts_toml)
    discounts = load(DISCOUNTS_PATH, discounts_text, _DiscountFile)
    ladders = discounts.ladder
    names = [f"ladder from {format_ts(ladder.from_)}" for ladder in ladders]
    refuse_twins(DISCOUNTS_PATH, discounts_text, {"ladder": names})
    return RuleBook(
        prices=prices,
        ladders=ladders,
        sha256=files.sha256,
        imported=load_prices(IMPORTED_PATH, files.imported_toml),
        writers=parse_writers(files.writers_toml),
        fx=parse_fx(files.fx_toml),
        tenure_min_nano=parse_nano(discounts.tenure_min_usd),
        plans=parse_plans(files.plans_toml),
    )


def _refuse_cycles(path: str, prices: Iterable[Price], plans: Plans) -> None:
    """Refuse windows that last a cycle where accounts may have none.

    Raises:
        RuleBookError: with each such price.
    """
    found = [f"price of {price.name}" for price in prices if price.window == "cycle"]
    if found and plans.default is None:
        why = 'window = "cycle" needs a default plan in plans.toml'
        raise RuleBookError(path, [f"{name}: {why}" for name in found])


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
