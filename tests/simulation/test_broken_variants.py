"""The simulation goes red: the product, broken on purpose, is found within a few seeds."""

import pytest

from tests.simulation.broken import VARIANTS
from tests.simulation.report import first_failure
from tests.simulation.simulation import STEPS_DEFAULT

SEEDS_MAX = 120
"""Tried after the seed that is named with it."""


@pytest.mark.parametrize("name", VARIANTS)
def test_broken_it_is_found(name: str) -> None:
    seeds = (VARIANTS[name].seed, *range(1, SEEDS_MAX + 1))
    assert first_failure(name, seeds, STEPS_DEFAULT) is not None
