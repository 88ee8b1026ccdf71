"""From a page of Checkout to a line on the remote, and nothing secret on the way."""

from pathlib import Path

import pytest
import requests

from tests.support.providers.fake_stripe import DELAYED, FakeStripe
from tests.support.providers.hooks import Order
from tests.till.place import content
from tests.till.programs import SECRETS, StripePlace
from wire_format.money import parse_nano


@pytest.fixture
def place(tmp_path: Path, stripe: FakeStripe) -> StripePlace:
    return StripePlace(tmp_path, stripe)


def test_a_payment_reaches_the_remote(place: StripePlace, stripe: FakeStripe) -> None:
    with place.serving():
        payment = place.buy("alice")
        assert set(stripe.hooks.deliver()) == {200}
        place.wait_pushed()
        [line] = place.lines()
        assert (line.user, line.external_ref, line.amount) == ("alice", payment, "20.00")
        assert (line.currency, line.status) == ("USD", "succeeded")
        status = place.run("status", "--json").json
        assert status["incidents"] == 0
        assert status["accounts"][0]["last_event_at"] is not None


def everything(place: StripePlace, stripe: FakeStripe) -> None:
    """What can happen to payments."""
    first, second, third = (place.buy(f"user-{i}") for i in range(3))
    refund = stripe.refund(first, 500)
    stripe.refund(first, 250, "pending")
    stripe.change_refund(refund, "failed")
    stripe.close_dispute(stripe.dispute(second), "won")
    stripe.close_dispute(stripe.dispute(third), "lost")
    stripe.inquire(first)
    stripe.elsewhere()
    stripe.settle(stripe.pay(place.page("user-4"), method=DELAYED))
    page = place.page("user-5")
    stripe.decline(page)
    stripe.expire(page)


@pytest.mark.parametrize("order", ["as it was", "reversed", "shuffled"])
def test_events_in_any_order_and_twice_write_what_a_sweep_writes(
    tmp_path: Path, stripe: FakeStripe, place: StripePlace, order: Order
) -> None:
    with place.serving():
        everything(place, stripe)
        assert set(place.deliver(order, times=2)) == {200}
    (tmp_path / "other").mkdir()
    other = StripePlace(tmp_path / "other", stripe)
    other.run("sweep").ok()
    assert content(other.lines()) == content(place.lines())
    place.run("sweep").ok()
    assert content(other.lines()) == content(place.lines())
    # the provider's own books, which nothing of its API is used for
    worth = {name: each.left for name, each in stripe.money().items() if each.tag}
    assert {line.external_ref for line in place.lines() if line.kind == "payment"} == set(worth)


def test_forged_old_and_test_events_change_nothing(place: StripePlace, stripe: FakeStripe) -> None:
    with place.serving():
        place.buy("alice")
        [hook, *_] = stripe.hooks.waiting
        forged = stripe.signed(hook.body, secrets=["whsec_of_a_stranger"])
        assert stripe.hooks.post(hook, forged) == 400
        assert stripe.hooks.post(hook, stripe.signed(hook.body, age_s=301)) == 400
        assert stripe.hooks.post(hook, stripe.signed(hook.body, age_s=-600)) == 400
        assert stripe.hooks.post(hook, {}) == 400
        assert place.lines() == []
        stripe.hooks.waiting.clear()
        stripe.elsewhere(is_live=False)
        assert set(stripe.hooks.deliver()) == {200}
        assert place.lines() == []


def test_no_secret_and_no_number_is_in_any_output(place: StripePlace, stripe: FakeStripe) -> None:
    phone = "255712345678"
    with place.serving():
        payment = place.buy("alice")
        stripe.faults.add(500)
        stripe.hooks.deliver()
        body = {"user": "alice", "usd": "20.00", "currency": "USD", "success_url": "x"}
        body |= {"cancel_url": "x", "method": "prompt", "phone": phone}
        asked = requests.post(f"http://{place.local}/checkout", json=body, timeout=60)
        assert asked.status_code == 422
        place.said += asked.text
        for command in (
            ("status",),
            ("doctor", "--json"),
            ("sweep",),
            ("refund", payment, "1", "--reason", "x"),
            ("refund", "pi_x", "1", "--reason", "x", "--json"),
            ("log",),
        ):
            place.run(*command)
    keys = [file.read_text().strip() for file in place.folder.glob("*key")]
    assert len(keys) == 3
    for secret in (*keys, *SECRETS, stripe.secret, phone):
        assert secret not in place.said
    git = b"".join(file.read_bytes() for file in place.remote.rglob("*") if file.is_file())
    for secret in keys:
        assert secret.encode() not in git


def test_a_refund_is_given_back_at_the_provider_and_recorded(
    place: StripePlace, stripe: FakeStripe
) -> None:
    with place.serving():
        payment = place.buy("alice")
        stripe.hooks.deliver()
    given = ("refund", payment, "5.00", "--reason", "double order", "--json")
    first, again = place.run(*given).ok().json, place.run(*given).ok().json
    assert first["is_new"]
    assert again == first | {"is_new": False}
    assert [line.kind for line in place.lines()] == ["payment", "refund"]
    another = place.run(*given, "--another").ok().json
    assert another["refund"] != first["refund"]
    assert place.run(*given, "--another").ok().json == another | {"is_new": False}
    refused = place.run("refund", payment, "10.01", "--reason", "x")
    assert refused.code == 1
    assert "10.00 USD" in refused.err
    rest = place.run("refund", payment, "--reason", "x", "--json").ok().json
    assert rest["amount"] == "10.00"
    taken = sum(parse_nano(line.amount) for line in place.lines() if line.kind == "refund")
    assert taken == parse_nano("20.00")


def test_the_key_of_hooks_cannot_give_money_back(place: StripePlace, stripe: FakeStripe) -> None:
    with place.serving():
        payment = place.buy("alice")
    given = ("refund", payment, "5.00", "--reason", "x", "--account-key-file")
    said = place.run(*given, str(place.folder / "key"))
    assert said.code == 1
    assert [line.kind for line in place.lines() if line.kind == "refund"] == []
    assert place.run(*given, str(place.folder / "refund_key")).ok()


def test_doctor_finds_a_key_of_another_account(place: StripePlace, stripe: FakeStripe) -> None:
    place.run("sweep").ok()
    found = place.run("doctor", "--json").json
    checks = {each["check"]: each["health"] for each in found["checks"]}
    assert checks["account"] == "ok"
    assert checks["files"] == "ok"
    assert checks["sweep"] == "ok"
    assert checks["events"] == "warning"
    text = place.config.read_text()
    place.config.write_text(text.replace("acct_", "acct_9"))
    said = place.run("doctor")
    assert said.code == 1
    assert "the key is of acct_" in said.out
    place.config.write_text(text)
    (place.folder / "tag_key").chmod(0o640)
    assert "others may use" in place.run("doctor").out
