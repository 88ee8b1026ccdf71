"""Work grows with rows that concern it, not with spans of seqs or hours, nor with their product."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.admission import settlement
from aggregator.admission.batch import SegmentEntry
from aggregator.rating.rating import ChargeState
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.charge_rows import ChargeRow, RatedCharge
from aggregator.store.repo_rows import RepoRow
from aggregator.store.schema import schema
from aggregator.store.segment_rows import SegmentPlace
from aggregator.store.store import LedgerStore
from gitmeter.counting import verdicts
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.held import line_sha256
from gitmeter.counting.lines import Claim
from gitmeter.counting.ranges import Range, RangeSet, runs
from gitmeter.money.tenure import NO_TENURE
from tests.support.ledger.world import World
from tests.support.repos import decision_line, usage_line
from wire_format.lines import Folder, Line

TWENTY_YEARS = 20 * 366 * 24
FAR = 10**6
REPO = RepoRow(1, "node-1", 1, "node-1", "usage")


class Steps:
    """Counts the steps of SQLite's virtual machine, of which every query takes a number."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(schema())
        self.connection.execute("INSERT INTO node (name) VALUES ('node-1')")
        self.connection.execute(
            "INSERT INTO repo (name, node_id, role, allow) VALUES ('node-1', 1, 'usage', '')"
        )
        self.store = LedgerStore(self.connection)
        self._count = 0
        self.connection.set_progress_handler(self._tick, 10)

    def _tick(self) -> int:
        self._count += 10
        return 0

    def of(self, work: Callable[[], object]) -> int:
        """How many steps some work takes, to the nearest ten."""
        before = self._count
        work()
        return self._count - before


@pytest.fixture
def steps() -> Iterator[Steps]:
    counted = Steps()
    with closing(counted.connection):
        yield counted


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.rules()
    return world


def charge(hour: int) -> ChargeRow:
    return ChargeRow(hour, 1, 1, "llm", 1, 1, ChargeState.RATED, 5, 5)


def account(first: int, last: int) -> AccountRow:
    return AccountRow(1, "alice", NO_TENURE, (), (), 0, 0, first, last, 0)


def test_charges_of_an_account_cost_the_same_however_far_apart_they_are(steps: Steps) -> None:
    steps.store.charges.resource_ids(["llm/a"])
    steps.store.charges.save([charge(500), charge(500 + TWENTY_YEARS)])
    alice = account(500, 500 + TWENTY_YEARS)

    def of_account() -> list[RatedCharge]:
        return list(steps.store.charges.of_account(alice))

    assert [found.row.hour for found in of_account()] == [500, 500 + TWENTY_YEARS]
    assert steps.of(of_account) < 10_000
    assert steps.of(lambda: steps.store.active.hours_of(alice)) < 10_000


def test_active_hours_follow_what_is_deleted_at_either_end(steps: Steps) -> None:
    hours = [10, 11, 5_000, 9_000, TWENTY_YEARS]
    alice = account(10, TWENTY_YEARS)
    steps.store.charges.save(map(charge, hours))
    for gone, expected in (
        (TWENTY_YEARS, (10, 9_000)),
        (10, (11, 9_000)),
        (11, (5_000, 9_000)),
        (9_000, (5_000, 5_000)),
        (5_000, (None, None)),
    ):
        steps.store.charges.delete([charge(gone)])
        assert steps.store.active.hours_of(alice) == expected


def entry(number: int, first_seq: int, last_seq: int) -> SegmentEntry:
    return SegmentEntry(
        *(Folder.USAGE, "0" * 40, f"usage/{number}", f"{number:040}", 1),
        *(first_seq, last_seq, 1, 1, 2),
        all_claimed=True,
    )


def test_wide_segments_are_looked_up_once_for_any_number_of_seqs(steps: Steps) -> None:
    wide = [entry(number, number, 10**15) for number in range(1, 401)]
    steps.store.segments.insert(REPO, wide)
    far_apart = [Range(at * FAR, at * FAR) for at in range(1, 401)]

    def look_up(count: int) -> int:
        return steps.of(lambda: steps.store.segments.among(1, far_apart[:count]))

    assert len(steps.store.segments.among(1, far_apart)) == len(wide)
    look_up(1)
    assert look_up(400) < 3 * look_up(1)


