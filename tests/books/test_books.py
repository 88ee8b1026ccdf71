"""Books from `init` on: a new repo, a joined one, one that cannot be reached."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from books.start import EMPTY_PRICES
from node_pusher.home.settings_file import find_home
from tests.books.program import Books
from tests.support.files import write_secret
from tests.support.git_http import Access, GitHttpServer
from tests.support.programs import run_books, run_node_pusher
from tests.support.repos import RepoWriter, bare_repo, refuse_pushes
from tests.support.sshd import SshServer
from wire_format.fields import EPOCH_SIZE
from wire_format.lines import Folder
from wire_format.rule_files.prices_file import IMPORTED_PATH, PRICES_PATH
from wire_format.segment import decode_segment


def test_init_starts_a_rule_book_and_again_changes_nothing(tmp_path: Path) -> None:
    books = Books(tmp_path)
    made = books.init().ok()
    assert "the next record is seq 1" in made.out
    assert "books push" in made.out
    assert "the home exists already" in books.init().ok().out
    books("push").ok()
    rules, claim = books.messages()
    assert rules.startswith("rules: start:")
    assert claim.startswith("node: books starts epoch 0 at seq 1\n")
    assert books.pushed("README.md").startswith(b"# Books of `books`")


def test_a_home_that_was_made_but_has_no_rule_book_yet_gets_one(tmp_path: Path) -> None:
    """As when the first `init` died in between."""
    books = Books(tmp_path)
    books.init().ok()
    (books.home / "repo.git" / "refs" / "heads" / "main").unlink()
    found = books.init("--json").ok().json
    assert (found["outcome"], found["rule_book_started"]) == ("unchanged", True)
    assert books("rules", "check").ok()


def test_a_joined_repo_keeps_its_rule_book_and_gets_a_new_epoch(
    books: Books, tmp_path: Path
) -> None:
    """Another machine goes on: numbers of a new epoch, the prices that were there, one history."""
    books("prices", "import-llm", "--model", "openai:o3").ok()
    books("pay", "alice", "50").ok()
    books("push").ok()
    before = books.pushed(IMPORTED_PATH)
    other = Books(tmp_path, "other", books.remote)
    joined = other.init("--json").ok().json
    assert (joined["outcome"], joined["rule_book_started"]) == ("joined", False)
    assert joined["next_seq"] == EPOCH_SIZE + 1
    other("refund", "alice", "20", "--payment", "1").ok()
    assert other("prices", "import-llm", "--model", "openai:o3").ok().out.startswith("nothing")
    other("prices", "import-llm", "--model", "openai:gpt-4o").ok()
    assert other.balance("alice")["balance_nano"] == 30_000_000_000
    assert other.pushed(IMPORTED_PATH).startswith(before)
    records = decode_segment(other.lines(), Folder.PAYMENTS).records
    assert [record.seq for record in records] == [1, EPOCH_SIZE + 1]
    refused = books("push")  # the first machine must not go on as if it were alone
    assert (refused.code, "--rejoin" in refused.err) == (1, True)


def test_books_are_joined_over_a_server_that_gives_no_single_files(
    books: Books, tmp_path: Path
) -> None:
    """Sshd passes no version of git's protocol on, and then git gives only what a branch names."""
    books("prices", "import-llm", "--model", "openai:o3").ok()
    books("push").ok()
    other = Books(tmp_path, "other", books.remote)
    with SshServer(tmp_path / "sshd") as server:
        there = server.remote(books.remote)
        key, known = str(server.key_file), str(server.known_hosts_file)
        where = ("--remote", there.url, "--ssh-key", key, "--known-hosts", known)
        joined = other.init(*where, "--json").ok().json
        assert (joined["outcome"], joined["rule_book_started"]) == ("joined", False)
        assert other("pay", "alice", "1").ok()
        other("push").ok()
    assert other("rules", "show", "--json").json == books("rules", "show", "--json").json


def test_a_machine_that_fell_behind_rejoins(books: Books, tmp_path: Path) -> None:
    """What it recorded goes on top; a rule file it committed is named, to be set again."""
    books("push").ok()
    other = Books(tmp_path, "other", books.remote)
    other.init().ok()
    other("pay", "bob", "1").ok()
    other("push").ok()
    books("pay", "alice", "2").ok()
    books("prices", "import-llm", "--model", "openai:o3").ok()
    outcome = books.init("--rejoin").ok()
    assert "to be done again:" in outcome.out
    assert "rules: imported: 5 added" in outcome.out
    assert books.balance("alice")["balance_usd"] == "2.00"
    assert books.balance("bob")["balance_usd"] == "1.00"


