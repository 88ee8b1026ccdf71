"""What is measured agrees with what the program reports, and costs no more as the ledger grows."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.incidents.kinds import IncidentKind
from aggregator.rating.rating import STATES, ChargeState
from aggregator.reports import accounts, repos
from aggregator.serving.metrics import Metrics
from aggregator.serving.pulse import Pulse
from aggregator.store.questions import metrics as metrics_rows
from aggregator.store.questions.metrics import MetricRows, read_facts
from aggregator.store.schema import schema
from aggregator.store.store import PULLED_AT, open_for_writing
from gitmeter.counting.ranges import Range, RangeSet
from tests.aggregator.serving.measured import Measured, measured
from tests.support.ledger.world import World, money_line, usage_line
from wire_format.fields import EPOCH_SIZE

USED: Final = "2025-06-01T10:30:00Z"
WHEN: Final = datetime(2025, 6, 1, 11, tzinfo=UTC)


def metrics_of(world: World, pulse: Pulse | None = None) -> Metrics:
    """The measurements of a world, by its own clock."""
    clock = lambda: world.now  # noqa: E731 - the clock is a callable
    return Metrics(world.config.database_path, pulse or Pulse(clock, 360), clock)


def scrape(world: World, pulse: Pulse | None = None) -> Measured:
    """One scrape."""
    return measured(metrics_of(world, pulse).text())


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A ledger with some of everything."""
    world = World(tmp_path_factory.mktemp("rich"))
    world.rules()
    twice = {"external_ref": "tx-1", "provider": "stripe"}
    world.pay(money_line(**twice), money_line(seq=2, **twice), money_line(seq=3, user="b:2"))
    world.usage(
        *(usage_line(seq=n, ts=USED, units=3600) for n in (1, 2, 5, 9)),
        usage_line(seq=EPOCH_SIZE + 3, ts=USED, user="poor"),
        when=WHEN,
    )
    world.usage(usage_line(seq=1, ts=USED, units=3600), usage_line(seq=10, node="other"), when=WHEN)
    world.usage(b"rotten\n", usage_line(seq=11, ts=USED, resource="mystery/units"), when=WHEN)
    world.usage(usage_line(node="node-2", seq=2, ts=USED), repo="node-2", when=WHEN)
    world.pull()
    world.usage(usage_line(seq=5, ts=USED, units=3600), when=WHEN)
    world.usage(usage_line(seq=1, ts=USED, units=7), when=WHEN)
    world.usage(usage_line(seq=2, ts="2025-06-01T10:31:00Z"), when=WHEN)
    world.usage(usage_line(node="node-3", ts=USED), repo="node-3", when=WHEN)
    world.pull("node-3")
    world.repo("node-3").force(world.repo("node-3").orphan({"README.md": b"another history"}))
    world.repo("node-4", url=(world.folder / "nowhere.git").as_uri())
    world.pull()
    return world


def test_each_node_and_repo_is_measured_as_it_is_reported(rich: World) -> None:
    """What `aggregator nodes --json` says."""
    found = scrape(rich)
    with rich.reading() as connection:
        rows = repos.nodes(connection)
    assert {row["node"] for row in rows} == {"books", "node-1", "node-2", "node-3", "node-4"}
    for row in rows:
        node = row["node"]
        missing = [gap["last_seq"] - gap["first_seq"] + 1 for gap in row["gaps"]]
        assert found("gitmeter_records_total", node=node) == row["records"]
        assert found("gitmeter_duplicates_total", node=node) == row["duplicates"]
        assert found("gitmeter_held_lines", node=node) == row["held"]
        assert found("gitmeter_rejected_lines", node=node) == row["rejected"]
        assert found("gitmeter_gaps", node=node) == len(missing)
        assert found("gitmeter_missing_seqs", node=node) == sum(missing)
        place = {"node": node, "repo": row["repo"], "role": row["role"]}
        assert found("gitmeter_repo_behind_commits", **place) == row["behind"]
        key = ("gitmeter_node_lag_seconds", frozenset(place.items()))
        if row["last_commit_at"] is None:
            assert key not in found
        else:
            at = datetime.fromisoformat(row["last_commit_at"])
            assert found[key] == (rich.now - at).total_seconds()


def test_the_ledger_of_the_test_has_some_of_everything(rich: World) -> None:
    """Or zeros would be compared with zeros."""
    found = scrape(rich)
    for name in ("records_total", "duplicates_total", "held_lines", "rejected_lines"):
        assert found(f"gitmeter_{name}", node="node-1") > 0, name
    assert found("gitmeter_held_lines", node="books") == 1
    assert found("gitmeter_gaps", node="node-1") == 4
    assert found("gitmeter_missing_seqs", node="node-1") == 2 + 3 + 1 + 2
    assert found.by("gitmeter_node_lag_seconds", "repo")["node-1"] > 0


