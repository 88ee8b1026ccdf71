"""Once a day the tip of each repo is seen, if it is certain that nothing follows it yet."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from books.reconcile.judging.advice import line_difference, ways_out
from books.reconcile.judging.runs import (
    AgreeingRun,
    Reconciler,
    agreeing_runs,
    reconciled_decisions,
    tips_of,
)
from books.reconcile.judging.seen import to_see
from books.reconcile.memory_file import memory_file, read_memory
from books.reconcile.report import PaymentsReport, ReportedWriter
from tests.books.reconcile.site import COMMIT, TIP, Site
from tests.books.reconcile.test_judging import line
from wire_format.instants import format_ts
from wire_format.lines import Decision

AT = datetime(2026, 11, 21, 13, tzinfo=UTC)


def writer(node: str = "till-1", repo: str = "", **changes: object) -> ReportedWriter:
    values: dict[str, Any] = {"tip": TIP, "read_at": AT, "is_current": True}
    return ReportedWriter(node=node, repo=repo or node, **values | changes)


def seen(of: str, tip: str, hours: float) -> Decision:
    ts = AT - timedelta(hours=hours)
    about: dict[str, Any] = {"kind": "seen", "of": of, "tip": tip}
    return Decision(v=2, node="books", seq=1, ts=ts, by="x", reason="x", **about)


def due(
    *writers: ReportedWriter,
    earlier: tuple[Decision, ...] = (),
    remembered: dict[str, str] | None = None,
) -> list[tuple[str, str | None]]:
    report = PaymentsReport(as_of=AT, writers=list(writers), lines=[])
    return [(each.repo, each.tip) for each in to_see(report, remembered or {}, earlier, AT)]


def test_every_repo_is_seen_once_a_day() -> None:
    """By its own tip, or by the one that was remembered of it; another repo's says nothing."""
    writers = [writer(), writer(repo="till-1-b", tip=COMMIT), writer("desk-1")]
    every = [("desk-1", TIP), ("till-1", TIP), ("till-1-b", COMMIT)]
    assert due(*writers) == every
    assert due(*writers, earlier=(seen("till-1", TIP, 23),)) == [every[0], every[2]]
    assert due(*writers, earlier=(seen("till-1", TIP, 24),)) == every
    old = (seen("till-1", "b" * 40, 23),)
    assert due(*writers, earlier=old) == every
    assert due(*writers, earlier=old, remembered={"till-1 till-1-b": "b" * 40}) == every[:2]


def test_what_is_remembered_without_a_decision_does_not_count() -> None:
    """A process died between the two."""
    assert due(writer(), remembered={"till-1 till-1": TIP}) == [("till-1", TIP)]


def test_one_tip_in_two_repos_of_a_writer_is_seen_once() -> None:
    assert due(writer(), writer(repo="till-1-b")) == [("till-1", TIP)]


@pytest.mark.parametrize(
    ("changes", "is_seen"),
    [
        ({"read_at": AT - timedelta(hours=1)}, True),
        ({"read_at": AT - timedelta(hours=1, seconds=1)}, False),
        ({"read_at": AT + timedelta(minutes=6)}, False),
        ({"read_at": None}, False),
        ({"is_current": False}, False),
        ({"tip": None}, False),
    ],
)
def test_only_a_tip_that_is_current_is_seen(changes: dict[str, Any], *, is_seen: bool) -> None:
    assert bool(due(writer(**changes))) is is_seen


@pytest.mark.parametrize("missing", ["read_at", "is_current"])
def test_an_answer_that_does_not_say_how_current_it_is_sees_nothing(
    site: Site, missing: str
) -> None:
    stated = {"node": "till-1", "repo": "till-1", "tip": TIP, "is_current": True}
    stated["read_at"] = format_ts(datetime.now(UTC))
    del stated[missing]
    assert site.json(stdin=site.report(writers=[stated]))["decisions"] == []


def test_each_repo_of_a_writer_is_seen_and_remembered(site: Site) -> None:
    """The next run has nothing to see, also where both have new tips, until a day is over."""
    now = {"read_at": format_ts(datetime.now(UTC)), "is_current": True}
    repos = {"till-1": TIP, "till-1-b": COMMIT}

    def writers() -> list[dict[str, object]]:
        return [{"node": "till-1", "repo": repo, "tip": tip, **now} for repo, tip in repos.items()]

    found = site.json(stdin=site.report(writers=writers()))["decisions"]
    assert [(d["kind"], d["of"], d["tip"]) for d in found] == [
        ("seen", "till-1", TIP),
        ("seen", "till-1", COMMIT),
    ]
    repos = {"till-1": "b" * 40, "till-1-b": "c" * 40}
    assert site.json(stdin=site.report(writers=writers()))["decisions"] == []
    memory_file(site.books.home).unlink()
    assert len(site.json(stdin=site.report(writers=writers()))["decisions"]) == 2
    assert read_memory(site.books.home).seen == {
        f"till-1 {repo}": tip for repo, tip in repos.items()
    }


def test_lines_are_covered_within_the_tip_of_their_own_repo() -> None:
    """Numbers without a gap are one run only as far as one repo has them."""
    places = {1: "till-1", 2: "till-1", 3: "till-1-b", 4: "till-1-b", 5: "till-1"}
    lines = [line(seq=seq, repo=repo) for seq, repo in places.items()]
    tips = tips_of([writer(), writer(repo="till-1-b", tip=COMMIT)], lines)
    runs = agreeing_runs(lines, lines, set())
    assert AgreeingRun("till-1", "till-1-b", 3, 4) in runs
    found = reconciled_decisions(runs, tips, Reconciler("books", AT, "x"))
    assert [(d.from_seq, d.to_seq, d.tip) for d in found] == [
        (1, 2, TIP),
        (5, 5, TIP),
        (3, 4, COMMIT),
    ]


def test_the_way_out_of_a_stolen_key_is_a_tip_of_the_repo_that_it_wrote_to() -> None:
    """What another repo of the writer had that day is not within it."""
    lines = [line(seq=seq, commit="b" * 40, committed_at=AT) for seq in (5, 6, 7)]
    found = [line_difference(each, "false", is_clashing=False) for each in lines]
    tips = {("till-1", "till-1"): "b" * 40, ("till-1", "till-1-old"): COMMIT}
    earlier = [seen("till-1", TIP, 20), seen("till-1", COMMIT, 19)]
    command = ways_out(found, lines, (), earlier, tips)["till-1"]
    assert f"decide only till-1 {TIP}" in command
