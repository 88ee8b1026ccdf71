"""What is charged for a credit; pure, in whole minor units.

The credit is what a customer asks for, and the amount is rounded up: so that the credit is never
more than what was paid is worth at the rate.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from providers.interface import Provider, RefusedByProviderError
from till.checkout.problems import bad_request, not_now
from till.config.tables import RateTable
from wire_format.money import parse_nano

_STEPS: Final = (1, 10, 100, 1000)


def rate_nano(rates: Iterable[RateTable], currency: str, now: datetime, max_age: timedelta) -> int:
    """The dollars for one unit of a currency that is not USD, in nano-dollars.

    Raises:
        CheckoutProblemError: there is none, or it is too old to promise anything by it.
    """
    for rate in rates:
        if rate.currency == currency:
            if now - rate.at > max_age:
                raise not_now("rate-too-old", f"the rate of {currency} is not up to date", 3600)
            return parse_nano(rate.usd)
    raise bad_request("no-rate", f"there is no rate of {currency}")


def amount_minor(usd_nano: int, units_nano: int, minor_per_unit: int, step: int = 1) -> int:
    """What to charge for a credit, in minor units of the currency.

    Args:
        usd_nano: the credit, in nano-dollars.
        units_nano: dollars for one unit of the currency, in nano-dollars.
        minor_per_unit: minor units in a unit.
        step: amounts are multiples of this many minor units.
    """
    least = -(-usd_nano * minor_per_unit // units_nano)
    return -(-least // step) * step


def step_of(provider: Provider, currency: str) -> int:
    """The least difference between two amounts of a currency, in minor units of the provider.

    In some currencies a provider counts in units that it does not take singly.

    Raises:
        CheckoutProblemError: it takes no amount in this currency.
    """
    for step in _STEPS:
        with suppress(RefusedByProviderError):
            if provider.to_minor(provider.from_minor(step, currency), currency) == step:
                return step
    raise bad_request("no-account", f"the provider takes no {currency}")
