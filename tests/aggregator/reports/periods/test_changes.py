"""What changed in balances is the difference of two ledgers, and the commits between them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.terms_world import TermsWorld
from tests.support.ledger.world import BOOKS, decision_line
from wire_format.money import NANO


@pytest.fixture
def world(tmp_path: Path) -> TermsWorld:
    """Since the statement alice paid and used, bob's usage was excluded, and nothing else."""
    world = reports_world(tmp_path / "world")
    then = world.run("statement", "alice", "2026-11-02", "--json").ok().json
    (tmp_path / "then.json").write_text(json.dumps(then))
    world.later(hours=1)
    world.pay_in("7.00")
    world.use(50)
    world.later(hours=1)
    world.decide(decision_line(seq=99, kind="exclude", of="node-1", of_seq=4), when=world.now)
    world.pull()
    return world


def json_of(world: TermsWorld, since: object) -> dict[str, Any]:
    found: dict[str, Any] = world.run("changes", "--since", str(since), "--json").ok().json
    return found


def test_each_row_leads_from_one_balance_to_the_other(world: TermsWorld, tmp_path: Path) -> None:
    found = json_of(world, tmp_path / "then.json")
    rows = {row["user"]: row for row in found["rows"]}
    assert list(rows) == ["alice", "bob"]
    for user, row in rows.items():
        parts = (row[f"{name}_nano"] for name in ("before", "money", "usage", "grants"))
        assert sum(parts) == row["after_nano"]
        now = world.run("balance", user, "--json").ok().json
        assert row["after_nano"] == now["balance_nano"]
    assert (rows["alice"]["money_nano"], rows["alice"]["usage_nano"]) == (7 * NANO, -5 * NANO)
    assert rows["bob"]["usage_nano"] == NANO
    assert rows["bob"]["commits"] == 0


def test_the_commits_are_those_since_then(world: TermsWorld, tmp_path: Path) -> None:
    """Those that name an account, and a decision that may be about anybody."""
    commits = json_of(world, tmp_path / "then.json")["commits"]
    books = [each for each in commits if each["repo"] == BOOKS]
    assert [(each["payments"], each["decisions"], each["users"]) for each in books] == [
        (1, 0, 1),
        (0, 1, 0),
    ]
    assert [each["usage"] for each in commits if each["repo"] == "node-1"] == [1]
    said = world.run("changes", "--since", str(tmp_path / "then.json")).ok().out
    assert f"{BOOKS} {world.repo(BOOKS).tip()}: 0 accounts, 1 decision\n" in said


def test_an_instant_or_a_commit_says_the_same(world: TermsWorld, tmp_path: Path) -> None:
    """Commits that are dated no later are in the earlier ledger."""
    expected = json_of(world, tmp_path / "then.json")
    then = json.loads((tmp_path / "then.json").read_text())
    newest = then["made_from"]["tips"]["node-1"]["cursor"]
    for since in (newest, newest[:12], then["billed_until"]):
        found = json_of(world, since)
        assert (found["rows"], found["commits"]) == (expected["rows"], expected["commits"])
    assert json_of(world, "2020-01-01")["rows"][0]["before_nano"] == 0


def test_nothing_changed_since_now(world: TermsWorld) -> None:
    said = world.run("changes", "--since", "2026-11-29").ok().out
    assert said == "no balance changed\n"


@pytest.mark.parametrize(
    ("since", "code", "says"),
    [
        ("yesterday", 2, "is not like 2026-11-21"),
        ("0" * 12, 1, "no billed commit begins with 000000000000"),
        ("pyproject.toml.missing", 2, "is not like"),
    ],
)
def test_what_names_no_ledger_is_refused(
    world: TermsWorld, since: str, code: int, says: str
) -> None:
    said = world.run("changes", "--since", since)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
