"""`rules/prices.toml` and `rules/imported.toml`: what resources cost, from when, and for whom."""

from fractions import Fraction
from typing import Annotated, Final, Literal, NamedTuple, Self, cast

from pydantic import Field, model_validator

from wire_format import fields
from wire_format.fields import AppliesTo
from wire_format.instants import format_ts, hour_of
from wire_format.money import PRICE_SCALE
from wire_format.rule_files.loading import (
    Hour,
    PriceText,
    Rule,
    is_of,
    load,
    refuse_twins,
    scaled,
)

PRICES_PATH: Final = "rules/prices.toml"
IMPORTED_PATH: Final = "rules/imported.toml"

TIERS_MAX: Final = 64
_UNITS_MAX: Final = 10**18
_VM_PREFIX: Final = "vm/"

Window = Literal["hour", "day", "month", "cycle"]
"""For how long the units of a price are counted on: a clock hour, a day or month of UTC, or a cycle
of the account's plan."""

Mode = Literal["graduated", "volume"]
"""Whether each unit has the rate of the tier that it lies in, or all that of the last tier."""


class PriceTier(Rule):
    """The price of some units of a window, after those of the tiers before it."""

    up_to: int | None = Field(
        default=None, ge=1, le=_UNITS_MAX, description="The last unit; none in the last tier."
    )
    usd: PriceText = Field(description="Dollars for `per` units, a decimal in quotes.")
    flat_usd: PriceText | None = Field(
        default=None, description="Due once, with the first unit that lies in the tier."
    )


class Package(Rule):
    """Units that are sold together; a part of a package costs what all of it does."""

    size: int = Field(ge=1, le=_UNITS_MAX, description="How many units are in one.")
    usd: PriceText = Field(description="Dollars for one, a decimal in quotes.")


class TierStep(NamedTuple):
    """One tier in whole numbers.

    Attributes:
        up_to: its last unit; None for the last tier.
        scaled: the price of `per` units in whole 1e-15 dollars (`PRICE_SCALE`).
        flat_scaled: what its first unit costs besides, in the same.
    """

    up_to: int | None
    scaled: int
    flat_scaled: int


class Price(Rule):
    """What a resource costs from an hour on, until a later price of the same kind.

    A price of one account takes precedence over one for all, then one that states `applies_to` over
    one that does not.
    """

    resource: Annotated[str, is_of(fields.RESOURCE_PATTERN)] = Field(
        description="As in the usage lines."
    )
    usd: PriceText | None = Field(
        default=None, description="Dollars for `per` units, a decimal in quotes."
    )
    per: int | None = Field(
        default=None,
        ge=1,
        le=_UNITS_MAX,
        description="How many units `usd` is for; only a price with a package has none.",
    )
    tiers: Annotated[
        tuple[PriceTier, ...] | None, Field(min_length=1, max_length=TIERS_MAX, strict=False)
    ] = None
    mode: Mode | None = Field(
        default=None, description="How tiers apply: `graduated` if absent, or `volume`."
    )
    package: Package | None = None
    window: Window = Field(default="hour", description="For how long units are counted on; UTC.")
    from_: Hour = Field(alias="from", description="First clock hour it is in force, UTC.")
    until: Hour | None = Field(
        default=None, description="First clock hour it is no longer; only with `user`."
    )
    applies_to: AppliesTo | None = Field(
        default=None,
        description="Binds the price to one discount category; required under `vm/`.",
    )
    user: Annotated[str, is_of(fields.USER_PATTERN)] | None = Field(
        default=None, description="Binds the price to one account."
    )

    @model_validator(mode="after")
    def _vm_is_bound(self) -> Self:
        if self.resource.startswith(_VM_PREFIX) and self.applies_to is None:
            raise ValueError(f"a price under {_VM_PREFIX} must state applies_to")
        return self

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        if sum(form is not None for form in (self.usd, self.tiers, self.package)) != 1:
            raise ValueError("must state one of usd, tiers and package")
        if self.package is not None and self.per is not None:
            raise ValueError("per: does not belong to a price with a package, which has its size")
        if self.package is None and self.per is None:
            raise ValueError("must state per: how many units usd is for")
        if self.tiers is None and self.mode is not None:
            raise ValueError("mode: belongs to a price with tiers")
        if self.until is not None and self.user is None:
            raise ValueError("until: belongs to a price of one account (`user`)")
        if self.until is not None and self.until <= self.from_:
            raise ValueError("until: must be later than from")
        return self

    @model_validator(mode="after")
    def _tiers_ascend(self) -> Self:
        borders = [tier.up_to for tier in self.tiers or ()]
        if borders and borders[-1] is not None:
            raise ValueError("tiers: the last one must be open, without up_to")
        closed = [border for border in borders if border is not None]
        if len(closed) < len(borders) - 1:
            raise ValueError("tiers: each but the last one must state up_to")
        if closed != sorted(set(closed)):
            raise ValueError("tiers: up_to must ascend")
        return self

    @property
    def steps(self) -> tuple[TierStep, ...]:
        """Its tiers in whole numbers; of a price without tiers one, of a package its price."""
        if self.tiers is not None:
            return tuple(
                TierStep(
                    tier.up_to,
                    scaled(tier.usd, PRICE_SCALE),
                    scaled(tier.flat_usd or "0", PRICE_SCALE),
                )
                for tier in self.tiers
            )
        text = self.package.usd if self.package is not None else self.usd
        return (TierStep(None, scaled(text or "0", PRICE_SCALE), 0),)

    @property
    def units_per(self) -> int:
        """How many units an amount of `steps` is for."""
        return self.package.size if self.package is not None else cast("int", self.per)

    @property
    def from_hour(self) -> int:
        """First hour in force, as a clock-hour number."""
        return hour_of(self.from_)

    @property
    def until_hour(self) -> int | None:
        """First hour no longer in force, as a clock-hour number; None for no end of its own."""
        return None if self.until is None else hour_of(self.until)

    @property
    def rate(self) -> object:
        """What it charges, comparable: two prices of the same rate charge the same in every hour.

        Whom and from when it binds has no part in it.
        """
        steps = [
            (step.up_to, Fraction(step.scaled, self.units_per), step.flat_scaled)
            for step in self.steps
        ]
        size = None if self.package is None else self.package.size
        mode = None if len(steps) == 1 else self.mode or "graduated"
        return self.window, mode, size, tuple(steps)

    @property
    def name(self) -> str:
        """What it is the price of, and from when; no two prices of one file have the same."""
        user = f" for {self.user}" if self.user else ""
        category = f" ({self.applies_to})" if self.applies_to else ""
        return f"{self.resource}{category}{user} from {format_ts(self.from_)}"


class _PriceFile(Rule):
    price: Annotated[tuple[Price, ...], Field(strict=False)] = ()


def load_prices(path: str, text: bytes | None) -> tuple[Price, ...]:
    """Read a price file; None is an absent one.

    Raises:
        RuleBookError: with every fault.
    """
    prices = load(path, text or b"", _PriceFile).price
    refuse_twins(path, text or b"", {"price": [price.name for price in prices]})
    return prices
