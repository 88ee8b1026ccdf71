"""The cost limits of records and charges, broken on purpose: one rule in each function."""

from typing import Any

import pytest

from aggregator.ledger import pending
from aggregator.ledger.charges.changed import ChangedStates
from aggregator.ledger.charges.charging import Charging
from aggregator.rating.rating import ChargeState, Rater, Rating
from aggregator.store.charges.charge_rows import ChargeRows
from aggregator.store.incident_rows import IncidentRows
from aggregator.store.line_rows import LineRows
from gitmeter.counting.grounds import Grounds
from wire_format.lines import Usage

Patch = pytest.MonkeyPatch


def no_record_is_too_dear(patch: Patch) -> None:
    """One node's line brings the charge to the limit, whatever another node recorded."""
    patch.setattr(Grounds, "exceeds", lambda *_: False)


def the_guess_suffices(patch: Patch) -> None:
    """Units that would be too dear at some price of the resource are held."""

    def broken(self: Grounds, record: Usage, units: int) -> bool:
        return units > self.limit.units_within.get(record.resource, units)

    patch.setattr(Grounds, "exceeds", broken)


def beyond_the_limit_nothing(patch: Patch) -> None:
    """A charge beyond the limit costs nothing."""
    rate = Rater.rate

    def broken(self: Rater, *key: Any) -> Rating:  # noqa: ANN401 - as `rate` has them
        found = rate(self, *key)
        return Rating(found.state, 0, 0) if found.state is ChargeState.OVERFLOW else found

    patch.setattr(Rater, "rate", broken)


def a_line_is_judged_at_arrival(patch: Patch) -> None:
    """The prices in force when a line arrives decide for good."""
    patch.setattr(pending, "repriced_seqs", lambda *_: {})


def held_lines_stay_held(patch: Patch) -> None:
    """What was too dear once is not judged again."""
    patch.setattr(LineRows, "beyond_limit", lambda _: iter(()))


def counted_lines_stay_counted(patch: Patch) -> None:
    """What was within the limit once is not judged again."""
    patch.setattr(ChargeRows, "larger_than", lambda *_: iter(()))


def each_line_by_itself(patch: Patch) -> None:
    """A record is judged without its corrections."""
    exceeds = Grounds.exceeds

    def broken(self: Grounds, record: Usage, units: int) -> bool:
        return exceeds(self, record, record.units)

    patch.setattr(Grounds, "exceeds", broken)


def rated_again_is_not_counted_again(patch: Patch) -> None:
    """Charges follow a new price, the number of those without one does not."""
    rate_again = Charging._rate_again

    def broken(self: Charging, page: Any, rater: Rater) -> None:  # noqa: ANN401 - handed on
        with pytest.MonkeyPatch.context() as blind:
            blind.setattr(ChangedStates, "note", lambda *_: 0)
            rate_again(self, page, rater)

    patch.setattr(Charging, "_rate_again", broken)


def incidents_stay_open(patch: Patch) -> None:
    """What was told once is never over."""
    patch.setattr(IncidentRows, "close", lambda *_: None)


def only_new_charges_are_told(patch: Patch) -> None:
    """A charge that loses its price opens no incident."""
    rate_under = Charging.rate_under

    def broken(self: Charging, before: Rater, rater: Rater) -> None:
        rate_under(self, before, rater)
        self.changed.charges.clear()

    patch.setattr(Charging, "rate_under", broken)
