"""`books rules add` states prices of every form, and the books treat them as those of a file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from books.cli.acts import WINDOWS
from tests.books.program import Books
from wire_format.instants import format_ts
from wire_format.rule_files.prices_file import PRICES_PATH, Window

WHY = ("--by", "ada", "--reason", "as agreed")
PAST = ("--from", "2026-01-01")
LATER = ("--from", "2099-01-01")
BY_MONTH = ("--tier", "1000=0.50+2.00", "--tier", "rest=0.25", "--window", "month")
PLAN = """\
[[plan]]
name = "free"
from = 2020-01-01T00:00:00Z
cycle_hours = 720
default = true
"""


def shown(books: Books) -> list[dict[str, Any]]:
    found = books("rules", "show", "--json").ok().json["prices"]
    assert isinstance(found, list)
    return found


def stated(books: Books) -> dict[str, Any]:
    """What the only price states."""
    (price,) = shown(books)
    return {key: value for key, value in price.items() if value is not None}


def test_the_windows_of_the_command_line_are_those_of_the_file() -> None:
    assert get_args(Window) == WINDOWS


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        (["1.50"], {"usd": "1.50", "per": 1}),
        (["1.50", "--per", "3600"], {"usd": "1.50", "per": 3600}),
        (["1", "--package", "10"], {"package": {"size": 10, "usd": "1"}}),
        (
            ["--tier", "10=2", "--tier", "20=1.5+3", "--tier", "rest=1", "--per", "5"],
            {
                "per": 5,
                "tiers": [
                    {"up_to": 10, "usd": "2", "flat_usd": None},
                    {"up_to": 20, "usd": "1.5", "flat_usd": "3"},
                    {"up_to": None, "usd": "1", "flat_usd": None},
                ],
            },
        ),
        (
            ["--tier", "rest=0+5", "--volume"],
            {
                "per": 1,
                "mode": "volume",
                "tiers": [{"up_to": None, "usd": "0", "flat_usd": "5"}],
            },
        ),
        (["1", "--window", "day"], {"usd": "1", "per": 1, "window": "day"}),
        (
            ["1", "--user", "alice", "--until", "2099-02-01"],
            {"usd": "1", "per": 1, "user": "alice", "until": "2099-02-01T00:00:00Z"},
        ),
        (["1", "--applies-to", "llm"], {"usd": "1", "per": 1, "applies_to": "llm"}),
    ],
)
def test_a_price_of_every_form_is_added_as_it_is_stated(
    books: Books, arguments: list[str], form: dict[str, Any]
) -> None:
    books("rules", "add", "mail/messages", *arguments, *LATER).ok()
    rest = {"resource": "mail/messages", "from": "2099-01-01T00:00:00Z"}
    assert stated(books) == {"window": "hour"} | rest | form
    again = books("rules", "add", "mail/messages", *arguments, *LATER).ok()
    assert again.out.startswith("nothing to do")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "state either USD or its tiers with --tier"),
        (["1", "--tier", "rest=1"], "state either USD or its tiers with --tier"),
        (["--tier", "10:1", "--tier", "rest=1"], "--tier 10:1: must be like 1000=0.50"),
        (["--tier", "10=1+2+3", "--tier", "rest=1"], "--tier 10=1+2+3: must be like"),
        (["--tier", "rest=1", "--tier", "10=1"], "the last one must be open"),
        (["--tier", "10=1"], "the last one must be open"),
        (["--tier", "20=1", "--tier", "10=1", "--tier", "rest=1"], "up_to must ascend"),
        (["--tier", "10=", "--tier", "rest=1"], "tiers #1 usd: must be a decimal"),
        (["--tier", "10=1+", "--tier", "rest=1"], "tiers #1 flat_usd: must be a decimal"),
        (["--tier", "rest=1", "--package", "2"], "--package: a price with tiers has none"),
        (["1", "--volume"], "--volume: belongs to a price with --tier"),
        (["1", "--package", "2", "--per", "2"], "--per: a price with --package has none"),
        (["1", "--until", "2099-02-01"], "--until: belongs to a price with --user"),
        (["1", "--user", "a b"], "user: must be 1 to 256"),
        (["1", "--user", "al", "--until", "2098-01-01"], "until: must be later than from"),
        (["1", "--window", "cycle"], "needs a default plan in plans.toml"),
    ],
)
def test_what_does_not_make_a_price_is_refused_in_words(
    books: Books, arguments: list[str], says: str
) -> None:
    refused = books("rules", "add", "mail/messages", *arguments, *LATER)
    assert (refused.code, says in refused.err) == (1, True), refused
    assert shown(books) == []


@pytest.mark.parametrize(
    "arguments", [["1", "--window", "week"], ["1", "--package", "0"], ["1", "--until", "noon"]]
)
def test_what_no_option_may_be_is_a_wrong_command(books: Books, arguments: list[str]) -> None:
    assert books("rules", "add", "mail/messages", *arguments).code == 2


def test_a_window_of_a_cycle_goes_with_a_default_plan_and_keeps_it(books: Books) -> None:
    """Each file is checked alone first, so that either can be set before the other is wrong."""
    Path("plans.toml").write_text(PLAN)
    books("rules", "set", "plans.toml").ok()
    books("rules", "add", "mail/messages", "1", "--window", "cycle", *PAST).ok()
    assert books("rules", "check").ok().out == "the rule book: good\n"
    books("rules", "add", "other", "1").ok()
    Path("plans.toml").write_text("")
    refused = books("rules", "set", "plans.toml")
    assert (refused.code, "needs a default plan" in refused.err) == (1, True), refused
    Path("prices.toml").write_text("")
    lost = books("rules", "set", "prices.toml")
    assert (lost.code, "by cycle: 1.00 USD per 1 becomes no price" in lost.out) == (1, True), lost


def test_a_price_takes_the_place_of_the_one_of_its_account_and_hour_alone(books: Books) -> None:
    for user in ([], ["--user", "alice"], ["--user", "bob"]):
        books("rules", "add", "mail/messages", "1", *user, *LATER).ok()
    done = books("rules", "add", "mail/messages", *BY_MONTH, "--user", "bob", *LATER, "--json").ok()
    assert (done.json["added"], done.json["removed"]) == ([], [])
    (changed,) = done.json["changed"]
    assert changed == (
        "mail/messages for bob from 2099-01-01T00:00:00Z: by month: 0.50 USD per 1 and 2.00 USD"
        " once up to 1000, then 0.25 USD per 1, was 1.00 USD per 1"
    )
    assert [price["user"] for price in shown(books)] == [None, "alice", "bob"]


def test_the_price_of_one_account_is_shown_with_its_end_and_each_tier_on_a_line(
    books: Books,
) -> None:
    end = ("--until", "2099-02-01")
    books("rules", "add", "mail/messages", *BY_MONTH, "--user", "alice", *LATER, *end).ok()
    books("rules", "add", "sms", "1", "--package", "10", "--window", "day", *LATER).ok()
    lines = books("rules", "show").ok().out.splitlines()
    rows = [" ".join(line.split()) for line in lines]
    at = rows.index("resource applies to for price from file") + 2
    price = "by month: 0.50 USD per 1 and 2.00 USD once up to 1000"
    assert rows[at : at + 4] == [
        f"mail/messages any alice {price} 2099-01-01T00:00:00Z prices.toml",
        "then 0.25 USD per 1",
        "until 2099-02-01T00:00:00Z",
        "sms any all by day: 1.00 USD per package of 10 2099-01-01T00:00:00Z prices.toml",
    ]
    for price in json.loads(books("rules", "show", "--json").ok().out)["prices"]:
        assert set(price) == {
            *("resource", "usd", "per", "tiers", "mode", "package", "window"),
            *("from", "until", "applies_to", "user"),
        }


def test_a_price_for_one_account_in_the_past_is_a_change_of_what_it_paid(books: Books) -> None:
    books("rules", "add", "mail/messages", "1", *PAST).ok()
    command = ("rules", "add", "mail/messages", "0.50", "--user", "alice", *PAST)
    refused = books(*command)
    says = "mail/messages for alice: 1.00 USD per 1 becomes 0.50 USD per 1"
    assert (refused.code, says in refused.out) == (1, True), refused
    assert len(shown(books)) == 1
    books(*command, *WHY).ok()
    books("rules", "add", "mail/messages", "0.25", "--user", "alice").ok()
    (newest, before, *_) = books("rules", "history", "--json").ok().json
    assert (newest["reason"], before["reason"]) == (None, "as agreed")
    undone = books("rules", "undo").ok()
    assert "- mail/messages for alice from" in undone.out
    assert [price["usd"] for price in shown(books)] == ["1", "0.50"]


@pytest.mark.parametrize(
    ("first", "then", "says"),
    [
        (["1"], BY_MONTH, "1.00 USD per 1 becomes by month: 0.50 USD per 1 and 2.00 USD once up"),
        (["1"], ["1", "--window", "month"], "1.00 USD per 1 becomes by month: 1.00 USD per 1"),
        (BY_MONTH, [*BY_MONTH, "--volume"], "becomes by month: all at 0.50 USD per 1"),
        (["1", "--package", "2"], ["1", "--package", "3"], "of 2 becomes 1.00 USD per package of"),
    ],
    ids=["a tier", "a window", "a mode", "a package"],
)
def test_another_form_for_the_past_needs_a_reason_and_can_be_undone(
    books: Books, first: list[str], then: list[str], says: str
) -> None:
    books("rules", "add", "mail/messages", *first, *PAST).ok()
    before = stated(books)
    refused = books("rules", "add", "mail/messages", *then, *PAST)
    assert (refused.code, says in refused.out) == (1, True), refused
    assert stated(books) == before
    books("rules", "add", "mail/messages", *then, *PAST, *WHY).ok()
    assert stated(books) != before
    assert books("rules", "undo").code == 1
    books("rules", "undo", *WHY).ok()
    assert stated(books) == before


def test_another_form_from_the_coming_hour_on_changes_nothing_in_the_past(books: Books) -> None:
    books("rules", "add", "mail/messages", "1", *PAST).ok()
    done = books("rules", "add", "mail/messages", *BY_MONTH, "--json").ok().json
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    assert shown(books)[1]["from"] in [format_ts(now), format_ts(now + timedelta(hours=1))]
    assert (done["past"], len(done["added"])) == ([], 1)


def test_the_table_that_is_added_is_written_as_a_person_would(books: Books) -> None:
    books("rules", "add", "mail/messages", *BY_MONTH, "--user", "alice", *LATER).ok()
    books("push").ok()
    assert (
        books.pushed(PRICES_PATH)
        .decode()
        .endswith(
            """
[[price]]
resource = "mail/messages"
tiers = [
  { up_to = 1000, usd = "0.50", flat_usd = "2.00" },
  { usd = "0.25" },
]
per = 1
window = "month"
from = 2099-01-01T00:00:00Z
user = "alice"
"""
        )
    )


def test_a_file_that_is_set_names_the_lines_that_the_person_has(books: Books) -> None:
    """Also where its first line says what it was made from."""
    file = Path("prices.toml")
    file.write_text(books("rules", "export", "prices.toml").ok().out + "[[price]]\n")
    line = len(file.read_text().splitlines())
    for command in ("set", "check"):
        assert f"price #1 (line {line}) resource" in books("rules", command, "prices.toml").err
