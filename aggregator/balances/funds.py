"""What an account has as the ledger is, from sums that the ledger keeps: no charge is read."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from aggregator.store.questions.reports import Row, account_of
from aggregator.store.store import LedgerStore
from wire_format.instants import to_us
from wire_format.plans import NO_PLANS

if TYPE_CHECKING:
    from aggregator.balances.terms import GrantsAndPlans


class Funds(NamedTuple):
    """What an account has at an instant, in nano-dollars.

    Attributes:
        pool_nano: payments, version 1 grants and adjustments, less what was taken back and fees.
        billed_nano: what it used, whoever pays for it.
        drawn_nano: what grants with terms paid of that.
        granted_nano: what is left of grants in force.
    """

    pool_nano: int
    billed_nano: int
    drawn_nano: int
    granted_nano: int

    @property
    def uncovered_nano(self) -> int:
        """What no grant paid: it falls on the pool."""
        return self.billed_nano - self.drawn_nano

    @property
    def own_nano(self) -> int:
        """What it has without any grant; from this fees of plans are paid."""
        return self.pool_nano - self.uncovered_nano

    @property
    def balance_nano(self) -> int:
        """All that it has."""
        return self.own_nano + self.granted_nano


class CurrentFunds:
    """Tells what accounts have as the ledger is.

    The instant matters for grants alone: which of them are in force. Lines and usage dated after it
    are not in a ledger, or by no more than clocks differ.

    Args:
        store: the ledger.
        now: the instant.
    """

    def __init__(self, store: LedgerStore, now: datetime) -> None:
        self._store = store
        self._now_us = to_us(now)
        self._terms: GrantsAndPlans | None = None

    def of(self, row: Row) -> Funds:
        """What the account in a row of `store.reports` has."""
        granted_nano = self._granted_nano(row) if has_terms(row) else 0
        return funds_of(row, granted_nano)

    def _granted_nano(self, row: Row) -> int:
        from aggregator.rating.standing import in_balance_nano  # with grants or plans alone

        terms, drawn = self._terms_for(row), self._store.drawn.totals(row["id"])
        return in_balance_nano(terms.grants(account_of(row), self._now_us, drawn))

    def _terms_for(self, row: Row) -> "GrantsAndPlans":
        from aggregator.balances.terms import GrantsAndPlans, terms_of

        if row["plans"] is None:  # the rule book need not be read
            return GrantsAndPlans(NO_PLANS)
        self._terms = self._terms or terms_of(self._store)
        return self._terms


def has_terms(row: Row) -> bool:
    """Whether an account has grants with terms, or plans of its own."""
    return row["plans"] is not None or row["grants"] is not None


def funds_of(row: Row, granted_nano: int) -> Funds:
    """What an account has, by its sums and what is left of its grants in force."""
    return Funds(
        int(row["credit_nano"]), int(row["billed_cost_nano"]), int(row["drawn_nano"]), granted_nano
    )
