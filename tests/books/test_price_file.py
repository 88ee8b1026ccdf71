"""Prices are put into a price file, and everything else in it stays as a person wrote it."""

import tomllib
from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.rule_book.price_file import InlinePricesError, PriceEntry, merge_prices
from books.start import EMPTY_PRICES
from tests.support.strategies import Rules, rules
from wire_format.fields import AppliesTo
from wire_format.rule_book import Price, parse_rule_book

HAND_MADE = """\
# Our prices.   Ask accounting before you change one.
[[price]]   # negotiated
  "resource" = 'llm/acme/m1/input_tokens' # sic
  usd="1" # hand-made
  from=2000-01-01 00:00:00+00:00
  per=1_000_000   # a million
  applies_to='llm'

[[price]]
resource = "vm/small/seconds"
usd = "0.04"
per = 3600
from = 2026-01-01T00:00:00Z
applies_to = "vm"
# to be continued"""


def entry(
    kind: str = "input_tokens",
    usd: str = "2.50",
    per: int = 1_000_000,
    from_: str = "2000-01-01T00:00:00Z",
    applies_to: AppliesTo = "llm",
) -> PriceEntry:
    return PriceEntry(f"llm/acme/m1/{kind}", usd, per, from_, applies_to, "a package: acme m1")


def test_new_prices_go_to_the_end_and_nothing_before_them_changes() -> None:
    text = merge_prices(HAND_MADE, [entry("output_tokens"), entry("cache_read_tokens")])
    assert text == HAND_MADE + (
        "\n\n"
        "[[price]]\n"
        "# a package: acme m1\n"
        'resource = "llm/acme/m1/output_tokens"\n'
        'usd = "2.50"\n'
        "per = 1000000\n"
        "from = 2000-01-01T00:00:00Z\n"
        'applies_to = "llm"\n'
        "\n"
        "[[price]]\n"
        "# a package: acme m1\n"
        'resource = "llm/acme/m1/cache_read_tokens"\n'
        'usd = "2.50"\n'
        "per = 1000000\n"
        "from = 2000-01-01T00:00:00Z\n"
        'applies_to = "llm"\n'
    )


def test_a_changed_price_is_changed_in_its_place_with_its_comments() -> None:
    text = merge_prices(HAND_MADE, [entry(usd="2.50")])
    expected = HAND_MADE.replace('usd="1"', 'usd="2.50"').replace("1_000_000", "1000000")
    assert text == expected


@pytest.mark.parametrize(
    "same",
    [entry(usd="1"), entry(usd="1.000"), entry(usd="0.001", per=1000)],
    ids=["to the letter", "other digits", "other units"],
)
def test_the_same_price_in_other_words_changes_nothing(same: PriceEntry) -> None:
    assert merge_prices(HAND_MADE, [same]) == HAND_MADE


def test_a_price_of_another_hour_or_category_is_another_price() -> None:
    others = [entry(from_="2000-01-01T01:00:00Z"), entry(applies_to="vm")]
    text = merge_prices(HAND_MADE, others)
    assert text.startswith(HAND_MADE)
    assert len(tomllib.loads(text)["price"]) == 4


@pytest.mark.parametrize("text", ["", "# nothing yet", EMPTY_PRICES])
def test_a_file_without_prices_gets_its_first(text: str) -> None:
    merged = merge_prices(text, [entry()])
    assert merged.startswith(text)
    assert [price.usd for price in parse_rule_book(merged.encode(), None).prices] == ["2.50"]


def test_line_ends_stay_what_they_are() -> None:
    text = merge_prices(HAND_MADE.replace("\n", "\r\n"), [entry("output_tokens")])
    assert text.replace("\r\n", "") == text.replace("\r\n", "\n").replace("\n", "")


@pytest.mark.parametrize(
    "text",
    ["price = []", 'price = [{resource = "a", usd = "1", per = 1, from = 2026-01-01T00:00:00Z}]'],
)
def test_an_inline_list_of_prices_is_refused_in_words(text: str) -> None:
    with pytest.raises(InlinePricesError, match=r"\[\[price\]\] table"):
        merge_prices(text, [entry()])


ENTRIES = st.lists(
    st.builds(
        PriceEntry,
        resource=st.sampled_from(["llm/acme/m1/tokens", "hero_os/seconds", "new/thing"]),
        usd=st.sampled_from(["0.00", "1.00", "2.50", "0.333333333333333"]),
        per=st.sampled_from([1, 3, 1_000_000]),
        from_=st.sampled_from(["2000-01-01T00:00:00Z", "2025-01-06T12:00:00Z"]),
        applies_to=st.just("llm"),
        remark=st.just("a package"),
    ),
    max_size=5,
    unique_by=lambda found: (found.resource, found.from_),
)


def priced(prices: tuple[Price, ...]) -> dict[tuple[str, AppliesTo | None, datetime], Fraction]:
    return {(p.resource, p.applies_to, p.from_): Fraction(p.scaled, p.per) for p in prices}


@given(rules(), ENTRIES)
def test_the_merged_file_states_the_old_prices_and_the_new(
    drawn: Rules, new: list[PriceEntry]
) -> None:
    """New ones win; a second merge changes not one byte."""
    text = drawn.prices_toml.decode()
    merged = merge_prices(text, new)
    assert merge_prices(merged, new) == merged
    before = priced(parse_rule_book(text.encode(), None).prices)
    put = "".join(merge_prices("", [each]) for each in new)
    after = priced(parse_rule_book(merged.encode(), None).prices)
    assert after == before | priced(parse_rule_book(put.encode(), None).prices)
