"""The rule book is read exactly, and a file that cannot be used says what to mend and where."""

import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_format.instants import hour_of
from wire_format.money import MULTIPLIER_SCALE, PRICE_SCALE
from wire_format.rule_book import (
    DEFAULT_DISCOUNTS,
    RuleBookFiles,
    parse_rule_book,
    split_origin,
    with_origin,
)
from wire_format.rule_files.loading import RULE_FILE_BYTES_MAX, RuleBookError

PRICE = """\
[[price]]
resource = "llm/openai/gpt-4o/output_tokens"
usd = "10.00"
per = 1000000
from = 2026-01-01T00:00:00Z
"""
LADDER = """\
[[ladder]]
from = 2020-01-01T00:00:00Z
tiers = [{ name = "week", after_days = 7, multiplier = "0.5", applies_to = ["llm"] }]
"""


def faults(prices: str | None = None, discounts: str | None = None) -> str:
    with pytest.raises(RuleBookError) as caught:
        parse_rule_book(
            None if prices is None else prices.encode(),
            None if discounts is None else discounts.encode(),
        )
    assert str(caught.value).startswith(f"rules/{'prices' if prices else 'discounts'}.toml: ")
    assert str(caught.value).endswith("; ".join(caught.value.faults))
    return "; ".join(caught.value.faults)


def test_a_price_is_read_exactly() -> None:
    (price,) = parse_rule_book(PRICE.encode(), None).prices
    assert (price.resource, price.per, price.applies_to) == (
        "llm/openai/gpt-4o/output_tokens",
        1_000_000,
        None,
    )
    assert [step[1:] for step in price.steps] == [(10 * PRICE_SCALE, 0)]
    assert price.from_hour == hour_of(datetime(2026, 1, 1, tzinfo=UTC))


@given(text=st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,15})?", fullmatch=True, alphabet=".0123456789"))
def test_any_price_is_kept_exactly(text: str) -> None:
    (price,) = parse_rule_book(PRICE.replace("10.00", text).encode(), None).prices
    assert Fraction(price.steps[0].scaled, PRICE_SCALE) == Fraction(text)


@given(text=st.from_regex(r"0\.[0-9]{1,9}", fullmatch=True, alphabet=".0123456789"))
def test_any_multiplier_is_kept_exactly(text: str) -> None:
    (ladder,) = parse_rule_book(None, LADDER.replace("0.5", text).encode()).ladders
    assert Fraction(ladder.tiers[0].scaled, MULTIPLIER_SCALE) == Fraction(text)


@pytest.mark.parametrize("text", ["0", "1", "1.0", "1.000000000", "0.000000001"])
def test_multipliers_go_from_0_to_1(text: str) -> None:
    (ladder,) = parse_rule_book(None, LADDER.replace("0.5", text).encode()).ladders
    assert Fraction(ladder.tiers[0].scaled, MULTIPLIER_SCALE) == Fraction(text)


@pytest.mark.parametrize(
    "text", ["1.1", "1.000000001", "2", "-0.5", ".5", "0.", "0.0000000001", "50%", "1e-1", "0.5\\n"]
)
def test_other_multipliers_are_refused(text: str) -> None:
    reason = faults(discounts=LADDER.replace("0.5", text))
    assert reason.startswith(
        'ladder #1 (line 1) tiers #1 multiplier: must be a decimal in quotes from "0"'
    )


