"""A program that is killed at any request or moment loses nothing and doubles nothing."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.providers.fake_stripe import FakeStripe
from tests.till.programs import StripePlace, kill, killed_at

REQUESTS_MAX = 12
ROUNDS = 3


@pytest.fixture
def place(tmp_path: Path, stripe: FakeStripe) -> StripePlace:
    return StripePlace(tmp_path, stripe)


def once_each(place: StripePlace) -> Counter[str]:
    """The movements of all lines, which must be there once."""
    found = Counter(f"{line.kind} {line.external_ref}" for line in place.lines())
    assert set(found.values()) <= {1}
    return found


def test_serve_is_killed_while_events_arrive(place: StripePlace, stripe: FakeStripe) -> None:
    """What was answered with success is on disk; what was not comes again."""
    chance = random.Random(7)
    payments: set[str] = set()
    answered: set[str] = set()
    for _ in range(ROUNDS):
        with place.serving() as process:
            bought = [place.buy(f"user-{len(payments) + i}") for i in range(3)]
            payments.update(bought)
            stripe.refund(bought[0], 100)
            hooks = stripe.hooks.waiting * 2
            stripe.hooks.waiting.clear()
            killer = threading.Timer(chance.uniform(0, 1), kill, (process,))
            killer.start()
            with ThreadPoolExecutor(8) as senders:
                sent = [(hook, senders.submit(place.post, hook)) for hook in hooks]
            for hook, status in sent:
                if status.result() == 200:
                    answered |= {p for p in payments if p.encode() in hook.body}
                else:
                    stripe.hooks.waiting.append(hook)
            killer.join()
        recorded = {line.external_ref for line in place.lines() if line.kind == "payment"}
        assert answered <= recorded
    with place.serving():
        stripe.hooks.waiting = [*{hook.body: hook for hook in stripe.hooks.waiting}.values()]
        while stripe.hooks.waiting:
            place.deliver()
        place.wait_pushed()
    found = once_each(place)
    assert {f"payment {name}" for name in payments} <= set(found)
    assert sum(name.startswith("refund ") for name in found) == ROUNDS
    before = len(found)
    place.run("sweep").ok()
    assert len(once_each(place)) == before


def test_a_sweep_is_killed_at_each_of_its_requests(place: StripePlace, stripe: FakeStripe) -> None:
    with place.serving():
        payments = [place.buy(f"user-{i}") for i in range(3)]
    stripe.refund(payments[0], 500)
    stripe.hooks.lose()
    for request in range(1, REQUESTS_MAX):
        if not killed_at(place.start("sweep"), stripe, request):
            break
        once_each(place)
        assert place.run("status", "--json").json["accounts"][0]["last_sweep_at"] is None
    place.run("sweep").ok()
    assert len(once_each(place)) == 4


def test_a_refund_is_killed_at_each_of_its_requests(place: StripePlace, stripe: FakeStripe) -> None:
    """However often it is begun: the provider gives back once, and one line says so."""
    with place.serving():
        payment = place.buy("alice")
    given = ("refund", payment, "5.00", "--reason", "double order")
    killed = 0
    for request in range(1, REQUESTS_MAX):
        killed += killed_at(place.start(*given), stripe, request)
    assert killed
    place.run(*given).ok()
    refunds = [*stripe.objects.of("refund")]
    assert [refund["amount"] for refund in refunds] == [500]
    assert once_each(place) == {f"payment {payment}": 1, f"refund {refunds[0]['id']}": 1}
