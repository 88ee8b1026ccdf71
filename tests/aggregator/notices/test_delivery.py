"""What is in the outbox arrives: signed, in order, at least once, under one id."""

import hmac
import json
import shutil
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.incidents.advice import advice
from aggregator.incidents.kinds import IncidentKind
from aggregator.notices import receiver as posting
from aggregator.notices.delivery import DeliveryReport, deliver
from aggregator.notices.retries import GIVEN_UP_AFTER
from gitmeter.support.backoff import LONGEST
from tests.aggregator.notices.telling import NOW, SECRET, TOKEN, Desk, mortal_notices
from tests.support.files import write_secret
from tests.support.ledger.world import DeathError
from tests.support.receiver import ReceiverServer


def run(desk: Desk) -> DeliveryReport:
    return deliver(desk.path, desk.config, lambda: desk.now)


def about(user: str) -> Any:  # noqa: ANN401 - a predicate
    return lambda event: event.get("user") == user


def test_an_event_is_signed_and_says_what_the_document_says(
    desk: Desk, server: ReceiverServer
) -> None:
    desk.protect()
    desk.balance("alice", 4_500_000_000)
    desk.open(IncidentKind.REWRITTEN, "node-1", "aaaa")
    desk.compare()
    assert run(desk).delivered == 2
    incident, balance = server.got
    assert incident.event == {
        "v": 1,
        "id": incident.headers["X-Gitmeter-Delivery"],
        "event": "incident_opened",
        "at": "2026-01-01T00:00:00Z",
        "repo": "node-1",
        "node": "node-1",
        "kind": "rewritten",
        "subject": "aaaa",
        "detail": "why",
        "advice": advice(IncidentKind.REWRITTEN),
        "opened_at": "2026-01-01T00:00:00Z",
    }
    assert balance.event == {
        "v": 1,
        "id": balance.headers["X-Gitmeter-Delivery"],
        "event": "balance_low",
        "at": "2026-01-01T00:00:00Z",
        "user": "alice",
        "balance_usd": "4.50",
        "balance_nano": 4_500_000_000,
        "threshold_usd": "5.00",
        "threshold_nano": 5_000_000_000,
    }
    for got in server.got:
        expected = hmac.new(SECRET.encode(), got.body, "sha256").hexdigest()
        assert got.headers["X-Gitmeter-Signature"] == expected
        assert got.headers["Authorization"] == f"Bearer {TOKEN}"
        assert got.headers["X-Gitmeter-Event"] == got.event["event"]
        assert got.headers["Content-Type"] == "application/json"


def test_without_a_secret_and_a_token_there_is_neither(desk: Desk, server: ReceiverServer) -> None:
    """Not even what `.netrc` has for that machine."""
    netrc = Path.home() / ".netrc"
    netrc.parent.mkdir(parents=True, exist_ok=True)
    write_secret(netrc, "machine 127.0.0.1 login somebody password secret\n")
    try:
        desk.usd("alice", 0)
        desk.compare()
        run(desk)
    finally:
        netrc.unlink()
    (got,) = server.got
    assert got.headers["X-Gitmeter-Signature"] is None
    assert got.headers["Authorization"] is None


@pytest.mark.parametrize("trouble", [500, 503, 408, 425, 429, "reset"])
def test_a_receiver_in_trouble_gets_it_later_under_the_same_id(
    desk: Desk, server: ReceiverServer, trouble: int | str
) -> None:
    """It is left alone meanwhile, each time for longer."""
    desk.usd("alice", 4)
    desk.usd("bob", 4)
    desk.compare()
    server.answer(trouble, times=3)
    waits_s = []
    while (result := run(desk)).waiting:
        assert result.error
        assert result.next_at_s is not None
        waits_s.append(result.next_at_s - int(desk.now.timestamp()))
        posts = len(server.got)
        desk.later(seconds=waits_s[-1] - 1)
        run(desk)
        assert len(server.got) == posts
        desk.later(seconds=1)
    for wait_s, longest_s in zip(waits_s, (10, 20, 40), strict=True):
        assert longest_s * 3 // 4 <= wait_s <= longest_s
    assert [event["user"] for event in server.taken()] == ["alice", "bob"]
    ids = [got.headers["X-Gitmeter-Delivery"] for got in server.got]
    assert len(set(ids[:4])) == 1
    assert len(set(ids)) == 2
    assert [row.attempts for row in desk.rows()] == [4, 1]
    assert all(row.delivered_at and not row.error for row in desk.rows())


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed(desk: Desk, server: ReceiverServer, *, as_date: bool) -> None:
    """In seconds and as a date, which is compared with the receiver's own clock."""
    at = NOW - timedelta(days=300)
    headers = {"Retry-After": "5000"}
    if as_date:
        headers = {
            "Retry-After": format_datetime(at + timedelta(seconds=5000), usegmt=True),
            "Date": format_datetime(at, usegmt=True),
        }
    server.answer(429, times=1, headers=headers)
    desk.usd("alice", 4)
    desk.compare()
    assert run(desk).next_at_s == int(desk.now.timestamp()) + 5000


def test_a_notice_that_is_not_wanted_keeps_no_other_back(
    desk: Desk, server: ReceiverServer
) -> None:
    """Only those about the same account wait for it, so that their order is kept."""
    for user in ("alice", "bob"):
        desk.usd(user, 4)
    desk.compare()
    for user in ("alice", "bob"):
        desk.usd(user, 0)
    desk.compare()
    server.answer(422, times=1, about=about("alice"), body=b'{"why":\n "no"}')
    result = run(desk)
    assert [event["user"] for event in server.taken()] == ["bob", "bob"]
    assert (result.delivered, result.waiting, result.error) == (2, 2, '422 {"why": "no"}')
    desk.later(seconds=10)
    assert run(desk).waiting == 0
    taken = [(event["user"], event["event"]) for event in server.taken()]
    assert taken[2:] == [("alice", "balance_low"), ("alice", "balance_exhausted")]


