"""Each rule of the ledger, broken on purpose, is found by a scenario.

Every scenario agrees with the reference as long as nothing is broken.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from aggregator.ledger import pending
from tests.aggregator.broken_variants import (
    broken,
    broken_decisions,
    broken_history,
    broken_limits,
    broken_verdicts,
    scenarios,
)
from tests.aggregator.broken_variants import scenarios_accepted as accepted
from tests.aggregator.broken_variants import scenarios_corrections as corrections
from tests.aggregator.broken_variants import scenarios_decisions as decisions
from tests.aggregator.broken_variants import scenarios_limits as limits
from tests.support.ledger.telling import mismatches
from tests.support.ledger.world import World, usage_line
from tests.support.reference import Ledger as Expected

Patch = pytest.MonkeyPatch
Scenario = Callable[[World], Expected]


class Variant(NamedTuple):
    """A broken ledger, and the scenario that finds it."""

    breaks: Callable[[Patch], None]
    found_by: Scenario


ALL = (*scenarios.ALL, *corrections.ALL, *decisions.ALL, *limits.ALL, *accepted.ALL)
VARIANTS = (
    Variant(broken.dedup_by_content, scenarios.alike),
    Variant(broken.dedup_by_number, scenarios.reused_number),
    Variant(broken.first_one_wins, scenarios.smaller_last),
    Variant(broken.first_one_wins, scenarios.smaller_last_at_once),
    Variant(broken.last_one_wins, scenarios.smaller_first),
    Variant(broken.seen_ranges_ignored, scenarios.redelivered),
    Variant(broken.seen_ranges_not_kept, scenarios.redelivered),
    Variant(broken.applied_lines_ignored, scenarios.redelivered),
    Variant(broken.applied_lines_ignored, scenarios.smaller_last),
    Variant(broken.lines_of_this_batch_ignored, scenarios.smaller_last_at_once),
    Variant(broken.other_repos_ignored, scenarios.two_repos_of_one_node),
    Variant(broken.cursor_moved_before_the_charges, scenarios.dies_at_the_last_step),
    Variant(broken.cursor_not_moved, scenarios.alike),
    Variant(broken.charges_before_the_transaction, scenarios.dies_at_the_last_step),
    Variant(broken.shortcut_though_lines_were_held, scenarios.ahead_then_fine),
    Variant(broken.batch_applied_twice, scenarios.alike),
    Variant(broken.batch_not_emptied, scenarios.in_many_batches),
    Variant(broken.foreign_lines_billed, scenarios.of_another_node),
    Variant(broken.payment_does_not_rate_again, scenarios.late_payment),
    Variant(broken.price_does_not_rate_again, scenarios.late_price),
    Variant(broken.price_does_not_rate_again, scenarios.changed_price),
    Variant(broken.rating_again_forgets_the_account, scenarios.changed_price),
    Variant(broken.grant_starts_tenure, scenarios.only_a_grant),
    Variant(broken.references_ignored, scenarios.repeated_payment),
    Variant(broken.any_refund_counts, scenarios.refund_of_nothing),
    Variant(broken.refunds_until_the_payment_is_used_up, scenarios.refunds_beyond_the_payment),
    Variant(broken.refund_ends_tenure_at_once, scenarios.refunded_in_full),
    Variant(broken.half_up, scenarios.a_tie),
    Variant(broken.price_rounded_to_the_nano, scenarios.below_a_nano),
    Variant(broken_verdicts.corrections_judged_one_by_one, corrections.too_much_together),
    Variant(broken_verdicts.any_sum_counts, corrections.too_much_together),
    Variant(broken_verdicts.original_of_another_time, corrections.of_another_time),
    Variant(broken_verdicts.unlike_corrections_count, corrections.unlike_its_original),
    Variant(broken_verdicts.a_correction_is_corrected, corrections.of_a_correction),
    Variant(broken_verdicts.corrections_not_kept, corrections.before_its_original),
    Variant(broken_verdicts.corrections_of_this_batch_ignored, corrections.before_at_once),
    Variant(broken_verdicts.ties_not_followed, corrections.original_loses_a_conflict),
    Variant(broken_verdicts.ties_not_followed, corrections.brought_above_zero_by_a_third),
    Variant(broken_verdicts.released_lines_stay_filed, corrections.brought_above_zero_by_a_third),
    Variant(broken_verdicts.held_once_released_for_good, corrections.held_freed_and_held_again),
    Variant(broken_verdicts.what_lost_stays_counted, corrections.original_loses_a_conflict),
    Variant(broken_decisions.only_later_lines, decisions.exclude_after),
    Variant(broken_decisions.only_later_lines, decisions.exclude_own_payment),
    Variant(broken_decisions.only_earlier_lines, decisions.exclude_before),
    Variant(broken_decisions.other_nodes_skipped, decisions.exclude_after),
    Variant(broken_decisions.own_node_skipped, decisions.exclude_own_payment),
    Variant(broken_decisions.end_of_range_left_out, decisions.exclude_range),
    Variant(broken_decisions.time_of_the_key_ignored, decisions.exclude_one_of_two_times),
    Variant(broken_decisions.withdrawal_ignored, decisions.withdraw_exclude),
    Variant(broken_decisions.withdrawal_ignored, decisions.withdraw_choose),
    Variant(broken_decisions.first_choice_holds, decisions.last_choice_holds),
    Variant(broken_decisions.no_choice_holds, decisions.choose_after),
    Variant(broken_decisions.no_choice_holds, decisions.choose_before),
    Variant(broken_decisions.a_chosen_line_must_be_there, decisions.choose_what_never_comes),
    Variant(broken_decisions.decisions_not_kept, decisions.exclude_before),
    Variant(broken_decisions.decisions_not_kept, decisions.withdraw_exclude),
    Variant(broken_decisions.order_of_arrival, decisions.later_choice_comes_first),
    Variant(broken_decisions.exclusion_ends_a_conflict, decisions.exclude_a_conflict),
    Variant(broken_decisions.corrections_outlive_it, decisions.exclude_a_corrected_record),
    Variant(broken_limits.no_record_is_too_dear, limits.far_too_much_at_once),
    Variant(broken_limits.no_record_is_too_dear, limits.far_too_much_after),
    Variant(broken_limits.the_guess_suffices, limits.dear_only_at_first),
    Variant(broken_limits.beyond_the_limit_nothing, limits.many_that_are_too_much),
    Variant(broken_limits.a_line_is_judged_at_arrival, limits.price_after_the_line),
    Variant(broken_limits.a_line_is_judged_at_arrival, limits.dearer_after_the_line),
    Variant(broken_limits.a_line_is_judged_at_arrival, limits.cheaper_after_the_line),
    Variant(broken_limits.held_lines_stay_held, limits.cheaper_after_the_line),
    Variant(broken_limits.held_lines_stay_held, limits.price_taken_back),
    Variant(broken_limits.counted_lines_stay_counted, limits.price_after_the_line),
    Variant(broken_limits.counted_lines_stay_counted, limits.corrected_to_far_too_much),
    Variant(broken_limits.each_line_by_itself, limits.corrected_to_within),
    Variant(broken_limits.each_line_by_itself, limits.corrected_to_far_too_much),
    Variant(broken_limits.rated_again_is_not_counted_again, limits.price_after_the_line),
    Variant(broken_limits.incidents_stay_open, limits.price_after_the_line),
    Variant(broken_limits.only_new_charges_are_told, limits.price_taken_back),
    Variant(broken_history.kept_tips_not_written, accepted.rewritten),
    Variant(broken_history.kept_tips_not_in_the_mirror, accepted.rewritten_twice_then_lost),
    Variant(broken_history.edits_skipped, accepted.edited),
    Variant(broken_history.old_history_forgotten, accepted.rewritten_then_lost),
    Variant(broken_history.only_the_head_is_accepted, accepted.accepted_below_the_head),
)


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.__name__)
def test_unbroken_the_scenario_agrees_with_the_reference(
    scenario: Scenario, tmp_path: Path
) -> None:
    world = World(tmp_path)
    expected = scenario(world)
    assert mismatches(world, expected) == []
    assert world.rebuilt_digest() == world.digest()
    assert world.verify().matches


@pytest.mark.parametrize(
    "variant", VARIANTS, ids=lambda v: f"{v.breaks.__name__}-{v.found_by.__name__}"
)
def test_broken_it_is_found(variant: Variant, tmp_path: Path, monkeypatch: Patch) -> None:
    """By a difference to the reference, or because the database itself refuses."""
    variant.breaks(monkeypatch)
    world = World(tmp_path)
    try:
        found = _found(world, variant.found_by)
    except sqlite3.IntegrityError as refusal:
        found = [str(refusal)]
    assert found


def _found(world: World, scenario: Scenario) -> list[str]:
    """The differences found; by `verify` first, before another pull might repair them."""
    expected = scenario(world)
    if not world.verify().matches:
        return ["verify"]
    return mismatches(world, expected)


def test_every_scenario_that_finds_something_is_checked_unbroken() -> None:
    assert {variant.found_by for variant in VARIANTS} <= set(ALL)


def test_the_shortcut_is_used_at_all(tmp_path: Path, monkeypatch: Patch) -> None:
    """A blob that was applied whole is not read again; otherwise breaking it would prove little."""
    world = World(tmp_path)
    world.usage(usage_line(seq=1))
    world.pull()
    monkeypatch.setattr(pending, "read_segment", lambda *_: pytest.fail("read again"))
    world.usage(usage_line(seq=1))
    assert world.pull()["node-1"].duplicates == 1