@pytest.mark.parametrize(
    "text", ["-1", "1,5", "1e3", ".5", "5.", "1_000", "$1", "", "1234567890", "0." + "1" * 16, "٣"]
)
def test_other_prices_are_refused(text: str) -> None:
    assert faults(PRICE.replace("10.00", text)).startswith(
        "price #1 (line 1) usd: must be a decimal in q"
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"10.00"', "10.00", "price #1 (line 1) usd: must be text, in quotes"),
        ("1000000\n", "0\n", "price #1 (line 1) per: must be at least 1"),
        ("1000000\n", "1.5\n", "price #1 (line 1) per: must be a whole number"),
        ("1000000\n", "true\n", "price #1 (line 1) per: must be a whole number"),
        ("per = 1000000\n", "", "price #1 (line 1): must state per: how many units usd is for"),
        ("00:00:00Z", "00:30:00Z", "price #1 (line 1) from: must be the start of a clock hour"),
        ("00:00:00Z", "00:00:00.5Z", "price #1 (line 1) from: must be the start of a clock hour"),
        ("00:00:00Z", "00:00:00+01:00", "price #1 (line 1) from: must be in UTC"),
        ("00:00:00Z", "00:00:00", "price #1 (line 1) from: must be a time in UTC such as"),
        (
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            "price #1 (line 1) from: must be a time in UTC such as",
        ),
        ("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"', "must be a time in UTC such as"),
        ("llm/openai", "llm openai", "price #1 (line 1) resource: must be 1 to 200 letters"),
        ('"llm/', '"vm/', "price #1 (line 1): a price under vm/ must state applies_to"),
        ("usd", "eur", "price #1 (line 1) eur: is not a known field"),
        ("[[price]]", "[[prices]]", "prices: is not a known field"),
        ("[[price]]", "[price]", "price: must be a list"),
        ("[[price]]", "[[price", "not TOML: "),
    ],
)
def test_a_refused_price_says_where_and_why(old: str, new: str, reason: str) -> None:
    assert old in PRICE
    assert reason in faults(PRICE.replace(old, new, 1))


TIERS = PRICE.replace(
    'usd = "10.00"\n',
    'tiers = [{ up_to = 10, usd = "2.00", flat_usd = "1.00" }, { usd = "1.00" }]\n',
)
PACKAGE = PRICE.replace('usd = "10.00"\nper = 1000000\n', 'package = { size = 10, usd = "1.00" }\n')
NO_PER = "price #1 (line 1): must state per: how many units usd is for"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TIERS.replace("per = 1000000\n", ""), NO_PER),
        (
            PACKAGE + "per = 1\n",
            "price #1 (line 1): per: does not belong to a price with a package",
        ),
        (PRICE.replace('usd = "10.00"\n', ""), "must state one of usd, tiers and package"),
        (TIERS + 'usd = "1"\n', "must state one of usd, tiers and package"),
        (PRICE + 'mode = "volume"\n', "mode: belongs to a price with tiers"),
        (PRICE + "until = 2026-02-01T00:00:00Z\n", "until: belongs to a price of one account"),
        (
            PRICE + 'user = "al"\nuntil = 2026-01-01T00:00:00Z\n',
            "until: must be later than from",
        ),
        (PRICE + 'window = "week"\n', "(line 1) window: must be 'hour', 'day', 'month' or 'cycle'"),
        (TIERS.replace("up_to = 10, ", ""), "each but the last one must state up_to"),
        (
            TIERS.replace('{ usd = "1.00" }', '{ up_to = 20, usd = "1" }'),
            "the last one must be open",
        ),
        (
            TIERS.replace('{ usd = "1.00" }', '{ up_to = 10, usd = "1" }, { usd = "1" }'),
            "tiers: up_to must ascend",
        ),
        (TIERS.replace('"1.00" }]', "1.00 }]"), "price #1 (line 1) tiers #2 usd: must be text"),
        (PACKAGE.replace("= 10", "= 0"), "price #1 (line 1) package size: must be at least 1"),
    ],
)
def test_a_price_of_another_form_says_what_it_lacks(text: str, reason: str) -> None:
    """Above all `per`, without which a price for a million units would be one for each."""
    assert reason in faults(text)


def test_tiers_and_packages_are_read() -> None:
    tiers, package = parse_rule_book((TIERS + PACKAGE.replace("T00", "T01")).encode(), None).prices
    assert (tiers.units_per, package.units_per) == (1_000_000, 10)
    assert [(step.up_to, step.flat_scaled) for step in tiers.steps] == [
        (10, PRICE_SCALE),
        (None, 0),
    ]
    assert [step.scaled for step in (*tiers.steps, *package.steps)] == [
        2 * PRICE_SCALE,
        PRICE_SCALE,
        PRICE_SCALE,
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("# [[price]]\n\n" + PRICE + "\n  [[ price ]] # dear\n", "price #2 (line 9) "),
        ("\r\n" + PRICE.replace("\n", "\r\n") + "[[price]]\r\n", "price #2 (line 7) "),
        (PRICE + "[['price']]\n", "price #2 "),
        (PRICE.replace('"10.00"', '"""\n[[price]]\n"""') + "[[price]]\n", "price #2 "),
        ("price = [{}, {}]\n", "price #2 "),
    ],
    ids=["comments", "line ends", "a name in quotes", "a text of several lines", "inline"],
)
def test_a_fault_names_the_line_of_its_table_where_that_is_certain(text: str, place: str) -> None:
    assert f"; {place}resource: is missing" in faults(text) or faults(text).startswith(
        f"{place}resource: is missing"
    )


