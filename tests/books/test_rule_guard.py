"""The rule book is changed with open eyes: what a change does is shown, and the past is guarded."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from books.rule_book.change import NotMeantError, RuleCommit, change_rules, propose_file
from books.rule_book.rule_changes import Act
from books.rule_book.rules import read_rule_file
from node_pusher.home.settings_file import read_home
from node_pusher.sending.commit import locked_repo
from tests.books.program import Books
from tests.support.files import write_toml
from tests.support.programs import NodePusher, run_aggregator
from tests.support.repos import bare_repo
from wire_format.instants import format_ts
from wire_format.rule_files.prices_file import PRICES_PATH

WHY = ("--by", "ada", "--reason", "a wrong sheet")
NEXT_YEAR = "2099-01-01T00:00:00Z"


def table(resource: str, usd: str = "1.00", from_: str = "2026-01-01T00:00:00Z") -> str:
    return f'[[price]]\nresource = "{resource}"\nusd = "{usd}"\nper = 1\nfrom = {from_}\n'


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books with a price that is in force and one that is not yet."""
    found = Books(tmp_path)
    found.init().ok()
    found("rules", "set", write(table("a") + table("b", from_=NEXT_YEAR)), "--by", "carol").ok()
    return found


def write(text: str, name: str = "prices.toml") -> str:
    """A file in the current folder, which is the test's own."""
    Path(name).write_text(text)
    return name


def exported(books: Books, name: str = "prices.toml") -> str:
    return books("rules", "export", name).ok().out


def shown(books: Books) -> dict[str, Any]:
    """The rules by name, and the rule book's own."""
    found = books("rules", "show", "--json").ok().json
    return {price["resource"]: price["usd"] for price in found["prices"]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a: 1.00 USD per 1 becomes no price"),
        ("# all gone\n", "a: 1.00 USD per 1 becomes no price"),
        (table("b", from_=NEXT_YEAR), "a: 1.00 USD per 1 becomes no price"),
        (table("a", "2.00") + table("b", from_=NEXT_YEAR), "a: 1.00 USD per 1 becomes 2.00 USD"),
        (
            table("a") + table("a", "2.00", "2026-02-01T00:00:00Z") + table("b", from_=NEXT_YEAR),
            "until",
        ),
    ],
)
def test_what_the_past_uses_is_changed_only_with_a_reason(
    books: Books, text: str, says: str
) -> None:
    """A dry run says the same and changes nothing; the reason is in the history."""
    before = shown(books)
    file = write(text)
    refused = books("rules", "set", file)
    assert (refused.code, says in refused.out) == (1, True), refused
    assert "nothing was changed; this needs a reason" in refused.err
    dry = books("rules", "set", file, "--dry-run").ok()
    assert "needs --reason: it changes what hours in the past cost" in dry.out
    found = books("rules", "set", file, "--dry-run", "--json").ok().json
    assert (found["commit"], len(found["past"]), found["dry_run"]) == ("", 1, True)
    assert shown(books) == before
    done = books("rules", "set", file, *WHY, "--json").ok().json
    assert (done["by"], done["reason"]) == ("ada", "a wrong sheet")
    (newest, *_) = books("rules", "history", "--json").ok().json
    assert (newest["by"], newest["reason"]) == ("ada", "a wrong sheet")
    assert (newest["commit"], newest["sha256"]) == (done["commit"], done["sha256"])


def test_a_person_may_take_back_at_once_what_they_added(books: Books) -> None:
    """The newest change, for ten minutes; a price that takes its place is another change."""
    kept, added = exported(books).partition("\n")[2], table("wrong/name")
    books("rules", "set", write(kept + added), "--by", "ada").ok()
    for text, by in (
        (kept, "bob"),
        (kept + table("wrong/name", "2.00"), "ada"),
        ("", "ada"),
    ):
        assert books("rules", "set", write(text), "--by", by).code == 1
    books("rules", "set", write(kept), "--by", "ada").ok()
    assert set(shown(books)) == {"a", "b"}


