"""A card that is saved at a checkout brings one line of consent, which says what the page said."""

from datetime import timedelta

import pytest

from node_pusher.sending.push import push
from providers.consents import ConsentTerms
from tests.till.cards.saving import last_order, lose_memory, page, save
from tests.till.place import ACCOUNT, TillPlace
from tests.till.programs import CARDS, TERMS
from tests.till.served import served
from till.config.tables import CardsTable
from till.intake import intake
from till.intake.consents import BEYOND
from till.intake.intake import NotRecordedError, ask
from till.intake.till import Till
from till.sweeping.sweep import sweep


def ask_about(till: Till, payment: str) -> int:
    return ask(till, till.accounts.named(ACCOUNT), payment)


def sweep_all(till: Till) -> int:
    done = sweep(till, till.accounts.named(ACCOUNT), None, lambda *_: None)
    assert (done.failed, done.why) == (0, "")
    return done.lines


def test_the_line_states_what_the_page_stated(place: TillPlace) -> None:
    with served(place) as till:
        payment = save(till, below_usd="5", month_usd="99.5")
        order = last_order(place)
        assert order.consent == ("20.00", "5.00", "99.50")
        assert order.customer in place.world.customers
        till.wait_pushed(1)
    [money], [consent] = place.lines(), place.consents()
    assert (consent.v, consent.kind, consent.user, consent.ts) == (2, "consent", "alice", money.ts)
    assert (consent.amount_usd, consent.below_usd, consent.month_usd) == order.consent
    assert (
        (consent.of_provider, consent.of_ref)
        == (ACCOUNT, payment)
        == (
            money.provider,
            money.external_ref,
        )
    )


def test_a_payment_without_a_saved_card_brings_no_consent(place: TillPlace) -> None:
    with served(place) as till:
        payment = page(till)
        assert (last_order(place).customer, last_order(place).consent) == (None, None)
        place.world.succeed(payment, "20.00")
        assert till.hook(payment).status == 200
    assert [line.external_ref for line in place.lines()] == [payment]
    assert place.consents() == []
    assert place.world.customers == {}


def test_events_that_come_twice_and_a_sweep_write_it_once(place: TillPlace) -> None:
    with served(place) as till:
        payment = save(till)
        place.world.now += timedelta(days=1)
        place.world.refund(payment, "5.00")
        assert till.hook(payment).status == 200
    with place.open() as opened:
        assert sweep_all(opened) == 0
        push(opened.home, place.world.now)
        assert sweep_all(opened) == 0
    lose_memory(place)
    with place.open() as opened:
        assert sweep_all(opened) == 0
    assert [line.kind for line in place.lines()] == ["payment", "refund"]
    assert len(place.consents()) == 1


def test_a_sweep_finds_the_consent_that_no_event_told(place: TillPlace) -> None:
    with served(place) as till:
        payment = page(till, save_card=TERMS)
    place.world.succeed(payment, "20.00")
    place.world.now += timedelta(days=3)
    with place.open() as opened:
        assert sweep_all(opened) == 2
    [consent] = place.consents()
    assert (consent.of_ref, consent.ts) == (payment, place.lines()[0].ts)


def test_a_page_that_is_not_paid_brings_nothing(place: TillPlace) -> None:
    with served(place) as till:
        payment = page(till, save_card=TERMS)
        assert till.hook(payment).status == 200
        place.world.fail(payment, "card_declined")
        assert till.hook(payment).status == 200
    assert place.lines() == []
    assert place.consents() == []


