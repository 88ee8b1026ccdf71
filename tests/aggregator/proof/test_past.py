"""What a ledger said at a time comes out of the commits of then."""

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.proof.past import PastError, read_made_from
from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.terms_world import TermsWorld
from tests.support.ledger.world import BOOKS

OF_THEN = ("money", "fees", "usage", "grants", "sums", "closing_balance_nano", "made_from")


@pytest.fixture
def world(tmp_path: Path) -> TermsWorld:
    return reports_world(tmp_path / "world")


def statement(world: TermsWorld, *options: str) -> dict[str, Any]:
    said = world.run(*options, "statement", "alice", "2026-11-02..2026-11-05", "--json")
    found: dict[str, Any] = said.ok().json
    return found


def test_the_ledger_of_then_says_what_it_said(world: TermsWorld, tmp_path: Path) -> None:
    """Though a payment and usage of that time came later, and other prices."""
    file, folder = tmp_path / "then.json", tmp_path / "then"
    then = statement(world)
    file.write_text(json.dumps(then))
    world.now = world.now.replace(day=2, hour=20)
    world.pay_in("7.00")
    world.use(50)
    world.now = world.now.replace(day=6)
    world.rule_files({"rules/prices.toml": b""})
    world.pull()
    today = statement(world)
    assert today["closing_balance_nano"] != then["closing_balance_nano"]
    digest = world.digest()
    said = world.run("rebuild", "--to", str(file), "--state", str(folder)).ok().out
    assert f"the same as in {file}" in said
    again = statement(world, "--state", str(folder))
    assert {name: again[name] for name in OF_THEN} == {name: then[name] for name in OF_THEN}
    assert world.digest() == digest
    found = world.run("rebuild", "--to", str(file), "--state", str(folder), "--json").ok().json
    assert (found["is_same"], found["digest"]) == (True, then["made_from"]["digest"])


def test_a_commit_for_each_repo_is_enough(world: TermsWorld, tmp_path: Path) -> None:
    """Of some repos alone: others were not there yet."""
    file = tmp_path / "tips.json"
    file.write_text(json.dumps({BOOKS: world.repo(BOOKS).tip()}))
    said = world.run("rebuild", "--to", str(file), "--state", str(tmp_path / "then")).ok().out
    assert "the same" not in said
    balance = world.run("--state", str(tmp_path / "then"), "balance", "alice", "--json").ok().json
    assert balance["billed_cost_nano"] == 0
    assert balance["credit_nano"] == 70 * 10**9


def test_another_digest_is_said(world: TermsWorld, tmp_path: Path) -> None:
    file = tmp_path / "then.json"
    made_from = statement(world)["made_from"]
    file.write_text(json.dumps({**made_from, "digest": "0" * 64}))
    said = world.run("rebuild", "--to", str(file), "--state", str(tmp_path / "then"))
    assert said.code == 1
    assert f"DIFFERS: {file} states {'0' * 64}" in said.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[]", "does not say from which commits"),
        ("{}", "does not say from which commits"),
        ('{"made_from": 7}', "does not say from which commits"),
        ('{"books": "main"}', "books has no whole commit hash"),
        ('{"tips": {"books": {"cursor": "%s", "kept": 7}}}' % ("a" * 40), "no whole commit hash"),
        ('{"books": {}}', "books has no whole commit hash"),
    ],
)
def test_a_file_that_names_no_commits_is_refused(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(PastError, match=says):
        read_made_from(file)


def test_what_was_not_billed_is_not_built_on(world: TermsWorld, tmp_path: Path) -> None:
    """Nor is a folder taken that has a ledger of its own."""
    file = tmp_path / "tips.json"
    world.use(5)
    ahead = world.repo("node-1").tip()
    for tips, says in (
        ({"node-1": ahead}, "is not among the commits that were billed"),
        ({"node-9": ahead}, "no commit of node-9 was ever billed here"),
    ):
        file.write_text(json.dumps(tips))
        said = world.run("rebuild", "--to", str(file), "--state", str(tmp_path / "then"))
        assert (said.code, said.out) == (1, "")
        assert says in said.err
    file.write_text(json.dumps({BOOKS: world.repo(BOOKS).tip()}))
    before = world.digest()
    said = world.run("rebuild", "--to", str(file), "--state", str(world.config.state))
    assert said.code == 1
    assert "is the state directory of an aggregator" in said.err
    assert world.digest() == before
    assert "belong together" in world.run("rebuild", "--to", str(file)).err
