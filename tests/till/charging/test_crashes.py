"""A charger that dies at any write or request charges nobody twice, without need, or unseen."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from front.pusher import NotPushedError
from gitmeter.money.topups.attempts import NOT_TRIED, PAID_OTHERWISE, attempts_of
from gitmeter.money.topups.judging import TopupStop
from providers.cards import ChargeOrder, ChargeStatus
from providers.stripe.units import to_minor
from tests.till.charging.crashes import CrashedError
from tests.till.charging.history import run_history
from tests.till.charging.ledger_model import committed_lines
from tests.till.charging.place import (
    BELOW_USD,
    CHARGER,
    MONTH_USD,
    USD,
    ChargerPlace,
    NowPusher,
    new_customer,
    pay_on_page,
)
from tests.till.place import ACCOUNT, START
from tests.till.world import World
from tests.till.world_cards import NEEDS_OWNER, PROCESSING, SUCCEEDS
from till.charging.charger import CardCharger, Due
from till.charging.deciding import NotNow
from till.charging.settling import settle_all
from till.charging.worker import ChargeWorker
from wire_format.posts.topup_due import AccountBelow

STEPS = 60
POINTS_MAX = 120


@pytest.mark.parametrize("seed", range(1, 13))
def test_weeks_in_which_everything_goes_wrong(seed: int) -> None:
    """Together these die more than 500 times."""
    wrong, done = run_history(seed, STEPS)
    assert wrong == []
    assert done["crashed"] >= 20
    assert done["paid"] >= 5


class OneNeed:
    """An account that is due, and a charger that dies at one point."""

    def __init__(self, folder: Path, outcome: str) -> None:
        self.world = World(START)
        self.place = ChargerPlace(folder, self.world)
        self.world.outcomes[""] = outcome
        customer = new_customer(self.world, "alice-01")
        payment = pay_on_page(self.world, "alice-01", customer, 1, saves=True)
        account = AccountBelow(
            "alice-01", USD, BELOW_USD, MONTH_USD, "3.00", ACCOUNT, payment, (payment,)
        )
        self.due = Due(account, START, {})
        with self.place.open() as till:
            settle_all(till, self.place.charger(till)[1])

    def charge(self, point: int | None, *, then: timedelta = timedelta()) -> bool:
        """Charge, dying at a point, then go on from what is on disk; whether it died."""
        has_died = self._once(point)
        self.world.now += then
        self._once(None)
        return has_died

    def _once(self, point: int | None) -> bool:
        self.place.crashes.arm(point)
        try:
            with self.place.crashes.at_writes(), self.place.open() as till:
                charger, pusher = self.place.charger(till)
                pusher.wake()
                charger.resume(is_start=True)
                charger.take(self.due)
                charger.resume(is_start=True)
        except CrashedError:
            return True
        finally:
            self.place.crashes.arm(None)
        return False

    def statuses(self) -> Counter[ChargeStatus]:
        """Of the automatic charges."""
        charges = self.world.open(ACCOUNT).charges(None, START)  # type: ignore[attr-defined]
        return Counter(c.status for c in charges if c.attempt.startswith("auto:"))

    def lines(self) -> list[tuple[str, str | None]]:
        """Kind and reason of the lines on the remote."""
        found = committed_lines(self.place.remote, None)[1]
        return [(line.record.kind, line.record.reason) for line in found]


@pytest.mark.parametrize(
    ("outcome", "status", "ends", "every"),
    [
        (SUCCEEDS, ChargeStatus.PAID, [], 1),
        (PROCESSING, ChargeStatus.PROCESSING, [], 3),
        (NEEDS_OWNER, ChargeStatus.NEEDS_CUSTOMER, [], 2),
        ("insufficient_funds", ChargeStatus.CANCELED, [("ended", "insufficient_funds")], 2),
    ],
)
def test_it_dies_at_each_point_and_goes_on(
    tmp_path: Path,
    outcome: str,
    status: ChargeStatus,
    ends: list[tuple[str, str | None]],
    every: int,
) -> None:
    """Within ten minutes it comes to the same as if it had not died."""
    for point in range(0, POINTS_MAX, every):
        (folder := tmp_path / str(point)).mkdir()
        need = OneNeed(folder, outcome)
        has_died = need.charge(point)
        assert need.statuses() == {status: 1}, point
        assert need.lines() == [("pending", None), *ends], point
        if not has_died:
            assert point > 20
            return
    raise AssertionError("more points than there can be")


@pytest.mark.parametrize("outcome", [SUCCEEDS, NEEDS_OWNER, "insufficient_funds"])
def test_it_dies_at_each_point_and_goes_on_two_days_later(tmp_path: Path, outcome: str) -> None:
    """By then the provider has forgotten keys, and the need may have gone: nothing is charged."""
    for point in range(0, POINTS_MAX, 1 if outcome == SUCCEEDS else 3):
        (folder := tmp_path / str(point)).mkdir()
        need = OneNeed(folder, outcome)
        before = len(need.world.confirmed)
        has_died = need.charge(point, then=timedelta(days=2))
        if not has_died:
            return
        found = need.statuses()
        assert found.total() <= 1, point
        assert set(found) <= {ChargeStatus.PAID, ChargeStatus.CANCELED, ChargeStatus.NEEDS_CUSTOMER}
        was_charged = len(need.world.confirmed) > before
        lines = need.lines()
        if not was_charged and lines:
            assert lines == [("pending", None), ("ended", NOT_TRIED)], point
        with need.place.open() as till:
            is_open = bool(till.attempts.open(ACCOUNT))
        assert is_open == (ChargeStatus.NEEDS_CUSTOMER in found), point
    raise AssertionError("more points than there can be")


@pytest.mark.parametrize("pays", [True, False])
def test_what_waits_for_the_customer_is_given_up_once_he_has_paid_by_himself(
    tmp_path: Path, *, pays: bool
) -> None:
    """Else he pays twice for one need, when he answers his bank after that; it is no failure."""
    need = OneNeed(tmp_path, NEEDS_OWNER)
    need.charge(None)
    assert need.statuses() == {ChargeStatus.NEEDS_CUSTOMER: 1}
    customer = next(iter(need.world.customers))
    need.world.now += timedelta(minutes=20)
    if pays:
        pay_on_page(need.world, "alice-01", customer, 2)
    with need.place.open() as till:
        charger, pusher = need.place.charger(till)
        charger.resume()
        pusher.wake()
    if not pays:
        assert need.statuses() == {ChargeStatus.NEEDS_CUSTOMER: 1}
        return
    assert need.statuses() == {ChargeStatus.CANCELED: 1}
    assert need.lines() == [("pending", None), ("ended", PAID_OTHERWISE)]
    begun = attempts_of(committed_lines(need.place.remote, None)[1])
    assert [each.has_failed for each in begun] == [False]


@pytest.mark.parametrize("loses", ["its machine", "its memory"])
def test_what_lost_what_it_knew_charges_nobody_before_everything_is_settled(
    tmp_path: Path, loses: str
) -> None:
    """What was begun a moment ago is looked up and ended; charges of no attempt are canceled."""
    need = OneNeed(tmp_path, SUCCEEDS)
    need.place.before = _dies_at_confirm
    with pytest.raises(CrashedError), need.place.open() as till:
        need.place.charger(till)[0].take(need.due)
    need.place.before = lambda *_: None
    assert need.statuses() == {ChargeStatus.NEW: 1}
    stray = need.world.begin(None, "auto:bobby-02:0123456789abcdef")
    if loses == "its machine":
        need.place.join_elsewhere()
    else:
        need.place.lose_memory()
    with need.place.open() as till:
        charger, pusher = need.place.charger(till)
        need.world.is_down = True
        settle_all(till, pusher)
        assert charger.take(need.due) is NotNow.NOT_SETTLED
        need.world.is_down = False
        settle_all(till, pusher)
        assert charger.take(need.due) is NotNow.NOT_SEEN
        later = need.due._replace(seen={CHARGER: 2**40})
        assert charger.take(later) is TopupStop.RECENT
    assert need.statuses() == {ChargeStatus.CANCELED: 2}
    assert need.lines() == [("pending", None), ("ended", NOT_TRIED)]
    assert need.world.payments[stray].failed
    assert need.world.confirmed == []


def test_a_line_that_is_ahead_of_the_clock_is_not_on_the_remote(tmp_path: Path) -> None:
    """A clock that is set back keeps it in the spool: nothing is created before it is pushed."""
    need = OneNeed(tmp_path, SUCCEEDS)

    class SetsBack(NowPusher):
        def push(self, wait_s: int) -> None:
            if till.attempts.open(ACCOUNT):
                need.world.now = START - timedelta(minutes=3)
            super().push(wait_s)

    with need.place.open() as till:
        pusher = SetsBack(till, need.place.crashes)
        with pytest.raises(NotPushedError):
            CardCharger(till, need.place.limits, pusher).take(need.due)
        assert (need.lines(), need.statuses()) == ([], Counter())
        need.world.now = START + timedelta(minutes=1)
        need.place.charger(till)[0].resume(is_start=True)
    assert (need.lines(), need.statuses()) == ([("pending", None)], {ChargeStatus.PAID: 1})


def test_an_amount_that_no_card_can_be_charged_ends_as_a_failure(tmp_path: Path) -> None:
    """Else it would be tried each day for ever, and nobody told why nothing comes of it."""
    need = OneNeed(tmp_path, SUCCEEDS)

    def refuses(_: object, name: str, args: tuple[ChargeOrder, ...]) -> None:
        if name == "create_charge":
            to_minor(args[0].amount, args[0].currency)

    need.place.before = refuses
    account = structs.replace(need.due.account, amount_usd="19.995")
    need.due = need.due._replace(account=account)
    need.charge(None)
    assert (need.lines(), need.statuses()) == ([("pending", None), ("ended", "refused")], Counter())


def test_what_was_lost_is_asked_for_once_however_many_attempts_there_were(tmp_path: Path) -> None:
    need, asked = OneNeed(tmp_path, SUCCEEDS), Counter[str]()
    for _ in range(3):
        account = structs.replace(need.due.account, paid=tuple(need.world.payments))
        need.due = Due(account, need.world.now, {CHARGER: 2**40})
        need.charge(None)
        need.world.now += timedelta(days=2)
    need.place.lose_memory()
    need.place.before = lambda _, name, __: asked.update([name])
    with need.place.open() as till:
        worker = ChargeWorker(till, need.place.limits, need.place.charger(till)[1])
        worker._resume(is_start=True)
        assert till.attempts.open(ACCOUNT) == []
    assert (need.statuses(), asked) == ({ChargeStatus.PAID: 3}, {"charges": 1})


@pytest.mark.parametrize(("request_of_one", "paid"), [("create_charge", 1), ("confirm", 0)])
def test_two_tills_that_are_told_of_one_need_charge_at_most_once(
    tmp_path: Path, request_of_one: str, paid: int
) -> None:
    """The other one is told while the first is about to ask the provider for something."""
    need = OneNeed(tmp_path, SUCCEEDS)
    (tmp_path / "other").mkdir()
    other = ChargerPlace(tmp_path / "other", need.world)
    with need.place.open() as till, other.open() as till_of_other:
        settle_all(till_of_other, other.charger(till_of_other)[1])

        def before(_: object, name: str, __: object) -> None:
            if name == request_of_one:
                need.place.before = lambda *_: None
                other.charger(till_of_other)[0].take(need.due)

        need.place.before = before
        need.place.charger(till)[0].take(need.due)
    assert need.statuses()[ChargeStatus.PAID] == len(need.world.confirmed) == paid
    assert need.statuses()[ChargeStatus.NEW] == 0


def test_a_clock_that_was_ahead_for_a_while_delays_no_attempt(tmp_path: Path) -> None:
    need = OneNeed(tmp_path, PROCESSING)
    with need.place.open() as till:
        charger = need.place.charger(till)[0]
        charger.take(need.due)
        need.world.now = START + timedelta(days=30)
        charger.resume()
        need.world.now = START + timedelta(minutes=1)
        need.world.end_processing(need.world.confirmed[0])
        charger.resume()
        assert till.attempts.open(ACCOUNT) == []


def _dies_at_confirm(_: object, name: str, __: object) -> None:
    if name == "confirm":
        raise CrashedError