def test_a_till_that_stops_on_the_way_writes_both_lines_or_none(
    place: TillPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut between the two leaves neither, and the next event writes them."""
    with served(place) as till:
        payment = page(till, save_card=TERMS)
    place.world.succeed(payment, "20.00")
    written = intake.write

    def cut(till: Till, *arguments: object) -> int:
        written(till, *arguments)  # type: ignore[arg-type] # whatever it is called with
        raise KeyboardInterrupt

    monkeypatch.setattr(intake, "write", cut)
    with place.open() as opened, pytest.raises(KeyboardInterrupt):
        ask_about(opened, payment)
    assert (place.lines(), place.consents()) == ([], [])
    monkeypatch.undo()
    with place.open() as opened:
        assert ask_about(opened, payment) == 2
    assert len(place.lines()) == len(place.consents()) == 1


def test_a_consent_that_is_missing_beside_its_payment_is_written_later(place: TillPlace) -> None:
    """As by a till that saved no cards when the money came."""
    with served(place) as till:
        payment = page(till, save_card=TERMS)
    place.world.succeed(payment, "20.00")
    saving, place.config = place.config, place.config.model_copy(update={"cards": None})
    with place.open() as opened:
        assert ask_about(opened, payment) == 1
        assert opened.marks.faults() == []
    place.config = saving
    with place.open() as opened:
        assert sweep_all(opened) == 1
        assert sweep_all(opened) == 0
    assert [consent.of_ref for consent in place.consents()] == [payment]


def test_another_amount_than_was_promised_is_no_consent(place: TillPlace) -> None:
    """What was paid is undecided, and the customer may not have seen that page at all."""
    with served(place) as till:
        payment = page(till, save_card=TERMS)
        place.world.succeed(payment, "19.00")
        assert till.hook(payment).status == 200
    assert [line.status for line in place.lines()] == ["undecided"]
    assert place.consents() == []


def test_a_promise_of_somebody_else_is_no_consent(place: TillPlace) -> None:
    """A tag that is copied to another payment, or forged, counts there for nothing."""
    with served(place) as till:
        first, copy, forged = save(till), page(till, "bob", save_card=TERMS), page(till, "bob")
        world = place.world
        world.payments[copy].tag = world.payments[first].tag
        world.payments[forged].tag = place.tag("bob").replace("20.00", "20.01")
        world.payments[forged].order = world.payments[copy].order
        for payment in (copy, forged):
            world.succeed(payment, "20.00")
            assert till.hook(payment).status == 200
    assert [line.external_ref for line in place.lines()] == [first]
    assert [consent.of_ref for consent in place.consents()] == [first]


def test_what_is_beyond_the_limits_is_refused_and_told(place: TillPlace) -> None:
    with served(place) as till:
        answer = till.checkout(save_card=TERMS | {"amount_usd": "100.01", "month_usd": "500.00"})
        assert (answer.status, answer.json["type"]) == (422, "urn:gitmeter:problem:beyond-consent")
        assert place.world.orders == []
        payment = page(till, save_card=TERMS)
    place.world.succeed(payment, "20.00")
    lower = CardsTable.model_validate(CARDS | {"consent_max_usd": "19.99"})
    place.config = place.config.model_copy(update={"cards": lower})
    with place.open() as opened:
        assert ask_about(opened, payment) == 1
        assert [(fault.ref, fault.what) for fault in opened.marks.faults()] == [(payment, BEYOND)]
        ask_about(opened, payment)
        assert len(opened.marks.faults()) == 1
    assert place.consents() == []


def test_no_card_is_saved_without_limits(place: TillPlace) -> None:
    place.config = place.config.model_copy(update={"cards": None})
    with served(place) as till:
        answer = till.checkout(save_card=TERMS)
        assert (answer.status, answer.json["title"]) == (422, "cards not offered")
        assert (till.get("/terms").status, till.get("/terms").json["status"]) == (404, 404)
    assert place.world.orders == []


def test_an_index_of_an_earlier_till_learns_of_consents(place: TillPlace) -> None:
    """`till.db` of a version that knew none keeps what it has."""
    with place.open() as opened:
        opened.marks.watch(ACCOUNT, "pi_9", place.world.now)
        with opened.marks._file.writing() as connection:
            connection.execute("DROP TABLE customers")
            connection.execute("DROP INDEX consents_by_user")
            connection.execute("PRAGMA user_version = 1")
    with served(place) as till:
        save(till)
        assert till.till.marks.watched(ACCOUNT) == ["pi_9"]
        assert till.till.customers.count(ACCOUNT) == 1


def test_what_somebody_wrote_at_the_provider_by_hand_holds_up_no_payment(place: TillPlace) -> None:
    with served(place) as till:
        odd, wrong = page(till, save_card=TERMS), page(till, save_card=TERMS)
        for payment, below_usd in ((odd, "-0"), (wrong, "five")):
            order = place.world.payments[payment].order
            assert order is not None
            terms = ConsentTerms("20", below_usd, "100")
            place.world.payments[payment].order = order._replace(consent=terms)
            place.world.succeed(payment, "20.00")
            assert till.hook(payment).status == 200
    assert {line.external_ref for line in place.lines()} == {odd, wrong}
    [consent] = place.consents()
    assert (consent.of_ref, consent.below_usd) == (odd, "0.00")


def test_a_mistake_of_this_program_is_told_and_written_later(
    place: TillPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(place) as till:
        payment = page(till, save_card=TERMS)
    place.world.succeed(payment, "20.00")

    def mistaken(**_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(intake, "consent_line", mistaken)
    with place.open() as opened:
        with pytest.raises(NotRecordedError):
            ask_about(opened, payment)
        [failing] = opened.marks.failing()
        assert failing.object == payment
        assert place.lines() == []
        monkeypatch.undo()
        assert sweep_all(opened) == 2
