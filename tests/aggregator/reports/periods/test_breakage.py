"""What grants had left when they ended, by day: beside what is owed, where all of it is one sum."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.reports.periods.breakage import breakage_report
from aggregator.reports.periods.liability import liability_report
from aggregator.reports.periods.period import parse_period
from tests.support.ledger.terms_world import TermsWorld

NANO = 10**9


@pytest.fixture
def world(tmp_path: Path) -> TermsWorld:
    """Grants that ended on two days, one that is void, one that holds, and a plan that ended."""
    found = TermsWorld(tmp_path)
    found.pay_in("50.00")
    found.grant("brief", "3.00", days=1, scope=["llm/*"])
    found.grant("bought", "2.00", days=1, user="bob", category="paid")
    found.grant("longer", "1.00", days=3, user="bob")
    found.grant("void", "9.00", days=2, scope=["llm/*"])
    found.grant("lasting", "7.00", days=300, scope=["llm/*"])
    found.plan("pro", fee="30.00")
    found.use(25, instance="chat-1")  # 20 of them are in the plan; 0.50 of its credit is drawn
    found.later(hours=2)
    found.void("void")
    found.later(days=12)
    found.pull()
    return found


def rows(world: TermsWorld, period: str) -> tuple[list[Any], Any]:
    with world.reading() as store, store.view():
        found = breakage_report(store, world.now, parse_period(period, world.now))
        return list(found.rows), found.total


def test_it_is_told_by_the_day_on_which_it_ended(world: TermsWorld) -> None:
    told, total = rows(world, "2026-11")
    days = {day: (promotional, paid) for day, promotional, paid, _ in told}
    assert days == {
        "2026-11-03": (3 * NANO, 2 * NANO),
        "2026-11-05": (1 * NANO, 0),
        "2026-11-12": (45 * NANO // 10, 0),
    }
    assert all(amount == promotional + paid for _, promotional, paid, amount in told)
    assert total[1:] == tuple(sum(row[at] for row in told) for at in (1, 2, 3))


def test_days_add_up_to_what_is_told_beside_liability(world: TermsWorld) -> None:
    _, total = rows(world, "all")
    with world.reading() as store, store.view():
        beside = liability_report(store, world.now).head["beside"]
    sums = {row["what"]: row["amount_nano"] for row in beside}
    assert total[1] == sums["breakage of promotional grants"] > 0
    assert total[2] == sums["breakage of paid grants"] == 2 * NANO
    assert sums["left of void grants"] == 9 * NANO


def test_a_period_has_what_ended_in_it_alone(world: TermsWorld) -> None:
    assert [row[0] for row in rows(world, "2026-11-05")[0]] == ["2026-11-05"]
    assert rows(world, "2026-11-04") == ([], (None, 0, 0, 0))
    world.now += timedelta(days=1)
    assert rows(world, "today")[0] == []
