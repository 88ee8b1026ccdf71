"""Prices are put into a price file, and everything else in it stays as a person wrote it."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.rule_book.price_file import InlinePricesError, PriceEntry, TierEntry, merge_prices
from books.start import EMPTY_PRICES
from tests.support.strategies import Rules, rules
from wire_format.fields import AppliesTo
from wire_format.rule_book import parse_rule_book
from wire_format.rule_files.loading import RuleBookError
from wire_format.rule_files.prices_file import Price

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
    """A price for all, of the plain form."""
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


USD = st.sampled_from(["0.00", "1.00", "2.50", "0.333333333333333"])
PER = st.sampled_from([1, 3, 1_000_000])
TIERS = st.builds(
    lambda borders, rates, flat: tuple(map(TierEntry, [*borders, None], rates, [flat] * 4)),
    st.sampled_from([[], [7], [7, 9]]),
    st.lists(USD, min_size=3, max_size=3),
    st.none() | USD,
)


@st.composite
def entries(draw: st.DrawFn) -> PriceEntry:
    """A price of any form."""
    user = draw(st.sampled_from([None, "alice"]))
    plain = PriceEntry(
        resource=draw(st.sampled_from(["llm/acme/m1/tokens", "hero_os/seconds", "new/thing"])),
        usd=draw(USD),
        per=draw(PER),
        from_=draw(st.sampled_from(["2000-01-01T00:00:00Z", "2025-01-06T12:00:00Z"])),
        applies_to="llm",
        remark="a package",
        window=draw(st.sampled_from(["hour", "day", "month"])),
        user=user,
        until=draw(st.sampled_from([None, "2026-01-01T00:00:00Z"])) if user else None,
    )
    form = draw(st.sampled_from(["plain", "tiers", "package"]))
    if form == "tiers":
        return plain._replace(usd=None, tiers=draw(TIERS), is_volume=draw(st.booleans()))
    return plain._replace(per=None, package=7) if form == "package" else plain


ENTRIES = st.lists(entries(), max_size=5, unique_by=lambda found: found.place)


def priced(prices: tuple[Price, ...]) -> dict[object, object]:
    return {(p.resource, p.applies_to, p.user, p.from_): (p.rate, p.until) for p in prices}


@given(rules(), ENTRIES, ENTRIES)
def test_the_merged_file_states_the_old_prices_and_the_new(
    drawn: Rules, first: list[PriceEntry], new: list[PriceEntry]
) -> None:
    """New ones win, whatever form the old ones had; a second merge changes not one byte."""
    text = merge_prices(drawn.prices_toml.decode(), first)
    merged = merge_prices(text, new)
    assert merge_prices(merged, new) == merged
    before = priced(parse_rule_book(text.encode(), None).prices)
    after = priced(parse_rule_book(merged.encode(), None).prices)
    assert after == before | priced(tuple(each.price for each in new))


FORMS = [
    entry()._replace(usd=None, tiers=(TierEntry(10, "2", "1"), TierEntry(None, "1"))),
    entry()._replace(usd=None, tiers=(TierEntry(10, "2"), TierEntry(None, "1")), is_volume=True),
    entry()._replace(per=None, package=10),
    entry()._replace(window="month"),
]


@pytest.mark.parametrize("changed", FORMS, ids=["tiers", "volume", "package", "window"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_price_gets_another_form_in_its_place_with_its_comments(
    changed: PriceEntry, newline: str
) -> None:
    """Nothing of the old form is left, and the price after it is what it was."""
    text = HAND_MADE.replace("\n[[price]]\n", "\n# machines\n[[price]]\n").replace("\n", newline)
    merged = merge_prices(text, [changed])
    first, second = parse_rule_book(merged.encode(), None).prices
    assert (first.rate, second) == (
        changed.price.rate,
        parse_rule_book(text.encode(), None).prices[1],
    )
    for kept in ("# negotiated", "# sic", "# to be continued", "# Our prices."):
        assert kept in merged
    table, _, rest = merged.partition("[[price]]" + newline)
    assert rest == text.partition("[[price]]" + newline)[2]
    assert table.endswith(f"{newline * 2}# machines{newline}")
    assert merged.replace("\r\n", "").count("\n") == (
        0 if newline == "\r\n" else merged.count("\n")
    )
    assert merge_prices(merged, [changed]) == merged


def test_a_price_that_only_ends_elsewhere_is_replaced() -> None:
    own = entry()._replace(user="alice", until="2026-01-01T00:00:00Z")
    text = merge_prices(HAND_MADE, [own])
    assert text.startswith(HAND_MADE)
    later = merge_prices(text, [own._replace(until="2026-02-01T00:00:00Z")])
    assert later == text.replace("until = 2026-01", "until = 2026-02")
    assert merge_prices(later, [own._replace(until=None)]).count("until") == 0


def test_a_text_of_a_price_is_stated_as_it_is_whatever_is_in_it() -> None:
    hostile = entry()._replace(user='al"\nusd = "0', resource="a")
    with pytest.raises(RuleBookError, match="user: must be 1 to 256"):
        merge_prices("", [hostile])
