"""What `books plan set` accepts counts, by the aggregator's judgement of what was pushed."""

from datetime import timedelta
from random import Random

import pytest

from books.errors import AccountError
from books.history import entries, waiting_lines
from books.plans.known import read_plan_rules
from gitmeter.money.plans.plan_lines import PlanEntry, judge_plan_lines
from node_pusher.home.settings_file import read_home
from tests.books.plans.shop import CYCLE, NOON, Shop
from wire_format.instants import parse_ts, to_us
from wire_format.lines import Account

USERS = ("alice", "bob", "carl", "dora")
STEPS = 60


def committed(shop: Shop) -> list[PlanEntry]:
    """Every plan line, with the time of its commit."""
    home = read_home(shop.books.home, "books")
    with shop.spool() as spool:
        assert waiting_lines(spool) == []
    return [
        PlanEntry(line, "books", to_us(parse_ts(entry["committed_at"])))
        for entry, lines in entries(home, None)
        for line in lines or ()
        if isinstance(line, Account)
    ]


def try_something(shop: Shop, random: Random) -> bool:
    """Ask for some plan at some time; whether it was accepted."""
    begins = random.choice([None, None, -800, -30, 0, 3, 719, 720, 721])
    ends = random.choice([None, None, None, 5, 720, 2160])
    from_ = None if begins is None else shop.now.replace(minute=0) + timedelta(hours=begins)
    start = from_ or shop.now.replace(minute=0)
    try:
        shop.set(
            random.choice(USERS),
            random.choice(["free", "starter", "pro", "week"]),
            from_=from_,
            until=None if ends is None else start + timedelta(hours=ends),
            is_upgrade=random.random() < 0.4,
        )
    except AccountError:
        return False
    return True


@pytest.mark.parametrize("seed", range(3))
def test_what_is_accepted_counts(shop: Shop, seed: int) -> None:
    """In any order of plans, periods and upgrades, pushed together or one by one."""
    random = Random(seed)
    accepted = 0
    shop.now = NOON
    for _ in range(STEPS):
        accepted += try_something(shop, random)
        shop.now += random.choice([timedelta(seconds=1), timedelta(hours=7), CYCLE / 3])
        if random.random() < 0.1:
            shop.say("push").ok()
    shop.say("push").ok()
    found = committed(shop)
    plans = read_plan_rules(read_home(shop.books.home, "books")).plans
    counted = 0
    for user in USERS:
        own = [entry for entry in found if entry.record.user == user]
        judged = judge_plan_lines(own, plans, lambda _committed_us: 0)
        assert [each.fault for each in judged.judged] == [None] * len(own)
        counted += len(judged.counted)
    assert accepted >= counted == len(found) > len(USERS)
