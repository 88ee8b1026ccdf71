"""Worked stories about money come out of the ledger, in whatever order repos are pulled."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.reports import payments
from gitmeter.money.pool import payments_of
from gitmeter.money.rivals import judge
from tests.gitmeter.money.stories import STORIES, Told
from tests.support.ledger.told_case import outcome, tell
from tests.support.ledger.world import World
from tests.support.memory import MEMORY
from tests.support.money_cases import answer
from tests.support.money_story import END
from tests.support.random_story import random_story
from wire_format.instants import format_ts
from wire_format.money import format_usd

MANY: Final = settings().max_examples


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.__name__)
def test_a_worked_story_comes_out_of_the_ledger(told: Callable[[], Told], tmp_path: Path) -> None:
    """Whatever was pulled when; a rebuild from git ends in the same digest."""
    found = told()
    digests = set()
    for number in range(2):
        world = World(tmp_path / str(number), test=found.story.tests_count)
        tell(world, found.story.case(), Random(number))
        expected = {"counts": found.counts, "waits": found.waits, "pool": found.pool}
        assert outcome(world) == expected
        _assert_left(world)
        digests |= {world.digest(), world.rebuilt_digest()}
    assert len(digests) == 1


@settings(max_examples=MANY * 2 // 3)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_story_in_any_order_is_what_the_rules_say_of_the_set(seed: int, order: int) -> None:
    """The ledger, which judges what is new, agrees with the pure rules over all lines at once."""
    story = random_story(Random(seed))
    found = answer(story.case())
    expected = {
        "counts": set(found["counts"]),
        "waits": set(found["waits"]),
        "pool": {user: has[END] for user, has in found["pool"].items()},
    }
    digests = set()
    for number in range(2):
        with TemporaryDirectory(dir=MEMORY) as folder:
            world = World(Path(folder))
            tell(world, story.case(Random(order)), Random(order + number))
            assert outcome(world) == expected
            _assert_left(world)
            digests.add(world.digest())
            if number:
                digests.add(world.rebuilt_digest())
    assert len(digests) == 1


def _assert_left(world: World) -> None:
    """What is left of each payment that counts is told, of all users and of each alone."""
    with world.reading() as store:
        users = store.money.users()
        paid = payments_of(judge(store.money.entries(users, ()).values()))
        expected = {
            (record.node, record.seq, format_ts(record.ts)): format_usd(payment.left_nano())
            for record, payment in paid.items()
        }
        with patch.object(payments, "_USERS_AT_ONCE", 1):
            of_all = [*payments.lines(store, None, None, None)]
        of_each = [line for user in users for line in payments.lines(store, user, None, None)]
    for lines in (of_all, of_each):
        told = [line for line in lines if line["left_usd"] is not None]
        found = {(line["node"], line["seq"], line["ts"]): line["left_usd"] for line in told}
        assert (found, len(told)) == (expected, len(expected))
