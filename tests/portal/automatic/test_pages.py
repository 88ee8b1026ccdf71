"""The pages of automatic payments: what a customer reads, settles, and is led to."""

import re
from typing import get_args

import pytest

from gitmeter.money.topups.judging import TopupStop
from portal.api.automatic.forms import AttemptState, AutoTopupAttempt, StopWord
from portal.pages.forms import PROOF
from portal.pages.words import STOPS
from portal.pages.words import attempt as in_words
from tests.portal.automatic.purse import SCOPES, Purse
from tests.portal.automatic.test_standing import ahead, on
from tests.portal.automatic.till import CONFIRM_URL, PAGE_URL
from tests.portal.pages.test_pages import text_of
from tests.portal.pages.test_security import FROM_ELSEWHERE
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.test_settings import lines

PAGE = "/automatic"
CHANGE = "/automatic/change"
WANTED = {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"}


def visitor(wallet: Purse, user: str = "alice", *scopes: str) -> Visitor:
    """Somebody who has signed in just now."""
    return signed_in(wallet.place.url, wallet.key(user, *scopes))


def read(alice: Visitor, path: str = PAGE) -> str:
    return text_of(alice.page(path))


def test_every_reason_has_words() -> None:
    words = {each.replace(" ", "_") for each in TopupStop}
    assert {*get_args(StopWord)} == words == {*STOPS} - {None}


def test_who_has_none_reads_that_no_card_is_charged(wallet: Purse) -> None:
    alice = visitor(wallet)
    page = read(alice)
    assert "Automatic payments are off: your card is never charged without you." in page
    assert "Switch on" in page
    assert "Switch off" not in page
    assert '<a href="/automatic">Automatic payments</a>' in alice.page("/")


def test_switching_on_leads_to_the_provider_and_holds_with_the_consent(wallet: Purse) -> None:
    alice = visitor(wallet)
    begun = alice.send(CHANGE, CHANGE, **WANTED)
    assert begun.status_code == 200
    assert f'<a href="{PAGE_URL}" class="act" rel="noreferrer">' in begun.text
    assert "You pay 20.00 USD now" in text_of(begun.text)
    (order,) = wallet.till.asked
    assert order["save_card"] == WANTED
    assert order["success_url"] == "https://portal.example/automatic?back=paid"
    assert order["cancel_url"] == "https://portal.example/automatic?back=unpaid"
    page = read(alice)
    assert "nothing is charged before you agree" in page
    assert "You chose: when less than 5.00 USD is left, your card is charged 20.00 USD" in page
    assert "wait for you to agree" in read(alice, "/")
    assert "Nothing was paid, and nothing agreed to" in read(alice, f"{PAGE}?back=unpaid")
    paid = alice.page(f"{PAGE}?back=paid")
    assert "Look again" in paid
    assert f"{PAGE}/agree" not in paid
    wallet.consent()
    ahead(wallet, minutes=1)
    page = read(alice, f"{PAGE}?back=paid")
    assert "as soon as the payment is confirmed" in page
    assert "Look again" not in page
    page = read(alice)
    said = (
        "when less than 5.00 USD is left, your card is charged 20.00 USD, at most once in 24 hours"
    )
    said += " and at most 100.00 USD in a calendar month."
    assert f"Automatic payments are on: {said}" in page
    assert "You agreed to it at the payment provider on 2 Nov 2026" in page
    assert "This month 0.00 of 100.00 USD" in page
    assert "There is enough left" in page
    assert "wait for you to agree" not in read(alice, "/")


def test_less_than_was_agreed_to_holds_at_once_and_without_the_till(wallet: Purse) -> None:
    on(wallet)
    alice, asked = visitor(wallet), len(wallet.till.asked)
    wallet.till.is_down = True
    changed = alice.send(CHANGE, CHANGE, **WANTED | {"amount_usd": "10"})
    assert (changed.status_code, changed.headers["Location"]) == (303, PAGE)
    assert "your card is charged 10.00 USD" in read(alice)
    assert len(wallet.till.asked) == asked


def test_more_than_was_agreed_to_is_agreed_to_anew(wallet: Purse) -> None:
    on(wallet)
    alice = visitor(wallet)
    assert "You agreed to 20.00 USD at a time" in read(alice, CHANGE)
    begun = alice.send(CHANGE, CHANGE, **WANTED | {"amount_usd": "30"})
    assert PAGE_URL in begun.text
    assert "more than you agreed to" in read(alice)
    again = alice.send(PAGE, f"{PAGE}/agree")
    assert PAGE_URL in again.text
    assert [each["save_card"]["amount_usd"] for each in wallet.till.asked] == ["30.00", "30.00"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_usd": "100.01"},
        {"month_usd": "19"},
        {"below_usd": "x"},
        {"amount_usd": ""},
        {"more": "x"},
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    wallet: Purse, wrong: dict[str, str]
) -> None:
    found = visitor(wallet).send(CHANGE, CHANGE, **WANTED | wrong)
    assert found.status_code == 422
    assert f'<a href="{CHANGE}" class="act">Go back</a>' in found.text
    assert lines(wallet.place) == 0


@pytest.mark.parametrize("is_down", [True, False])
def test_what_the_till_refuses_leaves_it_settled_and_says_so(wallet: Purse, is_down: bool) -> None:  # noqa: FBT001
    alice = visitor(wallet)
    wallet.till.is_down, wallet.till.keeps_cards = is_down, False
    page = text_of(alice.send(CHANGE, CHANGE, **WANTED).text)
    assert "Agreeing at the payment provider cannot begin: " in page
    assert "Until you have agreed, nothing is charged." in page
    assert lines(wallet.place) == 1


def test_they_are_switched_off_with_one_press(wallet: Purse) -> None:
    """While the till is down, by an old ledger, and long after signing in."""
    on(wallet)
    alice = visitor(wallet)
    wallet.till.is_down = True
    wallet.place.world.later(hours=3)
    page = alice.page(PAGE)
    assert "cannot be asked just now" in text_of(page)
    assert "Automatic payments are on" in text_of(page)
    assert page.count('action="/automatic/off"') == 1
    found = alice.send(PAGE, f"{PAGE}/off")
    assert (found.status_code, found.headers["Location"]) == (303, PAGE)
    assert "Automatic payments are off" in read(alice)


def test_a_card_is_shown_and_removed(wallet: Purse) -> None:
    alice = visitor(wallet)
    assert "Saved cards There is none." in read(alice)
    wallet.till.save("alice")
    wallet.till.save("bob", "pm_2", "1881")
    page = read(alice)
    assert "Visa ending in 4242 2027-09" in page
    assert "1881" not in page
    stolen = alice.send(PAGE, f"{PAGE}/cards/remove", account="stripe", method="pm_2")
    assert stolen.status_code == 404
    removed = alice.send(PAGE, f"{PAGE}/cards/remove", account="stripe", method="pm_1")
    assert (removed.status_code, removed.headers["Location"]) == (303, PAGE)
    assert wallet.till.cards == {"alice": [], "bob": wallet.till.cards["bob"]}


def test_without_a_card_nothing_can_be_charged_and_the_page_says_so(wallet: Purse) -> None:
    """What was agreed to holds for the card that was saved with it."""
    on(wallet)
    alice = visitor(wallet)
    assert "No card of yours is saved any more" in read(alice)
    assert PAGE_URL in alice.send(PAGE, f"{PAGE}/agree").text
    wallet.till.save("alice")
    assert "No card of yours" not in read(alice)


def test_whoever_answered_the_bank_comes_back_to_the_page(wallet: Purse) -> None:
    """With whatever the provider adds to the address, of which nothing stays in it."""
    alice = visitor(wallet)
    added = "payment_intent=pi_1&payment_intent_client_secret=x&redirect_status=failed"
    found = alice.get(f"{PAGE}/confirmed?{added}")
    assert (found.status_code, found.headers["Location"]) == (303, f"{PAGE}?back=bank")
    assert "What your bank answered is seen here" in read(alice, f"{PAGE}?back=bank")


def test_when_the_next_one_may_be_made_is_told(wallet: Purse) -> None:
    on(wallet)
    wallet.fail("1")
    ahead(wallet, minutes=1)
    page = read(visitor(wallet))
    began = re.search(r"The next one is made on (\d+) Nov 2026, (\d\d:\d\d) at the earliest", page)
    assert began is not None
    assert f"not enough money ( {int(began[1]) - 1} Nov 2026, {began[2]} )" in page


def test_a_bank_that_asks_is_the_first_thing_to_read(wallet: Purse) -> None:
    on(wallet)
    attempt = wallet.begin("1")
    wallet.till.wait_for("alice", attempt)
    ahead(wallet, minutes=1)
    alice = visitor(wallet)
    html = alice.page(PAGE)
    assert f'<a href="{CONFIRM_URL}" class="act" rel="noreferrer">Answer your bank</a>' in html
    assert "Your bank wants you to confirm a payment of 20.00 USD." in text_of(html)
    assert "A payment waits for you to confirm it to your bank" in text_of(html)
    assert "An automatic payment waits" not in read(alice, "/")
    ahead(wallet, minutes=10)
    assert "An automatic payment waits, perhaps for your word to your bank" in read(alice, "/")
    wallet.till.attempts["alice"][0]["url"] = "javascript:alert(1)"
    assert "javascript" not in alice.page(PAGE)


def test_three_failures_are_told_with_their_reasons_and_what_to_do(wallet: Purse) -> None:
    on(wallet)
    for number, reason in enumerate(("insufficient_funds", "<b>", "expired_card")):
        wallet.place.world.later(days=2)
        wallet.fail(str(number), reason=reason)
    ahead(wallet, minutes=1)
    alice = visitor(wallet)
    assert "switched off after three that failed" in read(alice, "/")
    page = read(alice)
    assert "Automatic payments are stopped: nothing is charged now." in page
    assert "Three payments in a row failed." in page
    for words in ("there was not enough money", "the bank refused it", "no longer good"):
        assert f"failed: {words}" in page or words in page
    assert "<b>" not in page
    assert alice.send(CHANGE, CHANGE, **WANTED).status_code == 303
    assert "Automatic payments are on" in read(alice)
    assert "switched off" not in read(alice, "/")


def test_every_state_of_an_attempt_has_words(wallet: Purse) -> None:
    on(wallet)
    wallet.fail("1")
    ahead(wallet, minutes=1)
    (one,) = wallet.client().json("/v1/auto-topup")["attempts"]
    for state in get_args(AttemptState):
        assert in_words(AutoTopupAttempt.model_validate({**one, "state": state}))


def test_switching_on_asks_for_a_recent_sign_in(wallet: Purse) -> None:
    """Switching off and removing a card do not: they only let less happen."""
    wallet.till.save("alice")
    key = wallet.key()
    alice = signed_in(wallet.place.url, key)
    token = alice.token(CHANGE)
    ahead(wallet, minutes=11)
    again = "/sign-in/again?next=automatic"
    for found in (
        alice.get(CHANGE),
        alice.post(CHANGE, {PROOF: token, **WANTED}),
        alice.post(f"{PAGE}/agree", {PROOF: token}),
    ):
        assert (found.status_code, found.headers["Location"]) == (303, again)
    assert (lines(wallet.place), wallet.till.asked) == (0, [])
    found = alice.send(again, "/sign-in/again", next="automatic", key=key.secret)
    assert (found.status_code, found.headers["Location"]) == (303, CHANGE)
    assert alice.send(CHANGE, CHANGE, **WANTED).status_code == 200
    ahead(wallet, minutes=11)
    assert alice.send(PAGE, f"{PAGE}/off").status_code == 303
    card = {"account": "stripe", "method": "pm_1"}
    assert alice.send(PAGE, f"{PAGE}/cards/remove", **card).status_code == 303


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_no_other_site_changes_anything(wallet: Purse, headers: dict[str, str]) -> None:
    """Nor a page of another session."""
    wallet.till.save("alice")
    alice = visitor(wallet)
    other = visitor(wallet).token(CHANGE)
    card = {"account": "stripe", "method": "pm_1"}
    forms: dict[str, dict[str, str]] = {CHANGE: WANTED, f"{PAGE}/agree": {}, f"{PAGE}/off": {}}
    for path, fields in {**forms, f"{PAGE}/cards/remove": card}.items():
        proof = {PROOF: alice.token(CHANGE)}
        assert alice.post(path, {**proof, **fields}, headers).status_code == 403
        assert alice.post(path, {PROOF: other, **fields}).status_code == 403
        assert alice.post(path, {PROOF: "", **fields}).status_code == 403
    assert (lines(wallet.place), wallet.till.asked) == (0, [])
    assert len(wallet.till.cards["alice"]) == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_reads_and_settles_what_it_opens(wallet: Purse, scope: str) -> None:
    wallet.settle(wallet.client())
    alice = visitor(wallet, "alice", scope)
    assert alice.get(PAGE).status_code == (200 if scope == "payments:read" else 403)
    if scope == "payments:read":
        page = alice.page(PAGE)
        assert [word for word in ("/off", "/change", "/agree") if f'"{PAGE}{word}"' in page] == []
        assert alice.get(CHANGE).status_code == 404


def test_nobody_sees_what_is_another_accounts(wallet: Purse) -> None:
    on(wallet)
    wallet.till.save("alice", last4="7777")
    wallet.till.wait_for("alice", wallet.begin("1"))
    wallet.place.world.pay_in("1.00", user="bob")
    ahead(wallet, minutes=1)
    bob = visitor(wallet, "bob")
    page = bob.page(PAGE)
    assert "Automatic payments are off" in page
    assert not [word for word in ("alice", "7777", CONFIRM_URL, "20.00") if word in page]


@pytest.mark.parametrize("path", [PAGE, CHANGE])
def test_no_page_has_anything_inline(wallet: Purse, path: str) -> None:
    wallet.till.save("alice")
    page = visitor(wallet).page(path)
    assert " style=" not in page
    assert not re.search(r"<[^>]* on\w+=", page)
    assert page.count("<script") == page.count("<script src=")
