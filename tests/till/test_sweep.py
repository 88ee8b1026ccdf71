"""A sweep finds by itself what no event told, and knows how far it has come."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from node_pusher.sending.push import push
from providers.interface import Truth
from providers.tag import Promise
from tests.till.place import ACCOUNT, START, TillPlace
from tests.till.world import World, WorldProvider
from till.intake.intake import NotRecordedError, ask, write
from till.intake.missing import DIFFERS, LATE_MAX, TOO_OLD, pending_line
from till.intake.till import Till
from till.sweeping.sweep import ATTEMPT_MAX, OVERLAP, Swept, sweep


def swept(till: Till, since: datetime | None = None) -> Swept:
    return sweep(till, till.accounts.named(ACCOUNT), since, lambda *_: None)


def paid(place: TillPlace, user: str = "alice", amount: str = "20.00") -> str:
    return place.world.succeed(place.world.begin(place.tag(user, amount)), amount)


def promise_link(place: TillPlace, till: Till) -> None:
    """Write that a link was promised as the attempt A1, at a provider that keeps no tags."""
    promise = Promise("alice", "20.00", "TZS", "52632", place.world.now, "")
    line = pending_line(
        node="till-1",
        seq=2**53 - 1,
        at=place.world.now,
        provider=ACCOUNT,
        promise=promise,
        attempt="A1",
    )
    with till.spool.store.exclusive():
        write(till, [line])


def test_everything_is_found_without_any_event(place: TillPlace, till: Till) -> None:
    payment = paid(place)
    place.world.refund(payment, "5.00")
    done = swept(till)
    assert (done.objects, done.lines, done.failed, done.why) == (2, 2, 0, "")
    assert [line.kind for line in place.lines()] == ["payment", "refund"]
    assert swept(till).lines == 0
    assert till.marks.times(ACCOUNT).swept_at == place.world.now


def test_it_goes_on_a_week_before_the_last_complete_one(place: TillPlace, till: Till) -> None:
    assert swept(till).since == START - LATE_MAX
    place.world.now += timedelta(days=2)
    assert swept(till).since == START - OVERLAP
    place.world.now += timedelta(days=60)
    assert swept(till).since == place.world.now - LATE_MAX


def test_one_that_cannot_read_to_the_end_counts_as_none(place: TillPlace, till: Till) -> None:
    swept(till)
    paid(place)
    place.world.now += timedelta(days=2)
    place.world.is_down = True
    done = swept(till)
    assert (done.why, done.lines) == ("the world is down", 0)
    assert till.marks.times(ACCOUNT).swept_at == START
    place.world.is_down = False
    assert swept(till).lines == 1


def test_one_object_that_cannot_be_recorded_holds_up_no_other(place: TillPlace, till: Till) -> None:
    bad, good = paid(place), paid(place, "bob")
    facts = place.world.payments[bad].facts
    facts[0] = facts[0]._replace(attempt="a b")
    done = swept(till)
    assert (done.lines, done.failed, done.why) == (1, 1, "")
    assert [line.external_ref for line in place.lines()] == [good]
    [failing] = till.marks.failing()
    assert failing.object == bad
    assert "attempt" in failing.error
    facts[0] = facts[0]._replace(attempt="ab")
    place.world.moved.clear()
    assert swept(till).lines == 1
    assert till.marks.failing() == []


def test_a_mistake_of_this_program_holds_up_no_other_object(
    place: TillPlace, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = paid(place), paid(place, "bob")
    truth = WorldProvider.truth

    def mistaken(self: WorldProvider, name: str) -> Truth | None:
        if name == bad:
            raise KeyError("x")
        return truth(self, name)

    monkeypatch.setattr(WorldProvider, "truth", mistaken)
    done = swept(till)
    assert (done.lines, done.failed, done.why) == (1, 1, "")
    assert [line.external_ref for line in place.lines()] == [good]
    assert [failing.error for failing in till.marks.failing()] == ["KeyError: 'x'"]


def test_an_attempt_that_is_closed_is_not_waited_for(tmp_path: Path) -> None:
    """A link stays open for ever."""
    place = TillPlace(tmp_path, World(START, is_tagged=False))
    with place.open() as till:
        promise_link(place, till)
        link = place.world.begin(None, "A1")
        ask(till, till.accounts.named(ACCOUNT), link)
        assert till.marks.watched(ACCOUNT) == [link]
        place.world.now += ATTEMPT_MAX + timedelta(seconds=1)
        assert swept(till).lines == 1
        swept(till)
        assert till.marks.watched(ACCOUNT) == []
        place.world.succeed(link, "52632", "TZS")
        assert swept(till).lines == 1
    assert [line.kind for line in place.lines()] == ["pending", "ended", "payment"]
    assert place.lines()[-1].user == "alice"


def test_what_is_not_final_is_asked_about_until_it_is(place: TillPlace, till: Till) -> None:
    """A bank debit succeeds days after it began, and moves nothing that is listed before."""
    payment = place.world.begin(place.tag())
    ask(till, till.accounts.named(ACCOUNT), payment)
    assert till.marks.watched(ACCOUNT) == [payment]
    place.world.now += timedelta(days=9)
    place.world.succeed(payment, "20.00")
    place.world.moved.clear()
    assert swept(till).lines == 1
    assert till.marks.watched(ACCOUNT) == []


def test_a_payment_of_others_is_neither_recorded_nor_asked_about_again(
    place: TillPlace, till: Till
) -> None:
    theirs = place.world.begin(None)
    ask(till, till.accounts.named(ACCOUNT), theirs)
    assert till.marks.watched(ACCOUNT) == []
    place.world.succeed(theirs, "1.00")
    assert swept(till).lines == 0
    assert till.marks.faults() == []


def test_a_promise_that_nobody_signed_is_told_and_not_credited(
    place: TillPlace, till: Till
) -> None:
    forged = place.tag().replace("20.00", "90.00")
    payment = place.world.begin(forged)
    place.world.succeed(payment, "90.00")
    swept(till)
    assert place.lines() == []
    [fault] = till.marks.faults()
    assert (fault.ref, fault.what) == (payment, "forged tag")
    assert till.marks.acknowledge(ACCOUNT, payment)
    swept(till)
    assert till.marks.faults() == []
    assert not till.marks.acknowledge(ACCOUNT, "pi_other")


def test_a_promise_counts_for_one_payment(place: TillPlace, till: Till) -> None:
    tag = place.tag()
    first, second = place.world.begin(tag), place.world.begin(tag)
    place.world.succeed(first, "20.00")
    place.world.succeed(second, "20.00")
    swept(till)
    assert [line.external_ref for line in place.lines()] == [first]
    assert [(f.ref, f.what) for f in till.marks.faults()] == [(second, "tag of another payment")]


def test_what_a_line_says_otherwise_is_told(place: TillPlace, till: Till) -> None:
    payment = paid(place)
    swept(till)
    facts = place.world.payments[payment].facts
    facts.append(facts[0]._replace(kind="refund", external_ref="re_9", of_ref=payment, amount="1"))
    swept(till, place.world.now)
    facts[1] = facts[1]._replace(amount="2")
    swept(till)
    assert [(f.ref, f.what) for f in till.marks.faults()] == [("re_9", DIFFERS)]
    facts[1] = facts[1]._replace(amount="1")
    swept(till)
    assert till.marks.faults() == []


def test_what_is_too_old_for_a_line_of_a_till_is_told(place: TillPlace, till: Till) -> None:
    """Its commit would hold the whole repo."""
    payment = paid(place)
    place.world.now += LATE_MAX + timedelta(seconds=1)
    ask(till, till.accounts.named(ACCOUNT), payment)
    assert place.lines() == []
    assert [(f.ref, f.what) for f in till.marks.faults()] == [(payment, TOO_OLD)]


def test_an_attempt_that_came_to_nothing_is_closed(tmp_path: Path) -> None:
    place = TillPlace(tmp_path, World(START, is_tagged=False))
    with place.open() as till:
        promise_link(place, till)
        place.world.now += ATTEMPT_MAX
        assert swept(till).lines == 0
        assert place.world.asked == {"A1": 1}
        place.world.now += timedelta(seconds=1)
        assert swept(till).lines == 1
        asked = place.world.asked["A1"]
        assert swept(till).lines == 0
        assert place.world.asked["A1"] == asked
    begun, ended = place.lines()
    assert (ended.kind, ended.attempt, ended.reason) == ("ended", begun.attempt, "expired")


def test_the_index_is_made_again_from_git_alone(place: TillPlace) -> None:
    """Without `till.db`, after a push has emptied the spool, nothing is written twice."""
    payment = paid(place)
    with place.open() as till:
        swept(till)
        push(till.home, place.world.now)
        place.world.refund(payment, "5.00")
        swept(till)
    for file in place.home.glob("till.db*"):
        file.unlink()
    with place.open() as till:
        assert swept(till).lines == 0
    assert len(place.lines()) == 2


def test_an_older_spool_from_a_backup_makes_the_index_anew(place: TillPlace, till: Till) -> None:
    account = till.accounts.named(ACCOUNT)
    payment = paid(place)
    ask(till, account, payment)
    with till.spool.store.exclusive():
        till.lines.follow(till.spool)
    before = till.lines.payments_of("alice")
    with till.spool.store._write() as connection:
        connection.execute("DELETE FROM records")
        connection.execute("UPDATE state SET next_seq = 1")
    assert len(before) == 1
    assert ask(till, account, payment) == 1
    assert len(place.lines()) == 1


def test_a_failure_is_noted_with_its_reason_and_forgotten(place: TillPlace, till: Till) -> None:
    payment = paid(place)
    place.world.is_down = True
    for times in (1, 2):
        with pytest.raises(NotRecordedError) as failed:
            ask(till, till.accounts.named(ACCOUNT), payment)
        assert failed.value.failing.times == times
        assert failed.value.retry
    place.world.is_down = False
    ask(till, till.accounts.named(ACCOUNT), payment)
    assert till.marks.failing() == []
