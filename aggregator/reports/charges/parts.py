"""What charges are made of, by the tiers of the prices that were in force."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from aggregator.rating.discounts import Discount
from aggregator.rating.rating import ChargeState, Rater
from aggregator.rating.series import Payer, SeriesRater
from aggregator.rating.shares import CostShare, ShareKind, cost_shares
from aggregator.rating.tariff import Tariff
from aggregator.rating.windows import InWindow, Use
from aggregator.reports.accounts import account_of_user
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import RatedCharge
from aggregator.store.charges.series_rows import Series
from aggregator.store.questions.exports import WholeCharge
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Hours
from gitmeter.pricing.price_book import NoPrice

_WINDOWS_KEPT: Final = 10_000


class TakenApart(NamedTuple):
    """What a charge is made of.

    Attributes:
        discount: of the charge.
        tariff: its price; None without one.
        shares: its parts, which add up to it; none of a charge that was not rated in full.
    """

    discount: Discount
    tariff: Tariff | None = None
    shares: Sequence[CostShare] = ()


class ChargeParts:
    """Takes charges apart.

    Args:
        store: the ledger, in the caller's view.
        rater: rates under the rule book in force.
    """

    def __init__(self, store: LedgerStore, rater: Rater) -> None:
        self._store = store
        self._rater = rater
        self._totals: dict[tuple[tuple[int, int, int], Hours, str | None], int] = {}

    def of(self, whole: WholeCharge) -> TakenApart:
        """Return what a charge is made of."""
        row, user, resource, first_paid_us = whole.rated
        discount = self._rater.ladder.discount_at(first_paid_us, row.hour, row.applies_to)
        tariff = self._rater.price_at(resource, row.applies_to, row.hour, user)
        if isinstance(tariff, NoPrice):
            return TakenApart(discount)
        if row.state is not ChargeState.RATED:
            return TakenApart(discount, tariff)
        if (
            tariff.unit is not None
            and row.quantity
            and not (whole.counted and whole.counted.included)
        ):
            costs = row.list_cost_nano, row.billed_cost_nano
            share = CostShare(ShareKind.UNITS, 0, row.quantity, row.quantity, *costs)
            return TakenApart(discount, tariff, (share,))
        place = None if whole.counted is None else InWindow(*whole.counted, 0)
        if place is not None and tariff.is_volume:
            place = place._replace(total=self._total(whole.rated))
        shares = cost_shares(tariff, row.quantity, place, discount.multiplier)
        return TakenApart(discount, tariff, shares)

    def _total(self, charge: RatedCharge) -> int:
        """The units that the window of a charge counts in the end."""
        row = charge.row
        account = account_of_user(self._store, charge.user)
        payer = payer_of(self._rater, account)
        rates = SeriesRater(self._rater, payer, charge.resource, row.applies_to)
        window = rates.window_at(row.hour)
        key = (Series(*row[1:4], charge.resource).key, *window)
        total = self._totals.get(key)
        if total is None:
            if len(self._totals) >= _WINDOWS_KEPT:
                self._totals.clear()
            uses = window_uses(self._store, payer, charge, window.hours, window.cycle)
            total = self._totals[key] = sum(use.quantity - use.included for use in uses)
        return total


def payer_of(rater: Rater, account: AccountRow) -> Payer:
    """What the costs of an account depend on."""
    return Payer(account.user, account.tenure, rater.plans_of(account.plans))


def window_uses(
    store: LedgerStore, payer: Payer, charge: RatedCharge, hours: Hours, cycle: str | None
) -> list[Use]:
    """The units that are counted in the window of a charge, by hour.

    Args:
        store: the ledger.
        payer: the account.
        charge: a charge that is counted beyond its hour.
        hours: the hours of the window.
        cycle: of a cycle its name; only its hours count. None for other windows.
    """
    found = store.series.charges(Series(*charge.row[1:4], charge.resource), hours)
    return [
        Use(each.row.hour, each.row.quantity, each.included)
        for each in found
        if cycle is None or payer.plans.cycle_of(each.row.hour) == cycle
    ]
