"""A repo with a long backlog does not delay the others."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from itertools import count, groupby
from pathlib import Path
from types import SimpleNamespace

import pytest

from aggregator.pulling import passes
from aggregator.pulling.fetching import Fetched
from aggregator.pulling.passes import Puller
from aggregator.pulling.repo_pass import RepoReport
from tests.support.ledger.world import World, money_line, usage_line

COMMITS = 7


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two nodes with a backlog, one with a commit, and books with many."""
    made = World(tmp_path, turn_s=3)
    made.rules()
    for seq in range(1, COMMITS + 1):
        made.usage(usage_line(seq=seq))
        made.usage(usage_line(node="node-2", seq=seq, user="b:2"), repo="node-2")
        made.pay(money_line(seq=seq))
    made.usage(usage_line(node="node-3", user="c"), repo="node-3")
    return made


@pytest.fixture(autouse=True)
def _all_remotes_answer_before_the_first_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def for_all(fetches: Iterable[Future[Fetched]], **_: object) -> object:
        return wait(fetches)

    monkeypatch.setattr(passes, "wait", for_all)


@pytest.fixture(autouse=True)
def _a_second_for_each_look_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(passes, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def pulled(world: World) -> tuple[dict[str, RepoReport], list[tuple[str, int, int]]]:
    """Make one pass; return its reports, and the order in which commits were applied."""
    steps: list[tuple[str, int, int]] = []
    with world.ledger() as ledger:
        puller = Puller(world.state, ledger, lambda: world.now)
        found = list(puller.pull(lambda *step: steps.append(step)))
    assert len(found) == len({report.name for report in found})
    return {report.name: report for report in found}, steps


def test_others_get_a_turn_in_between(world: World) -> None:
    """Each long backlog is applied in parts, and neither waits for the end of the other."""
    _, steps = pulled(world)
    order = [name for name, _ in groupby(step[0] for step in steps)]
    assert order.count("node-1") > 1
    assert order.count("node-2") > 1
    assert order.index("node-3") < len(order) - 1 - order[::-1].index("node-1")
    assert order[0] == "books", "usage is rated by what they say"
    assert order.count("books") == 1


def test_the_report_counts_everything_once(world: World) -> None:
    """As it would without turns."""
    reports, steps = pulled(world)
    for name, commits, admitted in (
        ("node-1", COMMITS, COMMITS),
        ("node-2", COMMITS, COMMITS),
        ("node-3", 1, 1),
        ("books", COMMITS + 1, COMMITS),
    ):
        report = reports[name]
        assert (report.commits, report.admitted, report.behind) == (commits, admitted, 0)
        assert (report.incident, report.duplicates) == (None, 0)
        done = [(number, total) for repo, number, total in steps if repo == name]
        assert done == [(number, commits) for number in range(1, commits + 1)]
    assert Counter(row["records"] for row in nodes(world)) == {COMMITS: 3, 1: 1}


def nodes(world: World) -> Iterator[dict[str, object]]:
    for name in ("node-1", "node-2", "node-3", "books"):
        yield world.node(name)


def test_the_ledger_is_the_one_that_a_pull_without_turns_makes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled(world)
    assert world.verify().matches
    monkeypatch.undo()
    other = World(tmp_path / "other")
    other._writers, other._repos = world._writers, world._repos
    other.pull()
    assert other.digest() == world.digest()
    assert not any(report.commits for report in world.pull().values())


def test_an_incident_in_a_later_turn_is_reported(world: World) -> None:
    """The commits before it are applied, and the others are not delayed."""
    writer = world.repo("node-1")
    path = next(path for path in writer.files("main") if path.endswith("1.jsonl"))
    writer.commit({path: usage_line(seq=1, units=0)})
    reports, _ = pulled(world)
    report = reports["node-1"]
    assert (report.commits, report.behind, report.incident) == (COMMITS, 1, "edited history")
    assert reports["node-2"].commits == COMMITS
    assert world.verify().matches


def test_an_interruption_between_turns_leaves_the_rest_for_later(world: World) -> None:
    """Committed transactions stay, and the next pass ends in the same ledger."""
    applied: list[str] = []
    with world.ledger() as ledger:
        puller = Puller(
            world.state, ledger, lambda: world.now, interrupted=lambda: applied.count("node-1") > 3
        )
        list(puller.pull(lambda name, *_: applied.append(name)))
    assert applied.count("node-1") == 4
    assert world.verify().matches
    reports, _ = pulled(world)
    assert reports["node-1"].commits == COMMITS - 4
    assert world.node()["records"] == COMMITS
    assert world.verify().matches


def test_a_long_backlog_does_not_keep_a_pass_from_its_end(world: World) -> None:
    """Each repo has its turn, the rest is left to the next passes, which read what is new as well.

    Each pass ends, and the last one ends in the ledger of a pull without turns.
    """
    passed: list[dict[str, int]] = []
    with world.ledger() as ledger:
        puller = Puller(world.state, ledger, lambda: world.now)
        while puller.has_more or not passed:
            applied: Counter[str] = Counter()
            for _ in puller.pull(lambda name, *_: applied.update([name]), patience_s=0):  # noqa: B023
                pass
            if not passed:
                behind = world.node("node-1")["behind"]
                world.usage(usage_line(node="node-3", seq=2, user="c"), repo="node-3")
            passed.append(applied)
    assert (passed[0]["node-1"], passed[0]["node-3"]) == (COMMITS - behind, 1)
    assert behind > 0
    assert passed[1]["node-3"] == 1, "what was pushed meanwhile is read in the next pass"
    assert sum(applied["node-1"] for applied in passed) == COMMITS
    assert world.verify().matches
    assert not any(report.commits for report in world.pull().values())


def test_what_is_found_in_a_pass_is_read_in_it(world: World) -> None:
    """As a hint names it; one that is busy is read again, so that no push is overlooked."""
    found = iter([frozenset[str](), frozenset({"node-1", "node-3"})])
    reports: list[str] = []
    with world.ledger() as ledger:
        puller = Puller(world.state, ledger, lambda: world.now)
        for report in puller.pull(
            skip=lambda name: name in {"node-3", "node-2"}, also=lambda: next(found, frozenset())
        ):
            reports.append(report.name)
            if report.name == "node-1" and reports.count("node-1") == 1:
                world.usage(usage_line(seq=COMMITS + 1))
    assert sorted(reports) == ["books", "node-1", "node-1", "node-3"]
    assert world.node()["records"] == COMMITS + 1
