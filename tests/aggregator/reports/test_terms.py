"""What the ledger says of grants, plans and balances at instants is what the reference says."""

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.reports.reprice import ProposedFile, reprice
from tests.support.case_rules import rule_files
from tests.support.ledger.told_case import AFTER, tell, world_of
from tests.support.ledger.told_journal import assert_journals_add_up
from tests.support.ledger.told_reports import assert_reports_add_up
from tests.support.ledger.told_terms import PARTS, is_told_now_as_at, told_terms
from tests.support.ledger.world import World
from tests.support.money_cases import Case
from tests.support.naive.answers import answer
from tests.support.naive.cases import random_case
from wire_format.money import NANO


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
@example(747, 0)  # payments that are too small for tenure
@example(153, 0)  # a fee of the books for a plan without an end
def test_every_account_has_at_every_instant_what_the_reference_says(seed: int, order: int) -> None:
    """And what is told from sums, after everything, is what is told from charges and lines.

    So are the reports of usage, revenue and what is owed, and journals balance to them.
    """
    case = random_case(Random(seed))
    expected = answer(case)
    with world_of(case) as world:
        tell(world, case, Random(order))
        found = told_terms(world, case)
        for part in PARTS:
            for user, values in found[part].items():
                for at, value in values.items():
                    assert (part, user, at, value) == (part, user, at, expected[part][user][at])
        assert is_told_now_as_at(world, AFTER)
        assert_reports_add_up(world, case, expected)
        with world.reading() as store:
            assert_journals_add_up(store, case["ask"], AFTER)
        assert_repricing_changes_nothing(world, case)


def assert_repricing_changes_nothing(world: World, case: Case) -> None:
    """Rated under the rules in force everything costs what it does: windows, plans and grants."""
    file = ProposedFile("prices.toml", rule_files(case["rules"])["rules/prices.toml"])
    with world.reading() as store:
        found = reprice(store, file, world.config.charge_cost_max_usd * NANO, AFTER)
    assert found["rule_book"] == found["rule_book_in_force"]
    assert (found["charges_changed"], found["accounts"]) == (0, [])
