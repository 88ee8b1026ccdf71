"""`aggregator payments`: what came in, what counts of it, by whom, from which commit."""

import csv
import io
import json
from pathlib import Path
from random import Random

import pytest

from tests.support.ledger.told_case import tell
from tests.support.ledger.world import World
from tests.support.money_story import Story


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    story = Story({"till-1": {"unconfirmed_max_usd": "25"}})
    story.pay("till-1", "pi_1", "20.00", 2)
    story.about("refund", "till-1", "re_1", "pi_1", "5.00", 3)
    more = {"provider": "clickpesa-tz", "currency": "TZS", "credited_usd": "10"}
    story.pay("till-1", "CP77", "26000", 4, user="bob", attempt="k3", **more)
    story.reconcile("till-1", 1, 1, 5)
    story.pay("till-1", "pi_2", "30.00", 6)
    story.pay("books", "cash", "5", 6, provider="manual")
    world = World(Path(tmp_path_factory.mktemp("payments")))
    tell(world, story.case(), Random(1))
    return world


def rows(world: World, *arguments: str) -> list[dict[str, str]]:
    said = world.run("payments", *arguments, "--csv")
    assert (said.code, said.err) == (0, "")
    return list(csv.DictReader(io.StringIO(said.out)))


def test_a_line_for_each_movement_with_what_is_left_of_it(world: World) -> None:
    """A refund states no credit of its own: what it took is missing from its payment."""
    found = [(row["external_ref"], row["credit_usd"], row["left_usd"]) for row in rows(world)]
    assert found == [
        ("pi_1", "20.00", "15.00"),
        ("re_1", "", ""),
        ("CP77", "10.00", "10.00"),
        ("cash", "5.00", "5.00"),
        ("pi_2", "30.00", ""),
    ]
    assert [row["state"] for row in rows(world)] == [*["counted"] * 4, "waits"]


def test_every_line_names_the_commit_that_git_shows(world: World) -> None:
    for row in json.loads(world.run("payments", "--json").out)["lines"]:
        writer = world.repo(row["repo"])
        line = writer.files(row["commit"])[row["path"]].splitlines()[row["line_no"] - 1]
        assert json.loads(line)["seq"] == row["seq"]


def test_of_one_user_and_of_some_days(world: World) -> None:
    assert [row["external_ref"] for row in rows(world, "bob")] == ["CP77"]
    some = rows(world, "--since", "2026-11-03", "--until", "2026-11-06")
    assert [row["external_ref"] for row in some] == ["re_1", "CP77"]


def test_what_nobody_confirmed_is_what_a_reconciliation_needs(world: World) -> None:
    """All lines of tills that none covers, how far each was read, and the accounts."""
    found = json.loads(world.run("payments", "--unconfirmed", "--json").out)
    assert [(line["seq"], line["state"]) for line in found["lines"]] == [
        (2, "counted"),
        (3, "counted"),
        (4, "waits"),
    ]
    assert [writer["tip"] for writer in found["writers"]] == [world.repo("till-1").tip()]
    assert {each["name"]: each["mode"] for each in found["rules"]["providers"]} == {
        "stripe": "live",
        "clickpesa-tz": "live",
        "stripe-test": "test",
    }


def test_people_see_a_table(world: World) -> None:
    shown = world.run("payments", "alice").out
    assert "counted, reconciled" in shown
    assert "stripe pi_2" in shown
    assert world.run("payments", "nobody").out == "nothing came in for nobody\n"


@pytest.mark.parametrize(
    "arguments",
    [("--csv", "--json"), ("alice", "--unconfirmed"), ("--unconfirmed", "--since", "2026-11-01")],
)
def test_what_contradicts_itself_is_refused(world: World, arguments: tuple[str, ...]) -> None:
    assert world.run("payments", *arguments).code == 2


def test_a_cell_that_a_spreadsheet_would_run_is_text(tmp_path: Path) -> None:
    story = Story()
    story.pay("books", "=1+1", "5", 6, provider="manual", user="@SUM(A1)")
    world = World(tmp_path)
    tell(world, story.case(), Random(1))
    (row,) = rows(world)
    assert (row["external_ref"], row["user"]) == ("'=1+1", "'@SUM(A1)")


def test_where_test_accounts_count_every_balance_says_so(tmp_path: Path) -> None:
    story = Story(tests_count=True)
    story.pay("till-1", "pi_1", "5", 6, provider="stripe-test")
    world = World(tmp_path, test=True)
    tell(world, story.case(), Random(1))
    assert "test accounts of providers count here" in world.run("balance").out
    assert world.balance()["tests_count"] is True
    world.settings["test"] = False
    world.pull()
    assert world.balance()["credit_nano"] == 0
    assert world.balance()["tests_count"] is False
