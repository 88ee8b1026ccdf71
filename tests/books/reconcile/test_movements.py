"""What a provider says of ours must be a line."""

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

from books.reconcile.memory_file import memory_file, read_memory, write_memory
from tests.books.reconcile.site import Site
from tests.support.providers.fake_stripe import DELAYED, FakeStripe


def test_a_movement_of_ours_that_is_no_line_after_26_hours_is_told(site: Site) -> None:
    payment = site.paid()
    site.stripe.clock.advance(hours=-26)
    late = site.paid("carol", 700)
    said = site.run()
    assert (said.code, payment in said.out) == (1, False)
    assert f"difference: stripe payment {late} of 7.00 USD, carol: it moved money at" in said.out
    command = next(line for line in said.out.splitlines() if line.startswith("  books pay"))
    site.books(*shlex.split(command)[1:]).ok()
    assert site.run().ok().err == ""


def test_a_refund_and_a_dispute_that_are_no_lines_are_told(site: Site) -> None:
    site.stripe.clock.advance(hours=-26)
    payment = site.paid()
    site.write(payment)
    site.stripe.refund(payment, 500)
    site.stripe.dispute(payment, 700)
    found = site.json()["differences"]
    assert [each["movement"].split()[0] for each in found] == ["dispute", "refund"]
    refund = next(each for each in found if each["movement"].startswith("refund"))
    assert refund["commands"][1].startswith("books refund alice 5.00 --currency USD --payment-ref")
    site.write(payment)
    assert site.whys() == []


def test_a_line_that_is_covered_by_now_is_still_a_line(site: Site) -> None:
    """The aggregator's answer no longer has it, and the movement is still in the window."""
    site.stripe.clock.advance(hours=-26)
    site.write(site.paid())
    site.run().ok()
    site.lines.clear()
    memory = read_memory(site.books.home)
    memory.accounts["stripe"].complete_at = None  # so it looks back as far as the first run
    write_memory(site.books.home, memory, datetime.now(UTC))
    assert site.whys() == []


def test_without_its_memory_a_run_does_not_cry_about_what_is_covered(site: Site) -> None:
    site.stripe.clock.advance(hours=-26)
    site.write(site.paid())
    site.run().ok()
    site.lines.clear()
    memory_file(site.books.home).unlink()
    said = site.run().ok()
    assert "1 movement from before the first run" in said.err


def test_a_debit_that_succeeds_days_later_is_not_late_at_once(
    tmp_path: Path, stripe: FakeStripe
) -> None:
    """Its time is that of the charge, days before the money came."""
    stripe.clock.advance(days=-3)
    site = Site(tmp_path, stripe)
    tag = site.tag("alice", "20.00", "USD", "20.00")
    with stripe.objects.lock:
        intent = stripe.objects.make_intent(2000, "usd", {"gitmeter": tag}, is_live=True)
        stripe.objects.charge(intent, DELAYED, "pending")
        intent["status"] = "processing"
    payment = str(intent["id"])
    site.claim(payment)
    assert "no such payment has moved money yet" in site.whys()[0]
    site.lines.clear()
    stripe.objects.succeed(intent)
    memory = read_memory(site.books.home)
    (asked_at,) = memory.accounts["stripe"].open.values()
    memory.accounts["stripe"].open[payment] = asked_at - timedelta(hours=24)
    write_memory(site.books.home, memory, datetime.now(UTC))
    assert site.whys() == []
    memory = read_memory(site.books.home)
    (missing,) = memory.accounts["stripe"].missing.values()
    assert datetime.now(UTC) - missing.since < timedelta(minutes=5)


def test_a_line_of_the_books_is_a_line(site: Site) -> None:
    """A person entered what the till missed."""
    site.stripe.clock.advance(hours=-26)
    payment = site.paid()
    where = ("--provider", "stripe", "--external-ref", payment, "--by-hand")
    site.books("pay", "alice", "20", *where).ok()
    assert site.whys("--dry-run") == []
    site.books("decide", "exclude", "books", "1", "--reason", "a slip").ok()
    assert len(site.whys("--dry-run")) == 1


def test_what_others_take_in_this_account_is_not_ours(site: Site) -> None:
    site.stripe.clock.advance(hours=-26)
    site.stripe.elsewhere(500)
    site.stripe.refund(site.stripe.elsewhere(500), 100)
    assert site.whys() == []
