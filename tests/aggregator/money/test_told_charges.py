"""Prices by windows and tiers come out of the ledger as the naive reference says, in any order."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ledger.told_case import charges, tell, world_of
from tests.support.naive.answers import answer
from tests.support.naive.cases import random_case

MANY: Final = settings().max_examples


def without_plans(case: Mapping[str, Any]) -> dict[str, Any]:
    """The case without plans, and with days for cycles."""
    prices = [
        {**price, "window": "day"} if price.get("window") == "cycle" else price
        for price in case["rules"]["prices"]
    ]
    rules = {**case["rules"], "plans": [], "prices": prices}
    return {**case, "rules": rules}


@settings(max_examples=MANY // 5)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_usage_in_any_order_costs_what_the_reference_says_of_the_set(
    seed: int, order: int
) -> None:
    """Late records, repeats, corrections, prices that change; a rebuild has the same digest."""
    case = without_plans(random_case(Random(seed)))
    expected = answer(case)
    digests = set()
    for number in range(2):
        with world_of(case) as world:
            tell(world, case, Random(order + number))
            assert charges(world) == (expected["charges"], expected["unpriced"])
            digests.add(world.digest())
            if number:
                digests.add(world.rebuilt_digest())
    assert len(digests) == 1
