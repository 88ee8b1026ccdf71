"""The limits of the configuration that decide what is billed, as a ledger states them of itself.

So lines can be judged again by a program that has the ledger and not the configuration.
"""

from typing import Final, NamedTuple

from aggregator.config.settings import Config
from aggregator.store.store import LedgerStore

JUDGED_UNDER: Final = "judged_under"
"""Key of the fact that has the limits that all records of a ledger were judged under."""

_TEST: Final = "test"


class BillingLimits(NamedTuple):
    """The limits that decide what is billed.

    Attributes:
        skew_s: seconds that a record may be ahead of its commit.
        charge_cost_max_usd: the most that one charge costs at the list price.
        test: whether movements of providers' test accounts count.
    """

    skew_s: int
    charge_cost_max_usd: int
    test: bool

    @property
    def text(self) -> str:
        """As a ledger states them."""
        stated = f"skew_s={self.skew_s} charge_cost_max_usd={self.charge_cost_max_usd}"
        return f"{stated} {_TEST}" if self.test else stated


def limits_of(config: Config) -> BillingLimits:
    """The limits that are configured."""
    return BillingLimits(config.skew_s, config.charge_cost_max_usd, config.test)


def judged_under(store: LedgerStore) -> BillingLimits | None:
    """The limits that a ledger was judged under; None where it does not say."""
    parts = (store.fact(JUDGED_UNDER) or "").split()
    stated = dict(part.split("=") for part in parts if "=" in part)
    if stated.keys() != {"skew_s", "charge_cost_max_usd"}:
        return None
    numbers = {name: int(value) for name, value in stated.items()}
    return BillingLimits(**numbers, test=_TEST in parts)
