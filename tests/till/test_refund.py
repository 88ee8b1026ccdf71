"""Money goes back once for each request, whatever happens in between."""

import pytest

from providers.interface import Fact, RefusedByProviderError, UnreachableProviderError
from tests.till.place import ACCOUNT, TillPlace
from tests.till.world import World, WorldProvider
from till.intake.till import Till
from till.refunds.refund import Refunded, RefundError, Wish, refund


@pytest.fixture
def payment(place: TillPlace) -> str:
    return place.world.succeed(place.world.begin(place.tag()), "20.00")


def give_back(
    till: Till, payment: str, amount: str | None, number: int = 1, *, is_beyond: bool = False
) -> Refunded:
    wish = Wish(payment, amount, "double order", number, is_beyond)
    return refund(till, till.accounts.named(ACCOUNT), wish, None)


def refunds(world: World, payment: str) -> list[str]:
    return [fact.amount for fact in world.payments[payment].facts if fact.kind == "refund"]


def test_the_same_command_gives_back_once(place: TillPlace, till: Till, payment: str) -> None:
    first = give_back(till, payment, "5.00")
    assert (first.refund, first.amount, first.is_new, first.is_recorded) == (
        "re_2",
        "5.00",
        True,
        True,
    )
    assert give_back(till, payment, "5") == first._replace(is_new=False)
    assert refunds(place.world, payment) == ["5.00"]
    assert [line.kind for line in place.lines()] == ["payment", "refund"]


def test_another_one_of_the_same_amount_is_asked_for_by_number(
    place: TillPlace, till: Till, payment: str
) -> None:
    with pytest.raises(RefundError, match=r"there was no refund 1 of 5.00"):
        give_back(till, payment, "5.00", 2)
    give_back(till, payment, "5.00")
    assert give_back(till, payment, "5.00", 2).is_new
    assert not give_back(till, payment, "5.00", 2).is_new
    assert refunds(place.world, payment) == ["5.00", "5.00"]


def test_the_rest_is_what_neither_went_back_nor_was_disputed(
    place: TillPlace, till: Till, payment: str
) -> None:
    give_back(till, payment, "5.00")
    failed = place.world.refund(payment, "1.00")
    place.world.reverse(payment, failed)
    place.world.dispute(payment, "4.00")
    assert give_back(till, payment, None).amount == "11.00"
    assert not give_back(till, payment, None).is_new
    with pytest.raises(RefundError, match=r"0\.00 USD of pi_1 is left"):
        give_back(till, payment, "0.01")


def test_more_than_is_left_is_refused_unless_it_is_meant(
    place: TillPlace, till: Till, payment: str
) -> None:
    with pytest.raises(RefundError, match=r"20\.00 USD of pi_1 is left"):
        give_back(till, payment, "20.01")
    assert refunds(place.world, payment) == []
    assert give_back(till, payment, "20.01", is_beyond=True).is_new


@pytest.mark.parametrize("amount", ["0", "-1", "1e3", "x", "0.001"])
def test_no_other_amount_is_asked_for(till: Till, payment: str, amount: str) -> None:
    with pytest.raises((RefundError, RefusedByProviderError)):
        give_back(till, payment, amount)
    assert till.requests.of_payment(ACCOUNT, payment) == []


def test_a_payment_of_others_or_of_nobody_is_not_given_back(place: TillPlace, till: Till) -> None:
    theirs = place.world.succeed(place.world.begin(None), "20.00")
    with pytest.raises(RefundError, match="another program"):
        give_back(till, theirs, "5.00")
    with pytest.raises(RefundError, match="knows no payment"):
        give_back(till, "pi_9", "5.00")


def test_an_answer_that_is_lost_costs_nothing_twice(
    place: TillPlace, till: Till, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider has the refund, and nobody heard of it."""
    given = WorldProvider.refund

    def lost(self: WorldProvider, *asked: str) -> Fact:
        given(self, *asked)
        raise UnreachableProviderError("the answer is lost")

    monkeypatch.setattr(WorldProvider, "refund", lost)
    with pytest.raises(UnreachableProviderError):
        give_back(till, payment, "5.00")
    monkeypatch.undo()
    done = give_back(till, payment, "5.00")
    assert (done.is_new, done.is_recorded) == (False, True)
    assert refunds(place.world, payment) == ["5.00"]


def test_a_lost_file_of_requests_costs_nothing_twice(place: TillPlace, payment: str) -> None:
    with place.open() as till:
        give_back(till, payment, "5.00")
    for file in place.home.glob("till.db*"):
        file.unlink()
    with place.open() as till:
        assert not give_back(till, payment, "5.00").is_new
    assert refunds(place.world, payment) == ["5.00"]


def test_what_the_provider_refuses_is_as_if_it_had_not_been_asked(
    place: TillPlace, till: Till, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: WorldProvider, *asked: str) -> Fact:
        raise RefusedByProviderError("no money on the account")

    monkeypatch.setattr(WorldProvider, "refund", refuse)
    with pytest.raises(RefundError, match="no money on the account"):
        give_back(till, payment, None)
    monkeypatch.undo()
    assert give_back(till, payment, None).amount == "20.00"


def test_without_a_key_of_its_own_nothing_goes_back(
    place: TillPlace, till: Till, payment: str
) -> None:
    account = till.accounts.named(ACCOUNT)
    account.table = account.table.model_copy(update={"refund_key_file": None})
    with pytest.raises(RefundError, match="no key for refunds"):
        refund(till, account, Wish(payment, "5.00", "x"), None)
    assert refunds(place.world, payment) == []
