"""The benchmark of tiers, plans and grants has every row, of right answers. No test asserts a time.

Each part makes the ledger again in the end, and stops if that has another digest.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.proof.digest import digest
from aggregator.store.store import open_for_reading
from benchmarks import report
from benchmarks.adding import check_rebuild
from benchmarks.ingest import ROOT
from benchmarks.ingest import pull as pull_in_child
from benchmarks.place import Place
from benchmarks.report import README
from benchmarks.terms import __main__ as terms
from benchmarks.terms.account import AccountShape, provide_account


@pytest.fixture(scope="module")
def output() -> str:
    """A whole run."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.terms", "--quick"],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An account with a plan and grants, and its ledger."""
    shape = AccountShape("years", 72, has_terms=True)
    place = provide_account(tmp_path_factory.mktemp("years"), shape)
    pull_in_child(place, shape.records)
    return place


def test_the_table_has_every_row(output: str) -> None:
    lines = [line for line in output.splitlines() if line.startswith("|")][2:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [
        "tiers by the month for every resource, 20 accounts",
        *["a sign-up grant with terms (version 2) for each of 40 accounts"] * 2,
        "a sign-up grant without terms (version 1) for each of 40 accounts",
        "a late record in the first of 12 hours x 8 resources, graduated tiers",
        "a late record in the first of 12 hours x 8 resources, volume tiers",
        "a late record in the first hour of 72 hours x 8 resources, plan, grants",
        "a late record in the middle of 72 hours x 8 resources, plan, grants",
        "a late record in the last month of 72 hours x 8 resources, plan, grants",
        "a record of each of 40 accounts in the year 2000, in one transaction",
        "a record of each of 40 accounts in the next hour, in one transaction",
        "... a record that another node pushes as the first of these begins: until it is billed",
    ]


def test_the_output_names_no_place(output: str) -> None:
    assert str(Path.home()) not in output
    assert "/tmp" not in output  # noqa: S108 - where the data was


def test_the_account_has_all_that_its_rows_name(years: Place) -> None:
    """Units that the plan includes, units that are counted on, and what grants paid."""
    with open_for_reading(years.config().database_path) as ledger:

        def number(query: str) -> int:
            return int(ledger._connection.execute(query).fetchone()[0])

        assert number("SELECT count(*) FROM charge WHERE state <> 0") == 0
        assert number("SELECT count(*) FROM counted WHERE included > 0") > 0
        assert number("SELECT count(*) FROM counted WHERE before > 0") > 0
        assert number("SELECT count(*) FROM drawn") > 0


def test_a_rebuild_with_another_result_stops_the_benchmark(years: Place) -> None:
    with open_for_reading(years.config().database_path) as ledger:
        right = digest(ledger)
    check_rebuild(years, right)
    with pytest.raises(RuntimeError, match="another result"):
        check_rebuild(years, "0" * 64)


def test_the_readme_has_a_place_for_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(README.read_text())
    monkeypatch.setattr(report, "README", copy)
    report.keep("row of one run", terms._BEGIN, terms._END)
    assert copy.read_text().count("row of one run") == 1
