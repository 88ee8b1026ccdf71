"""The benchmark of a fleet measures the right thing: a whole tiny run and its counts.

No test here asserts a time.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from benchmarks.fleet.forge import RECORDS_PER_COMMIT, ForgeProcess
from benchmarks.fleet.month import Month, usage
from benchmarks.fleet.passes import Passes
from benchmarks.fleet.site import Site
from benchmarks.fleet.tables import curve_table, month_table
from benchmarks.ingest import ROOT

REPOS: Final = 20
FETCHES: Final = 23
"""Enough for a mirror to be packed once."""

pytestmark = pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
"""A daemon's socket to systemd is left to the end of its process, which here is ours."""

TINY: Final = {
    "repos": REPOS,
    "runs": 1,
    "sweeps": 3,
    "busy": 1,
    "pushes": 2,
    "mirrors": 1,
    "fetches": FETCHES,
}


@pytest.fixture(scope="module")
def output() -> str:
    """A whole run."""
    options = [f"--{name}={value}" for name, value in TINY.items()]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fleet", *options],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Three nodes with one commit each."""
    now = datetime.now(UTC).replace(microsecond=0)
    forge = ForgeProcess(tmp_path / "forge", 3, 1, now)
    try:
        made = Site(tmp_path)
        made.lay_out(forge.place, now, 1)
        made.register()
        yield made
    finally:
        forge.stop()


def cells(output: str) -> dict[str, list[str]]:
    """The lines of all tables, by their first cell."""
    lines = [line.strip("| ").split(" | ") for line in output.splitlines() if line.startswith("|")]
    return {line[0]: line[1:] for line in lines}


@pytest.mark.parametrize(
    ("kind", "git", "programs"),
    [
        # a probe is one request; a first fetch three more, a later one one more; and one program
        ("the first pass: everything fetched and billed", 4 * (REPOS + 1), REPOS + 1),
        ("first pass of a restarted daemon: every repo is probed", REPOS + 1, 0),
        ("nothing new: the listing alone", 1, 0),
        ("5 % have a new commit", 1 + 2, 1),
        ("all have a new commit", 1 + 2 * REPOS, REPOS),
        ("one in 36 has a new commit, announced by webhook", 2, 1),
    ],
)
def test_each_pass_makes_as_many_requests_as_it_must(
    output: str, kind: str, git: int, programs: int
) -> None:
    """The books are asked in each pass, and 20 repos are one page of the forge's list."""
    listed = "0" if "webhook" in kind else "1"
    assert cells(output)[kind][4:7] == [str(git), listed, str(programs)]


def test_everything_else_is_there(output: str) -> None:
    found = cells(output)
    for wanted in (
        "`aggregator nodes`",
        "`aggregator balance`",
        "one scrape of `/metrics`",
        "2 pushes: from push to balance, by webhook",
        "20 registrations written, each synced",
        "a push, CPU",
        f"{REPOS} nodes, each pushing every 36 s",
        "nothing new",
        "5 % new",
    ):
        assert wanted in found
    assert found["`aggregator forge check`"][0].endswith(f", {4 * (REPOS + 1) + 2} requests")
    assert found["packs of a mirror, most"] == ["21"]
    assert found["packed"][0].startswith("1 times")


def test_the_output_names_no_place(output: str) -> None:
    assert str(Path.home()) not in output
    assert "/tmp" not in output  # noqa: S108 - where the data was


def test_a_pass_that_bills_too_little_stops_the_benchmark(site: Site) -> None:
    passes = Passes(site)
    with passes.started() as daemon:
        assert passes.cost(daemon, 3 * RECORDS_PER_COMMIT).programs >= 0
        wanted = passes.push(1)
        assert wanted == 3 * RECORDS_PER_COMMIT
        with pytest.raises(RuntimeError, match="30 of 40 records"):
            passes.cost(daemon, wanted + RECORDS_PER_COMMIT)


def test_each_fraction_of_the_fleet_takes_its_turn(site: Site) -> None:
    """So that no repo is pushed to again and again in a long run."""
    passes = Passes(site)
    with passes.started() as daemon:
        passes.once(daemon)
        assert [passes.push(2) for _ in range(2)] == [20, 10]
        assert passes.cost(daemon, 30).git_requests == 1 + 2 * 3


def test_the_disk_of_a_folder_counts_every_inode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 5000)
    inodes, size_bytes = usage(tmp_path)
    assert inodes == 3
    assert size_bytes >= 5000


def test_a_thousand_mirrors_are_a_thousand_times_one() -> None:
    month = Month(2, 720, 21, 70, 1, 30, 4_000_000, 5_000_000, 34, 0.1, 0.2, 9_000_000, 1_000_000)
    assert "6.0 GB, 70,000 inodes" in month_table(month)


def test_a_curve_has_a_line_for_each_point() -> None:
    table = curve_table({"quiet": [[0, [1_000_000, 7, 1, 5]], [10, [2_500_000, 8, 1, 6000]]]})
    assert "| nothing new | 10 | 2.5 MB | 8 | 1 | 6,000 |" in table