def test_two_tables_of_one_name_are_told_with_every_line() -> None:
    assert faults(PRICE + TIERS + PACKAGE).endswith(" (lines 1, 6 and 11)")
    inline = PRICE.replace("[[price]]\n", "").strip().replace("\n", ", ")
    assert faults(f"price = [{{{inline}}}, {{{inline}}}]\n").endswith("T00:00:00Z")


def test_every_fault_of_a_file_is_told_with_its_place() -> None:
    text = PRICE + PRICE.replace("10.00", "x").replace("1000000", "0")
    assert faults(text) == (
        'price #2 (line 6) usd: must be a decimal in quotes such as "10.00", at most 15 decimals; '
        "price #2 (line 6) per: must be at least 1"
    )


def test_a_price_under_vm_that_states_its_category_is_read() -> None:
    text = PRICE.replace('"llm/', '"vm/') + 'applies_to = "vm"\n'
    assert parse_rule_book(text.encode(), None).prices[0].applies_to == "vm"


def test_two_prices_for_one_hour_are_refused() -> None:
    assert faults(PRICE + PRICE.replace("10.00", "11.00")) == (
        "stated more than once: llm/openai/gpt-4o/output_tokens from 2026-01-01T00:00:00Z"
        " (lines 1 and 6)"
    )
    twin = PRICE + 'applies_to = "llm"\n'
    assert faults(twin + twin).startswith(
        "stated more than once: llm/openai/gpt-4o/output_tokens ("
    )


def test_prices_that_differ_in_category_or_hour_live_side_by_side() -> None:
    text = PRICE + PRICE + 'applies_to = "llm"\n' + PRICE.replace("T00:", "T01:")
    assert len(parse_rule_book(text.encode(), None).prices) == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"week"', '"none"', "tiers: names must differ, and `none` is taken"),
        ('"week"', '"Week"', "ladder #1 (line 1) tiers #1 name: must be 1 to 32 of a-z"),
        ("= 7", "= 0", "ladder #1 (line 1) tiers #1 after_days: must be at least 1"),
        ('["llm"]', "[]", "ladder #1 (line 1) tiers #1 applies_to: must have 1 or more"),
        (
            '["llm"]',
            '["gpu"]',
            "ladder #1 (line 1) tiers #1 applies_to #1: must be 'hero_os_hourly', 'llm' or 'vm'",
        ),
        ("T00:00:00Z", "T00:00:01Z", "ladder #1 (line 1) from: must be the start of a clock hour"),
    ],
)
def test_a_refused_ladder_says_where_and_why(old: str, new: str, reason: str) -> None:
    assert reason in faults(discounts=LADDER.replace(old, new, 1))


def _two_tiers(first: str, first_days: int, second: str, second_days: int) -> str:
    row = '{{ name = "{}", after_days = {}, multiplier = "0.5", applies_to = ["llm"] }}'
    rows = f"{row.format(first, first_days)}, {row.format(second, second_days)}"
    return f"[[ladder]]\nfrom = 2020-01-01T00:00:00Z\ntiers = [{rows}]\n"


def test_tiers_ascend_and_have_their_own_names() -> None:
    assert "after_days must ascend" in faults(discounts=_two_tiers("a", 7, "b", 7))
    assert "after_days must ascend" in faults(discounts=_two_tiers("a", 7, "b", 6))
    assert "names must differ" in faults(discounts=_two_tiers("a", 7, "a", 8))


