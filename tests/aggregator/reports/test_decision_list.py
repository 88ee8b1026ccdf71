"""`aggregator decisions` and `config check` show typing errors."""

from pathlib import Path

import pytest

from gitmeter.signing.signing_key import new_signing_key
from tests.support.ledger.world import BOOKS, World, money_line, usage_line
from tests.support.repos import decision_line


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.usage(usage_line(seq=1), usage_line(seq=2))
    world.pay(money_line())
    return world


def test_every_decision_is_listed_with_who_why_and_what_it_is_about(world: World) -> None:
    """With a remark if it names nothing that exists or was withdrawn."""
    world.decide(
        decision_line(seq=10, kind="exclude", of="node-1", of_seq=1, by="ada", reason="a test"),
        decision_line(seq=11, kind="exclude", of="node-1", of_seq=90),
        decision_line(seq=12, kind="exclude", of="node-7", of_seq=1),
        decision_line(seq=13, kind="accept_tip", repo="nose-1", tip="a" * 40),
        decision_line(seq=14, kind="acknowledge", repo="node-1", incident="odd", subject="x"),
        decision_line(seq=15, kind="withdraw", refers_to=10),
        decision_line(seq=16, kind="withdraw", refers_to=13),
    )
    world.run("pull")
    found = world.run("decisions", "--json").json
    assert [(row["seq"], row["in_force"], row["remark"]) for row in found] == [
        (10, False, None),
        (11, True, "no such line has arrived yet"),
        (12, True, "no node is called node-7"),
        (13, True, "no repo is called nose-1"),
        (14, True, "no incident is called odd"),
        (15, False, None),
        (16, False, "seq 13 is no decision that can be withdrawn"),
    ]
    assert (found[0]["by"], found[0]["reason"]) == ("ada", "a test")
    said = world.run("decisions").out
    assert "books seq 10: exclude node-1 1 (withdrawn)" in said
    assert "no effect so far: no node is called node-7" in said


def test_config_check_shows_how_many_keys_may_sign_for_each_repo(
    world: World, tmp_path: Path
) -> None:
    """A repo for which no key may sign would be held for ever, so that is shown at once."""
    signers = tmp_path / "signers"
    key = new_signing_key().public
    signers.write_text(f"{BOOKS} {key.line}\n")
    world.configure("node-1", allow_unsigned=False, allow=("llm/*",))
    world.configure(BOOKS, allow_unsigned=False)
    world.settings["allowed_signers_file"] = str(signers)
    said = world.run("config", "check")
    assert said.code == 0
    assert "signed by one of 1 key" in said.out
    assert "is about node-1, so nothing of it will be billed" in said.out
    assert "may bill llm/*" in said.out
    signers.write_text("what is this\n")
    said = world.run("config", "check")
    assert said.code == 1
    assert f"{signers}, line 1" in said.err


def test_a_decided_line_stands_under_its_decision_and_an_open_one_under_held(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.rules()
    world.usage(usage_line(seq=1), usage_line(seq=2), usage_line(seq=3))
    world.usage(usage_line(seq=2, units=2), usage_line(seq=3, units=3))
    world.decide(decision_line(kind="exclude", of="node-1", of_seq=1, seq=1))
    world.pull()
    other = next(row for row in world.held() if row["seq"] == 2)
    chosen = {"of_ts": "2025-01-01T00:30:00Z", "line_sha256": other["line_sha256"]}
    world.decide(decision_line(kind="choose", of="node-1", of_seq=2, seq=2, **chosen))
    world.pull()
    assert [row["seq"] for row in world.run("held", "--json").ok().json] == [3]
    assert "2 more lines decided" in world.run("held").ok().out
    assert {r["seq"] for r in world.run("held", "--all", "--json").ok().json} == {1, 2, 3}
    found = world.run("decisions", "--json").ok().json
    assert [[line["seq"] for line in row["lines"]] for row in found] == [[1], [2]]
    said = world.run("decisions").ok().out
    assert said.count("not billed: node-1 seq") == 2
    world.decide(decision_line(kind="withdraw", refers_to=1, seq=3))
    world.pull()
    found = world.run("decisions", "--json").ok().json
    assert [len(row["lines"]) for row in found] == [0, 1, 0]
