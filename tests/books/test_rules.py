"""`books rules` and `books prices`: files are checked, committed and shown."""

import subprocess
from pathlib import Path

import pytest

from books.cli.acts import RULE_FILE_NAMES
from books.rule_book.llm_import import IMPORTED_HEADER
from books.rule_book.rules import RULE_FILES
from books.start import EMPTY_PRICES
from tests.books.program import Books
from tests.support.repos import bare_repo
from wire_format.rule_book import DEFAULT_DISCOUNTS
from wire_format.rule_files.prices_file import IMPORTED_PATH, PRICES_PATH

PRICES = """\
# ours
[[price]]
resource = "vm/small/seconds"
usd = "0.04"
per = 3600
from = 2026-01-01T00:00:00Z
applies_to = "vm"

[[price]]
resource = "hero_os/seconds"
usd = "0.1"
per = 3600
from = 2026-01-01T00:00:00Z
"""
DEARER = PRICES.replace('"0.04"', '"0.05"').replace("hero_os", "hero_os_2")
LADDER = DEFAULT_DISCOUNTS.replace('multiplier = "0.5"', 'multiplier = "0.9"')
BROKEN = PRICES.replace("3600", "0").replace("T00:00:00Z", "T01:30:00Z")


def write(name: str, text: str) -> str:
    """A file in the current folder, which is the test's own."""
    Path(name).write_text(text)
    return name


def shell_sha256(folder: Path) -> str:
    """The name of a rule book as its documentation computes it."""
    script = "for f in prices discounts; do sha256sum < $f.toml | cut -c1-64; done | sha256sum"
    shown = subprocess.run(
        ["sh", "-c", script], cwd=folder, check=True, capture_output=True, text=True
    )
    return shown.stdout[:64]


def test_a_price_file_goes_in_and_comes_out(books: Books) -> None:
    """Set, shown, pushed byte for byte, and in force at the aggregator under the same name."""
    done = books("rules", "set", write("prices.toml", PRICES), "--json").ok().json
    assert len(done["added"]) == 2
    shown = books("rules", "show", "--json").ok().json
    assert [(p["resource"], p["usd"], p["per"]) for p in shown["prices"]] == [
        ("vm/small/seconds", "0.04", 3600),
        ("hero_os/seconds", "0.1", 3600),
    ]
    write("discounts.toml", DEFAULT_DISCOUNTS)
    assert shown["sha256"] == done["sha256"] == shell_sha256(Path.cwd())
    books("push").ok()
    assert books.pushed(PRICES_PATH) == PRICES.encode()
    books.aggregate("pull").ok()
    assert books.aggregate("verify", "--json").ok().json["rule_book"] == shown["sha256"]
    table = books("rules", "show").ok().out
    assert "vm/small/seconds" in table
    assert shown["sha256"] in table


def test_commit_messages_say_what_changed_and_name_the_rule_book(books: Books) -> None:
    books("rules", "set", write("prices.toml", PRICES), "--by", "ada").ok()
    why = ("--by", "ada", "--reason", "a wrong sheet")
    books("rules", "set", write("prices.toml", DEARER), *why).ok()
    books("rules", "set", write("discounts.toml", LADDER), *why).ok()
    sha256 = books("rules", "show", "--json").ok().json["sha256"]
    books("push").ok()
    ladder, prices, *_ = books.messages()
    assert ladder == (
        "rules: discounts: 1 changed\n\n"
        "~ ladder from 2020-01-01T00:00:00Z:"
        " week x0.9 after 7 days (hero_os_hourly, llm);"
        " month x0.25 after 30 days (hero_os_hourly, llm), was"
        " week x0.5 after 7 days (hero_os_hourly, llm);"
        " month x0.25 after 30 days (hero_os_hourly, llm)\n\n"
        f"Node: books\nRule-Book: {sha256}\nBy: ada\nReason: a wrong sheet\n"
    )
    subject, body, _ = prices.split("\n\n")
    was = "0.04 USD per 3600"
    assert subject == "rules: prices: 1 added, 1 removed, 1 changed"
    assert body.splitlines() == [
        "+ hero_os_2/seconds from 2026-01-01T00:00:00Z: 0.10 USD per 3600",
        "- hero_os/seconds from 2026-01-01T00:00:00Z: 0.10 USD per 3600",
        f"~ vm/small/seconds (vm) from 2026-01-01T00:00:00Z: {was.replace('4', '5')}, was {was}",
    ]
    trailers = subprocess.run(
        ["git", "log", "-1", "--format=%(trailers:key=Rule-Book,valueonly)", "main"],
        cwd=books.remote,
        check=True,
        capture_output=True,
        text=True,
    )
    assert trailers.stdout.strip() == sha256