def test_two_ladders_for_one_hour_are_refused() -> None:
    assert faults(discounts=LADDER + LADDER) == (
        "stated more than once: ladder from 2020-01-01T00:00:00Z (lines 1 and 4)"
    )


def test_an_absent_ladder_is_the_default_one() -> None:
    (ladder,) = parse_rule_book(None, None).ladders
    assert [(tier.name, tier.after_days, tier.scaled) for tier in ladder.tiers] == [
        ("week", 7, MULTIPLIER_SCALE // 2),
        ("month", 30, MULTIPLIER_SCALE // 4),
    ]
    assert {tier.applies_to for tier in ladder.tiers} == {("hero_os_hourly", "llm")}


def test_an_empty_discount_file_is_no_ladder_and_another_book() -> None:
    assert parse_rule_book(None, b"").ladders == ()
    assert RuleBookFiles(None, b"").sha256 != RuleBookFiles(None, None).sha256


def test_a_book_that_states_the_defaults_is_the_same_book() -> None:
    stated = parse_rule_book(b"", DEFAULT_DISCOUNTS.encode())
    assert stated == parse_rule_book(None, None)


def test_a_book_without_imported_prices_keeps_its_name_and_with_them_has_another() -> None:
    """So that ledgers from before there was such a file keep their digest."""
    plain = RuleBookFiles(PRICE.encode(), LADDER.encode()).sha256
    assert RuleBookFiles(PRICE.encode(), LADDER.encode(), b"").sha256 == plain
    book = parse_rule_book(PRICE.encode(), LADDER.encode(), PRICE.encode())
    assert (
        book.sha256
        == RuleBookFiles(PRICE.encode(), LADDER.encode(), PRICE.encode()).sha256
        != plain
    )
    assert book.imported == book.prices  # the same price in both files is no fault


def test_imported_prices_are_read_and_refused_like_the_operators_own() -> None:
    with pytest.raises(RuleBookError, match=r"rules/imported\.toml: stated more than once"):
        parse_rule_book(None, None, (PRICE + PRICE).encode())


def test_the_line_that_says_what_a_file_was_made_from_can_be_taken_off_again() -> None:
    """Wherever it is by then; a file without it is as it was."""
    data, sha256 = PRICE.encode(), "0f" * 32
    marked = with_origin(data, sha256)
    assert split_origin(marked) == (data, sha256)
    assert split_origin(b"# a remark\n" + marked) == (b"# a remark\n" + data, sha256)
    assert split_origin(data) == (data, None)
    assert parse_rule_book(marked, None).prices == parse_rule_book(data, None).prices


@given(
    prices=st.binary(max_size=80),
    discounts=st.binary(max_size=80),
    imported=st.binary(max_size=80),
)
def test_any_bytes_are_a_book_or_a_typed_error(
    prices: bytes, discounts: bytes, imported: bytes
) -> None:
    with suppress(RuleBookError):
        parse_rule_book(prices, discounts, imported)


@pytest.mark.parametrize(
    "text",
    [
        b"a = " + b"1" * 5000,
        b"a = " + b"[" * 100_000,
        b"\xff",
        b"a = 1\r",
        PRICE.replace("1000000", "1" * 4000).encode(),
        PRICE.replace("2026-01-01", "2026-02-30").encode(),
        PRICE.replace("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59").encode(),
        b"#" * (RULE_FILE_BYTES_MAX + 1),
    ],
    ids=range(8),
)
def test_hostile_files_are_a_typed_error(text: bytes) -> None:
    with pytest.raises(RuleBookError):
        parse_rule_book(text, None)


def test_the_name_of_a_book_is_what_the_shell_finds(tmp_path: Path) -> None:
    """The command is the one in the docstring of its hash."""
    (tmp_path / "prices.toml").write_text(PRICE)
    (tmp_path / "discounts.toml").write_text(LADDER)
    doc = RuleBookFiles.sha256.__doc__ or ""
    (command,) = [line.strip() for line in doc.splitlines() if "sha256sum" in line]
    result = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    name = RuleBookFiles(PRICE.encode(), LADDER.encode()).sha256
    assert result.stdout.split()[0] == name
    assert parse_rule_book(PRICE.encode(), LADDER.encode()).sha256 == name