def test_open_incidents_are_counted_by_kind_and_every_kind_is_there(rich: World) -> None:
    counts = Counter(kind for _, kind in rich.open_kinds())
    assert counts.keys() >= {IncidentKind.REPO_GONE, IncidentKind.REWRITTEN}
    found = scrape(rich).by("gitmeter_open_incidents", "kind")
    assert found == {str(kind): counts[kind] for kind in IncidentKind}


def test_charges_without_a_price_are_counted_by_state(rich: World) -> None:
    with rich.reading() as connection:
        counts = connection.unrated.charges_by_state()
    assert counts[ChargeState.UNPRICED] == 1
    found = scrape(rich).by("gitmeter_unpriced_charges", "state")
    assert found == {str(s): counts.get(s, 0) for s in STATES if s is not ChargeState.RATED}


def test_accounts_are_counted_as_they_are_reported(rich: World) -> None:
    with rich.reading() as connection:
        balances = [row["balance_nano"] for row in accounts.balances(connection, rich.now)]
    found = scrape(rich)
    assert found("gitmeter_accounts") == len(balances)
    assert found("gitmeter_accounts_below_zero") == sum(nano < 0 for nano in balances) > 0


def test_no_user_is_named(rich: World) -> None:
    text = metrics_of(rich).text().decode()
    with rich.reading() as connection:
        users = [row["user"] for row in accounts.balances(connection, rich.now)]
    assert {"alice", "b:2", "poor"} == set(users)
    assert not any(user in text for user in users)


def test_the_size_is_that_of_the_files(rich: World) -> None:
    path = rich.config.database_path
    with rich.reading():  # the log beside it is there while somebody has it open
        files = [path, path.with_name("ledger.db-wal")]
        assert scrape(rich)("gitmeter_database_bytes") == sum(f.stat().st_size for f in files)


def test_no_lag_is_told_of_repos_that_are_read_no_longer(rich: World) -> None:
    """It would grow for ever."""
    pulse = Pulse(lambda: rich.now, 360)
    pulse.reading(frozenset({"node-2"}))
    found = scrape(rich, pulse)
    assert found.by("gitmeter_node_lag_seconds", "repo").keys() == {"node-2"}
    assert found.by("gitmeter_repo_behind_commits", "repo").keys() == {"node-2"}
    assert "node-1" in found.by("gitmeter_records_total", "node")


