"""The benchmarks measure the right thing: a whole small run, its table and its balances.

No test here asserts a time.
"""

import json
import sqlite3
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Final

import pygit2
import pytest

from aggregator.cli.context import now
from aggregator.reports import accounts
from aggregator.store.store import open_for_reading
from benchmarks import obvious_script, report
from benchmarks.data import RESOURCES, Shape, make
from benchmarks.ingest import QUICK, ROOT, check_balances, script_seconds
from benchmarks.ingest import pull as pull_in_child
from benchmarks.place import Place
from benchmarks.report import Row
from benchmarks.stages import STAGES

NANO: Final = 1_000_000_000
KINDS: Final = ("typical", "sparse")


class QuickRun:
    """A finished `python -m benchmarks.ingest --quick --keep FOLDER`."""

    def __init__(self, folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ingest", "--quick", "--keep", str(folder)],
            check=True,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        self.output = done.stdout
        self._folder = folder

    def place(self, kind: str) -> Place:
        """The data of a kind that it left."""
        return Place(self._folder / f"{kind}-{QUICK.records}")

    def first_cells(self) -> list[str]:
        """The first column of its tables."""
        lines = self.output.splitlines()
        return [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("|")]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> QuickRun:
    return QuickRun(tmp_path_factory.mktemp("bench"))


def lines_of(repo: Path) -> list[dict[str, object]]:
    """Every line in the head of a bare repo, read with nothing of the product's."""
    git = pygit2.Repository(str(repo))
    blobs = (git[oid] for oid in git)
    return [
        json.loads(line)
        for blob in blobs
        if isinstance(blob, pygit2.Blob) and blob.data.startswith(b'{"v"')
        for line in blob.data.splitlines()
    ]


def test_the_table_has_every_row(quick: QuickRun) -> None:
    cells = quick.first_cells()
    for wanted in (
        "typical: 600 records, 6 commits",
        "sparse: 600 records, 6 commits",
        "typical, the obvious script",
        "sparse, the obvious script",
        "memory peak, typical, 600 records",
        "memory peak, sparse, 600 records",
        "memory peak, typical, 1,200 records",
        "memory peak, sparse, 1,200 records",
        "one new commit on 12 commits, applied",
        "one new commit on 12 commits, pulled: probe, fetch and apply",
        "one new commit on 12 commits, fetched over http, CPU with git's",
        "`node-pusher record -`, 500 lines",
        *STAGES,
    ):
        assert wanted in cells


def test_the_output_names_no_host_and_no_path(quick: QuickRun) -> None:
    assert str(quick.place("typical").folder.parent) not in quick.output
    assert str(Path.home()) not in quick.output


@pytest.mark.parametrize("kind", KINDS)
def test_ledger_script_and_lines_agree_on_every_balance(quick: QuickRun, kind: str) -> None:
    """At list prices, against a sum over the lines that shares nothing with either."""
    place = quick.place(kind)
    price = {r.name: Fraction(r.usd) * NANO / r.per for r in RESOURCES}
    expected: dict[str, Fraction] = defaultdict(Fraction)
    for line in lines_of(place.mirror):
        expected[str(line["user"])] -= price[str(line["resource"])] * int(str(line["units"]))
    for line in lines_of(place.books_mirror):
        expected[str(line["user"])] += Fraction(str(line["amount"])) * NANO
    ledger = open_for_reading(place.config().database_path)
    ours = {
        row["user"]: row["credit_nano"] - row["list_cost_nano"]
        for row in accounts.balances(ledger, now())
    }
    ledger.close()
    assert len(expected) == QUICK.users
    assert ours == expected
    assert obvious_script.balances(str(place.folder / "script.db")) == expected


def test_every_sparse_record_is_its_own_charge(quick: QuickRun) -> None:
    ledger = open_for_reading(quick.place("sparse").config().database_path)
    assert ledger._connection.execute("SELECT count(*) FROM charge").fetchone()[0] == QUICK.records
    ledger.close()


def test_typical_records_share_their_charges(quick: QuickRun) -> None:
    ledger = open_for_reading(quick.place("typical").config().database_path)
    charges = ledger._connection.execute("SELECT count(*) FROM charge").fetchone()[0]
    assert QUICK.records / 40 < charges < QUICK.records / 20
    ledger.close()


def test_a_price_for_everything_and_every_tier_is_met(tmp_path: Path) -> None:
    """Over 40 days usage falls before, after a week and after a month of paying."""
    place = make(tmp_path / "d", Shape("d", 40 * 24, 40 * 24, 30, 1))
    pull_in_child(place, 40 * 24)
    ledger = open_for_reading(place.config().database_path)
    rows = ledger._connection.execute(
        "SELECT state, list_cost_nano = billed_cost_nano, list_cost_nano > 3 * billed_cost_nano"
        " FROM charge"
    ).fetchall()
    ledger.close()
    assert {row[0] for row in rows} == {0}
    assert {(row[1], row[2]) for row in rows} == {(1, 0), (0, 0), (0, 1)}


def test_a_wrong_balance_stops_the_benchmark(quick: QuickRun, tmp_path: Path) -> None:
    place = quick.place("typical")
    out = tmp_path / "script.db"
    script_seconds(place, out)
    check_balances(place, out)
    with sqlite3.connect(out) as script:
        script.execute("UPDATE balance SET nano = nano + 1 WHERE rowid = 1")
    script.close()
    with pytest.raises(RuntimeError, match="disagree"):
        check_balances(place, out)


def test_the_same_data_is_made_again(tmp_path: Path) -> None:
    shape = Shape("twice", 50, 5, 10, 2)
    heads = [
        str(
            pygit2.Repository(str(make(tmp_path / name, shape).mirror))
            .references["refs/heads/main"]
            .target
        )
        for name in ("a", "b")
    ]
    assert heads[0] == heads[1]


def test_data_of_another_size_is_not_taken(tmp_path: Path) -> None:
    make(tmp_path / "d", Shape("d", 10, 2, 10, 1))
    with pytest.raises(SystemExit):
        make(tmp_path / "d", Shape("d", 20, 2, 10, 1))


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that slows down in one round slows both sides of it."""
    row = report.against("x", [2.0, 20.0, 2.2], ("y", [1.0, 10.0, 1.0]), limit=2.1)
    assert row.value == "2.00 (2.00 to 2.20)"
    assert row.is_met is True


def test_the_readme_keeps_what_stands_around_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(report.README.read_text())
    before = copy.read_text().partition("<!-- begin")[0]
    monkeypatch.setattr(report, "README", copy)
    for text in ("row of one run", "row of the next"):
        report.keep(report.table([Row(text, "1 s", "", "1.0", "at most 2", is_met=False)]))
    after = copy.read_text()
    assert after.startswith(before)
    assert "| row of the next | 1 s |  | 1.0 | at most 2 | **no** |" in after
    assert "row of one run" not in after
