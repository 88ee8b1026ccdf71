"""Plans, included units, prices, grants, balances: the pure rules against the naive reference."""

import json
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.money_cases import answer
from tests.support.naive.answers import answer as naive_answer
from tests.support.naive.cases import random_case


def as_json(found: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(json.dumps(found))


@given(st.integers(0, 2**32))
@example(700327)  # of two upgrades in one cycle the one that was committed later begins earlier
@example(701976)
@example(702479)  # what is about a payment that is excluded moves nothing, and does not wait
@example(704247)  # refunds in another currency reach the limit, each rounded up
@example(704966)
@settings(max_examples=40)
def test_any_case_comes_out_as_the_reference_says(seed: int) -> None:
    """What counts and waits, charges, what was drawn, balances, grants, plans and accounts."""
    case = random_case(Random(seed))
    assert as_json(answer(case)) == as_json(naive_answer(case))
