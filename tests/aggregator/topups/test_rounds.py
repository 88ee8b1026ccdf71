"""The till is told who is below the threshold: a level, bounded, and only by a current ledger."""

from itertools import chain
from pathlib import Path

import pytest

from aggregator.balances.topups.due import is_current
from aggregator.notices.topups import rounds
from tests.aggregator.topups.charger import charger, config_of, posts, round_of, run, says
from tests.support.ledger.topups_world import ATTEMPT, CHARGER, TILL, TopupsWorld
from wire_format.posts.topup_due import AccountBelow


def test_a_post_says_all_that_the_till_asks_for(world: TopupsWorld) -> None:
    world.pay("pi_late", "0.10", status="undecided")
    world.pay("pi_bob", "1.00", "bob")
    world.pull()
    with charger() as till:
        assert run(world, till).told == 0
    world.let_be_due("carol")
    world.begin("auto:carol:0000000000000009", "carol")
    world.end("not tried", "auto:carol:0000000000000009", "carol")
    world.later(hours=25)
    world.pull()
    with charger() as till:
        report = run(world, till)
        (post,) = posts(till)
    assert (report.told, report.posts, report.error, report.stopped) == (1, 1, "", None)
    assert post.at == world.now
    assert post.seen == {TILL: world._seqs[TILL], CHARGER: 2}
    assert post.accounts == (
        AccountBelow(
            "carol", "20.00", "5.00", "100.00", "4.00", "stripe", "pi_carol", ("pi_carol",)
        ),
    )


def test_paid_names_payments_of_the_last_days_whatever_became_of_them(world: TopupsWorld) -> None:
    world.later(days=33)
    world.pay("pi_held", "900.00")
    world.pull()
    with charger() as till:
        run(world, till)
        (post,) = posts(till)
    assert post.accounts[0].paid == ("pi_held", "pi_alice")
    world.later(days=2)
    world.pull()
    with charger() as till:
        run(world, till)
        assert posts(till)[0].accounts[0].paid == ("pi_held",)


def test_a_post_that_was_missed_is_posted_again(world: TopupsWorld) -> None:
    """It is a level: while it holds each round tells it."""
    world.pull()
    with charger() as till:
        till.answer(503, times=1)
        report = run(world, till)
        assert (report.told, report.error) == (0, "503")
        assert run(world, till).told == 1
        assert run(world, till).told == 1
        world.begin(ATTEMPT)
        world.pull()
        assert run(world, till) == rounds.TopupReport()
        first, *again = posts(till)
    assert [post.accounts for post in again] == [first.accounts] * 2
    assert len({post.id for post in (first, *again)}) == 3


def test_a_broken_variant_that_tells_crossings_is_caught(
    world: TopupsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once when the balance falls below, the account would never be charged."""
    told: set[str] = set()
    read = rounds.TopupRound.read

    def crossings(self: rounds.TopupRound, after: str) -> rounds.TopupReading:
        found = read(self, after)
        new = [each for each in found.accounts if each.user not in told]
        told.update(each.user for each in new)
        return found._replace(accounts=new)

    monkeypatch.setattr(rounds.TopupRound, "read", crossings)
    with pytest.raises(AssertionError):
        test_a_post_that_was_missed_is_posted_again(world)


@pytest.mark.parametrize("away", [TILL, CHARGER, "desk-1", "books"])
def test_nobody_is_told_while_a_repo_of_money_cannot_be_read(world: TopupsWorld, away: str) -> None:
    world.pull()
    remote = world.folder / "remotes" / f"{away}.git"
    remote.rename(world.folder / "away.git")
    world.later(minutes=6)
    world.pull()
    with charger() as till:
        assert run(world, till).is_behind
        (world.folder / "away.git").rename(remote)
        world.later(minutes=6)
        assert run(world, till).is_behind, "it was not read again yet"
        world.pull()
        assert run(world, till).told == 1
        assert len(till.got) == 1


def test_nobody_is_told_by_a_ledger_that_was_not_read_lately(world: TopupsWorld) -> None:
    """A forge that is down for a weekend leaves it as it was."""
    world.pull()
    with charger() as till:
        world.later(minutes=10)
        assert run(world, till).told == 1
        world.later(minutes=1)
        assert run(world, till).is_behind
        world.later(hours=48)
        assert run(world, till).is_behind
        assert len(till.got) == 1


def test_a_repo_that_was_never_read_is_waited_for(world: TopupsWorld) -> None:
    world.pull()
    with world.reading() as store:
        assert is_current(store, world.money_repos(), world.now)
        assert not is_current(store, [*world.money_repos(), "till-9"], world.now)
        assert not is_current(store, [], world.now), "no till could be charged by"


def test_a_till_that_does_not_take_it_ends_the_round(world: TopupsWorld) -> None:
    world.pull()
    for status, error in (("reset", ""), (400, "400"), (302, "302")):
        with charger() as till:
            till.answer(status)
            report = run(world, till)
            assert (report.told, len(till.got)) == (0, 1)
            assert report.error.startswith(error), report.error
            assert report.error
    with charger() as till:
        till.answer(200, body=b"<html>")
        assert "not the answer of a till" in run(world, till).error


def test_a_secret_that_cannot_be_read_is_an_error_of_the_round(world: TopupsWorld) -> None:
    world.pull()
    with charger() as till:
        config_of(world, till).secret_file.write_text("")
        assert run(world, till).error
        assert not till.got


def test_an_empty_post_asks_whether_it_has_stopped(world: TopupsWorld) -> None:
    world.set_topup(auto_topup_usd="0.00")
    world.pull()
    with charger() as till:
        says(till, "too many")
        assert run(world, till).posts == 0
        report = round_of(world, till).run(asks=True)
        assert (report.posts, report.told, report.stopped) == (1, 0, "too many")
        assert posts(till)[0].accounts == ()


def test_posts_and_rounds_are_bounded_and_reach_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next round begins after the last one that was told."""
    monkeypatch.setattr(rounds, "ACCOUNTS_MAX", 2)
    monkeypatch.setattr(rounds, "ACCOUNTS_A_ROUND_MAX", 5)
    world = TopupsWorld(tmp_path)
    users = [f"user-{number}" for number in range(7)]
    for user in users:
        world.pay(f"pi_{user}", "1.00", user)
        world.consent(f"pi_{user}", user)
        world.set_topup(user)
    world.pull()
    with charger() as till:
        first = run(world, till)
        second = run(world, till, first.last)
        told = [[account.user for account in post.accounts] for post in posts(till)]
    assert (first.told, first.posts, first.last) == (5, 3, "user-4")
    assert told[:3] == [users[0:2], users[2:4], users[4:5]]
    assert list(chain.from_iterable(told[3:])) == [*users[5:], *users[:3]]
    assert second.last == "user-2"