def test_after_ten_minutes_it_needs_a_reason(books: Books) -> None:
    home, file = read_home(books.home, "books"), Path(write(table("b", from_=NEXT_YEAR)))
    path, data = read_rule_file(file)

    def take_back(minutes: int) -> RuleCommit | None:
        now = datetime.now(UTC) + timedelta(minutes=minutes)
        return change_rules(home, propose_file(path, data), Act("carol"), now, dry_run=True)

    planned = [take_back(minutes) for minutes in (5, 11)]
    assert [bool(each.objections) for each in planned if each is not None] == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        table("a") + table("b", "2.00", NEXT_YEAR),
        table("a") + table("b", from_=NEXT_YEAR) + table("c"),
        table("a") + table("b", from_=NEXT_YEAR) + table("a", "2.00", "2098-01-01T00:00:00Z"),
        "# remark\n" + table("b", from_=NEXT_YEAR) + table("a"),
    ],
)
def test_what_begins_later_and_what_had_no_price_needs_no_reason(books: Books, text: str) -> None:
    books("rules", "set", write(text)).ok()


def test_a_file_from_an_older_rule_book_is_refused_for_what_it_lacks(books: Books) -> None:
    """Also where all of that begins later; with what changed since, the same file is taken."""
    mine = exported(books)
    books("rules", "add", "c", "3.00", "--from", "2099-01-01").ok()
    theirs = table("d", "4.00", NEXT_YEAR)
    refused = books("rules", "set", write(mine + theirs))
    assert refused.code == 1
    assert "the file was made from the older rule book" in refused.err
    assert "lacks what changed since: c from 2099-01-01T00:00:00Z" in refused.err
    books("rules", "set", write(mine + table("c", "3.00", NEXT_YEAR) + theirs)).ok()
    assert set(shown(books)) == {"a", "b", "c", "d"}
    books("push").ok()
    assert b"made from" not in books.pushed(PRICES_PATH)


def test_a_file_may_be_set_again_after_itself_and_after_the_other_files(books: Books) -> None:
    """As somebody does who keeps a working copy."""
    file = exported(books)
    books("rules", "set", write(file + table("c"))).ok()
    books("rules", "set", write("# no tiers\n", "discounts.toml"), *WHY).ok()
    assert books("rules", "set", write(file + table("c"))).ok().out.startswith("nothing to do")
    books("rules", "set", write(file + table("c") + table("d"))).ok()


def test_a_file_from_an_unknown_rule_book_is_refused(books: Books) -> None:
    stranger = exported(books).replace("rule book ", "rule book " + "0" * 64 + " ", 1)
    refused = books("rules", "set", write(stranger + table("c")))
    assert (refused.code, "is not in the history here" in refused.err) == (1, True)


def test_a_file_that_would_undo_the_newest_change_is_taken_for_an_older_one(books: Books) -> None:
    """Though it says nothing of what it was made from."""
    older = table("a") + table("b", from_=NEXT_YEAR)
    books("rules", "set", write(older + table("c", from_=NEXT_YEAR)), "--by", "carol").ok()
    refused = books("rules", "set", write(older + table("d")))
    assert (refused.code, "the newest change of rules/prices.toml" in refused.err) == (1, True)
    books("rules", "set", write(older + table("d")), *WHY).ok()


