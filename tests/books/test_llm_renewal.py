"""Prices are imported again: the past keeps its prices."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.rule_book import llm_import
from books.rule_book.llm_import import IMPORTED_HEADER
from books.rule_book.llm_renewal import (
    coming_hour,
    renewed,
    separate,
    with_former_lengths,
)
from books.rule_book.past import NO_PRICE, past_changes
from books.rule_book.price_file import PriceEntry, merge_prices
from tests.books.program import Books
from wire_format.instants import format_ts
from wire_format.rule_book import RuleBook, parse_rule_book
from wire_format.rule_files.prices_file import IMPORTED_PATH, PRICES_PATH

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
COMING = datetime(2026, 3, 1, 13, tzinfo=UTC)
DAY = timedelta(days=1)
EARLIER = COMING - DAY
LONG = "input_tokens/over_200k"
REMARK = "genai-prices 0.0.1: acme:m1"


def entry(usd: str, from_: datetime = FIRST, kind: str = "input_tokens") -> PriceEntry:
    return PriceEntry(f"llm/acme/m1/{kind}", usd, 1, format_ts(from_), "llm", REMARK)


def book(imported: list[PriceEntry], own: list[PriceEntry] | None = None) -> RuleBook:
    return parse_rule_book(
        merge_prices("", own or []).encode(), None, merge_prices("", imported).encode()
    )


def again(present: list[PriceEntry], wanted: list[PriceEntry]) -> list[PriceEntry]:
    found = book(present)
    return renewed(wanted, found.prices, found.imported, NOW)


@pytest.mark.parametrize(
    ("present", "wanted", "added"),
    [
        ([], [entry("1")], [entry("1")]),
        ([entry("1")], [entry("1")], []),
        ([entry("1")], [entry("1.0")], []),
        ([entry("1")], [entry("2")], [entry("2", COMING)]),
        ([entry("1"), entry("2", EARLIER)], [entry("2")], []),
        ([entry("1")], [entry("1"), entry("2", EARLIER)], [entry("2", COMING)]),
        ([entry("1")], [entry("1"), entry("2", COMING + DAY)], [entry("2", COMING + DAY)]),
        ([entry("1"), entry("9", COMING + DAY)], [entry("1")], [entry("1", COMING + DAY)]),
        ([entry("1")], [entry("1"), entry("3", kind="x")], [entry("3", COMING, "x")]),
        ([entry("1")], [entry("1"), entry("3", kind=LONG)], [entry("3", COMING, LONG)]),
    ],
    ids=[
        "a new model has its dates",
        "the same again",
        "in other digits",
        "another price",
        "one that is in force by now",
        "one that the package dates into the past",
        "one that is announced",
        "an announced one that is taken back",
        "a new kind of a known model",
        "a length of requests that matters by now",
    ],
)
def test_what_differs_begins_with_the_coming_hour(
    present: list[PriceEntry], wanted: list[PriceEntry], added: list[PriceEntry]
) -> None:
    assert again(present, wanted) == added


def test_long_requests_cost_what_shorter_ones_do_once_the_package_has_no_price_of_them() -> None:
    """Their resource is in use, and its last price would go on for ever."""
    present = [entry("1"), entry("2", kind=LONG), entry("9", kind="input_tokens/over_400k")]
    found = book(present).imported
    for wanted, becomes in (
        ([entry("1")], ["1", "1"]),
        ([entry("1"), entry("3", kind=LONG)], ["3"]),
        ([entry("5", kind="output_tokens")], []),
    ):
        more = with_former_lengths(wanted, found)
        assert more[: len(wanted)] == wanted
        assert [each.usd for each in more[len(wanted) :]] == becomes
    assert with_former_lengths(present, found) == present


PRICES = st.lists(
    st.builds(
        entry,
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from([FIRST, EARLIER - 9 * DAY, EARLIER, COMING, COMING + DAY]),
        st.sampled_from(["input_tokens", "output_tokens"]),
    ),
    max_size=5,
    unique_by=lambda found: (found.resource, found.from_),
)


@given(PRICES, PRICES)
def test_no_hour_that_has_begun_is_rated_anew_and_the_same_again_changes_nothing(
    present: list[PriceEntry], wanted: list[PriceEntry]
) -> None:
    """Whatever dates the prices have; not even hours that had no price, but of a new model."""
    before = book(present)
    text = merge_prices(merge_prices("", present), again(present, wanted))
    after = parse_rule_book(None, None, text.encode())
    changes = past_changes(before, after, NOW)
    assert [change for change in changes if present or change.was != NO_PRICE] == []
    assert renewed(wanted, (), after.imported, NOW) == []


OWN = """\
# ours
[[price]]
resource = "vm/small/seconds"
usd = "1"
per = 1
from = 2026-01-01T00:00:00Z
applies_to = "vm"
"""


def test_prices_of_earlier_imports_move_and_nothing_costs_something_else() -> None:
    text = merge_prices(OWN, [entry("1"), entry("2", EARLIER)])
    before = parse_rule_book(text.encode(), None)
    left, moved = separate(text, before.prices, ())
    assert (left, moved) == (OWN, [entry("1"), entry("2", EARLIER)])
    after = parse_rule_book(left.encode(), None, merge_prices("", moved).encode())
    assert past_changes(before, after, NOW) == past_changes(after, before, NOW) == []


@pytest.mark.parametrize("kept", ["hand-made", "another beside it", "imported already"])
def test_what_a_person_wrote_or_changed_stays_where_it_is(kept: str) -> None:
    text = merge_prices(OWN, [entry("1")])
    imported = book([entry("5", COMING)]).imported if kept == "imported already" else ()
    if kept == "hand-made":
        text = text.replace(f"# {REMARK}\n", "")
    if kept == "another beside it":
        text = merge_prices(text, [entry("2", EARLIER)._replace(remark="")])
    assert separate(text, parse_rule_book(text.encode(), None).prices, imported) == (text, [])


def test_an_import_again_leaves_the_past_alone_unless_it_is_told_when(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update of the package; what --from says of the past needs a reason."""
    prices = [entry("1.20")]
    monkeypatch.setattr(llm_import, "price_entries", lambda *_: prices)
    command = ("prices", "import-llm", "--model", "openai:gpt-4o")
    books(*command).ok()
    prices[0] = entry("0.60")
    done = books(*command, "--json").ok().json
    assert (done["past"], done["removed"], done["changed"]) == ([], [], [])
    starts = [f"from {format_ts(coming_hour(datetime.now(UTC)))}: 0.60 USD" in done["added"][0]]
    assert starts == [True]
    refused = books(*command, "--from", "2000-01-01")
    assert refused.code == 1
    assert "llm/acme/m1/input_tokens (llm): 1.20 USD per 1 becomes 0.60 USD" in refused.out
    books(*command, "--from", "2000-01-01", "--reason", "it was too dear").ok()