def test_a_commit_a_little_ahead_of_our_clock_has_no_lag(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.usage(usage_line(), when=world.now + timedelta(seconds=30))
    world.pull()
    assert scrape(world).by("gitmeter_node_lag_seconds", "repo") == {"node-1": 0}


def test_the_last_pull_is_known_after_a_restart(tmp_path: Path) -> None:
    """From the ledger, until this process has pulled."""
    world = World(tmp_path)
    world.usage(usage_line())
    world.pull()
    pulse = Pulse(lambda: world.now + timedelta(hours=1), 360)
    name = "gitmeter_last_pull_timestamp_seconds"
    assert scrape(world, pulse)(name) == world.now.timestamp()
    pulse.pull_started()
    pulse.pull_finished()
    assert scrape(world, pulse)(name) == world.now.timestamp() + 3600


def test_the_loop_is_measured(tmp_path: Path) -> None:
    passed_s = 0.0
    now = datetime(2026, 1, 1, tzinfo=UTC)
    pulse = Pulse(lambda: now, 360, lambda: passed_s)
    pulse.pull_started()
    passed_s = 5
    pulse.pull_finished()
    pulse.pull_started()
    pulse.listed(pending=2, vanished=1)
    pulse.listing_failed()
    passed_s = 7
    pulse.next_pull_in(60)
    found = measured(Metrics(tmp_path / "none.db", pulse, lambda: now).text())
    expected = {
        "pulls_total": 1,
        "pull_duration_seconds": 5,
        "pull_running_seconds": 2,
        "pull_interval_seconds": 360,
        "loop_age_seconds": 2,
        "last_pull_timestamp_seconds": now.timestamp(),
        "next_pull_timestamp_seconds": now.timestamp() + 60,
        "last_listing_timestamp_seconds": now.timestamp(),
        "listing_failing": 1,
        "pending_repos": 2,
        "vanished_repos": 1,
    }
    assert {name: found(f"gitmeter_{name}") for name in expected} == expected


def _lock(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        yield


def _lost(path: Path) -> Iterator[None]:
    path.unlink()
    yield


def _garbage(path: Path) -> Iterator[None]:
    path.write_bytes(b"not a database at all" * 1000)
    yield


def _of_another_version(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    yield


@pytest.mark.parametrize("broken", [_lock, _lost, _garbage, _of_another_version])
def test_a_ledger_that_cannot_be_read_is_a_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable[[Path], Iterator[None]]
) -> None:
    """The loop is measured all the same, and the ledger again when it is back."""
    monkeypatch.setattr(metrics_rows, "BUSY_TIMEOUT_S", 0)
    path = tmp_path / "ledger.db"
    open_for_writing(path).close()
    metrics = Metrics(path, Pulse(lambda: WHEN, 360), lambda: WHEN)
    assert measured(metrics.text())("gitmeter_up") == 1
    for _ in broken(path):
        found = measured(metrics.text())
        assert found("gitmeter_up") == 0
        assert found("gitmeter_loop_age_seconds") >= 0
        assert "gitmeter_accounts" not in found.names()
    path.unlink(missing_ok=True)
    open_for_writing(path).close()
    assert measured(metrics.text())("gitmeter_up") == 1


def test_a_writer_keeps_no_scrape_waiting(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the scrape sees what was there before it."""
    monkeypatch.setattr(metrics_rows, "BUSY_TIMEOUT_S", 0)
    before = scrape(rich)("gitmeter_accounts")
    with rich.ledger() as ledger:
        ledger.store._connection.execute("BEGIN IMMEDIATE")
        ledger.store._connection.execute("DELETE FROM account")
        assert scrape(rich)("gitmeter_accounts") == before
        ledger.store._connection.execute("ROLLBACK")


@pytest.fixture(scope="module")
def empty() -> Iterator[sqlite3.Connection]:
    """A ledger in memory with nothing in it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(schema())
        yield connection


@given(st.sets(st.integers(1, 60) | st.integers(EPOCH_SIZE - 2, EPOCH_SIZE + 9)))
def test_gaps_are_counted_as_everywhere_else(empty: sqlite3.Connection, seqs: set[int]) -> None:
    """By one statement over all nodes, in place of one `RangeSet` for each."""
    seen = RangeSet(Range(seq, seq) for seq in seqs)
    empty.execute("DELETE FROM seen_range")
    rows = [(node_id, *run) for node_id in (1, 2) for run in seen]
    empty.executemany("INSERT INTO seen_range VALUES (?, ?, ?)", rows)
    gaps = seen.gaps()
    one = (len(gaps), sum(gap.last - gap.first + 1 for gap in gaps))
    assert MetricRows(empty).gaps() == ({1: one, 2: one} if gaps else {})


@pytest.mark.parametrize(
    ("credit_nano", "billed_cost_nano", "is_below"),
    [
        (10**30, 10**30 - 1, False),
        (10**30, 10**30, False),
        (10**30 - 1, 10**30, True),
        (5, 10**30, True),
        (-(10**30), 5, True),
        (9 * 10**18, 8 * 10**18, False),
        (-(9 * 10**18), 9 * 10**18, True),
    ],
)
def test_balances_beyond_64_bits_are_compared_exactly(
    tmp_path: Path, credit_nano: int, billed_cost_nano: int, *, is_below: bool
) -> None:
    path = tmp_path / "ledger.db"
    amounts = [a if abs(a) < 2**63 else str(a) for a in (credit_nano, billed_cost_nano)]
    with closing(open_for_writing(path)) as store:
        store._connection.execute(
            "INSERT INTO account (user, credit_nano, billed_cost_nano, first_active_hour)"
            " VALUES ('x', ?, ?, 1)",
            amounts,
        )
    assert read_facts(path, PULLED_AT).accounts_below_zero == is_below


def _steps(connection: sqlite3.Connection) -> int:
    """How many steps SQLite's machine takes for one scrape."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    connection.set_progress_handler(step, 1)
    for statement in metrics_rows.STATEMENTS:
        connection.execute(statement, {"epoch_size": EPOCH_SIZE}).fetchall()
    connection.set_progress_handler(None, 1)
    return steps


def test_a_scrape_costs_no_more_with_more_charges_segments_and_payments(
    empty: sqlite3.Connection,
) -> None:
    """Counted in steps of SQLite's machine, with some of each and with a thousand times that."""

    def grow(first: int, last: int) -> None:
        numbers = [(n,) for n in range(first, last)]
        empty.executemany("INSERT INTO charge VALUES (?, 1, 1, 0, 5, 1, 0, 100, 50)", numbers)
        empty.executemany(
            "INSERT INTO segment VALUES"
            " (?1, 1, 1, 'usage', 'c', 'p', 'b', 1, ?1, ?1, 1, 1, 0, 0, 1, 1)",
            numbers,
        )
        empty.executemany(
            "INSERT INTO money (node_id, seq, ts_us, account_id, by_books, claims, summed, is_weak,"
            " takes, moved_nano, state, line, commit_id, path, line_no, committed_us)"
            " VALUES (1, ?, 1, 1, 1, 1, 0, 0, 0, 0, 'counted', x'00', 'c', 'p', 1, 1)",
            numbers,
        )

    empty.execute("INSERT INTO node (id, name) VALUES (1, 'n')")
    empty.execute(
        "INSERT INTO repo (id, name, node_id, role, allow) VALUES (1, 'n', 1, 'usage', '')"
    )
    grow(1, 5)
    few = _steps(empty)
    grow(5, 5000)
    assert _steps(empty) == few