class Ledger:
    """An aggregator over the books and a node, which uses one of their resources."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.node = NodePusher(books.folder / "n1")
        remote = bare_repo(books.folder / "n1.git")
        self.node("init", "--node", "n1", "--remote", f"file://{remote}").ok()
        repos = [
            {"node": "books", "url": f"file://{books.remote}", "role": "books"},
            {"node": "n1", "url": f"file://{remote}"},
        ]
        values = {"state": books.folder / "state", "allowed_signers_file": books.signers()}
        self.config = write_toml(books.folder / "aggregator.toml", values | {"repo": repos})

    def pull(self) -> None:
        """Bill everything."""
        self.books("push").ok()
        self.node("push").ok()
        run_aggregator("--config", str(self.config), "pull").ok()

    def use(self, resource: str) -> None:
        """Use a unit of a resource."""
        self.node("record", "--user", "al", "--resource", resource, "--units", "1").ok()

    def reprice(self, file: str) -> str:
        """What the aggregator says of a rule file, as it goes through a pipe."""
        return run_aggregator("--config", str(self.config), "reprice", file, "--json").ok().out


def test_the_ledger_says_through_a_pipe_what_a_change_does_to_charges(books: Books) -> None:
    """A price that no charge has is no price that the past uses."""
    books("rules", "add", "unused", "1", "--from", "2026-01-01").ok()
    ledger = Ledger(books)
    ledger.use("a")
    ledger.pull()
    file = write(table("a", "3.00") + table("b", from_=NEXT_YEAR) + table("unused"))
    command = ("rules", "set", file, "--repriced", "-")
    refused = books(*command, stdin=ledger.reprice(file))
    assert refused.code == 1
    assert "in the ledger it re-rates 1 of 1 charges: +2.00 USD in all" in refused.out
    done = books(*command, *WHY, "--json", stdin=ledger.reprice(file)).ok().json
    assert done["repriced"] == {
        "rule_book": done["sha256"],
        "rule_book_in_force": done["repriced"]["rule_book_in_force"],
        "charges": 1,
        "charges_changed": 1,
        "difference_nano": 2_000_000_000,
        "accounts": 1,
    }
    ledger.pull()
    write(table("a", "3.00") + table("b", from_=NEXT_YEAR))
    books("rules", "add", "c", "1").ok()
    books("push").ok()
    write(exported(books).replace(table("unused"), ""))
    stale = books(*command, stdin=ledger.reprice(file))
    assert (stale.code, "let the aggregator pull it" in stale.err) == (1, True)
    ledger.pull()
    answer = ledger.reprice(file)
    write(Path(file).read_text() + table("d"))
    other = books(*command, stdin=answer)
    assert (other.code, "about this very file" in other.err) == (1, True)
    assert "re-rates 0 of 1 charges" in books(*command, stdin=ledger.reprice(file)).ok().out
    assert set(shown(books)) == {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", "[" * 10_000, '{"rule_book": 1, "accounts": 2}']
)
def test_what_is_no_answer_of_the_aggregator_is_refused(books: Books, answer: str) -> None:
    refused = books("rules", "set", write(table("c")), "--repriced", "-", stdin=answer)
    assert (refused.code, "not the answer of `aggregator reprice`" in refused.err) == (1, True)


def test_a_file_that_somebody_broke_by_hand_is_replaced_without_a_reason(books: Books) -> None:
    """What it had before is still in force, and guarded as before."""
    good = table("a") + table("b", from_=NEXT_YEAR)
    with locked_repo(read_home(books.home, "books")) as repo:
        repo.commit({PRICES_PATH: b"[[price"}, "by hand\n", datetime.now(UTC))
    assert books("rules", "set", write(table("a", "2.00"))).code == 1
    assert books("rules", "set", write("")).code == 1
    books("rules", "set", write(good)).ok()


def test_an_editor_that_cannot_be_started_is_said(
    books: Books, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    editor(monkeypatch, "exit 1")
    refused = books("rules", "edit")
    assert (refused.code, "Editing failed" in refused.err) == (1, True), refused


def test_a_ladder_is_guarded_once_there_are_prices(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.init().ok()
    ladder = exported(books, "discounts.toml")
    books("rules", "set", write(ladder.replace('"0.5"', '"0.9"'), "discounts.toml")).ok()
    books("rules", "set", write(table("a"))).ok()
    for text in ("", exported(books, "discounts.toml").replace('"0.9"', '"0.8"')):
        refused = books("rules", "set", write(text, "discounts.toml"))
        assert (refused.code, "the discount ladder: week x0.9" in refused.out) == (1, True)


def test_a_price_is_added_from_the_coming_hour_on(books: Books) -> None:
    before = datetime.now(UTC)
    done = books("rules", "add", "a", "2.50", "--per", "3600", "--json").ok().json
    hours = [
        format_ts(at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
        for at in (before, datetime.now(UTC))
    ]
    assert done["added"][0] in [f"a from {hour}: 2.50 USD per 3600" for hour in hours]
    assert (done["past"], done["removed"], done["changed"]) == ([], [], [])
    refused = books("rules", "add", "a", "2.50", "--from", "2026-02-01")
    assert (refused.code, "a: 1.00 USD per 1 becomes 2.50 USD per 1" in refused.out) == (1, True)


@pytest.mark.parametrize(
    "price", [["a", "1,5"], ["a b", "1"], ["vm/x", "1"], ["a", '1"\nper = 1\n[[price]]\nusd="1']]
)
def test_what_is_no_price_is_not_added(books: Books, price: list[str]) -> None:
    before = shown(books)
    assert books("rules", "add", *price).code == 1
    assert shown(books) == before


def test_the_newest_change_is_undone_and_brought_back(books: Books) -> None:
    """With the names that the rule books had; the first version stays."""
    names = [books("rules", "show", "--json").ok().json["sha256"]]
    books("prices", "import-llm", "--model", "openai:o3").ok()
    names.append(books("rules", "show", "--json").ok().json["sha256"])
    refused = books("rules", "undo")
    assert (refused.code, "llm/openai/o3/input_tokens" in refused.out) == (1, True)
    for name in (names[0], names[1], names[0]):
        assert books("rules", "undo", *WHY, "--json").ok().json["sha256"] == name
    subjects = [entry["subject"] for entry in books("rules", "history", "--json").ok().json]
    assert [subject.rpartition(" ")[2] for subject in subjects[:4]] == [
        "removed",
        "added",
        "removed",
        "added",
    ]


def test_the_first_rule_book_cannot_be_undone(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.init().ok()
    refused = books("rules", "undo")
    assert (refused.code, "only its first version" in refused.err) == (1, True)


def editor(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let a shell script be the person at the editor; its argument is the file."""
    Path("editor.sh").write_text(f"#!/bin/sh\n{script}\n")
    Path("editor.sh").chmod(0o755)
    monkeypatch.setenv("VISUAL", str(Path("editor.sh").absolute()))


