"""What is sold, in the terms of FOCUS: services, prices and for how many they are due. Pure."""

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, NamedTuple

from aggregator.rating.rating import ChargeState
from aggregator.rating.shares import ShareKind
from aggregator.rating.tariff import Tariff
from wire_format.fields import AppliesTo
from wire_format.money import MULTIPLIER_SCALE, NANO, format_usd

_DECIMALS: Final = 15
"""Of what is rounded: as many as a price has (`PRICE_SCALE`)."""
_LAST_PLACE: Final = Decimal(1).scaleb(-_DECIMALS)
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)


class Service(NamedTuple):
    """A service.

    Attributes:
        name: its name; FOCUS wants one category and subcategory for each.
        category, subcategory: of those that FOCUS knows.
    """

    name: str
    category: str
    subcategory: str


SERVICES: Final[Mapping[AppliesTo, Service]] = {
    "llm": Service("llm", "AI and Machine Learning", "Generative AI"),
    "vm": Service("vm", "Compute", "Virtual Machines"),
    "hero_os_hourly": Service("hero_os", "Compute", "Other (Compute)"),
}
"""By the discount category of a charge."""
PLANS: Final = Service("plans", "Other", "Other (Other)")
"""Of the fees of plans."""


class Sku(NamedTuple):
    """What is charged for, at which price.

    Attributes:
        price_id: the name of the price.
        details: JSON: more about the price; None where there is no more.
        unit: what the price is for.
        per: how many units that are.
        list_price, contracted_price: dollars for one, without and with the discount.
        words: the part that it is, for people.
    """

    price_id: str
    details: str | None
    unit: str
    per: int
    list_price: Decimal
    contracted_price: Decimal
    words: str


def sku_of(tariff: Tariff, kind: ShareKind, place: int, multiplier: int) -> Sku:
    """What a part of a charge is charged for.

    Args:
        tariff: the price.
        kind: what the part is charged for.
        place: that of its tier, from 0.
        multiplier: billed cost divided by list cost, in billionths.
    """
    rule = tariff.rule
    usd, per, unit, suffix = rule.usd or "0", rule.units_per, "Units", ""
    details: dict[str, object] = {}
    if kind is ShareKind.INCLUDED:
        usd, per, suffix = "0", 1, ", included in the plan"
    elif rule.package is not None:
        usd, per, unit = rule.package.usd, 1, f"{rule.package.size} Unit Packages"
    elif rule.tiers is not None:
        tier, suffix = rule.tiers[place], f", tier {place + 1}"
        details = {"x_Tier": place + 1, "x_Mode": rule.mode or "graduated"}
        usd = tier.usd
        if kind is ShareKind.FLAT:
            usd, per, unit = tier.flat_usd or "0", 1, "Tiers"
            suffix += ", flat fee"
    if kind is not ShareKind.INCLUDED and rule.window != "hour":
        details["x_Window"] = rule.window
    discount = _EXACT.divide(Decimal(multiplier), MULTIPLIER_SCALE)
    return Sku(
        price_id=rule.name + suffix,
        details=json.dumps(details) if details else None,
        unit=unit if per == 1 else f"{per} {unit}",
        per=per,
        list_price=Decimal(usd),
        # exact: a price has 15 decimals and a multiplier 9
        contracted_price=_EXACT.multiply(Decimal(usd), discount).normalize(_EXACT),
        words=rule.resource + suffix,
    )


def whole_sku(
    resource: str, state: ChargeState, quantity: int, list_nano: int, billed_nano: int
) -> Sku:
    """What a charge is charged for that has no parts: no price, no units, or a cost at the limit.

    Its unit price follows from its cost.
    """
    return Sku(
        price_id=f"{resource}, {state}",
        details=None,
        unit="Units",
        per=1,
        list_price=ratio(list_nano, quantity * NANO),
        contracted_price=ratio(billed_nano, quantity * NANO),
        words=resource,
    )


def fee_sku(plan: str, instead_of: str | None, fee_nano: int) -> Sku:
    """What the fee of a plan is charged for: a cycle, or what an upgrade costs more."""
    upgrade = "" if instead_of is None else f", instead of {instead_of}"
    due = "a cycle" if instead_of is None else "once"
    fee = ratio(fee_nano, NANO)
    return Sku(
        price_id=f"plan/{plan}{upgrade}, {format_usd(fee_nano)} USD {due}",
        details=None,
        unit="Cycles",
        per=1,
        list_price=fee,
        contracted_price=fee,
        words=f"fee of the plan {plan}{upgrade}",
    )


def ratio(numerator: int, denominator: int) -> Decimal:
    """A fraction, to 15 decimals; of nothing 0."""
    if not denominator:
        return Decimal(0)
    whole, rest = divmod(numerator, denominator)
    if not rest:
        return Decimal(whole)
    return _rounded(_EXACT.divide(Decimal(numerator), Decimal(denominator)))


def _rounded(number: Decimal) -> Decimal:
    return _EXACT.quantize(number, _LAST_PLACE).normalize(_EXACT)
