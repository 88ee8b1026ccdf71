"""Rules about plans, grants and desks, broken on purpose, differ from the naive reference."""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, Final

import pytest

from tests.aggregator.rating.broken_terms import VARIANTS
from tests.aggregator.rating.test_whole_accounts import as_json
from tests.support.money_cases import answer
from tests.support.naive.answers import answer as naive_answer
from tests.support.naive.cases import random_case

SEEDS: Final = (4, 69, 75, 145)
"""Cases that meet what the variants break, each variant in one of them at least."""


@cache
def expected(seed: int) -> Any:  # noqa: ANN401 - any JSON
    return as_json(naive_answer(random_case(Random(seed))))


def found(seed: int) -> Any:  # noqa: ANN401 - any JSON
    return as_json(answer(random_case(Random(seed))))


@pytest.mark.parametrize("seed", SEEDS)
def test_unbroken_they_agree(seed: int) -> None:
    assert found(seed) == expected(seed)


@pytest.mark.parametrize("breaks", VARIANTS, ids=lambda breaks: breaks.__name__)
def test_a_broken_rule_is_found(
    breaks: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one of the cases at least."""
    wanted = {seed: expected(seed) for seed in SEEDS}
    breaks(monkeypatch)
    assert any(found(seed) != wanted[seed] for seed in SEEDS)
