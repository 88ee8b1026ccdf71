"""What an incident advises ends it."""

from pathlib import Path

import pytest

from aggregator.incidents.advice import advice
from aggregator.incidents.kinds import ACCEPTABLE, IncidentKind
from tests.support.ledger.world import World, money_line, usage_line


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.rules()
    made.pay(money_line(seq=1))
    made.usage(usage_line())
    made.pull()
    return made


def edit(world: World, repo: str) -> None:
    """Change what was billed."""
    writer = world.repo(repo)
    files = writer.files(str(writer.tip()))
    path = next(path for path in files if path.endswith(".jsonl"))
    writer.commit({path: files[path].replace(b"2025", b"2024")})


def rewrite(world: World, repo: str) -> None:
    """Replace the history."""
    world.repo(repo).orphan({"x": b"y"})


@pytest.mark.parametrize("harm", [edit, rewrite])
def test_held_books_are_told_of_no_decision_that_they_cannot_carry(world: World, harm) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """A node is: its history can be accepted in the books."""
    tips = {repo: str(world.repo(repo).tip()) for repo in ("books", "node-1")}
    for repo in tips:
        harm(world, repo)
    world.pull()
    assert len(world.open_kinds()) == 2
    for command in ("incidents", "rewrites"):
        parts = dict(by_repo(world.run(command).ok().out))
        assert "books decide accept-tip" not in parts["books"], command
        assert "restore the old history" in parts["books"], command
        assert command != "rewrites" or "books decide accept-tip node-1" in parts["node-1"]
    world.repo("books").force(tips["books"])  # which is what it advises
    world.pull()
    assert [repo for repo, _ in world.open_kinds()] == ["node-1"]


def by_repo(text: str) -> list[tuple[str, str]]:
    """What is said of each repo, which begins at the start of a line."""
    parts: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith(" "):
            repo, said = parts[-1]
            parts[-1] = (repo, f"{said}\n{line}")
        else:
            parts.append((line.partition(":")[0], line))
    return parts


@pytest.mark.parametrize("kind", IncidentKind)
def test_no_advice_promises_an_end_or_begins_with_what_cannot_be_undone(kind: IncidentKind) -> None:
    """Whether trying again helps depends on the cause, which the detail names."""
    for said in (advice(kind), advice(kind, "books")):
        assert "clears itself" not in said.lower()
        before, retire, _ = said.partition("`aggregator node retire`")
        assert not retire or "`aggregator forge check`" in before


_ONLY_OF_WRITERS = {IncidentKind.COMMIT_DATED_BACK}
"""Kinds that the repo of the books never has."""


@pytest.mark.parametrize("kind", ACCEPTABLE)
def test_every_kind_that_a_decision_ends_says_which(kind: IncidentKind) -> None:
    assert "accept-tip" in advice(kind) + advice(IncidentKind.BAD_SIGNATURE)


@pytest.mark.parametrize("kind", sorted(set(ACCEPTABLE) - _ONLY_OF_WRITERS))
def test_of_the_books_no_decision_ends_any(kind: IncidentKind) -> None:
    assert "accept-tip" not in advice(kind, "books")
    assert advice(kind, "usage") == advice(kind)
