"""Each rule about money lines, broken on purpose, is found by a small story.

Every story comes out as it is told as long as nothing is broken (`tests/gitmeter/money`, and here
those in which it matters what a ledger has read before something else comes).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from gitmeter.money.pool import credits_of, payments_of
from gitmeter.money.rivals import Contender, judge
from tests.aggregator.money import broken
from tests.gitmeter.money import stories
from tests.gitmeter.money.stories import Told
from tests.support.ledger.told_case import committing, outcome
from tests.support.ledger.world import World
from tests.support.money_cases import answer, line_of
from tests.support.money_story import END, Story
from wire_format.lines import Folder, Money
from wire_format.segment import decode_segment

Patch = pytest.MonkeyPatch
Breaks = Callable[[Patch], None]


class BrokenRule(NamedTuple):
    """What is broken, and the story that finds it."""

    breaks: Breaks
    found_by: Callable[[], Told]


RULES = (
    BrokenRule(broken.limits_by_time, stories.what_nobody_confirmed),
    BrokenRule(broken.latest_copy, stories.a_copy_takes_nothing_back),
    BrokenRule(broken.first_copy_alone, stories.limits_change_over_time),
    BrokenRule(broken.nothing_is_cut_off, stories.the_way_out_after_a_theft),
    BrokenRule(broken.older_repos_stay, stories.the_way_out_after_a_theft),
    BrokenRule(broken.seen_is_ignored, stories.an_idle_writer_cannot_write_the_past),
    BrokenRule(broken.the_first_line_has_the_number, stories.numbers_used_twice),
    BrokenRule(broken.repeats_are_summed, stories.what_nobody_confirmed),
    BrokenRule(broken.what_waits_is_not_summed, stories.what_nobody_confirmed),
    BrokenRule(broken.one_sum_for_both, stories.refunds_that_nobody_confirmed),
    BrokenRule(broken.nothing_is_reconciled, stories.what_nobody_confirmed),
    BrokenRule(broken.weak_lines_are_rivals, stories.what_waits_rivals_nobody),
    BrokenRule(broken.the_earliest_is_believed, stories.rivals),
    BrokenRule(broken.reconciled_lines_beat_nobody, stories.rivals),
    BrokenRule(broken.books_are_a_writer_like_others, stories.rivals),
    BrokenRule(broken.users_of_refunds_must_agree, stories.refunds_that_agree),
    BrokenRule(broken.the_smaller_refund_counts, stories.rivals_about_one_payment),
    BrokenRule(broken.one_refund_for_all_payments, stories.rivals_about_one_payment),
    BrokenRule(broken.refunds_of_another_user_take_nothing, stories.in_another_currency),
    BrokenRule(broken.more_is_taken_than_was_paid, stories.all_taken_twice),
    BrokenRule(broken.any_line_takes_its_amount, stories.taken_and_given_back),
    BrokenRule(broken.reversals_give_without_limit, stories.more_given_back_than_taken),
    BrokenRule(broken.old_refunds_are_not_clipped, stories.refunds_of_version_1),
)


def as_told(told: Told) -> bool:
    """Whether a story comes out, in whatever order its lines come."""
    for shuffled in (None, Random(1), Random(2)):
        found = answer(told.story.case(shuffled))
        pool = {user: has[END] for user, has in found["pool"].items()}
        if (set(found["counts"]), set(found["waits"]), pool) != told[1:]:
            return False
    return True


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.breaks.__name__}-{r.found_by.__name__}")
def test_a_broken_rule_is_found(rule: BrokenRule, monkeypatch: Patch) -> None:
    """By other lines that count or wait, or another balance."""
    told = rule.found_by()
    assert as_told(told)
    rule.breaks(monkeypatch)
    assert not as_told(told)


def test_a_refund_dated_before_its_payment_ends_no_tenure_before_it(monkeypatch: Patch) -> None:
    """In the hour of the payment tenure counts from it, because nothing was taken before."""
    story = Story()
    story.about("refund", "till-1", "re_1", "pi_1", "10", 1)
    story.pay("till-1", "pi_1", "10", 3)

    def first_hour_without() -> int:
        lines = b"".join(map(line_of, story.case()["lines"]))
        records = decode_segment(lines, Folder.PAYMENTS).records
        judged = judge(Contender(r, is_books=False) for r in records if isinstance(r, Money))
        return credits_of(judged, payments_of(judged))["alice"].tenure[-1].from_hour

    paid, hours_of_a_day = first_hour_without(), 24
    broken.taken_before_it_was_paid(monkeypatch)
    assert first_hour_without() == paid - 2 * hours_of_a_day


Pulls = Mapping[str, tuple[str, ...]]
"""After which commits which repos are pulled; none named is all of them."""


class Pulled(NamedTuple):
    """A story, and what a ledger reads of it when; at its end it reads the rest."""

    story: Story
    pulls: Pulls


def a_tip_that_comes_after_its_decision() -> Pulled:
    """What was read first is cut off until it is known to be below that tip."""
    story = Story()
    story.pay("till-1", "pi_1", "1", 1)
    story.pay("till-1", "pi_2", "2", 2)
    story.decide("only", 3, of="till-1", tip=story.tip("till-1"))
    return Pulled(story, {"till-1.1": (), "books.1": ("books",)})


def a_movement_that_is_stated_again() -> Pulled:
    """With a new number and another amount: the first line stands."""
    story = Story()
    story.pay("till-1", "pi_1", "10", 1)
    story.pay("till-1", "pi_1", "12", 2)
    return Pulled(story, {"till-1.1": (), "till-1.2": ()})


_TZS: dict[str, Any] = {"provider": "clickpesa-tz", "currency": "TZS"}


def a_rate_that_nobody_may_state() -> Pulled:
    """A payment beyond what one may be claims nothing, and so no rate either."""
    story = Story({"till-1": {"unconfirmed_max_usd": "10"}, "till-2": {}})
    story.pay("till-1", "CP1", "26000", 1, credited_usd="10", **_TZS)
    story.pay("till-2", "CP1", "26000", 1, credited_usd="500", **_TZS)
    story.about("refund", "till-1", "CR1", "CP1", "13000", 2, **_TZS)
    return Pulled(story, {"till-2.1": ()})


def a_refund_before_its_payment() -> Pulled:
    """What it comes to is known when another till states the payment."""
    story = Story({"till-1": {"unconfirmed_max_usd": "5"}, "till-2": {}})
    story.about("refund", "till-1", "CR1", "CP1", "13000", 1, **_TZS)
    story.pay("till-2", "CP1", "26000", 1, credited_usd="20", **_TZS)
    return Pulled(story, {"till-1.1": ()})


class BrokenLedger(NamedTuple):
    """What is broken, and the story that finds it."""

    breaks: Breaks
    found_by: Callable[[], Pulled]


LEDGERS = (
    BrokenLedger(broken.a_new_tip_changes_nothing, a_tip_that_comes_after_its_decision),
    BrokenLedger(broken.repeats_are_plain, a_movement_that_is_stated_again),
    BrokenLedger(broken.rates_of_lines_that_may_not_be_there, a_rate_that_nobody_may_state),
    BrokenLedger(broken.rates_are_not_looked_at_again, a_refund_before_its_payment),
)


def differs(world: World, pulled: Pulled) -> bool:
    """Whether a ledger says something else than the rules say of all lines at once."""
    for name in committing(world, pulled.story.case()):
        if name in pulled.pulls:
            world.pull(*pulled.pulls[name])
    world.pull()
    found = answer(pulled.story.case())
    return outcome(world) != {
        "counts": set(found["counts"]),
        "waits": set(found["waits"]),
        "pool": {user: has[END] for user, has in found["pool"].items()},
    }


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda each: each.found_by.__name__)
def test_a_broken_ledger_is_found(ledger: BrokenLedger, tmp_path: Path, monkeypatch: Patch) -> None:
    """By a difference to the rules; without the fault there is none, and a rebuild agrees."""
    world = World(tmp_path / "right")
    assert not differs(world, ledger.found_by())
    assert world.digest() == world.rebuilt_digest()
    ledger.breaks(monkeypatch)
    assert differs(World(tmp_path / "wrong"), ledger.found_by())
