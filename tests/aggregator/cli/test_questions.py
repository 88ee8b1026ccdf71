"""Questions to the ledger take nothing from the configuration but the state directory."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aggregator.cli.context import Context
from tests.support.ledger.world import World, money_line
from tests.support.programs import run_aggregator

FAULTY = '[[repo]]\nnode = "Not A Node"\n[notify]\nurl = 5\n'


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A user who has paid, pulled."""
    world = World(tmp_path)
    world.pay(money_line())
    assert world.run("pull").code == 0
    return world


@pytest.mark.parametrize(
    "question", ["balance alice", "balance", "nodes", "incidents", "rejects", "decisions"]
)
def test_a_question_is_answered_whatever_else_the_configuration_says(
    question: str, world: World
) -> None:
    """So a slip in it hides no balance; whatever pulls, writes or reads mirrors refuses it."""
    path = world.write_config()
    usual = run_aggregator("--config", str(path), *question.split())
    path.write_text(f'state = "{world.config.state}"\n{FAULTY}')
    assert run_aggregator("--config", str(path), *question.split()) == usual
    for words in (("pull",), ("verify",), ("held",), ("config", "check")):
        said = run_aggregator("--config", str(path), *words)
        assert said.code == 1
        assert "repo #1 url: is missing" in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state = [\n", "not TOML"),
        ("state = 5\n", "state: must be a path, in quotes"),
        ('state = ["/x"]\n', "state: must be a path, in quotes"),
    ],
)
def test_a_file_that_does_not_say_where_the_ledger_is_is_refused(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "aggregator.toml"
    path.write_text(text)
    for words in (("balance",), ("pull",)):
        found = run_aggregator("--config", str(path), *words)
        assert found.code == 1
        assert said in found.err


@pytest.mark.parametrize("text", ["", 'state = "/from/file"\n', 'state = ""\n'])
@pytest.mark.parametrize("given", [None, Path("/from/flag")])
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"STATE_DIRECTORY": "/from/systemd"},
        {"AGGREGATOR_STATE": "/from/environment", "STATE_DIRECTORY": "/from/systemd"},
        {"AGGREGATOR_STATE": ""},
    ],
    ids=str,
)
def test_questions_find_the_state_directory_that_all_others_find(
    text: str,
    given: Path | None,
    environment: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "aggregator.toml"
    path.write_text(text)
    for name in ("AGGREGATOR_STATE", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    context = Context(path, given, verbose=False)
    assert context.state_path() == context.config().state
