"""What grants pay of charges, written: of one account from an hour on, or of many that go on.

Every method works inside the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from aggregator.ledger.charges.redrawing import Redrawing, rows_of
from aggregator.rating.drawing import Billed, draw
from aggregator.rating.rating import Rater
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import CHARGE_COLUMNS, ChargeRow
from aggregator.store.charges.drawn_rows import DrawnRow
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Granted, Hours
from gitmeter.money.plans.timeline import PlanTimeline
from wire_format.fields import APPLIES_TO, AppliesTo


class NewCharge(NamedTuple):
    """A charge that is later than all that its account had.

    Attributes:
        billed: what it costs.
        resource_id: the row of its resource.
    """

    billed: Billed
    resource_id: int


class ToDraw:
    """The changed charges of accounts with grants or plans of their own.

    Args:
        accounts: of all charges, as they were before these changed.
        resources: the ids of resources.

    Attributes:
        anew: by account from the first to the last hour with a changed charge, where it is to draw
            anew.
    """

    def __init__(self, accounts: Iterable[AccountRow], resources: Mapping[str, int]) -> None:
        self._last = {a.id: a.last_active_hour for a in accounts if a.has_terms}
        self._names = {number: name for name, number in resources.items()}
        self._charges: dict[int, dict[tuple[int, int, AppliesTo], NewCharge]] = defaultdict(dict)
        self._with_gone: set[int] = set()
        self.anew: dict[int, Hours] = {}

    def add(self, rows: Iterable[ChargeRow], *, are_gone: bool = False) -> None:
        """Note charges; the last word about each counts."""
        for row in rows if self._last else ():
            if row.account_id in self._last:
                self._add(*row[:4], row.billed_cost_nano)
                if are_gone:
                    self._with_gone.add(row.account_id)

    def add_numbers(self, numbers: Iterable[int]) -> None:
        """Note charges that are the table's own numbers, one charge after the other."""
        if not self._last:
            return
        for row in zip(*[iter(numbers)] * CHARGE_COLUMNS, strict=True):
            if row[1] in self._last:
                self._add(row[0], row[1], row[2], APPLIES_TO[row[3]], row[8])

    def _add(
        self, hour: int, account_id: int, resource_id: int, applies_to: AppliesTo, billed_nano: int
    ) -> None:
        billed = Billed(hour, self._names[resource_id], applies_to, billed_nano)
        self._charges[account_id][hour, resource_id, applies_to] = NewCharge(billed, resource_id)

    def going_on(self, touched: Container[int]) -> dict[int, list[NewCharge]]:
        """The charges of accounts that had none so late; notes the hours of the others.

        Args:
            touched: the accounts with charges whose cost follows from others: they are not rated.
        """
        found: dict[int, list[NewCharge]] = {}
        for account_id, charges in self._charges.items():
            own = sorted(charges.values())
            changed = Hours(own[0].billed.hour, own[-1].billed.hour + 1)
            last = self._last[account_id]
            is_later = last is None or last < changed.first
            if is_later and account_id not in touched and account_id not in self._with_gone:
                found[account_id] = own
            else:
                self.anew[account_id] = changed
        return found


class GrantDraws:
    """Draws on the grants of accounts.

    Args:
        store: the ledger's store.
        rater: rates under the rule book in force.
    """

    def __init__(self, store: LedgerStore, rater: Rater) -> None:
        self._store = store
        self._rater = rater

    def anew(self, account: AccountRow, plans: PlanTimeline, hours: Hours) -> None:
        """Draw on an account's grants again from an hour on; its charges are written already.

        Args:
            account: the account.
            plans: what it has by its plan lines.
            hours: from the first to the last one in which a charge or a grant changed.
        """
        if not account.has_terms and not account.drawn_nano:
            return
        drawn = self._store.drawn
        totals = drawn.totals(account.id)
        grants = _grants_since(account, plans, hours.first)
        again = Redrawing(self._store, account, grants, totals)
        again.draw(hours)
        for row in again.gone:
            totals[row.granted] -= row.nano
        for row in again.new:
            totals[row.granted] = totals.get(row.granted, 0) + row.nano
        drawn.delete(account.id, again.gone)
        drawn.add({account.id: again.new})
        changed = {row.granted for row in (*again.gone, *again.new)}
        drawn.save_totals({account.id: {name: totals[name] for name in changed}})
        account.drawn_nano += sum(row.nano for row in again.new)
        account.drawn_nano -= sum(row.nano for row in again.gone)

    def going_on(
        self, accounts: Mapping[int, AccountRow], charges: Mapping[int, Sequence[NewCharge]]
    ) -> None:
        """Draw for accounts whose new charges are later than all that they had.

        Args:
            accounts: by their rows.
            charges: by account the new charges, in the order in which they draw.
        """
        totals = self._store.drawn.totals_of(charges)
        rows: dict[int, list[DrawnRow]] = {}
        saved: dict[int, Mapping[str, int]] = {}
        for account_id, own in charges.items():
            account, drawn = accounts[account_id], totals.get(account_id, {})
            plans = self._rater.plans_of(account.plans)
            grants = _grants_since(account, plans, own[0].billed.hour)
            left = _left(grants, drawn)
            ids = {each.billed: each.resource_id for each in own}
            new = rows_of(draw((each.billed for each in own), grants, left), ids)
            if new:
                changed = {row.granted for row in new}
                by_name = {grant.name: grant.amount_nano for grant in grants}
                rows[account_id] = new
                saved[account_id] = {name: by_name[name] - left[name] for name in changed}
                account.drawn_nano += sum(row.nano for row in new)
        self._store.drawn.add(rows)
        self._store.drawn.save_totals(saved)


def _grants_since(account: AccountRow, plans: PlanTimeline, first: int) -> list[Granted]:
    """The grants of an account, and the credits of its cycles that may pay from an hour on."""
    last = account.last_active_hour
    if not account.plans or last is None:
        return list(account.grants)
    return [*account.grants, *plans.credits(first, last + 1)]


def _left(grants: Iterable[Granted], totals: Mapping[str, int]) -> dict[str, int]:
    return {grant.name: grant.amount_nano - totals.get(grant.name, 0) for grant in grants}
