"""The ledger is a function of git: any delivery of the same facts ends in the same ledger."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aggregator.ledger.charges import charging, gathering
from aggregator.proof import replay
from tests.support.deliveries import Delivery, deliveries
from tests.support.ledger.telling import (
    Places,
    digest_from_git,
    mismatches,
    tell,
    told_since,
    used_since,
)
from tests.support.ledger.world import BOOKS, World
from tests.support.memory import MEMORY
from tests.support.strategies import (
    NODES,
    Facts,
    decision_lines,
    money_lines,
    rules,
    usage_lines,
)

MANY: Final = settings().max_examples


@st.composite
def crowded_facts(draw: st.DrawFn) -> Facts:
    """Facts in which more than two lines may claim one key."""
    usage = {}
    for node in NODES:
        usage[node] = draw(usage_lines(node, max_size=6)) | draw(usage_lines(node, max_size=6))
    money = draw(money_lines(max_size=6)) | draw(money_lines(max_size=4))
    lines = {line for of_node in usage.values() for line in of_node} | money
    return Facts(usage, money, draw(rules()), draw(decision_lines(lines)))


@st.composite
def _places(draw: st.DrawFn, delivery: Delivery) -> Places:
    """A node may have two repos; the books have one."""
    places = {}
    for node, commits in delivery.histories.items():
        names = [node] if node == BOOKS else [node, f"{node}-old"]
        size = len(commits)
        places[node] = draw(st.lists(st.sampled_from(names), min_size=size, max_size=size))
    return places


@st.composite
def delivered_twice(draw: st.DrawFn) -> tuple[Facts, Delivery, Places, Delivery]:
    """Facts, one delivery of them with the repos it uses, and another delivery."""
    some = draw(crowded_facts())
    delivery = draw(deliveries(some))
    return some, delivery, draw(_places(delivery)), draw(deliveries(some))


@settings(
    max_examples=MANY * 2 // 3,
    phases=set(Phase) - {Phase.explain},  # explaining a failure takes longer than finding it
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(delivered_twice(), st.booleans(), st.sampled_from([1, 25, 50, 10**6]), st.integers(1, 3))
def test_any_delivery_ends_in_the_ledger_of_the_reference(
    drawn: tuple[Facts, Delivery, Places, Delivery],
    as_columns: bool,  # noqa: FBT001 - drawn by hypothesis
    gathered_max: int,
    in_turn: int,
) -> None:
    """Charges, balances and held lines are the reference's; digests agree, and so does git.

    Which node used which account since when follows from the commits of each delivery.

    Whether the charges of a batch are taken one by one or as columns; however many wait in a
    rebuild to be charged together, and however its repos take turns.
    """
    some, one_way, places, other_way = drawn
    expected = some.reckoned()
    with (
        TemporaryDirectory(dir=MEMORY) as first,
        TemporaryDirectory(dir=MEMORY) as second,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(charging, "COLUMNS_FROM", 1 if as_columns else sys.maxsize)
        patch.setattr(gathering, "_WEIGHT_MAX", gathered_max)
        patch.setattr(replay, "_IN_TURN", in_turn)
        world = World(Path(first))
        tell(world, one_way, places)
        assert mismatches(world, expected) == []
        other = World(Path(second))
        tell(other, other_way)
        assert mismatches(other, expected) == []
        assert used_since(world) == told_since(one_way)
        assert used_since(other) == told_since(other_way)
        assert digest_from_git(world) == other.digest()
