"""What is posted becomes lines on disk before it is answered, and is pushed at once."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from aggregator.config.place import forge_path
from aggregator.config.repos import RepoConfig
from aggregator.fleet.pushed import pushed_repos
from aggregator.serving.webhook import Push, read_push
from front.hint import hint_body
from gitmeter.git_remote.remote import Remote
from gitmeter.http_edge.signature import check_signature
from node_pusher.home.home import HomeRepo
from node_pusher.home.repo_place import RepoPlace
from tests.support.files import write_secret
from tests.support.receiver import ReceiverServer
from tests.till.place import START, TillPlace
from tests.till.served import CHECKOUT, Answer, Served, listen, served
from tests.till.world import World, WorldProvider
from till.records.marks import FAILING_MAX, TRIES_MAX
from till.serving.hooks import EVENT_BYTES_MAX


@pytest.fixture
def place(tmp_path: Path) -> TillPlace:
    return TillPlace(tmp_path, listen=listen())


@pytest.fixture
def clickpesa(tmp_path: Path) -> TillPlace:
    """A till at a provider that keeps no tags."""
    return TillPlace(tmp_path, World(START, is_tagged=False), listen=listen())


def test_an_event_is_on_disk_when_it_is_answered_and_pushed_by_itself(place: TillPlace) -> None:
    world = place.world
    payment = world.begin(place.tag(), "topup:alice:1")
    world.succeed(payment, "20.00")
    with served(place) as till:
        answer = till.hook(payment)
        assert (answer.status, answer.body) == (200, b"recorded\n")
        [line] = place.lines()
        assert (line.v, line.user, line.kind, line.external_ref) == (2, "alice", "payment", payment)
        assert (line.amount, line.currency, line.status) == ("20.00", "USD", "succeeded")
        till.wait_pushed(1)
        assert till.till.marks.times("world-test").event_at == START


def test_what_strangers_post_is_asked_about_by_nobody(place: TillPlace) -> None:
    payment = place.world.begin(place.tag())
    place.world.succeed(payment, "20.00")
    with served(place) as till:
        assert till.hook(payment, secret="x" * 32).status == 400
        assert till.hook(payment, account="other").status == 404
        assert till.hook("").status == 200
        assert till.post(till.listening.public, "/checkout", b"{}", {}).status == 404
        assert till.post(till.listening.public, "/hooks/world-test", b"", {}, "GET").status == 405
        assert till.post(till.listening.local, "/hooks/world-test", b"", {}).status == 404
        largest = b"x" * EVENT_BYTES_MAX
        answer = till.post(till.listening.public, "/hooks/world-test", largest, {})
        assert answer.status == 400
    assert place.world.asked == {}
    assert place.lines() == []


def test_a_body_that_is_larger_than_an_event_is_not_read(place: TillPlace) -> None:
    with served(place) as till:
        host, _, port = till.listening.public.rpartition(":")
        with closing(HTTPConnection(host, int(port), timeout=30)) as connection:
            connection.putrequest("POST", "/hooks/world-test")
            connection.putheader("Content-Length", str(EVENT_BYTES_MAX + 1))
            connection.endheaders()
            assert connection.getresponse().status == 413


def test_an_event_that_is_not_signed_costs_no_connection(place: TillPlace) -> None:
    opened: list[str] = []
    world_open = place.world.open

    def noting(name: str = "world-test") -> WorldProvider:
        opened.append(name)
        return world_open(name)

    place.world.open = noting  # type: ignore[method-assign]
    with served(place) as till:
        assert opened == ["world-test"]
        assert [till.hook("pi_1", secret="x" * 32).status for _ in range(3)] == [400] * 3
        assert till.hook("").status == 200
        assert opened == ["world-test"]
        place.world.is_down = True
        assert till.hook("pi_1").status == 503
        assert till.hook("").status == 200
        assert opened == ["world-test"] * 2


def test_test_money_is_dropped_by_a_live_till(tmp_path: Path) -> None:
    """Another mode than the till's is answered with success, so that nobody sends it again."""
    world = World(START, mode="test")
    place = TillPlace(tmp_path, world, listen=listen())
    payment = world.begin(place.tag())
    world.succeed(payment, "20.00")
    world.mode = "live"
    with served(place) as till:
        assert till.hook(payment).status == 200
        assert till.hook("pi_of_nobody").status == 200
        assert till.till.marks.failing() == []
    assert place.lines() == []


