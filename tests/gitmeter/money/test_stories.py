"""Worked stories about money come out, in whatever order their lines come."""

import random
from collections.abc import Callable

import pytest

from tests.gitmeter.money.stories import STORIES, Told
from tests.support.money_cases import answer
from tests.support.money_story import END


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_a_worked_story_comes_out(tell: Callable[[], Told]) -> None:
    """As it was told, and with its lines shuffled and repeated."""
    told = tell()
    for shuffled in (None, random.Random(1), random.Random(2)):
        found = answer(told.story.case(shuffled))
        assert set(found["counts"]) == told.counts
        assert set(found["waits"]) == told.waits
        assert {user: has[END] for user, has in found["pool"].items()} == told.pool
