"""ClickPesa, from a server of ours: links, prompts, what was paid, and what webhooks are worth."""

import json
import traceback
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.support.errors import with_hint
from providers.clickpesa.account import ClickPesaAccount
from providers.clickpesa.checksum import new_sum, read_body
from providers.expected import Remark, expected
from providers.interface import (
    Order,
    ProviderError,
    RefusedByProviderError,
    SignatureError,
    Truth,
    UnreachableProviderError,
)
from providers.tag import Promise
from tests.support.local_http import free_port
from tests.support.providers.clock import STARTS_AT, Clock
from tests.support.providers.fake_clickpesa import FakeClickPesa
from tests.support.providers.faults import Fault

ORDER = "a1b2c3"
PHONE = "255712345678"


@pytest.fixture
def clickpesa() -> Iterator[FakeClickPesa]:
    with FakeClickPesa() as fake:
        yield fake


def opened(clickpesa: FakeClickPesa) -> ClickPesaAccount:
    return ClickPesaAccount(
        "clickpesa-tz",
        "live",
        clickpesa.client_id,
        clickpesa.key,
        clickpesa.checksum_key,
        clickpesa.url,
    )


@pytest.fixture
def account(clickpesa: FakeClickPesa) -> Iterator[ClickPesaAccount]:
    with opened(clickpesa) as found:
        yield found


def ordered(clock: Clock, attempt: str = ORDER, *, is_prompt: bool = False) -> Order:
    return Order(
        user="alice",
        usd="10.00",
        amount="25000.00",
        currency="TZS",
        attempt=attempt,
        at=clock(),
        tag="",
        success_url="",
        cancel_url="",
        expires_s=86400,
        method="prompt" if is_prompt else "page",
        phone=PHONE if is_prompt else None,
    )


def promised(clock: Clock) -> Promise:
    return Promise("alice", "10.00", "TZS", "25000", clock(), "")


def told(account: ClickPesaAccount, order: str = ORDER) -> Truth:
    found = account.truth(order)
    assert found is not None
    return found


def test_a_link_asks_for_the_amount_as_whole_shillings(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    made = account.checkout(ordered(clickpesa.clock))
    assert made.url == f"https://checkout.clickpesa.invalid/{ORDER}"
    assert made.object_id == ORDER
    assert made.expires_at == clickpesa.clock() + timedelta(days=1)
    assert (clickpesa.orders[ORDER].amount, clickpesa.orders[ORDER].currency) == ("25000", "TZS")


def test_a_prompt_is_open_until_it_is_answered(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    made = account.checkout(ordered(clickpesa.clock, is_prompt=True))
    assert made.url is None
    assert [each.what for each in told(account).open] == ["payment PROCESSING"]
    payment = clickpesa.pay(ORDER)
    found = told(account)
    assert [fact.external_ref for fact in found.facts] == [payment]
    assert found.open == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"attempt": "topup:1"}, "order reference"),
        ({"attempt": "a" * 21}, "order reference"),
        ({"amount": "25000.50"}, "cannot be paid"),
        ({"amount": "0"}, "cannot be paid"),
        ({"currency": "EUR"}, "cannot be paid"),
        ({"method": "prompt", "phone": None}, "telephone"),
        ({"method": "prompt", "phone": "0712345678"}, "telephone"),
        ({"method": "prompt", "currency": "USD", "phone": PHONE}, "in TZS"),
    ],
)
def test_an_order_that_cannot_be_is_refused_without_asking(
    clickpesa: FakeClickPesa, account: ClickPesaAccount, changed: dict[str, str], words: str
) -> None:
    with pytest.raises(RefusedByProviderError, match=words):
        account.checkout(ordered(clickpesa.clock)._replace(**changed))  # type: ignore[arg-type]
    assert clickpesa.requests == []


def test_an_attempt_is_given_out_once(clickpesa: FakeClickPesa, account: ClickPesaAccount) -> None:
    account.checkout(ordered(clickpesa.clock))
    with pytest.raises(RefusedByProviderError, match="already used") as refused:
        account.checkout(ordered(clickpesa.clock))
    assert "what became of it" in refused.value.hint


@pytest.mark.parametrize("status", ["SUCCESS", "SETTLED"])
def test_both_words_for_paid_are_the_same_payment(
    clickpesa: FakeClickPesa, account: ClickPesaAccount, status: str
) -> None:
    promise = promised(clickpesa.clock)
    account.checkout(ordered(clickpesa.clock))
    paid_at = clickpesa.clock.advance(minutes=3)
    payment = clickpesa.pay(ORDER)
    clickpesa.clock.advance(days=1)
    clickpesa.change(payment, status)
    (line,) = expected(told(account), promise).lines
    assert (line.kind, line.external_ref, line.user) == ("payment", payment, "alice")
    assert (line.amount, line.currency, line.credited_usd) == ("25000", "TZS", "10.00")
    assert (line.status, line.attempt, line.at) == ("succeeded", ORDER, paid_at)


