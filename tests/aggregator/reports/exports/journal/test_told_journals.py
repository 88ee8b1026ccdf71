"""A journal is a function of the lines: however they arrived, it is the same, and it balances."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.reports.periods.period import FIRST_HOUR
from tests.gitmeter.money.stories import STORIES, Told
from tests.support import hledger
from tests.support.ledger.told_case import AFTER, tell, world_of
from tests.support.ledger.told_journal import assert_journals_add_up, journal_of
from tests.support.money_cases import Case, answer
from tests.support.money_story import END
from tests.support.naive.cases import random_case
from tests.support.random_story import random_story
from wire_format.instants import hour_of, parse_ts

_SEEDS = st.integers(0, 2**32)


def journals_told(case: Case, order: int) -> list[str]:
    """The journals of a case, told twice in different orders, up to each instant and in all.

    Each of them balances to what the reports say of that instant.
    """
    found: list[list[str]] = []
    instants = [*case["ask"], END]
    for number in range(2):
        with world_of(case) as world:
            tell(world, case, Random(order + number))
            with world.reading() as store:
                if number == 0:
                    assert_journals_add_up(store, instants, AFTER)
                hours = sorted({hour_of(parse_ts(at)) for at in instants})
                own = [journal_of(store, (FIRST_HOUR, hour)) for hour in hours]
                found.append([*own, journal_of(store, (hours[0], hours[-1]), "month")])
    assert [*map(_without_head, found[0])] == [*map(_without_head, found[1])]
    return found[0]


@settings(max_examples=3)
@given(_SEEDS, _SEEDS)
def test_usage_grants_and_plans_are_one_journal_in_any_order(seed: int, order: int) -> None:
    journals_told(random_case(Random(seed)), order)


@settings(max_examples=10)
@given(_SEEDS, _SEEDS)
def test_any_money_is_one_journal_in_any_order(seed: int, order: int) -> None:
    """Of several currencies, writers and versions; what is owed is what the rules say."""
    case = random_story(Random(seed)).case()
    assert_owed(journals_told(case, order)[0], case)


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.__name__)
def test_a_worked_story_is_a_journal(told: Callable[[], Told]) -> None:
    found = told()
    case = found.story.case()
    with world_of(case) as world:
        tell(world, case, Random(1))
        with world.reading() as store:
            journal = journal_of(store, (FIRST_HOUR, hour_of(AFTER)))
    hledger.check(journal)
    assert -prepaid(journal) == sum(found.pool.values())


def assert_owed(journal: str, case: Case) -> None:
    pool: dict[str, Any] = answer(case)["pool"]
    assert -prepaid(journal) == sum(has[END] for has in pool.values())


def _without_head(journal: str) -> str:
    """What follows the comment, which says what had been billed when, as it happened."""
    return journal.partition("\n\n")[2]


def prepaid(journal: str) -> int:
    return hledger.balances(journal).get("liabilities:prepaid", 0)
