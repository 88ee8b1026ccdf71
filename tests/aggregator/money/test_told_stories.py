"""Worked stories about money come out of the ledger, in whatever order repos are pulled."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gitmeter.money.stories import STORIES, Told
from tests.support.ledger.told_case import outcome, tell
from tests.support.ledger.world import World
from tests.support.memory import MEMORY
from tests.support.money_cases import answer
from tests.support.money_story import END
from tests.support.random_story import random_story


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
        digests |= {world.digest(), world.rebuilt_digest()}
    assert len(digests) == 1


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
            digests |= {world.digest(), world.rebuilt_digest()}
    assert len(digests) == 1
