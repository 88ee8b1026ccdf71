"""The answer to a case, in the form of the worked cases."""

from collections.abc import Callable
from typing import Any

from tests.support.naive.accounts import NaiveAccounts
from tests.support.naive.basics import hour_of, instant, written
from tests.support.naive.drawing import NaiveDrawing
from tests.support.naive.facts import NaiveFacts, Table
from tests.support.naive.grants import NaiveGrantLines
from tests.support.naive.lines.standing import NaiveStanding
from tests.support.naive.plans import NaivePlans
from tests.support.naive.pool import NaivePayments, NaivePool, dated_before
from tests.support.naive.rating import NaiveRating, NaiveUnits, meter_of

Answer = dict[str, Any]


def answer(case: Table) -> Answer:
    """The whole answer to a case that has no `expect`."""
    return NaiveReading(NaiveFacts(case)).answer()


class NaiveReading:
    """Every part of the design, one after the other, over one case.

    Args:
        facts: what the case states.
        rate: rates all units; the plain rules of `rating` unless told.
    """

    def __init__(
        self,
        facts: NaiveFacts,
        rate: Callable[[NaivePool, NaivePlans], NaiveRating] = NaiveRating,
    ) -> None:
        self.facts = facts
        self.standing = NaiveStanding(facts)
        self.payments = NaivePayments(self.standing)
        self.grant_lines = NaiveGrantLines(self.payments)
        self.pool = NaivePool(self.payments, self.grant_lines.old())
        self.plans = NaivePlans(self.pool)
        self.rating = rate(self.pool, self.plans)
        self.drawing = NaiveDrawing(self.rating, self.plans, self.grant_lines.grants())
        self.accounts = NaiveAccounts(self.standing)

    def answer(self) -> Answer:
        """All that was asked."""
        priced = [u for u in self.rating.units if u.list_nano is not None]
        unpriced = [u for u in self.rating.units if u.list_nano is None]
        return {
            "counts": self._counts(),
            "waits": self._waits(),
            "charges": [_charge(units) for units in priced],
            "unpriced": [_series(units) for units in unpriced],
            "drawn": self._drawn(),
            "pool": self._by_user(self._pool),
            "uncovered": self._by_user(self.drawing.uncovered),
            "balance": self._by_user(self._balance),
            "grants": self._by_user(self._grants),
            "breakage": self._by_user(self.drawing.breakage),
            "plan": self._by_user(self._plan),
            "accounts": self._by_user(self._account),
        }

    def _by_user(self, figure: Callable[[str, int], object]) -> dict[str, dict[str, object]]:
        return {
            user: {text: figure(user, instant(text)) for text in self.facts.ask}
            for user in self.facts.users
        }

    def _counts(self) -> list[str]:
        lines = [
            *self.payments.counting,
            *self.pool.others,
            *(line for line in self.grant_lines.stand if line.version == 2),
            *self.grant_lines.voids,
            *(period.line for period in self.plans.periods),
            *self.accounts.lines,
        ]
        return sorted(line.name for line in lines)

    def _waits(self) -> list[str]:
        parts = (self.standing, self.grant_lines, self.pool, self.plans)
        return sorted({name for part in parts for name in part.waiting})

    def _drawn(self) -> list[Answer]:
        rows = [
            {
                "user": units.user,
                "hour": written(units.hour),
                "resource": units.resource,
                "applies_to": units.category,
                "grant": grant.name,
                "nano": nano,
            }
            for units, grant, nano in self.drawing.drawn
        ]
        return sorted(rows, key=lambda row: [str(value) for value in row.values()][:5])

    def _pool(self, user: str, asked: int) -> int:
        before_fees = self.pool.of(user, dated_before(asked))
        return before_fees - self.plans.fees_before(user, asked)

    def _balance(self, user: str, asked: int) -> int:
        left = self.drawing.in_balance(user, asked)
        return self._pool(user, asked) - self.drawing.uncovered(user, asked) + left

    def _grants(self, user: str, asked: int) -> list[Answer]:
        return [
            {
                "grant": grant.name,
                "left_nano": self.drawing.left(grant, asked),
                "state": self.drawing.state(grant, asked),
            }
            for grant in self.drawing.shown(user, asked)
        ]

    def _plan(self, user: str, asked: int) -> Answer | None:
        cycle = self.plans.cycle(user, hour_of(asked))
        if cycle is None:
            return None
        units = [
            one
            for one in self.rating.of(user)
            if one.cycle is not None and one.cycle.key == cycle.key and one.hour < asked
        ]
        meters = {}
        for meter in cycle.version.get("meters", []):
            mine = [u for u in units if meter_of(cycle.version, u.resource) == meter]
            given = sum(u.included for u in units if u.meter == meter["name"])
            most = meter["included"]
            meters[meter["name"]] = {
                "used": sum(u.quantity for u in mine),
                "included": most,
                "left": most if most == "unlimited" else most - given,
            }
        return {
            "plan": cycle.plan,
            "cycle_start": written(cycle.start),
            "cycle_end": written(cycle.end),
            "meters": meters,
        }

    def _account(self, user: str, asked: int) -> Answer:
        return {
            "setting": self.accounts.setting(user, asked),
            "suspended": self.accounts.suspended(user, asked),
            "keys": self.accounts.open_keys(user, asked),
        }


def _series(units: NaiveUnits) -> Answer:
    return {
        "user": units.user,
        "hour": written(units.hour),
        "resource": units.resource,
        "applies_to": units.category,
        "quantity": units.quantity,
        "included": units.included,
    }


def _charge(units: NaiveUnits) -> Answer:
    return _series(units) | {
        "before": units.before,
        "list_nano": units.list_nano,
        "billed_nano": units.billed_nano,
    }
