"""Books whose repo lacks any one object end in an error with a way out, never in a bug report."""

from pathlib import Path

import pytest

from gitmeter.support.errors import ExitCode
from node_pusher.home.settings_file import read_home
from node_pusher.spool.store import Store
from tests.books.program import Books

COMMANDS = (
    ("refund", "alice", "999", "--payment", "1"),
    ("pay", "alice", "5", "--external-ref", "inv-1"),
    ("decide", "withdraw", "1", "--reason", "x"),
    ("decide", "list"),
)
"""Each reads earlier lines, and none of them records anything here."""


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books with a payment and a decision that are committed."""
    found = Books(tmp_path)
    found.init().ok()
    found("pay", "alice", "5", "--external-ref", "inv-1").ok()
    found("decide", "exclude", "node-1", "1", "--reason", "x").ok()
    found("push").ok()
    return found


def test_whichever_object_is_missing_is_said_with_a_way_out(books: Books) -> None:
    named: set[tuple[str, ...]] = set()
    objects = sorted((books.home / "repo.git" / "objects").glob("??/*"))
    assert len(objects) > 10
    for file in objects:
        aside = file.rename(books.home / "aside")
        for command in COMMANDS:
            said = books(*command)
            assert said.code in {ExitCode.OK, ExitCode.FAILED}, (command, said.err)
            if "--rejoin" in said.err:
                named.add(command)
        aside.rename(file)
    assert named == set(COMMANDS)
    with Store.open(read_home(books.home).spool_file, "books") as store:
        assert store.count() == 0


def test_a_repo_that_is_gone_is_said_with_a_way_out(books: Books) -> None:
    (books.home / "repo.git").rename(books.home / "aside.git")
    for command in COMMANDS:
        said = books(*command)
        assert (said.code, "--rejoin" in said.err) == (ExitCode.FAILED, True), (command, said.err)