def test_two_events_at_once_write_one_line(place: TillPlace) -> None:
    payment = place.world.begin(place.tag())
    place.world.succeed(payment, "20.00")
    refund = place.world.refund(payment, "5.00")
    with served(place) as till:
        names = [payment, refund] * 5
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda name=name: answers.append(till.hook(name)))
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [answer.status for answer in answers] == [200] * len(names)
    assert [line.kind for line in place.lines()] == ["payment", "refund"]
    # the first of a burst is asked about at once, all others together afterwards
    assert place.world.asked[payment] <= 2
    assert place.world.asked[refund] <= 2


def test_a_provider_that_does_not_answer_is_asked_by_the_next_event(place: TillPlace) -> None:
    payment = place.world.begin(place.tag())
    place.world.succeed(payment, "20.00")
    with served(place) as till:
        place.world.is_down = True
        assert till.hook(payment).status == 503
        [failing] = till.till.marks.failing()
        assert (failing.object, failing.times, failing.is_incident) == (payment, 1, False)
        place.world.is_down = False
        assert till.hook(payment).status == 200
        assert till.till.marks.failing() == []
    assert len(place.lines()) == 1


def fail_often(till: Served, payment: str) -> None:
    for _ in range(TRIES_MAX - 1):
        till.till.marks.failed("world-test", payment, "down", START)


def fail_long(till: Served, payment: str) -> None:
    till.till.marks.failed("world-test", payment, "down", START - FAILING_MAX)


@pytest.mark.parametrize("fail", [fail_often, fail_long])
def test_what_fails_for_long_is_an_incident_and_no_storm(
    place: TillPlace, fail: Callable[[Served, str], None]
) -> None:
    payment = place.world.begin(place.tag())
    place.world.succeed(payment, "20.00")
    with served(place) as till:
        fail(till, payment)
        place.world.is_down = True
        assert till.hook(payment).status == 202
        [failing] = till.till.marks.failing()
        assert failing.is_incident
        assert payment in till.till.marks.watched("world-test")


def test_an_aggregator_is_told_of_a_push(tmp_path: Path) -> None:
    secret = write_secret(tmp_path / "hint_secret", "h" * 32)
    with ReceiverServer() as receiver:
        hint = {"url": receiver.url, "secret_file": secret, "repo_id": 17}
        place = TillPlace(tmp_path, listen=listen(), hint=hint)
        payment = place.world.begin(place.tag())
        place.world.succeed(payment, "20.00")
        with served(place) as till:
            till.hook(payment)
            till.wait_pushed(1)
        body = receiver.got[-1].body
        event = receiver.got[-1].event
        assert event["ref"] == "refs/heads/main"
        assert event["repository"]["id"] == 17
        assert event["repository"]["clone_url"] == place.remote.as_uri()
        signed = hmac.new(b"h" * 32, body, hashlib.sha256).hexdigest()
        assert receiver.got[-1].headers["X-Forgejo-Signature"] == signed
        assert receiver.got[-1].headers["X-Forgejo-Event"] == "push"
        push = read_push(body)
        assert isinstance(push, Push)
        assert check_signature(b"h" * 32, body, signed)
        assert (push.repo_id, push.ref) == (17, "refs/heads/main")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://forge.example/ops/till-1.git", "ops/till-1"),
        ("https://forge.example/sub/path/ops/till-1.git/", "ops/till-1"),
        ("ssh://git@forge.example:22/ops/till-1.git", "ops/till-1"),
        ("git@forge.example:ops/till-1.git", "ops/till-1"),
    ],
)
def test_an_aggregator_finds_the_repo_of_a_hint(tmp_path: Path, url: str, name: str) -> None:
    """Its own configuration may name it by another protocol."""
    repo = HomeRepo(tmp_path, "till-1", RepoPlace(Remote(url)), "till")
    push = read_push(hint_body(repo, 1, "0" * 40))
    assert isinstance(push, Push)
    assert push.full_name == name == forge_path(url)
    known = RepoConfig(name="till-1", node="till-1", url="https://forge.example/ops/till-1.git")
    assert pushed_repos([known], push, "https://forge.example") == {"till-1"}


def test_a_checkout_promises_a_signed_credit_and_writes_nothing(place: TillPlace) -> None:
    with served(place) as till:
        answer = till.checkout(currency="EUR")
        assert answer.status == 200, answer
        found = answer.json
        assert found["url"].startswith("https://world.example/")
        assert (found["usd"], found["amount"], found["currency"]) == ("20.00", "18.52", "EUR")
        assert found["expires_at"] == "2026-11-21T14:05:00Z"
        [order] = place.world.orders
        assert (order.user, order.attempt) == ("alice", found["attempt"])
        assert place.lines() == []
        place.world.succeed(next(iter(place.world.payments)), "18.52", "EUR")
        assert till.hook("pi_1").status == 200
    [line] = place.lines()
    assert (line.user, line.credited_usd, line.attempt) == ("alice", "20.00", found["attempt"])