def test_a_joined_home_works_while_the_remote_is_away(books: Books, tmp_path: Path) -> None:
    """What later commands read was brought by `init`."""
    books("prices", "import-llm", "--model", "openai:o3").ok()
    books("push").ok()
    other = Books(tmp_path, "other", books.remote)
    other.init().ok()
    shown = books("rules", "show", "--json").ok().json
    books.remote.rename(tmp_path / "away.git")
    assert other("rules", "show", "--json").ok().json == shown
    other("prices", "import-llm", "--model", "openai:gpt-4o").ok()
    other("pay", "alice", "1").ok()
    assert other("log").ok()
    assert other("status", "--json").ok().json["commits_waiting"] == 1


def test_a_repo_with_a_readme_alone_is_taken(tmp_path: Path) -> None:
    """As a forge makes it; the README stays."""
    writer = RepoWriter(bare_repo(tmp_path / "books.git"))
    writer.commit({"README.md": b"made by the forge\n"})
    books = Books(tmp_path, remote=tmp_path / "books.git")
    books.init().ok()
    books("push").ok()
    assert books.pushed("README.md") == b"made by the forge\n"
    assert books.pushed(PRICES_PATH) == EMPTY_PRICES.encode()


def test_the_repo_of_another_node_is_refused(books: Books, tmp_path: Path) -> None:
    books("pay", "alice", "1").ok()
    books("push").ok()
    other = Books(tmp_path, "other", books.remote)
    outcome = other.init("--node", "books-2")
    assert outcome.code == 1
    assert "the repo of books, not of books-2" in outcome.err


def test_commits_wait_while_the_remote_cannot_be_reached(tmp_path: Path) -> None:
    """Exit code 75, nothing lost, and the next push sends everything."""
    root = tmp_path / "served"
    root.mkdir()
    remote = bare_repo(root / "books.git")
    books = Books(tmp_path, remote=remote)
    token = write_secret(tmp_path / "token", "s3cret\n")
    tokens: dict[str, dict[str, Access]] = {"books.git": {"s3cret": "write"}}
    with GitHttpServer(root, tokens=tokens) as server:
        url = server.url("books.git")
        books("init", "--remote", url, "--token-file", str(token)).ok()
        books("pay", "alice", "5").ok()
        server.misbehave("503")
        outcome = books("push")
        assert outcome.code == 75
        assert "nothing is lost" in outcome.err
        assert books("status", "--json").ok().json["commits_waiting"] == 2
        books("pay", "alice", "6").ok()
        server.behave()
        refuse_pushes(remote)
        assert books("push").code == 75
        (remote / "hooks" / "pre-receive").unlink()
        assert books("push", "--json").ok().json["pushed"] == 3
    assert books.aggregate("pull").ok()
    assert books.aggregate("balance", "alice", "--json").ok().json["balance_usd"] == "11.00"


def test_init_needs_the_remote(tmp_path: Path) -> None:
    books = Books(tmp_path)
    outcome = books("init", "--remote", "http://127.0.0.1:9/books.git")
    assert outcome.code == 75
    assert find_home(books.home) is None


def test_a_rule_book_that_others_broke_is_shown_with_its_faults(tmp_path: Path) -> None:
    """Somebody edited the repo by hand before these books joined it."""
    writer = RepoWriter(bare_repo(tmp_path / "books.git"))
    writer.commit({PRICES_PATH: b"[[price]]\n", "rules/discounts.toml": b"ladder = 1\n"})
    books = Books(tmp_path, remote=tmp_path / "books.git")
    books.init("--trust-tip", str(writer.tip())).ok()
    for command in ("show", "check"):
        outcome = books("rules", command)
        assert outcome.code == 1
        assert "rules/prices.toml: price #1 (line 1) resource" in outcome.err
        assert "rules/discounts.toml: ladder" in outcome.err
    refused = books("prices", "import-llm", "--model", "openai:o3")
    assert (refused.code, "price #1 (line 1) from" in refused.err) == (1, True)