def test_the_same_file_again_changes_nothing_and_says_so(books: Books) -> None:
    name = write("prices.toml", PRICES)
    books("rules", "set", name).ok()
    assert books("rules", "set", name).ok().out.startswith("nothing to do")
    assert books("rules", "set", name, "--json").ok().json["commit"] is None
    books("push").ok()
    subjects = [message.partition(":")[0] for message in books.messages()]
    assert subjects == ["rules", "rules", "node"]


def test_a_comment_alone_is_a_change_of_the_file_but_of_no_rule(books: Books) -> None:
    books("rules", "set", write("prices.toml", PRICES)).ok()
    outcome = books("rules", "set", write("prices.toml", PRICES + "# more\n")).ok()
    assert "no rule changed" in outcome.out


@pytest.mark.parametrize("command", [["rules", "set"], ["rules", "check"]])
def test_a_file_that_cannot_be_used_is_refused_with_every_fault(
    books: Books, command: list[str]
) -> None:
    outcome = books(*command, write("prices.toml", BROKEN))
    assert outcome.code == 1
    for place in ("#1 (line 2) per", "#1 (line 2) from", "#2 (line 9) per", "#2 (line 9) from"):
        assert place in outcome.err
    assert books("rules", "show", "--json").ok().json["prices"] == []


