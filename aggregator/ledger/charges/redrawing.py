"""What grants pay of the charges of one account, drawn again: from changed charges on.

A change moves what grants pay as long as one of them has more or less left than it had: until each
that differs is used up or has ended. Between the change and the hours in which one that differs may
be used up, every charge is paid as it was. So only the hours around both are read, page by page.
Every method works inside the caller's transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from aggregator.rating.drawing import Billed, Drawn, draw
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import RatedCharge
from aggregator.store.charges.drawn_rows import DrawnRow
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import EVER_HOUR, Granted, Hours

_PERIODS_MAX: Final = 16
"""Active periods of a page; each grant of a page is looked at for each of its charges."""


class Redrawing:
    """Draws on the grants of an account again, and finds which rows that adds and takes away.

    Args:
        store: the ledger's store; the charges are written already.
        account: the account.
        grants: those that may pay from the first hour on.
        totals: what was drawn of each grant in all, by name.

    Attributes:
        gone, new: rows that are no longer right, and those that are.
    """

    def __init__(
        self,
        store: LedgerStore,
        account: AccountRow,
        grants: Sequence[Granted],
        totals: Mapping[str, int],
    ) -> None:
        self._store = store
        self._account = account
        self._grants = [grant for grant in grants if grant.spans]
        self._totals = totals
        self._was: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self.gone: set[DrawnRow] = set()
        self.new: set[DrawnRow] = set()

    def draw(self, hours: Hours) -> None:
        """Draw anew from an hour on.

        Args:
            hours: from the first to the last one in which charges, or grants, are not as they were.
        """
        hour, periods = hours.first, 1
        self._begin(hours)
        while alive := [grant for grant in self._ending_after(hour) if self._left[grant.name] > 0]:
            end = self._store.active.after(self._account.id, hour, periods)
            self._page(Hours(hour, end), alive)
            hour, periods = end, min(2 * periods, _PERIODS_MAX)
            if hours.end <= hour < EVER_HOUR:
                hour = self._next_difference(end)
                if hour > end:
                    self._pass(Hours(end, hour))
                    periods = 1
            if hour >= EVER_HOUR:
                return
        self.gone.update(self._store.drawn.among(self._account.id, Hours(hour, EVER_HOUR)))

    def _ending_after(self, hour: int) -> Iterator[Granted]:
        return (grant for grant in self._grants if grant.spans[-1].end > hour)

    def _begin(self, hours: Hours) -> None:
        """Find what each grant had left before the first of some hours."""
        hour = hours.first
        begun = [grant for grant in self._ending_after(hour) if grant.spans[0].first < hour]
        since: Mapping[str, int] = {}
        if any(self._totals.get(grant.name) for grant in begun):
            end = max(grant.spans[-1].end for grant in begun)
            if hours.end >= EVER_HOUR:
                end = EVER_HOUR  # grants changed too, and one that ends earlier has paid until now
            since = self._store.drawn.sums(self._account.id, Hours(hour, end))
        for grant in self._grants:
            self._left[grant.name] = grant.amount_nano
        for grant in begun:
            name = grant.name
            self._left[name] -= self._totals.get(name, 0) - since.get(name, 0)
        self._was.update(self._left)

    def _page(self, hours: Hours, alive: Sequence[Granted]) -> None:
        """Draw in some hours."""
        paying = [
            grant
            for grant in alive
            if any(span.first < hours.end and hours.first < span.end for span in grant.spans)
        ]
        ids: dict[Billed, int] = {}
        charges = self._store.charges.of_account(self._account, *hours) if paying else ()
        new = {*rows_of(draw(_billed(charges, ids), paying, self._left), ids)}
        old = self._store.drawn.among(self._account.id, hours)
        for row in old:
            self._was[row.granted] = self._was.get(row.granted, 0) - row.nano
        self.gone.update(row for row in old if row not in new)
        self.new |= new.difference(old)

    def _next_difference(self, hour: int) -> int:
        """The first hour from one on in which a charge may be paid otherwise than it was."""
        found = EVER_HOUR
        for grant in self._ending_after(hour):
            was, left = self._was[grant.name], self._left[grant.name]
            if was != left:
                # while both have more than nothing left, a charge is paid in the same way
                until = Hours(hour, min(found, grant.spans[-1].end))
                reached = self._store.drawn.hour_of_sum(
                    self._account.id, grant.name, until, min(was, left)
                )
                found = found if reached is None else reached
        return found

    def _pass(self, hours: Hours) -> None:
        """Pass hours over in which everything is paid as it was."""
        if hours.end >= EVER_HOUR:
            return
        for name, nano in self._store.drawn.sums(self._account.id, hours).items():
            self._was[name] -= nano
            self._left[name] -= nano


def rows_of(drawn: Iterable[Drawn], ids: Mapping[Billed, int]) -> list[DrawnRow]:
    """What was drawn as rows, with the resource of each charge, noted by then."""
    return [
        DrawnRow(each.charge.hour, ids[each.charge], each.charge.applies_to, *each[1:])
        for each in drawn
    ]


def _billed(charges: Iterable[RatedCharge], ids: dict[Billed, int]) -> Iterator[Billed]:
    """Charges as they draw; notes the resource of each."""
    for row, _, resource, _ in charges:
        billed = Billed(row.hour, resource, row.applies_to, row.billed_cost_nano)
        ids[billed] = row.resource_id
        yield billed
