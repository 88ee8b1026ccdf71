"""Chargers that are broken in one way, each of which the same histories tell from a right one."""

from typing import Any

import pytest

from providers.cards import CardCharge, ChargeStatus
from tests.till.charging.history import run_history
from till.charging import card, charger, deciding, steps
from till.charging.carrying import Carrying
from till.charging.deciding import DueCase
from till.charging.steps import AttemptStep, Held, NextStep
from till.intake.intake import end_attempt, printable, write
from till.records.attempts import AttemptRow
from wire_format.lines import Money

SEEDS = range(1, 9)
STEPS = 60


def caught(*, tells_crossings: bool = False) -> list[str]:
    """What the first history says that finds anything wrong."""
    for seed in SEEDS:
        wrong, _ = run_history(seed, STEPS, tells_crossings=tells_crossings)
        if wrong:
            return wrong
    return []


def test_a_trigger_by_crossing_leaves_somebody_in_need() -> None:
    """What was told once, while the charger was dead, is never told again."""
    assert "is left in need" in caught(tells_crossings=True)[0]


def test_a_stale_balance_charges_without_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its own lines, nor the provider's payments, are compared with what the ledger has."""
    right = deciding.decide

    def blind(case: DueCase, now_us: int) -> Any:  # noqa: ANN401
        return right(case._replace(seen_seq=case.last_seq), now_us)

    monkeypatch.setattr(charger, "decide", blind)
    monkeypatch.setattr(charger, "look_at", lambda *_: card.AtProvider(False, ()))  # noqa: FBT003
    assert any("no need" in fault for fault in caught())


def test_a_key_alone_charges_again_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the charge is not written down: whoever goes on asks with the same key."""

    def same_key(self: Carrying, found: object = None) -> NextStep:
        pending, key = self._pending(), self._key
        row = self._till.attempts.row(key) or self._adopted(pending)
        if pending is None or not row.customer:
            return NextStep(AttemptStep.WAIT)
        self._pusher.push(0)
        self._create(row)
        if not self._found:
            return NextStep(AttemptStep.WAIT)
        charge = self._provider.confirm(self._found[0].object_id)
        if charge.status is ChargeStatus.PAID:
            self._till.attempts.note_paid(key, self._till.clock())
        elif charge.status is ChargeStatus.DECLINED:
            self._provider.cancel(charge.object_id)
            end_attempt(self._till, pending, printable(charge.reason))
        return NextStep(AttemptStep.WAIT)

    monkeypatch.setattr(Carrying, "run", same_key)
    assert caught()


def test_a_charger_that_writes_what_was_paid_writes_it_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is paid is a line of the till that takes payments in."""
    right = Carrying._take

    def writing(self: Carrying, done: NextStep, row: AttemptRow, pending: Any) -> None:  # noqa: ANN401
        if done.step is AttemptStep.PAID and row.user:
            line = Money(
                v=2,
                node=self._till.spool.node,
                seq=2**53 - 1,
                ts=self._till.line_time(),
                user=row.user,
                kind="payment",
                provider=row.key.provider,
                external_ref=row.payment,
                amount=row.amount,
                currency="USD",
                status="succeeded",
                attempt=row.key.attempt,
            )
            write(self._till, [line])
            self._pusher.wake()
        right(self, done, row, pending)

    monkeypatch.setattr(Carrying, "_take", writing)
    assert any("a line of the kind payment" in fault for fault in caught())


def test_an_attempt_that_ends_before_its_charge_is_canceled_may_still_be_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A decline is not final."""
    right = steps._of_charge

    def hasty(held: Held, charge: CardCharge, now_us: int, *, is_wanted: bool) -> NextStep:
        if charge.status is ChargeStatus.DECLINED:
            return NextStep(AttemptStep.END, charge.reason)
        return right(held, charge, now_us, is_wanted=is_wanted)

    monkeypatch.setattr(steps, "_of_charge", hasty)
    assert caught()


def test_without_a_fuse_more_is_charged_in_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "blows", lambda *_: False)
    assert any("is beyond the fuse" in fault for fault in caught())


def test_a_charge_that_is_confirmed_long_after_its_post_is_without_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever goes on after days does not know whether the need is still there."""
    monkeypatch.setattr(steps, "is_recent", lambda *_: True)
    assert any("now is" in fault for fault in caught())
