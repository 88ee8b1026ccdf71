"""Which decisions hold: withdrawn ones do not, and of several on one thing one does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.decision_status import decision_statuses, describe, same_decision
from gitmeter.counting.decisions import Decisions
from wire_format.lines import Decision

TS = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
TIP = "4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c"
SHA = "9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de"


def decision(seq: int, kind: str, **about: object) -> Decision:
    values: dict[str, Any] = {"v": 1, "node": "books", "seq": seq, "ts": TS, "kind": kind}
    return Decision(**values | about, by="ada", reason="x")


def choose(seq: int, sha: str = SHA, of_seq: int = 17) -> Decision:
    return decision(seq, "choose", of="a", of_seq=of_seq, of_ts=TS, line_sha256=sha)


def exclude(seq: int, of_seq: int = 17, **about: object) -> Decision:
    return decision(seq, "exclude", of="a", of_seq=of_seq, **about)


def withdraw(seq: int, refers_to: int) -> Decision:
    return decision(seq, "withdraw", refers_to=refers_to)


def told(*decisions: Decision) -> list[str]:
    return [str(status) for status in decision_statuses(decisions)]


def test_of_several_choices_the_last_one_holds() -> None:
    assert told(choose(1), choose(2, "b" * 64), choose(3, of_seq=18)) == [
        "overridden by 2",
        "holds",
        "holds",
    ]


def test_a_choice_holds_again_when_the_later_one_is_withdrawn() -> None:
    assert told(choose(1), choose(2, "b" * 64), withdraw(3, 2)) == [
        "holds",
        "withdrawn by 3",
        "holds",
    ]


@pytest.mark.parametrize(
    ("excluded", "overridden"),
    [
        (exclude(2), True),
        (exclude(2, of_seq=1, to_seq=17), True),
        (exclude(2, of_ts=TS), True),
        (exclude(2, of_seq=1, to_seq=16), False),
        (exclude(2, of_ts=TS.replace(minute=6)), False),
        (decision(2, "exclude", of="b", of_seq=17), False),
    ],
)
@pytest.mark.parametrize("at", [1, 3])
def test_an_exclusion_goes_before_a_choice_whichever_came_first(
    excluded: Decision, at: int, *, overridden: bool
) -> None:
    (chosen,) = [
        s for s in decision_statuses([choose(at), excluded]) if s.decision.kind == "choose"
    ]
    assert (chosen.overridden_by == 2, chosen.holds) == (overridden, not overridden)


def test_what_cannot_be_withdrawn_is_not() -> None:
    """However a line got there: an accepted tip and a withdrawal stand."""
    accept = decision(1, "accept_tip", repo="r", tip=TIP)
    assert told(accept, exclude(2), withdraw(3, 1), withdraw(4, 2), withdraw(5, 4)) == [
        "holds",
        "withdrawn by 4",
        "holds",
        "holds",
        "holds",
    ]


def test_the_newest_comes_last_whatever_order_they_are_found_in() -> None:
    found = decision_statuses([withdraw(3, 1), choose(2), exclude(1, of_seq=9)])
    assert [status.decision.seq for status in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("earlier", "wanted", "by"),
    [
        ([exclude(1)], exclude(9), 1),
        ([exclude(1), choose(2)], exclude(9), 1),
        ([exclude(1), withdraw(2, 1)], exclude(9), None),
        ([exclude(1), withdraw(2, 1), exclude(3)], exclude(9), 3),
        ([exclude(1, to_seq=40)], exclude(9), None),
        ([exclude(1)], exclude(9, of_ts=TS), None),
        ([choose(1)], choose(9), 1),
        ([choose(1), choose(2, "b" * 64)], choose(9), None),
        ([choose(1), choose(2, "b" * 64), withdraw(3, 2)], choose(9), 1),
        (
            [decision(1, "accept_tip", repo="r", tip=TIP)],
            decision(9, "accept_tip", repo="r", tip=TIP),
            1,
        ),
        (
            [
                decision(1, "accept_tip", repo="r", tip=TIP),
                decision(2, "accept_tip", repo="r", tip="b" * 40),
            ],
            decision(9, "accept_tip", repo="r", tip=TIP),
            None,
        ),
        (
            [decision(1, "acknowledge", repo="r", incident="rewritten", subject="s")],
            decision(9, "acknowledge", repo="r", incident="rewritten", subject="s"),
            1,
        ),
        (
            [decision(1, "acknowledge", repo="r", incident="rewritten", subject="s")],
            decision(9, "acknowledge", repo="r", incident="rewritten", subject="t"),
            None,
        ),
    ],
)
def test_a_decision_repeats_only_the_newest_on_its_matter(
    earlier: list[Decision], wanted: Decision, by: int | None
) -> None:
    found = same_decision(wanted, earlier)
    assert (None if found is None else found.seq) == by


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (decision(1, "accept_tip", repo="r", tip=TIP), "accept r up to 4f1d0b6c2a9e"),
        (exclude(1), "exclude a seq 17"),
        (exclude(1, to_seq=40), "exclude a seq 17..40"),
        (exclude(1, of_ts=TS), "exclude a seq 17 at 2026-11-21T13:05:00Z"),
        (choose(1), "choose 9b74c9897bac for a seq 17 at 2026-11-21T13:05:00Z"),
        (
            decision(1, "acknowledge", repo="r", incident="sequence reused", subject="seq 1"),
            "acknowledge sequence reused of r: seq 1",
        ),
        (withdraw(2, 1), "withdraw seq 1"),
    ],
)
def test_every_kind_is_told_in_words(said: Decision, text: str) -> None:
    assert describe(said) == text


SEQS = st.integers(1, 4)


@st.composite
def histories(draw: st.DrawFn) -> list[Decision]:
    """Decisions about a few records, so that they meet."""
    taken: list[Decision] = []
    for seq in range(1, draw(st.integers(1, 8)) + 1):
        of_seq = draw(SEQS)
        kinds = [
            choose(seq, draw(st.sampled_from(["a" * 64, "b" * 64])), of_seq),
            exclude(seq, of_seq),
            exclude(seq, of_seq, to_seq=of_seq + draw(st.integers(0, 2))),
            exclude(seq, of_seq, of_ts=draw(st.sampled_from([TS, TS.replace(minute=6)]))),
        ]
        if seq > 1:
            kinds.append(withdraw(seq, draw(st.integers(1, seq - 1))))
        taken.append(draw(st.sampled_from(kinds)))
    return taken


@given(taken=histories(), data=st.data())
def test_the_books_and_the_aggregator_agree_on_what_holds(
    taken: list[Decision], data: st.DataObject
) -> None:
    """They share no code: what `books decide list` shows as holding is what is applied."""
    shown = decision_statuses(taken)
    applied = Decisions(data.draw(st.permutations(taken))).of_node("a")
    for of_seq in range(1, 5):
        excluding = [
            s.decision
            for s in shown
            if s.holds
            and s.decision.kind == "exclude"
            and (s.decision.of_seq or 0) <= of_seq <= (s.decision.to_seq or s.decision.of_seq or 0)
            and s.decision.of_ts in {None, TS}
        ]
        assert bool(excluding) == (applied.excluding(of_seq, TS) is not None)
        if not excluding:
            chosen = [
                s.decision.line_sha256
                for s in shown
                if s.holds and s.decision.kind == "choose" and s.decision.of_seq == of_seq
            ]
            assert len(chosen) <= 1
            assert (chosen or [None])[0] == applied.chosen(of_seq, TS)


def about_till(seq: int, kind: str, *, hours: int = 0, **about: object) -> Decision:
    values = {"v": 2, "ts": TS + timedelta(hours=hours), "of": "till-1", "tip": TIP}
    return decision(seq, kind, **values | about)


def test_of_several_ways_out_of_a_theft_the_last_one_holds() -> None:
    other = about_till(2, "only", tip="b" * 40)
    assert told(about_till(1, "only"), other, about_till(3, "only", of="till-2")) == [
        "overridden by 2",
        "holds",
        "holds",
    ]
    assert told(about_till(1, "only"), other, withdraw(3, 2))[0] == "holds"


def test_a_tip_that_was_seen_a_day_ago_can_be_seen_again() -> None:
    """It says more than before: what is dated between the two is refused from then on."""
    there = about_till(1, "seen")
    assert same_decision(about_till(2, "seen", hours=23), [there]) == there
    assert same_decision(about_till(2, "seen", hours=24), [there]) is None
    assert same_decision(about_till(2, "seen", tip="b" * 40), [there]) is None
    assert same_decision(about_till(2, "only", hours=99), [about_till(1, "only")]) is not None


def test_a_reconciliation_is_about_its_numbers() -> None:
    there = about_till(1, "reconciled", from_seq=1, to_seq=4)
    assert same_decision(about_till(2, "reconciled", from_seq=1, to_seq=4), [there]) == there
    assert same_decision(about_till(2, "reconciled", from_seq=2, to_seq=4), [there]) is None


def test_decisions_about_writers_are_told_in_words() -> None:
    assert describe(about_till(1, "seen")) == "seen till-1 up to 4f1d0b6c2a9e"
    assert describe(about_till(1, "only")) == "only what till-1 wrote up to 4f1d0b6c2a9e"
    said = describe(about_till(1, "reconciled", from_seq=17, to_seq=40))
    assert said == "reconciled till-1 seq 17..40 within 4f1d0b6c2a9e"