def test_a_link_that_is_paid_twice_is_two_payments(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    promise = promised(clickpesa.clock)
    account.checkout(ordered(clickpesa.clock))
    paid = []
    for _ in range(2):
        clickpesa.clock.advance(hours=1)
        paid.append(clickpesa.pay(ORDER))
    clickpesa.clock.advance(hours=23)
    paid.append(clickpesa.pay(ORDER))
    found = expected(told(account), promise)
    assert [(line.external_ref, line.status) for line in found.lines] == [
        (paid[0], "succeeded"),
        (paid[1], "succeeded"),
        (paid[2], "undecided"),
    ]
    assert found.remark is Remark.OUT_OF_TIME


@pytest.mark.parametrize(
    ("amount", "currency"), [("24999", None), ("25000.5", None), ("10.00", "USD"), ("25000", "KES")]
)
def test_what_was_not_asked_for_is_undecided(
    clickpesa: FakeClickPesa, account: ClickPesaAccount, amount: str, currency: str | None
) -> None:
    """A link can be paid in another currency, and discounts may be set for an account."""
    promise = promised(clickpesa.clock)
    account.checkout(ordered(clickpesa.clock))
    clickpesa.pay(ORDER, amount, currency)
    found = expected(told(account), promise)
    assert [line.status for line in found.lines] == ["undecided"]
    assert found.remark is Remark.OTHER_AMOUNT


def test_a_payment_that_nobody_asked_for_has_no_user(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    account.checkout(ordered(clickpesa.clock))
    clickpesa.pay(ORDER)
    found = expected(told(account), None)
    assert [(line.user, line.status) for line in found.lines] == [("", "undecided")]
    assert found.remark is Remark.NO_PROMISE


def test_a_payment_of_nothing_is_no_movement_and_is_not_silent(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    account.checkout(ordered(clickpesa.clock))
    payment = clickpesa.pay(ORDER, "0")
    found = told(account)
    assert (found.facts, found.failed) == ((), None)
    assert payment in found.open[0].what


def test_an_attempt_has_failed_when_every_try_has(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    account.checkout(ordered(clickpesa.clock))
    clickpesa.fail(ORDER)
    assert told(account).failed == "payment_failed"
    held = clickpesa.pay(ORDER)
    clickpesa.change(held, "ON-HOLD")
    assert (told(account).failed, told(account).open[0].what) == (None, "payment ON-HOLD")


@pytest.mark.parametrize("order", ["", "nobody", "../generate-token", "a/b", "a?b", "é", "a" * 65])
def test_what_is_no_order_is_nothing(account: ClickPesaAccount, order: str) -> None:
    assert account.truth(order) is None


def test_orders_that_were_paid_since_are_told_each_once_over_all_pages(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    account.checkout(ordered(clickpesa.clock, "old"))
    clickpesa.pay("old")
    at = clickpesa.clock.advance(days=10)
    for number in range(105):
        account.checkout(ordered(clickpesa.clock, f"o{number}"))
        clickpesa.pay(f"o{number}")
        clickpesa.clock.advance(seconds=1)
    for _ in range(100):
        clickpesa.pay("o0")
    found = list(account.since(at))
    assert found == [f"o{number}" for number in range(105)]


def test_a_token_is_kept_and_renewed(clickpesa: FakeClickPesa, account: ClickPesaAccount) -> None:
    account.checkout(ordered(clickpesa.clock))
    clickpesa.pay(ORDER)
    told(account)
    assert len(clickpesa.tokens) == 1
    clickpesa.clock.advance(hours=2)
    told(account)
    assert len(clickpesa.tokens) == 2


def test_whose_key_it_is_is_shown_by_a_token(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    who = account.whose()
    assert (who.account, who.mode, who.can) == (clickpesa.client_id, "live", ("checkout", "read"))


def test_an_account_without_checksums_sends_none() -> None:
    with FakeClickPesa(has_checksums=False) as clickpesa, opened(clickpesa) as account:
        assert account.checkout(ordered(clickpesa.clock)).url is not None


def test_nothing_is_given_back(clickpesa: FakeClickPesa, account: ClickPesaAccount) -> None:
    with pytest.raises(RefusedByProviderError, match="cannot give") as refused:
        account.refund("p1", None, "TZS", "r1", "no")
    assert "by hand" in refused.value.hint
    assert account.find_refund("p1", "r1") is None


@pytest.mark.parametrize("way", ["new", "old"])
def test_a_webhook_names_its_order(
    clickpesa: FakeClickPesa, account: ClickPesaAccount, way: str
) -> None:
    clickpesa.checksum_way = "new" if way == "new" else "old"
    account.checkout(ordered(clickpesa.clock))
    clickpesa.fail(ORDER)
    clickpesa.pay(ORDER)
    assert [hook.kind for hook in clickpesa.hooks.waiting] == ["PAYMENT FAILED", "PAYMENT RECEIVED"]
    for hook in clickpesa.hooks.waiting:
        keys = ["another", clickpesa.checksum_key or ""]
        assert account.object_in(hook.body, {}, keys, STARTS_AT) == ORDER
        with pytest.raises(SignatureError, match="none of our keys"):
            account.object_in(hook.body, {}, ["another"], STARTS_AT)


@pytest.mark.parametrize(
    ("event", "order", "found"),
    [
        ("PAYMENT RECEIVED", ORDER, ORDER),
        ("PAYOUT INITIATED", ORDER, None),
        ("PAYMENT_RECEIVED", ORDER, None),
        (None, ORDER, None),
        ("PAYMENT RECEIVED", "../x", None),
        ("PAYMENT RECEIVED", 5, "5"),
        ("PAYMENT RECEIVED", None, None),
    ],
)
def test_only_the_order_of_a_payment_is_taken(
    clickpesa: FakeClickPesa,
    account: ClickPesaAccount,
    event: str | None,
    order: object,
    found: str | None,
) -> None:
    fields = {"event": event, "data": {"orderReference": order}}
    read = read_body(json.dumps(fields).encode())
    body = json.dumps({**fields, "checksum": new_sum("key", read)}).encode()
    assert account.object_in(body, {}, ["key"], STARTS_AT) == found


@given(st.binary())
def test_no_body_raises_anything_else(body: bytes) -> None:
    with (
        ClickPesaAccount("c", "live", "id", "key", None, "http://127.0.0.1:1") as account,
        pytest.raises(SignatureError),
    ):
        account.object_in(body, {}, ["key"], STARTS_AT)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (400, RefusedByProviderError),
        (403, RefusedByProviderError),
        (429, UnreachableProviderError),
        (500, UnreachableProviderError),
        ("garbage", UnreachableProviderError),
        ("no utf-8", UnreachableProviderError),
        ("another form", UnreachableProviderError),
        ("huge", UnreachableProviderError),
    ],
)
def test_a_wrong_answer_is_a_typed_error(
    clickpesa: FakeClickPesa, account: ClickPesaAccount, fault: Fault, kind: type[ProviderError]
) -> None:
    for about, ask in (
        ("/payments/", lambda: account.truth(ORDER)),
        ("/payments/all", lambda: list(account.since(clickpesa.clock()))),
        ("/checkout-link", lambda: account.checkout(ordered(clickpesa.clock))),
        ("/generate-token", account.whose),
    ):
        clickpesa.faults.add(fault, about)
        with pytest.raises(kind) as raised:
            ask()
        assert raised.value.retry is (kind is UnreachableProviderError)
        assert "ClickPesa" in str(raised.value)


def test_a_prompt_is_sent_once_even_if_its_answer_is_lost(
    clickpesa: FakeClickPesa, account: ClickPesaAccount
) -> None:
    clickpesa.faults.add(500, "ussd-push")
    with pytest.raises(UnreachableProviderError):
        account.checkout(ordered(clickpesa.clock, is_prompt=True))
    assert len([each for each in clickpesa.requests if "ussd-push" in each]) == 1


def test_nobody_there_is_worth_another_try() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        ClickPesaAccount("c", "live", "id", "key", None, url) as account,
        pytest.raises(UnreachableProviderError, match="refused"),
    ):
        account.truth(ORDER)


def test_no_key_is_in_an_error(clickpesa: FakeClickPesa) -> None:
    """This ClickPesa says the whole key in its answer."""
    wrong = "SKnotThisOne"
    with (
        ClickPesaAccount("c", "live", clickpesa.client_id, wrong, None, clickpesa.url) as account,
        pytest.raises(RefusedByProviderError, match="API-Key") as raised,
    ):
        account.truth(ORDER)
    assert wrong not in with_hint(raised.value)
    assert wrong not in "".join(traceback.format_exception(raised.value))
