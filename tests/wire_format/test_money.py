"""Money texts and nano-dollars are exact inverses of each other."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_format.money import NANO, InvalidAmountError, format_usd, parse_nano

amounts_nano = st.integers(-(10**18) + 1, 10**18 - 1)
texts = st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True, alphabet="-.0123456789")


@given(amount_nano=amounts_nano, decimals_min=st.integers(0, 9))
def test_writing_and_reading_gives_the_same_amount(amount_nano: int, decimals_min: int) -> None:
    assert parse_nano(format_usd(amount_nano, decimals_min)) == amount_nano


@given(text=texts)
def test_reading_is_exact(text: str) -> None:
    assert Fraction(parse_nano(text), NANO) == Fraction(text)


@given(text=texts)
def test_writing_again_gives_the_shortest_text_with_the_asked_decimals(text: str) -> None:
    again = format_usd(parse_nano(text))
    assert Fraction(again) == Fraction(text)
    decimals = again.partition(".")[2]
    assert len(decimals) == 2 or (len(decimals) > 2 and not decimals.endswith("0"))


@given(amount_nano=st.integers())
def test_sums_of_any_size_are_written_exactly(amount_nano: int) -> None:
    assert Fraction(format_usd(amount_nano)) == Fraction(amount_nano, NANO)


@given(text=st.text(max_size=24) | st.text("-+.,0123456789eE_ ", max_size=24))
def test_any_text_is_an_amount_or_a_typed_error(text: str) -> None:
    try:
        amount_nano = parse_nano(text)
    except InvalidAmountError:
        return
    assert abs(amount_nano) < 10**18


@pytest.mark.parametrize(
    ("amount_nano", "text"),
    [
        (0, "0.00"),
        (1, "0.000000001"),
        (-1, "-0.000000001"),
        (12_500_000_000, "12.50"),
        (-5_000_000_000, "-5.00"),
        (1_234_567_890, "1.23456789"),
        (10**18 - 1, "999999999.999999999"),
    ],
)
def test_amounts_read_as_a_person_expects(amount_nano: int, text: str) -> None:
    assert format_usd(amount_nano) == text
    assert parse_nano(text) == amount_nano


@pytest.mark.parametrize("text", ["", ".5", "5.", "1e3", "+1", "--1", "1_0", " 1", "1\n", "٣"])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(InvalidAmountError, match=r"decimal such as 12\.50"):
        parse_nano(text)
