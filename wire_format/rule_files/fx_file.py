"""`rules/fx.toml`: what other currencies are worth in dollars."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from wire_format.currencies import CURRENCY_DEFAULT, DECIMALS
from wire_format.instants import format_ts, to_us
from wire_format.money import PRICE_SCALE
from wire_format.rule_files.loading import (
    Hour,
    PriceText,
    Rule,
    above_zero,
    load,
    refuse_twins,
    scaled,
)
from wire_format.writers import NO_RATES, Fx, FxRate

FX_PATH: Final = "rules/fx.toml"


def _check_currency(code: str) -> str:
    if code not in DECIMALS or code == CURRENCY_DEFAULT:
        raise ValueError(f"must be a code of ISO 4217 other than {CURRENCY_DEFAULT}")
    return code


class _Rate(Rule):
    currency: Annotated[str, AfterValidator(_check_currency)]
    usd: Annotated[PriceText, AfterValidator(above_zero)]
    from_: Hour = Field(alias="from")


class _FxFile(Rule):
    rate: Annotated[tuple[_Rate, ...], Field(strict=False)] = ()


def parse_fx(text: bytes | None) -> Fx:
    """Read fx.toml; None is an absent file.

    Raises:
        RuleBookError: with every fault.
    """
    if not text:
        return NO_RATES
    rates = load(FX_PATH, text, _FxFile).rate
    names = [f"rate of {r.currency} from {format_ts(r.from_)}" for r in rates]
    refuse_twins(FX_PATH, text, {"rate": names})
    return Fx(tuple(FxRate(r.currency, scaled(r.usd, PRICE_SCALE), to_us(r.from_)) for r in rates))