def test_a_file_is_edited_in_place_and_kept_when_it_is_refused(
    books: Books, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    editor(monkeypatch, 'sed -i s/2099/2098/ "$1"')
    books("rules", "edit").ok()
    assert not list(tmp_path.glob("books-rules-*"))
    editor(monkeypatch, "true")
    assert books("rules", "edit").ok().out.startswith("nothing to do")
    editor(monkeypatch, 'sed -i s/1[.]00/9.00/ "$1"')
    refused = books("rules", "edit")
    (kept,) = tmp_path.glob("books-rules-*/prices.toml")
    assert (refused.code, f"your file is kept as {kept}" in refused.err) == (1, True)
    books("rules", "set", str(kept), *WHY).ok()
    assert shown(books) == {"a": "9.00", "b": "9.00"}
    editor(monkeypatch, 'echo "[[price" >> "$1"')
    assert "your file is kept" in books("rules", "edit").err


def test_who_changed_a_rule_and_why_is_in_the_log(books: Books) -> None:
    books("rules", "add", "c", "1", *WHY).ok()
    assert "ada: a wrong sheet" in books("log").ok().out
    entry = books("log", "--json").ok().json[0]
    assert (entry["by"], entry["reason"]) == ("ada", "a wrong sheet")
    assert "a wrong sheet" in books("rules", "history").ok().out
    assert len(books("rules", "history", "-n", "1", "--json").ok().json) == 1


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (["--by", ""], "state with --by"),
        (["--by", "ada\nReason: x"], "by: must be"),
        (["--reason", "two\nlines"], "reason: must be"),
        (["--reason", ""], "reason: must be"),
    ],
)
def test_a_name_or_reason_that_no_message_can_state_is_refused(
    books: Books, option: list[str], says: str
) -> None:
    refused = books("rules", "add", "c", "1", *option)
    assert (refused.code, says in refused.err) == (1, True), refused
    assert "c" not in shown(books)


def test_two_people_at_once_do_not_undo_each_other(books: Books) -> None:
    """What is compared is what is in the books when the file is committed, under the lock."""
    mine = exported(books)
    names = [f"p{number}" for number in range(4)]
    for name in names:
        Path(name).mkdir()
    files = [write(mine + table(name), f"{name}/prices.toml") for name in names]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda file=file: codes.append(set_quietly(books, file)))
        for file in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 1, 1, 1]
    assert len(shown(books)) == 3


def set_quietly(books: Books, file: str) -> int:
    """Set a file as the command does, from any thread."""
    path, data = read_rule_file(Path(file))
    try:
        home = read_home(books.home, "books")
        change_rules(home, propose_file(path, data), Act("ada"), datetime.now(UTC))
    except NotMeantError:
        return 1
    return 0
