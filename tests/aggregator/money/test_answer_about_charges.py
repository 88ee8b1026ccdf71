"""What the aggregator's answer says besides uncovered automatic payments, to judge them by."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregator.reports import payments
from aggregator.store.questions.charged import TERMS_MAX
from tests.support.ledger.told_case import tell
from tests.support.ledger.world import World
from tests.support.money_story import Story, When

NINE = datetime(2026, 11, 9, 9, 30, tzinfo=UTC)


def charge(s: Story, ref: str, day: When, user: str = "alice", **more: Any) -> int:  # noqa: ANN401
    """A payment that a saved card gave."""
    attempt = {"attempt": f"auto:{user}:{ref}", "user": user}
    return s.pay("till-1", ref, "20.00", day, **attempt | more)


def agree(s: Story, day: float, user: str = "alice", writer: str = "desk-1") -> None:
    """A consent and a setting."""
    of: dict[str, Any] = {"type": "account", "v": 2, "user": user}
    s.line(
        "till-1", day, kind="consent", amount_usd="20", of_provider="stripe", of_ref="pi_1", **of
    )
    s.line(writer, day, kind="setting", auto_topup_usd="20", cap_usd="1", **of)


def asked(tmp_path: Path, s: Story) -> dict[str, Any]:
    """The answer about what is not confirmed."""
    world = World(tmp_path)
    tell(world, s.case(), Random(1))
    found: dict[str, Any] = {}
    with world.reading() as store:
        assert [*payments.unconfirmed(store, found)]
    return found


def refs(found: dict[str, Any]) -> list[str]:
    return sorted(each["external_ref"] for each in found["covered"])


def test_where_no_card_was_charged_nothing_is_told(tmp_path: Path) -> None:
    """Neither of whoever has settled something, nor of charges that are covered."""
    s = Story(desks=("desk-1",))
    agree(s, 2)
    charge(s, "pi_1", 3)
    s.reconcile("till-1", 2, 2, 4)
    s.pay("till-1", "pi_2", "20.00", 3)
    assert asked(tmp_path, s) == {"terms": [], "covered": []}


def test_the_terms_of_the_users_are_told_as_they_stand(tmp_path: Path) -> None:
    """What counts, of them alone, and before the charge; of the books without a commit's time."""
    s = Story(desks=("desk-1",))
    agree(s, 2)
    agree(s, 3, "bob")
    agree(s, 4, writer="books")
    s.decide("exclude", 6, of="till-1", of_seq=3)
    charge(s, "pi_3", 5)
    agree(s, 6)
    (first, second, third) = asked(tmp_path, s)["terms"]
    assert first == {
        "node": "books",
        "seq": 1,
        "ts": "2026-11-04T00:00:00Z",
        "committed_at": None,
        "user": "alice",
        "kind": "setting",
        "auto_topup_usd": "20",
    }
    assert sorted([second["kind"], third["kind"]]) == ["consent", "setting"]
    consent = second if second["kind"] == "consent" else third
    assert (consent["of_provider"], consent["of_ref"], consent["amount_usd"]) == (
        "stripe",
        "pi_1",
        "20",
    )
    assert consent["committed_at"] == "2026-11-02T00:00:00Z"


def test_whoever_states_too_much_hides_what_is_older(tmp_path: Path) -> None:
    s = Story(desks=("desk-1",))
    agree(s, 2)
    commit = s.commit("desk-1", 3)
    of: dict[str, Any] = {"type": "account", "v": 2, "user": "alice", "kind": "setting"}
    for number in range(TERMS_MAX):
        s.line("desk-1", 3, commit=commit, auto_topup_usd=f"{number}.00", **of)
    charge(s, "pi_2", 5)
    found = asked(tmp_path, s)["terms"]
    assert len(found) == TERMS_MAX
    assert {each["ts"] for each in found} == {"2026-11-03T00:00:00Z"}


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_covered_charges_are_those_of_the_same_month_and_of_everybody_in_the_hours_around(
    tmp_path: Path, user: str
) -> None:
    s = Story()
    for day in (1, 9):
        charge(s, f"pi_{day}", day, user)
    for minute in (0, 1, 30, 59):
        charge(s, f"pi_9{minute}", NINE + timedelta(minutes=minute), "carol")
    uncovered = charge(s, "pi_2", NINE + timedelta(minutes=60, seconds=30))
    s.pay("till-1", "pi_0", "20.00", NINE + timedelta(minutes=61), attempt="topup:1")
    for day in (31, 33):
        charge(s, f"pi_{day}", day, user)
    for span in ((1, uncovered - 1), (uncovered + 1, uncovered + 3)):
        s.reconcile("till-1", *span, 34)
    found = asked(tmp_path, s)
    own = ["pi_1", "pi_9"] if user == "alice" else []
    assert refs(found) == sorted([*own, "pi_91", "pi_930", "pi_959"])
    assert all(each["credit_usd"] == "20.00" for each in found["covered"])
