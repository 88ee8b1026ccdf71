"""Grants, plans, keys and desks come out of the ledger as the rules say of the set of lines."""

from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ledger.told_case import Terms, outcome, tell, terms, world_of
from tests.support.ledger.world import World
from tests.support.money_cases import answer, judged_case
from tests.support.naive.answers import answer as naive_answer
from tests.support.naive.cases import random_case

END = "2027-01-01T00:00:00Z"
"""After every line of a case."""


def without_seen(case: Mapping[str, Any]) -> dict[str, Any]:
    """The case without decisions `seen`: the reference holds a whole repo by them, W6."""
    lines = [text for text in case["lines"] if text.get("kind") != "seen"]
    return {**case, "lines": lines, "ask": [END]}


def expected_terms(case: Mapping[str, Any]) -> Terms:
    """By user the plan lines and the grants with terms that count, by the pure rules."""
    judged, charged = judged_case(case)
    return {
        user: (found.counted, tuple(judged.granted.get(user, ())))
        for user, found in charged.plans.items()
    }


class Expected:
    """What the reference and the pure rules say of a case."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        reference, by_rules = naive_answer(case), answer(case)
        self._counts, self._waits = set(reference["counts"]), set(by_rules["waits"])
        assert self._counts == set(by_rules["counts"])
        # of lines that buy a period again while the first waits, the reference names the first
        assert set(reference["waits"]) <= self._waits
        self._pool = {user: has[END] for user, has in reference["pool"].items()}
        self._terms = expected_terms(case)

    def agrees(self, world: World) -> None:
        """Compare with it a ledger that the case was told to."""
        found = outcome(world)
        assert found["counts"] == self._counts
        assert found["waits"] == self._waits
        assert {user: found["pool"].get(user, 0) for user in self._pool} == self._pool
        nothing: Terms = dict.fromkeys(self._pool, ((), ()))
        assert nothing | terms(world) == nothing | self._terms


def check(seed: int, order: int) -> None:
    """Tell a random case in two orders, with pulls in between; once with other rules at first."""
    case = without_seen(random_case(Random(seed)))
    expected = Expected(case)
    digests = set()
    for number in range(2):
        with world_of(case) as world:
            other = random_case(Random(order))["rules"] if number else None
            tell(world, case, Random(order + number), other)
            expected.agrees(world)
            digests.add(world.digest())
            if number:
                digests.add(world.rebuilt_digest())
    assert len(digests) == 1


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_lines_in_any_order_are_what_the_rules_say_of_the_set(seed: int, order: int) -> None:
    """What counts and waits, what is left, which plans and grants; a rebuild is the same."""
    check(seed, order)