def test_the_history_says_who_entered_what_for_whom(books: Books) -> None:
    """Each act names a person: the commit of money, the line of a decision, the commit of rules."""
    books("pay", "alice", "50", "--by", "ada", "--reason", "bank transfer of May").ok()
    books("grant", "alice", "5", "--by", "ada").ok()
    books("refund", "alice", "2", "--payment", "1", "--by", "bob", "--reason", "late").ok()
    books("decide", "exclude", "books", "2", "--by", "eve", "--reason", "a mistake").ok()
    waiting = books("log").ok().out
    books("push").ok()
    assert [message.split("\n")[-2] for message in books.messages()[:3]] == [
        "By: eve",
        "By: bob",
        "By: ada",
    ]
    entries = books("log", "--json").ok().json
    assert [entry["by"] for entry in entries[:3]] == ["eve", "bob", "ada"]
    lines = [line for entry in entries for line in entry["lines"]]
    assert [line["seq"] for line in lines] == [4, 3, 1, 2]
    assert lines[2]["reason"] == "bank transfer of May"
    for table in (waiting, books("log").ok().out):
        for text in ("alice", "ada", "bank transfer of May", "refund of seq 1 2 USD", "bob", "eve"):
            assert text in table


def test_the_history_reads_as_one(books: Books) -> None:
    books("pay", "alice", "50").ok()
    books("push").ok()
    books("grant", "alice", "5").ok()
    assert "not committed:  1 record" in books("status").ok().out
    books("push").ok()
    table = books("log").ok().out
    assert "grant 5 USD" in table
    assert "payment 50 USD" in table
    entries = books("log", "--json").ok().json
    assert [entry["records"] for entry in entries] == [1, 1, 0, 0]
    assert [message.partition("\n")[0] for message in books.messages()] == [
        "payments: books seq 2..2 (1 record)",
        "payments: books seq 1..1 (1 record)",
        "rules: start: 1 added",
        "node: books starts epoch 0 at seq 1",
    ]


def test_the_home_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = bare_repo(tmp_path / "books.git")
    monkeypatch.setenv("BOOKS_HOME", str(tmp_path / "a"))
    run_books("init", "--remote", f"file://{remote}").ok()
    assert find_home(tmp_path / "a")


def test_paying_loads_no_heavy_library() -> None:
    """A shop may run the program for every payment."""
    code = (
        "import sys, books.cli, books.money\n"
        "print(*{'rich', 'tomlkit', 'genai_prices'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_the_installed_program_tells_when_it_recorded(books: Books) -> None:
    """The time of a payment is the moment of the command, whatever the machine's zone."""
    program = Path(sys.executable).with_name("books")
    before = datetime.now(UTC)
    done = subprocess.run(
        [program, "--home", books.home, "pay", "alice", "12.50", "--json"],
        capture_output=True,
        check=True,
        env={**os.environ, "TZ": "Pacific/Chatham"},
    )
    recorded = json.loads(done.stdout)
    assert recorded["seq"] == 1
    assert before <= datetime.fromisoformat(recorded["ts"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    "command",
    [
        "adjust",
        "decide",
        "grant",
        "init",
        "log",
        "pay",
        "prices",
        "push",
        "refund",
        "rotate-key",
        "rules",
        "show-key",
        "status",
    ],
)
def test_every_command_explains_itself(books: Books, command: str) -> None:
    assert books(command, "--help").ok().out.startswith("Usage: ")


def test_the_programs_refuse_each_others_home(books: Books, tmp_path: Path) -> None:
    """A payment in a node's home would be accepted and never credited."""
    node = tmp_path / "node"
    remote = f"file://{bare_repo(tmp_path / 'node.git')}"
    run_node_pusher("--home", str(node), "init", "--node", "n-1", "--remote", remote).ok()
    record = ("record", "--user", "a", "--resource", "r", "--units", "1")
    for command in (record, ("push",), ("status",), ("log",)):
        refused = run_node_pusher("--home", str(books.home), *command)
        assert refused.code == 1
        assert "home of the operator's books (books)" in refused.err
        assert "hint: use the program books" in refused.err
    books.home = node
    for words in (
        ("pay", "alice", "5"),
        ("push",),
        ("rules", "show"),
        ("init", "--node", "n-1", "--remote", remote),
    ):
        refused = books(*words)
        assert refused.code == 1
        assert "home of a node that records usage (n-1)" in refused.err
        assert "hint: use the program node-pusher" in refused.err