def test_where_no_tags_are_kept_the_promise_is_pushed_before_it_is_given(
    clickpesa: TillPlace,
) -> None:
    world, pushed_before = clickpesa.world, []
    begin = world.begin

    def noting(tag: str | None, attempt: str | None = None) -> str:
        pushed_before.append([line.kind for line in clickpesa.pushed()])
        return begin(tag, attempt)

    world.begin = noting  # type: ignore[method-assign]
    with served(clickpesa) as till:
        answer = till.checkout(currency="TZS", method="prompt", phone="255712345678")
        assert answer.status == 200, answer
        assert answer.json["url"] is None
        assert pushed_before == [["pending"]]
        attempt = answer.json["attempt"]
        assert attempt.isalnum()
        assert len(attempt) == 20
        world.now += timedelta(minutes=1)
        world.succeed("pi_1", answer.json["amount"], "TZS")
        assert till.hook("pi_1").status == 200
    pending, payment = clickpesa.lines()
    assert (pending.kind, pending.credited_usd, pending.amount) == ("pending", "20.00", "52632")
    assert (payment.user, payment.credited_usd) == ("alice", "20.00")
    assert payment.attempt == pending.attempt == attempt


def test_nothing_is_given_out_while_the_remote_does_not_take_the_promise(
    clickpesa: TillPlace,
) -> None:
    clickpesa.remote.rename(clickpesa.remote.with_name("away.git"))
    with served(clickpesa) as till:
        answer = till.checkout(currency="TZS")
        assert (answer.status, answer.json["title"]) == (503, "not pushed")
        assert clickpesa.world.orders == []
    assert [line.kind for line in clickpesa.lines()] == ["pending"]


def test_an_attempt_that_failed_is_closed_and_another_amount_is_undecided(
    clickpesa: TillPlace,
) -> None:
    world = clickpesa.world
    with served(clickpesa) as till:
        till.checkout(currency="TZS")
        till.checkout(currency="TZS")
        world.now += timedelta(minutes=1)
        world.fail("pi_1", "no money on it")
        world.succeed("pi_2", "52000", "TZS")
        assert till.hook("pi_1").status == 200
        assert till.hook("pi_2").status == 200
        [fault] = till.till.marks.faults()
        assert (fault.ref, fault.what) == ("pi_2", "other amount")
    ended, undecided = clickpesa.lines()[2:]
    assert (ended.kind, ended.reason, ended.user) == ("ended", "no money on it", "alice")
    assert (undecided.status, undecided.credited_usd) == ("undecided", None)


def test_three_open_checkouts_are_enough_until_one_is_paid(place: TillPlace) -> None:
    with served(place) as till:
        assert [till.checkout(usd="5.00").status for _ in range(4)] == [200, 200, 200, 429]
        assert till.checkout(user="bob").status == 200
        place.world.succeed("pi_1", "5.00")
        assert till.hook("pi_1").status == 200
        assert till.checkout(usd="5.00").status == 200
        answer = till.checkout(usd="5.00")
        assert (answer.status, answer.json["title"]) == (429, "too many open")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "3600"
        place.world.now += timedelta(hours=1)
        assert till.checkout(usd="5.00").status == 200


def test_customers_that_ask_at_once_get_no_more_than_one_after_the_other(place: TillPlace) -> None:
    with served(place) as till:
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(till.checkout(usd="5.00").status))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200] * 3 + [429] * 5


def test_prompts_are_few_for_a_customer_and_for_a_telephone(clickpesa: TillPlace) -> None:
    world = clickpesa.world
    phone = "255712345678"
    with served(clickpesa) as till:
        for user in ("a", "b", "c"):
            asked = {"user": user, "currency": "TZS", "method": "prompt", "phone": phone}
            assert till.checkout(**asked).status == 200
        asked = {"user": "d", "currency": "TZS", "method": "prompt", "phone": phone}
        assert till.checkout(**asked).json["title"] == "too many prompts"
        assert till.checkout(**asked | {"phone": "255712345679"}).status == 200
        assert till.checkout(user="e", currency="TZS").status == 200
        world.now += timedelta(hours=1)
        assert till.checkout(**asked).status == 200
    for file in clickpesa.folder.rglob("*"):
        if file.is_file():
            assert phone.encode() not in file.read_bytes(), file


def test_bodies_that_a_page_in_a_browser_can_send_are_refused(place: TillPlace) -> None:
    with served(place) as till:
        body = json.dumps(CHECKOUT).encode()
        headers = {"Content-Type": "text/plain"}
        assert till.post(till.listening.local, "/checkout", body, headers).status == 415