def test_a_look_up_finds_the_segments_that_overlap(steps: Steps) -> None:
    """Narrow and wide, touching at one seq, and none that only lie near."""
    steps.store.segments.insert(
        REPO,
        [
            entry(1, 5, 10),
            entry(2, 11, 11),
            entry(3, 1, 60_000),
            entry(4, FAR - 49_999, FAR),
            entry(5, FAR + 1, FAR + 2),
        ],
    )

    def found(*spans: Range) -> list[str]:
        return [place.path[-1] for place in steps.store.segments.among(1, spans)]

    assert found(Range(10, 10)) == ["1", "3"]
    assert found(Range(10, 11), Range(FAR, FAR)) == ["1", "2", "3", "4"]
    assert found(Range(60_001, 70_000)) == []
    assert found(Range(FAR + 1, FAR + 1)) == ["5"]
    assert found() == []


def test_a_look_up_reads_hardly_more_than_it_finds(steps: Steps) -> None:
    """One-line segments, as many as the numbers of a full one: each is found without the others."""
    steps.store.segments.insert(REPO, [entry(seq, seq, seq) for seq in range(1, 5_000)])

    def look_up() -> list[SegmentPlace]:
        return steps.store.segments.among(1, [Range(4_000, 4_001)])

    assert len(look_up()) == 2
    assert steps.of(look_up) < 3_000


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99), st.integers(1, 99)), max_size=20))
def test_look_ups_by_hour_and_by_seq_find_what_overlaps(places: list[tuple[int, int, int]]) -> None:
    """Segments of any width, in hours and in seqs alike."""
    steps = Steps()
    with closing(steps.connection):
        entries = [
            entry(number, start, start + more // 2)._replace(first_hour=start, last_hour=last)
            for number, (start, last, more) in enumerate(places)
            if start <= last
        ]
        segments = steps.store.segments
        segments.insert(REPO, entries)
        for asked in range(0, 160, 7):
            by_hour = [e.path for e in entries if e.first_hour <= asked <= e.last_hour]
            assert [place.path for place in segments.at_hour(asked)] == by_hour
            by_seq = [e.path for e in entries if e.first_seq <= asked <= e.last_seq]
            assert [p.path for p in segments.among(1, [Range(asked, asked)])] == by_seq


def test_a_question_about_few_seqs_does_not_read_all_ranges(steps: Steps) -> None:
    steps.store.lines.add_seen(1, runs(range(2, 20_000, 2)))
    lines = steps.store.lines
    assert steps.of(lambda: lines.has_seen(1, 9_001, 9_001)) < 100
    assert steps.of(lambda: lines.seen_among(1, [3, 4, 9_000, 10**15])) < 500
    assert steps.of(lambda: lines.add_seen(1, [Range(9_001, 9_001)])) < 500
    assert lines.seen(1) == RangeSet([*runs(range(2, 20_000, 2)), Range(9_001, 9_001)])


def test_rivals_of_a_seq_are_not_kept_in_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New ones are judged against the one that counts and the one that was chosen."""
    for units in range(2, 30):
        world.usage(usage_line(seq=1, units=units, instance=f"i{units}"))
    world.pull()
    judged: list[int] = []

    def counted(claims: list[Claim[Line]], grounds: Grounds) -> verdicts.Verdicts:
        judged.append(len(claims))
        return verdicts.verdicts(claims, grounds)

    monkeypatch.setattr(settlement, "verdicts", counted)
    world.usage(usage_line(seq=1, units=1))
    world.pull()
    assert max(judged) == 2
    assert [line["quantity"] for line in world.charges()] == [1]
    assert world.verify().matches


def test_a_chosen_rival_stays_chosen_when_more_rivals_come(world: World) -> None:
    chosen = usage_line(seq=1, units=9)
    world.usage(usage_line(seq=1, units=5))
    world.usage(chosen)
    world.usage(usage_line(seq=1, units=7))
    world.decide(
        decision_line(
            kind="choose",
            of="node-1",
            of_seq=1,
            of_ts="2025-01-01T00:30:00Z",
            line_sha256=line_sha256(chosen),
        )
    )
    world.pull()
    assert [line["quantity"] for line in world.charges()] == [9]
    world.usage(usage_line(seq=1, units=1))
    world.pull()
    assert [line["quantity"] for line in world.charges()] == [9]
    assert world.verify().matches
