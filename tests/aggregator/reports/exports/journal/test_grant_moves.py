"""What a grant moves comes at each hour to what the grant is then."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregator.rating.standing import GrantLeft, breakage_of, in_balance_nano, state_at
from aggregator.reports.exports.journal.accounts import CONTRA, PAID, PAID_BREAKAGE, PROMOTIONAL
from aggregator.reports.exports.journal.entries import Postings
from aggregator.reports.exports.journal.terms import grant_moves
from gitmeter.money.granted import EVER_HOUR, Granted, Hours
from wire_format.instants import HOUR_US

_WORTH_NANO = 10
_LAST_HOUR = 10


@st.composite
def told_grants(draw: st.DrawFn) -> tuple[Granted, list[int]]:
    """A grant, or credit of a cycle that is in force now and then, and what is drawn by hour."""
    is_of_plan = draw(st.booleans())
    count = draw(st.integers(1, 3)) if is_of_plan else 1
    hours = sorted(
        draw(st.sets(st.integers(1, _LAST_HOUR), min_size=2 * count, max_size=2 * count))
    )
    spans = [Hours(*hours[at : at + 2]) for at in range(0, 2 * count, 2)]
    is_endless = draw(st.booleans()) and not is_of_plan
    if is_endless:
        spans = [Hours(spans[0].first, EVER_HOUR)]
    end = spans[-1].end
    is_void = draw(st.booleans()) and not (is_of_plan or is_endless)
    terms: dict[str, Any] = {
        "provider": "plan" if is_of_plan else "manual",
        "reference": "g",
        "amount_nano": _WORTH_NANO,
        "category": "promotional" if is_of_plan else draw(st.sampled_from(("promotional", "paid"))),
        "priority": 1,
        "from_hour": spans[0].first,
        "until_hour": None if is_endless else end + is_void,
        "scope": None,
        "spans": tuple(spans),
        "void_hour": end if is_void else None,
    }
    drawn = [0] * (_LAST_HOUR + 2)
    left = _WORTH_NANO
    for hour in range(_LAST_HOUR + 2):
        if any(span.first <= hour < span.end for span in spans):
            drawn[hour] = min(left, draw(st.sampled_from((0, 0, 1, 3))))
            left -= drawn[hour]
    return Granted(**terms), drawn


@given(told_grants())
def test_a_grant_is_owed_while_it_is_in_force_and_breaks_where_it_ends(
    told: tuple[Granted, list[int]],
) -> None:
    grant, drawn = told
    borders = [hour for span in grant.spans for hour in span]
    moves = list(grant_moves(grant, [sum(drawn[:hour]) for hour in borders]))
    for hour in range(_LAST_HOUR + 3):
        found, used = Postings(), sum(drawn[:hour])
        for move in moves:
            if move.hour < hour:
                found.move(move.into, move.out_of, move.nano)
        at = GrantLeft(grant, grant.amount_nano - used, state_at(grant, hour * HOUR_US))
        owed = found[PAID if grant.category == "paid" else PROMOTIONAL] + used
        assert -owed == in_balance_nano([at])
        breakage = breakage_of([at])
        assert -found[PAID_BREAKAGE] == breakage.paid
        assert -found[f"{CONTRA}:breakage"] == breakage.promotional
        if grant.category == "promotional":
            assert -found[f"{CONTRA}:void"] == breakage.voided
