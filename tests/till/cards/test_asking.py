"""What programs of this machine ask about cards, each for one account alone."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from providers.cards import CardProvider, ChargeOrder
from tests.till.cards.saving import save
from tests.till.place import ACCOUNT, START, TillPlace
from tests.till.programs import CARDS
from tests.till.served import Answer, Served, listen, served
from tests.till.world import CardWorldProvider, World
from tests.till.world_cards import NEEDS_OWNER
from till.serving.cards import AT_ONCE_MAX, WAITING_MAX

NOBODYS: Final = {"user": "carol", "account": ACCOUNT, "method": "pm_1"}


def cards(till: Served, user: str) -> list[dict[str, Any]]:
    """The cards that are listed for an account of ours."""
    answer = till.get(f"/cards?user={user}")
    assert answer.status == 200, answer
    assert answer.headers["cache-control"] == "no-store"
    listed: list[dict[str, Any]] = answer.json["cards"]
    return listed


def remove(till: Served, user: str, method: str, account: str = ACCOUNT) -> Any:  # noqa: ANN401
    """Have a card removed; whether it was."""
    answer = till.send("/cards/remove", {"user": user, "account": account, "method": method})
    assert answer.status == 200, answer
    return answer.json["removed"]


def charge(place: TillPlace, user: str, attempt: str) -> str:
    """The till that charges begins an automatic payment; the payment."""
    customer = next(name for name, one in place.world.customers.items() if one.user == user)
    with place.world.open() as provider:
        assert isinstance(provider, CardProvider)
        [card, *_] = provider.cards(customer)
        owner = place.world.keep_card(customer)._replace(method=card.method)
        order = ChargeOrder(owner, attempt, "20.00", "20.00", "USD", place.tag(user))
        made = provider.create_charge(order).object_id
        provider.confirm(made)
        provider.confirm_with_customer(made, "https://portal.example/payments")
    return made


def test_cards_are_listed_as_the_provider_has_them(place: TillPlace) -> None:
    with served(place) as till:
        assert cards(till, "alice") == []
        save(till, "alice")
        save(till, "alice")
        newest, first = cards(till, "alice")
        assert first == {
            "account": ACCOUNT,
            "method": first["method"],
            "brand": "visa",
            "last4": "4242",
            "expires": "2029-09",
        }
        assert newest["last4"] == "4243"
        assert cards(till, "bob") == []


def test_a_card_is_removed_for_its_owner_alone(place: TillPlace) -> None:
    with served(place) as till:
        save(till, "alice")
        save(till, "bob")
        [alices], [bobs] = cards(till, "alice"), cards(till, "bob")
        assert remove(till, "bob", alices["method"]) is False
        assert remove(till, "carol", alices["method"]) is False
        assert remove(till, "alice", alices["method"], "other-test") is False
        assert remove(till, "alice", "pm_999") is False
        assert cards(till, "alice") == [alices]
        assert remove(till, "alice", alices["method"]) is True
        assert remove(till, "alice", alices["method"]) is False
        assert (cards(till, "alice"), cards(till, "bob")) == ([], [bobs])
    assert [line.kind for line in place.lines()] == ["payment"] * 2
    assert len(place.consents()) == 2


def test_automatic_payments_are_told_to_their_own_account(place: TillPlace) -> None:
    with served(place) as till:
        save(till, "alice")
        save(till, "bob")
        place.world.outcomes["alice"] = NEEDS_OWNER
        first = charge(place, "alice", "auto:alice:1")
        place.world.outcomes["alice"] = "insufficient_funds"
        place.world.now += timedelta(days=1)
        second = charge(place, "alice", "auto:alice:2")
        found = till.get("/attempts?user=alice").json["attempts"]
        assert found == [
            {
                "account": ACCOUNT,
                "attempt": "auto:alice:2",
                "payment": second,
                "status": "declined",
                "reason": "insufficient_funds",
                "url": None,
                "created_at": "2026-11-22T13:05:00Z",
            },
            {
                "account": ACCOUNT,
                "attempt": "auto:alice:1",
                "payment": first,
                "status": "needs customer",
                "reason": NEEDS_OWNER,
                "url": f"https://bank.example/{first}",
                "created_at": "2026-11-21T13:05:00Z",
            },
        ]
        for stranger in ("bob", "carol"):
            assert till.get(f"/attempts?user={stranger}").json == {"attempts": []}
        place.world.now = START + timedelta(days=35, seconds=1)
        [left] = till.get("/attempts?user=alice").json["attempts"]
        assert left["payment"] == second


def test_the_terms_are_those_of_the_configuration(place: TillPlace) -> None:
    with served(place) as till:
        assert till.get("/terms").json == CARDS


def test_an_account_is_named_once_and_in_its_form(place: TillPlace) -> None:
    with served(place) as till:
        for path in ("/cards", "/attempts"):
            for asked in ("", "?user=", "?user=a%20b", "?user=a&user=b", "?user=" + "x" * 999):
                answer = till.get(path + asked)
                assert (answer.status, answer.json["title"]) == (422, "bad user"), asked
                assert answer.headers["content-type"] == "application/problem+json"


def test_what_names_no_card_is_refused(place: TillPlace) -> None:
    with served(place) as till:
        for body, title in (
            (NOBODYS | {"user": "a b"}, "bad user"),
            (NOBODYS | {"method": "../customers/cus_1"}, "bad request"),
            (NOBODYS | {"method": "pm_1\n"}, "bad request"),
            (NOBODYS | {"method": ""}, "bad request"),
            (NOBODYS | {"more": 1}, "bad request"),
            ({"user": "carol"}, "bad request"),
            ([], "bad request"),
        ):
            answer = till.send("/cards/remove", body)
            assert (answer.status, answer.json["title"]) == (422, title), body
            assert "carol" not in answer.json["detail"]


def test_a_page_in_a_browser_and_a_stranger_can_ask_for_none_of_it(place: TillPlace) -> None:
    with served(place) as till:
        local, public = till.listening.local, till.listening.public
        body = b'{"user": "alice", "account": "world-test", "method": "pm_1"}'
        assert till.post(local, "/cards/remove", body, {"Content-Type": "text/plain"}).status == 415
        assert till.post(local, "/cards/remove", b"", {}, "GET").status == 405
        for path in ("/cards?user=alice", "/attempts?user=alice", "/terms", "/cards/remove"):
            assert till.post(public, path, b"", {}, "GET").status == 404
            assert till.post(public, path, body, {}).status == 404


def test_a_provider_that_does_not_answer_is_a_problem_of_later(place: TillPlace) -> None:
    with served(place) as till:
        save(till)
        place.world.is_down = True
        asked = {"user": "alice", "account": ACCOUNT, "method": "pm_1"}
        for answer in (
            till.get("/cards?user=alice"),
            till.get("/attempts?user=alice"),
            till.send("/cards/remove", asked),
        ):
            assert (answer.status, answer.json["title"]) == (503, "provider unreachable")
            assert answer.headers["retry-after"] == "60"
        assert till.get("/terms").status == 200
        place.world.is_down = False
        assert len(cards(till, "alice")) == 1


def test_a_provider_without_cards_has_none(tmp_path: Path) -> None:
    place = TillPlace(tmp_path, World(START, is_tagged=False), listen=listen())
    with served(place) as till:
        assert cards(till, "alice") == []
        assert till.get("/attempts?user=alice").json == {"attempts": []}
        assert remove(till, "alice", "pm_1") is False


def test_questions_that_wait_hold_up_no_checkout_and_are_bounded(
    place: TillPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(place) as till:
        save(till)
        may_answer, held = threading.Event(), threading.Semaphore(0)
        told = CardWorldProvider.cards

        def slow(self: CardWorldProvider, customer: str) -> Any:  # noqa: ANN401
            held.release()
            assert may_answer.wait(60)
            return told(self, customer)

        monkeypatch.setattr(CardWorldProvider, "cards", slow)
        answers: list[Answer] = []
        ask = lambda: answers.append(till.get("/cards?user=alice"))  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(WAITING_MAX + 8)]
        for thread in threads:
            thread.start()
        for _ in range(AT_ONCE_MAX):
            assert held.acquire(timeout=30)
        for _ in range(600):  # until those are refused for whom there is no room
            if len(answers) == 8:
                break
            threads[0].join(0.05)
        refused = [*answers]
        paid = till.checkout(user="bob")
        is_third_asked = held.acquire(blocking=False)
        may_answer.set()
        for thread in threads:
            thread.join()
    assert [(answer.status, answer.json["title"]) for answer in refused] == [(503, "busy")] * 8
    assert (paid.status, is_third_asked) == (200, False)
    assert sum(answer.status == 200 for answer in answers) == WAITING_MAX
