"""Incidents about money lines are open exactly as long as the lines are as they are."""

from pathlib import Path

import pytest

from tests.support.ledger.world import World, decision_line
from tests.support.repos import money_line

OVER = "more refunded than paid"
DENIED = "payment contradicted"
T0, T1 = "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"

PAYMENT = money_line(seq=1, amount="10", external_ref="pi_1", ts=T0)
REFUNDS = [
    money_line(seq=seq, kind="refund", refers_to=1, amount="6", external_ref=f"re_{seq}", ts=T1)
    for seq in (2, 3)
]
FAILED = money_line(seq=4, amount="10", external_ref="pi_1", status="failed", ts=T1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.rules()
    return made


def shown(world: World) -> list[tuple[str, str]]:
    """Kind and subject of the open incidents; the same in a ledger made anew."""
    found = sorted((row["kind"], row["subject"]) for row in world.incidents())
    assert world.verify().matches
    world.forget()
    world.pull()
    assert found == sorted((row["kind"], row["subject"]) for row in world.incidents())
    return found


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_what_is_refunded_beyond_a_payment_is_reported(world: World, order: list[int]) -> None:
    """Whatever the order; the balance gives back what was paid and no more."""
    lines = [PAYMENT, *REFUNDS]
    for at in order:
        world.pay(lines[at])
        world.pull()
    assert shown(world) == [(OVER, "seq 1 by 2.00 USD")]
    assert world.balance("alice")["balance_nano"] == 0


@pytest.mark.parametrize(("excluded", "left"), [(1, 0), (2, 4 * 10**9), (3, 4 * 10**9)])
def test_excluding_a_refund_or_the_payment_ends_it(world: World, excluded: int, left: int) -> None:
    world.pay(PAYMENT, *REFUNDS)
    world.pull()
    world.decide(decision_line(seq=9, kind="exclude", of="books", of_seq=excluded))
    world.pull()
    assert shown(world) == []
    assert world.balance("alice")["balance_nano"] == left


def test_acknowledged_it_stays_closed_until_more_is_refunded(world: World) -> None:
    world.pay(PAYMENT, *REFUNDS)
    world.decide(
        decision_line(
            seq=9, kind="acknowledge", repo="books", incident=OVER, subject="seq 1 by 2.00 USD"
        )
    )
    world.pull()
    assert shown(world) == []
    world.pay(money_line(seq=10, kind="refund", refers_to=1, amount="1", ts=T1))
    world.pull()
    assert shown(world) == [(OVER, "seq 1 by 3.00 USD")]


def test_failed_after_it_succeeded_is_reported_and_held(world: World) -> None:
    """The payment counts until the operator decides; then nothing is left to say."""
    world.pay(FAILED)
    world.pull()
    assert shown(world) == []
    world.pay(PAYMENT)
    world.pull()
    assert shown(world) == [(DENIED, "seq 4")]
    assert [row["reason"] for row in world.held()] == ["contradicts"]
    assert world.balance("alice")["balance_nano"] == 10 * 10**9
    world.decide(decision_line(seq=9, kind="exclude", of="books", of_seq=1))
    world.pull()
    assert shown(world) == []
    assert world.balance("alice")["balance_nano"] == 0
