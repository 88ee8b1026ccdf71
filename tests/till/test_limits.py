"""How much a customer may ask for, and what is charged for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.till.accounts import CLICKPESA, STRIPE
from till.checkout.amounts import amount_minor, rate_nano
from till.checkout.asked import (
    CheckoutBody,
    SaveCard,
    check_body,
    check_consent,
    choose_account,
    leads_back,
    read_body,
)
from till.checkout.limits import DAY_MAX, OPEN_MAX, PROMPTS_MAX, WEEK, Paid, paid, refusal
from till.checkout.problems import CheckoutProblemError
from till.config.tables import CardsTable, RateTable, TillConfig
from till.records.checkouts import Earlier
from till.records.lines import KnownLine, LineKey
from wire_format.instants import to_us
from wire_format.money import NANO

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
NOTHING = Earlier((), 0, 0, 0)
LONG_AGO = Paid(NOW - WEEK, 100 * NANO)
STRANGER = Paid(None, 0)
USD = 20 * NANO
WEEK_NANO = 100 * NANO


@pytest.mark.parametrize(
    ("earlier", "before", "usd_nano", "problem"),
    [
        (NOTHING, STRANGER, USD, None),
        (NOTHING, STRANGER, WEEK_NANO, None),
        (NOTHING, STRANGER, WEEK_NANO + 1, "first-week"),
        (NOTHING._replace(open_nano=(USD,)), STRANGER, WEEK_NANO - USD, None),
        (NOTHING._replace(open_nano=(USD,)), STRANGER, WEEK_NANO - USD + 1, "first-week"),
        (NOTHING, Paid(NOW - WEEK + timedelta(seconds=1), 90 * NANO), 10 * NANO, None),
        (NOTHING, Paid(NOW - WEEK + timedelta(seconds=1), 90 * NANO), 10 * NANO + 1, "first-week"),
        (NOTHING, LONG_AGO, 10 * WEEK_NANO, None),
        (NOTHING._replace(open_nano=(1,) * (OPEN_MAX - 1)), LONG_AGO, USD, None),
        (NOTHING._replace(open_nano=(1,) * OPEN_MAX), LONG_AGO, USD, "too-many-open"),
        (NOTHING._replace(of_day=DAY_MAX - 1), LONG_AGO, USD, None),
        (NOTHING._replace(of_day=DAY_MAX), LONG_AGO, USD, "too-many-a-day"),
        (NOTHING._replace(prompts_of_user=PROMPTS_MAX), LONG_AGO, USD, "too-many-prompts"),
        (NOTHING._replace(prompts_of_number=PROMPTS_MAX), LONG_AGO, USD, "too-many-prompts"),
        (NOTHING._replace(prompts_of_number=PROMPTS_MAX - 1), LONG_AGO, USD, None),
    ],
)
def test_the_table_of_limits(
    earlier: Earlier, before: Paid, usd_nano: int, problem: str | None
) -> None:
    found = refusal(usd_nano, earlier, before, WEEK_NANO, NOW)
    assert (found and found.name) == problem
    if found is not None:
        assert found.status == 429
        assert found.retry_after_s


def payment(at: datetime, amount: str, credited_usd: str | None = None) -> KnownLine:
    key = LineKey("stripe", "payment", f"pi_{to_us(at)}")
    return KnownLine(key, 1, to_us(at), "alice", "", "", amount, "USD", credited_usd, "succeeded")


def test_the_first_week_counts_from_the_first_payment_and_in_dollars() -> None:
    assert paid([]) == STRANGER
    found = paid(
        [
            payment(NOW, "18.50", "20.00"),
            payment(NOW + WEEK - timedelta(seconds=1), "5"),
            payment(NOW + WEEK, "1000"),
        ]
    )
    assert found == Paid(NOW, 25 * NANO)


@given(
    usd_nano=st.integers(1, 10**14),
    rate=st.integers(1, 10**12),
    minor_per_unit=st.sampled_from([1, 100, 1000]),
    step=st.sampled_from([1, 10, 100]),
)
def test_what_is_charged_is_worth_the_credit_and_hardly_more(
    usd_nano: int, rate: int, minor_per_unit: int, step: int
) -> None:
    """The credit is never above what was paid is worth, and one step less would not be enough."""
    found = amount_minor(usd_nano, rate, minor_per_unit, step)
    assert found % step == 0
    assert found * rate >= usd_nano * minor_per_unit
    assert (found - step) * rate < usd_nano * minor_per_unit


def test_a_rate_that_is_too_old_promises_nothing() -> None:
    rates = [RateTable(currency="TZS", usd="0.00038", at=NOW - timedelta(days=7))]
    assert rate_nano(rates, "TZS", NOW, timedelta(days=7)) == 380_000
    with pytest.raises(CheckoutProblemError) as refused:
        rate_nano(rates, "TZS", NOW + timedelta(seconds=1), timedelta(days=7))
    assert (refused.value.name, refused.value.status) == ("rate-too-old", 503)
    with pytest.raises(CheckoutProblemError, match="no rate of EUR"):
        rate_nano(rates, "EUR", NOW, timedelta(days=7))


CONFIG = TillConfig.model_validate(
    {
        "mode": "test",
        "return_urls": ["https://portal.example/"],
        "rate": [{"currency": "TZS", "usd": "0.00038", "at": NOW}],
        "account": [STRIPE, CLICKPESA | {"currencies": ["TZS", "USD"]}],
    }
)
ASKED = CheckoutBody(
    user="alice",
    usd="20.00",
    currency="USD",
    success_url="https://portal.example/paid?s={CHECKOUT_SESSION_ID}",
    cancel_url="https://portal.example/",
)


CARDS = CONFIG.model_copy(
    update={"cards": CardsTable(consent_max_usd="100.00", consent_month_max_usd="500.00")}
)
SAVING = SaveCard(amount_usd="20.0", below_usd="5", month_usd="100.00")


def changed(**values: Any) -> CheckoutBody:  # noqa: ANN401
    return CheckoutBody(**{name: getattr(ASKED, name) for name in ASKED.__struct_fields__} | values)


def test_what_is_asked_for_may_be_offered() -> None:
    assert check_body(CONFIG, ASKED) == 20 * NANO
    assert choose_account(CONFIG, ASKED).name == "stripe-test"
    assert choose_account(CONFIG, changed(currency="TZS")).name == "clickpesa-test"
    prompt = changed(method="prompt", phone="255712345678")
    assert check_body(CONFIG, prompt) == 20 * NANO
    assert choose_account(CONFIG, prompt).name == "clickpesa-test"
    assert choose_account(CONFIG, changed(account="clickpesa-test")).name == "clickpesa-test"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (changed(user="a b"), "bad-user"),
        (changed(user=""), "bad-user"),
        (changed(usd="4.99"), "amount-out-of-range"),
        (changed(usd="500.01"), "amount-out-of-range"),
        (changed(usd="-20"), "amount-out-of-range"),
        (changed(usd="1e2"), "bad-amount"),
        (changed(usd="20.0000000001"), "bad-amount"),
        (changed(success_url="https://evil.example/"), "bad-return-url"),
        (changed(cancel_url="https://portal.example.evil.example/"), "bad-return-url"),
        (changed(method="prompt"), "bad-phone"),
        (changed(phone="255712345678"), "bad-phone"),
        (changed(method="prompt", phone="+255712345678"), "bad-phone"),
        (changed(method="prompt", phone="1234567"), "bad-phone"),
    ],
)
def test_what_is_wrong_is_named(asked: CheckoutBody, problem: str) -> None:
    with pytest.raises(CheckoutProblemError) as refused:
        check_body(CONFIG, asked)
    assert refused.value.name == problem
    assert "255712345678" not in str(refused.value)


def test_a_card_is_saved_for_amounts_that_are_written_in_one_form() -> None:
    assert check_consent(CARDS, ASKED) is None
    assert check_consent(CONFIG, ASKED) is None
    assert check_consent(CARDS, changed(save_card=SAVING)) == ("20.00", "5.00", "100.00")


def saving(**values: str) -> CheckoutBody:
    return changed(save_card=msgspec.structs.replace(SAVING, **values))


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (saving(amount_usd="100.00", month_usd="500.00", below_usd="0"), None),
        (saving(amount_usd="5.00", month_usd="5.00"), None),
        (saving(amount_usd="4.99"), "beyond-consent"),
        (saving(amount_usd="100.01", month_usd="500.00"), "beyond-consent"),
        (saving(month_usd="500.01"), "beyond-consent"),
        (saving(month_usd="19.99"), "beyond-consent"),
        (saving(below_usd="-0.01"), "beyond-consent"),
        (saving(amount_usd="20.001"), "bad-amount"),
        (saving(amount_usd="1e1"), "bad-amount"),
        (saving(below_usd=""), "bad-amount"),
        (
            msgspec.structs.replace(saving(), method="prompt", phone="255712345678"),
            "cards-not-offered",
        ),
    ],
)
def test_a_card_is_saved_within_limits(asked: CheckoutBody, problem: str | None) -> None:
    if problem is None:
        assert check_consent(CARDS, asked) is not None
        return
    with pytest.raises(CheckoutProblemError) as refused:
        check_consent(CARDS, asked)
    assert (refused.value.name, refused.value.status) == (problem, 422)


def test_no_card_is_saved_where_none_may_be_or_can_be() -> None:
    with pytest.raises(CheckoutProblemError) as refused:
        check_consent(CONFIG, saving())
    assert refused.value.name == "cards-not-offered"
    assert choose_account(CARDS, saving()).name == "stripe-test"
    clickpesa_first = CARDS.model_copy(update={"account": (*reversed(CARDS.account),)})
    assert choose_account(clickpesa_first, ASKED).name == "clickpesa-test"
    assert choose_account(clickpesa_first, saving()).name == "stripe-test"
    for asked in ({"currency": "TZS"}, {"account": "clickpesa-test"}):
        with pytest.raises(CheckoutProblemError) as refused:
            choose_account(CARDS, msgspec.structs.replace(saving(), **asked))
        assert refused.value.name == "cards-not-offered"


@pytest.mark.parametrize(
    "asked",
    [
        changed(currency="EUR"),
        changed(account="other-test"),
        changed(account="stripe-test", currency="TZS"),
        changed(account="stripe-test", method="prompt", phone="255712345678"),
    ],
)
def test_what_no_account_takes_is_refused(asked: CheckoutBody) -> None:
    with pytest.raises(CheckoutProblemError, match="no account"):
        choose_account(CONFIG, asked)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"user":"a"}', b'{"user":1}', b"\xff", b"[" * 100_000, b'"\\ud800"'],
)
def test_a_body_of_another_form_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(CheckoutProblemError) as refused:
        read_body(body)
    assert refused.value.name == "bad-request"


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example",
        "https://portal.example@evil.example/",
        "https://portal.example/../x",
        "https://portal.example/%2e%2e/x",
        "https://portal.example/x\\y",
        "https://portal.example/x y",
        "https://portal.example/\n",
        "HTTPS://portal.example/",
        "//portal.example/",
        "javascript:https://portal.example/",
        "https://portal.example/" + "x" * 2000,
    ],
)
def test_an_address_that_may_lead_elsewhere_is_refused(url: str) -> None:
    assert not leads_back(["https://portal.example/"], url)