def test_an_own_price_stays_and_the_import_says_that_it_does(books: Books) -> None:
    own = OWN.replace("vm/small/seconds", "llm/openai/o3/input_tokens").replace('"vm"', '"llm"')
    Path("prices.toml").write_text(own)
    books("rules", "set", "prices.toml").ok()
    done = books("prices", "import-llm", "--model", "openai:o3", "--json").ok().json
    assert done["unused"] == ["llm/openai/o3/input_tokens"]
    assert done["past"] == []
    books("push").ok()
    assert books.pushed(PRICES_PATH) == own.encode()


def test_an_import_moves_what_an_earlier_version_wrote_into_the_operators_file(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm_import, "price_entries", lambda *_: [entry("1")])
    Path("prices.toml").write_text(merge_prices(OWN, [entry("1")]))
    books("rules", "set", "prices.toml").ok()
    done = books("prices", "import-llm", "--model", "openai:gpt-4o", "--json").ok().json
    assert (done["added"], done["removed"], done["past"]) == ([], [], [])
    assert done["paths"] == [PRICES_PATH, IMPORTED_PATH]
    books("push").ok()
    assert books.pushed(PRICES_PATH) == OWN.encode()
    assert books.pushed(IMPORTED_PATH) == merge_prices(IMPORTED_HEADER, [entry("1")]).encode()