def test_the_command_line_names_every_file_of_the_rule_book() -> None:
    assert tuple(RULE_FILES) == RULE_FILE_NAMES


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("other.toml", PRICES, "prices.toml or discounts.toml or imported.toml"),
        ("prices.toml", "price = [", "not TOML"),
        ("prices.toml", LADDER, "ladder"),
        ("discounts.toml", PRICES, "price"),
        ("prices.toml", PRICES + PRICES, "stated more than once"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(books: Books, name: str, text: str, says: str) -> None:
    for command in ("set", "check"):
        outcome = books("rules", command, write(name, text))
        assert (outcome.code, says in outcome.err) == (1, True), outcome


def test_check_needs_no_books_for_a_file_and_reports_as_json(tmp_path: Path) -> None:
    books = Books(tmp_path)
    assert books("rules", "check", write("prices.toml", PRICES)).ok().out == "prices.toml: good\n"
    outcome = books("rules", "check", write("prices.toml", BROKEN), "--json")
    assert outcome.code == 1
    assert outcome.json["usable"] is False
    assert len(outcome.json["faults"]) == 4
    (tmp_path / "elsewhere").mkdir()
    elsewhere = write(str(tmp_path / "elsewhere" / "prices.toml"), BROKEN)
    outcome = books("rules", "check", elsewhere)
    assert f"error: {elsewhere} cannot be used" in outcome.err
    assert "nothing was changed" not in outcome.err
    assert books("rules", "check").code == 1  # no books
    assert books("rules", "check", "missing/prices.toml").code == 1


def test_check_looks_at_the_newest_commit_when_no_file_is_named(books: Books) -> None:
    books("rules", "set", write("prices.toml", PRICES)).ok()
    assert books("rules", "check", "--json").ok().json == {"usable": True, "faults": []}


def test_imported_prices_are_in_force_and_importing_again_changes_nothing(books: Books) -> None:
    """In a file of their own: the operator's prices and comments stay as they are."""
    books("rules", "set", write("prices.toml", PRICES)).ok()
    imported = ("prices", "import-llm", "--model", "openai:o3", "--model", "openai:gpt-4o")
    dry = books(*imported, "--dry-run", "--json").ok().json
    assert (dry["commit"], len(dry["added"])) == ("", 8)
    done = books(*imported, "--json").ok().json
    assert (done["added"], done["sha256"]) == (dry["added"], dry["sha256"])
    assert (
        "llm/openai/o3/input_tokens (llm) from 2025-06-10T00:00:00Z: 2.00 USD per 1000000"
        in (done["added"])
    )
    assert books(*imported).ok().out.startswith("nothing to do")
    books("push").ok()
    assert books.pushed(PRICES_PATH) == PRICES.encode()
    assert books.pushed(IMPORTED_PATH).startswith(IMPORTED_HEADER.encode())
    books.aggregate("pull").ok()
    assert books.aggregate("verify", "--json").ok().json["rule_book"] == done["sha256"]


def test_an_import_that_is_refused_leaves_the_book_as_it_is(books: Books) -> None:
    outcome = books(
        "prices", "import-llm", "--model", "openai:o3", "--model", "deepseek:deepseek-chat"
    )
    assert outcome.code == 1
    assert "time of day" in outcome.err
    assert "--at" in outcome.err
    assert books("rules", "show", "--json").ok().json["prices"] == []


@pytest.mark.parametrize("wrong", [["--from", "2026-01-01T00:30:00Z"], ["--at", "yesterday"], []])
def test_a_wrong_import_command_is_explained(books: Books, wrong: list[str]) -> None:
    model = ["--model", "openai:o3"] if wrong else []
    assert books("prices", "import-llm", *model, *wrong).code == 2


def test_an_instant_takes_the_prices_in_force_then(books: Books) -> None:
    command = ("prices", "import-llm", "--model", "openai:o3", "--at", "2026-07-01T06:30Z")
    done = books(*command, "--json").ok().json
    assert done["added"] == [
        "llm/openai/o3/input_tokens (llm) from 2026-07-01T06:00:00Z: 2.00 USD per 1000000",
        "llm/openai/o3/output_tokens (llm) from 2026-07-01T06:00:00Z: 8.00 USD per 1000000",
        "llm/openai/o3/cache_read_tokens (llm) from 2026-07-01T06:00:00Z: 0.50 USD per 1000000",
    ]


def test_models_are_listed_by_a_part_of_their_name(books: Books) -> None:
    found = books("prices", "list-llm", "GPT-4o", "--json").ok().json
    assert {
        "model": "openai:gpt-4o",
        "input_usd": "2.50",
        "output_usd": "10.00",
        "depends_on": [],
    } in (found)
    assert "openai:gpt-4o" in books("prices", "list-llm", "gpt-4o").ok().out


def test_a_new_book_says_which_discounts_it_has_and_can_have_none(tmp_path: Path) -> None:
    """Not that somebody sells at half the price without having been told."""
    books = Books(tmp_path)
    said = books.init().ok().out
    assert (
        "discounts: week x0.5 after 7 days (hero_os_hourly, llm); month x0.25 after 30 days" in said
    )
    none = Books(tmp_path, "none", bare_repo(tmp_path / "none.git"))
    assert none.init("--discounts", "none", "--json").ok().json["discounts"] == []
    assert none("rules", "show", "--json").ok().json["ladders"] == []
    none("push").ok()
    assert b"there is none" in none.pushed("rules/discounts.toml")


def test_a_new_book_is_empty_with_the_default_ladder(books: Books) -> None:
    books("push").ok()
    assert books.pushed(PRICES_PATH) == EMPTY_PRICES.encode()
    assert books.pushed("rules/discounts.toml") == DEFAULT_DISCOUNTS.encode()
    shown = books("rules", "show", "--json").ok().json
    assert shown["prices"] == []
    assert [tier["name"] for tier in shown["ladders"][0]["tiers"]] == ["week", "month"]
