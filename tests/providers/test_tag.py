"""A promise on a payment is what a till signed, or nothing."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.tag import TAG_CHARS_MAX, Promise, make_tag, read_tag

KEY = b"k" * 32
AT = datetime(2026, 11, 21, 13, 5, 7, tzinfo=UTC)
PROMISE = Promise("alice", "20.00", "EUR", "18.50", AT, "0123456789abcdef")
TAG = make_tag(KEY, "stripe", PROMISE)

AMOUNTS = st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True)
PROMISES = st.builds(
    Promise,
    user=st.from_regex(r"[!#-\[\]-~]{1,256}", fullmatch=True),
    credited_usd=AMOUNTS,
    currency=st.from_regex(r"[A-Z]{3}", fullmatch=True),
    amount=AMOUNTS,
    at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
        lambda at: at.replace(microsecond=0, tzinfo=UTC)
    ),
    nonce=st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
)


@given(PROMISES)
def test_a_promise_comes_back_as_it_was_and_fits_into_metadata(promise: Promise) -> None:
    tag = make_tag(KEY, "stripe", promise)
    assert read_tag(KEY, "stripe", tag) == promise
    assert read_tag(None, "stripe", tag) == promise
    assert len(tag) <= TAG_CHARS_MAX


def test_the_form_is_the_agreed_one() -> None:
    fields = TAG.split("|")
    assert fields[:6] == ["v1", "20.00", "EUR", "18.50", "1795266307", "0123456789abcdef"]
    assert len(fields[6]) == 64
    assert fields[7] == "YWxpY2U"


def test_another_key_or_account_reads_nothing() -> None:
    assert read_tag(b"x" * 32, "stripe", TAG) is None
    assert read_tag(KEY, "stripe-eu", TAG) is None


@pytest.mark.parametrize(
    ("field", "other"),
    [
        (0, "v2"),
        (1, "20.01"),
        (1, "20.0"),
        (2, "USD"),
        (3, "18.5"),
        (4, "1795266308"),
        (4, "01795266307"),
        (5, "0123456789abcdee"),
        (6, "0" * 64),
        (7, base64.urlsafe_b64encode(b"bob").decode().rstrip("=")),
    ],
)
def test_a_changed_field_reads_as_nothing(field: int, other: str) -> None:
    fields = TAG.split("|")
    fields[field] = other
    assert read_tag(KEY, "stripe", "|".join(fields)) is None


@given(st.text() | st.text(alphabet="v1|0.USD-9aZ_=", max_size=600))
def test_no_text_raises(text: str) -> None:
    assert read_tag(KEY, "stripe", text) is None
    read_tag(None, "stripe", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TAG + "\n",
        TAG + "=",
        " " + TAG,
        TAG.replace("20.00", "-20.00"),
        TAG.replace("20.00", "\uff120.00"),
        TAG.upper(),
        TAG.removesuffix("YWxpY2U") + "YWxpY2V",  # the same bytes but for bits that are cut off
        TAG.removesuffix("YWxpY2U") + "_w",
        TAG.removesuffix("YWxpY2U") + base64.urlsafe_b64encode(b"a b").decode(),
        TAG + "|",
        "v1|" * 1000,
    ],
)
def test_what_is_nearly_a_tag_reads_as_nothing(text: str) -> None:
    assert read_tag(KEY, "stripe", text) is None
    if text != TAG.replace("20.00", "-20.00"):
        assert read_tag(None, "stripe", text) is None


@pytest.mark.parametrize(
    "changed",
    [
        PROMISE._replace(user=""),
        PROMISE._replace(user="a b"),
        PROMISE._replace(user="a" * 257),
        PROMISE._replace(user="é"),
        PROMISE._replace(amount="1e3"),
        PROMISE._replace(credited_usd="20|1"),
        PROMISE._replace(currency="usd"),
        PROMISE._replace(nonce="0123456789ABCDEF"),
    ],
)
def test_what_no_tag_can_hold_is_refused(changed: Promise) -> None:
    with pytest.raises(ValueError, match="no tag can hold"):
        make_tag(KEY, "stripe", changed)