@pytest.mark.parametrize("repo", ["node-1", ""])
def test_that_an_incident_is_over_is_not_told_before_that_it_is_there(
    desk: Desk, server: ReceiverServer, repo: str
) -> None:
    """Also one that belongs to no repo."""
    desk.usd("alice", 5)
    desk.compare()
    desk.open(IncidentKind.UNPRICED, repo, "thing (vm)")
    desk.compare()
    server.answer(422, times=1)
    run(desk)
    desk.end(IncidentKind.UNPRICED, repo, "thing (vm)")
    assert desk.compare() == 1
    assert run(desk).waiting == 2
    desk.later(seconds=10)
    assert run(desk).waiting == 0
    taken = [event["event"] for event in server.taken()]
    assert taken == ["incident_opened", "incident_closed"]


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 413])
def test_what_is_never_wanted_is_given_up_after_a_week_and_shown(
    desk: Desk, server: ReceiverServer, status: int
) -> None:
    """Tried less and less often until then, and never sent where a redirect leads."""
    server.answer(status, headers={"Location": server.url})
    desk.usd("alice", 4)
    desk.compare()
    while run(desk).waiting:
        desk.now += LONGEST
    assert desk.now - NOW >= GIVEN_UP_AFTER
    assert 150 < len(server.got) < 200
    (row,) = desk.rows(undelivered=True)
    assert row.given_up_at is not None
    assert str(status) in (row.error or "")
    desk.usd("alice", 0)
    server.behave()
    desk.compare()
    assert run(desk).delivered == 1


def test_a_receiver_that_wants_nothing_at_all_is_not_asked_a_thousand_times(
    desk: Desk, server: ReceiverServer
) -> None:
    server.answer(401)
    for number in range(1000):
        desk.usd(f"user-{number}", 0)
    desk.compare()
    run(desk)
    assert len(server.got) == 5
    desk.later(seconds=10)
    server.behave()
    assert run(desk).delivered == 1000
    assert desk.rows(undelivered=True) == []


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_receiver_that_does_not_answer_is_left_in_time(
    desk: Desk, server: ReceiverServer, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is for the whole answer: a byte now and then does not extend it."""
    monkeypatch.setattr(posting.Receiver.__init__, "__defaults__", (1,))
    server.answer(fault, times=1)
    desk.usd("alice", 0)
    desk.compare()
    assert run(desk).error == "no answer in 1 s"


def test_nobody_there_is_an_error_that_is_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.begin()
    desk.usd("alice", 0)
    desk.compare()
    assert "refused" in run(desk).error
    (row,) = desk.rows(undelivered=True)
    assert "refused" in (row.error or "")


def test_a_secret_that_cannot_be_read_holds_everything_back(
    desk: Desk, server: ReceiverServer
) -> None:
    """Nothing is sent unsigned."""
    desk.protect()
    desk.files["secret_file"].chmod(0o644)
    desk.usd("alice", 0)
    desk.compare()
    result = run(desk)
    assert "may read the secret file" in result.error
    assert (result.waiting, len(server.got)) == (1, 0)
    desk.files["secret_file"].chmod(0o600)
    desk.later(seconds=10)
    assert run(desk).delivered == 1


def test_death_before_any_statement_delivers_under_the_same_id(
    desk: Desk, server: ReceiverServer
) -> None:
    """Some notices arrive twice then, each with the id that it had."""
    desk.usd("alice", 4)
    desk.usd("bob", 4)
    desk.compare()
    desk.usd("alice", 0)
    desk.compare()
    unharmed = desk.folder.with_name("unharmed")
    shutil.copytree(desk.folder, unharmed)
    with mortal_notices(None) as made:
        run(Desk(unharmed, server.url))
    ids = [event["id"] for event in server.taken()]
    assert len(set(ids)) == 3
    for survived in range(made[0].statements):
        folder = desk.folder.with_name(str(survived))
        shutil.copytree(desk.folder, folder)
        other, before = Desk(folder, server.url), len(server.got)
        with mortal_notices(survived), pytest.raises(DeathError):
            run(other)
        run(other)
        arrived = [got.event["id"] for got in server.got[before:]]
        assert set(arrived) == set(ids)
        assert list(dict.fromkeys(arrived)) == ids
        assert other.rows(undelivered=True) == []


def test_a_process_killed_between_post_and_note_posts_again(
    desk: Desk, server: ReceiverServer
) -> None:
    desk.usd("alice", 4)
    desk.compare()

    class KilledError(BaseException):
        pass

    def die(*_: object) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregator.store.outbox.queue.QueueRows.note_delivered", die)
        with pytest.raises(KilledError):
            run(desk)
    assert run(desk).delivered == 1
    first, second = server.got
    assert first.body == second.body
    assert first.headers["X-Gitmeter-Delivery"] == second.headers["X-Gitmeter-Delivery"]


def test_what_was_delivered_long_ago_is_forgotten_and_what_waits_is_not(
    desk: Desk, server: ReceiverServer
) -> None:
    for user in ("alice", "bob"):
        desk.usd(user, 0)
    desk.compare()
    server.answer(500, about=about("bob"))
    run(desk)
    desk.later(days=91)
    desk.compare()
    assert [json.loads(row.body)["user"] for row in desk.rows()] == ["bob"]
