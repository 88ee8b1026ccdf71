"""`writers.toml` and `fx.toml`: what they may state, and what is in force at a time."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_format.currencies import DECIMALS
from wire_format.instants import to_us
from wire_format.money import PRICE_SCALE
from wire_format.rule_book import RuleBookFiles, parse_rule_book
from wire_format.rule_files.loading import RuleBookError
from wire_format.writers import (
    NO_RATES,
    NO_WRITERS,
    ConsentLimits,
    Fx,
    FxRate,
    ProviderAccount,
    TillRules,
    TopupLimits,
    Writers,
)

PROVIDER = '[[provider]]\nname = "stripe"\nkind = "stripe"\naccount = "acct_1"\nmode = "live"\n'
TILL = (
    '[[till]]\nnode = "till-1"\nfrom = 2026-01-01T00:00:00Z\nproviders = ["stripe"]\n'
    'payment_max_usd = "100.00"\nunconfirmed_max_usd = "1000.00"\n'
)
CHARGER = (
    '[[till]]\nnode = "charger-1"\nfrom = 2026-01-01T00:00:00Z\nproviders = ["stripe"]\n'
    'topups_hour_max = 20\ntopup_usd_hour_max = "500.00"\n'
)
CONSENTS = 'consent_max_usd = "100.00"\nconsent_month_max_usd = "500.00"\n'
DESK = '[[desk]]\nnode = "desk-1"\nfrom = 2026-01-01T00:00:00Z\n'
GRANT = (
    '[[grant]]\nname = "signup"\nfrom = 2026-01-01T00:00:00Z\nusd = "5.00"\n'
    'category = "promotional"\npriority = 50\nbudget_usd = "10.00"\n'
)
ADJUST = (
    '[[adjust]]\nname = "goodwill"\nfrom = 2026-01-01T00:00:00Z\nrole = "support"\n'
    'per_line_usd = "5"\nper_account_month_usd = "10"\nbudget_usd = "100"\n'
)
RATE = '[[rate]]\ncurrency = "TZS"\nusd = "0.0004"\nfrom = 2026-01-01T00:00:00Z\n'
AT_US = to_us(datetime(2026, 1, 1, tzinfo=UTC))
DAY_US = 24 * 3600 * 1_000_000


def writers(text: str) -> Writers:
    return parse_rule_book(None, None, None, text.encode()).writers


def faults(writers_toml: str = "", fx_toml: str = "") -> list[str]:
    with pytest.raises(RuleBookError) as caught:
        parse_rule_book(None, None, None, writers_toml.encode(), fx_toml.encode())
    return caught.value.faults


def test_what_is_stated_is_read() -> None:
    found = writers(PROVIDER + TILL + DESK + GRANT + ADJUST)
    assert found.providers == {"stripe": ProviderAccount("stripe", "stripe", "acct_1", "live")}
    till = TillRules("till-1", AT_US, None, frozenset({"stripe"}), 100 * 10**9, 1000 * 10**9, None)
    assert found.till_at("till-1", AT_US) == till
    assert (found.desks[0].node, found.desks[0].fees_day_nano) == ("desk-1", None)
    assert (found.grants[0].usd_nano, found.grants[0].days) == (5 * 10**9, None)
    assert found.adjusts[0].role == "support"


def test_a_till_may_save_cards_and_another_one_charge_them() -> None:
    found = writers(PROVIDER + TILL + CONSENTS + CHARGER)
    till, charger = found.till_at("till-1", AT_US), found.till_at("charger-1", AT_US)
    assert till is not None
    assert (till.consents, till.topups) == (ConsentLimits(100 * 10**9, 500 * 10**9), None)
    assert charger == TillRules(
        *("charger-1", AT_US, None, frozenset({"stripe"}), 0, 0, None),
        topups=TopupLimits(20, 500 * 10**9),
    )


def test_what_is_made_of_the_files_needs_no_pydantic() -> None:
    script = "import sys, wire_format.writers; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_absent_files_leave_the_name_of_a_rule_book_as_it_is() -> None:
    for absent in (None, b""):
        book = parse_rule_book(b"", None, b"", absent, absent)
        assert (book.writers, book.fx) == (NO_WRITERS, NO_RATES)
        assert book.sha256 == RuleBookFiles(b"", None).sha256


def test_every_file_has_a_part_in_the_name_of_a_rule_book_and_none_takes_the_place_of_another() -> (
    None
):
    text = b"# one comment"
    names = [
        RuleBookFiles(*(text if at == own else b"" for at in range(5))).sha256 for own in range(5)
    ]
    assert len({*names, RuleBookFiles(b"", b"").sha256}) == 6


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (PROVIDER + PROVIDER, "stated more than once: provider stripe"),
        (
            PROVIDER.replace("live", "test"),
            "provider #1 (line 1): stripe: the name of a test account",
        ),
        (
            PROVIDER.replace('"stripe"\nkind', '"stripe-test"\nkind'),
            "provider #1 (line 1): stripe-test: the",
        ),
        (
            PROVIDER.replace('"stripe"\nkind', '"manual"\nkind'),
            "provider #1 (line 1) name: manual is no",
        ),
        (
            PROVIDER + "from = 2026-01-01T00:00:00Z\n",
            "provider #1 (line 1) from: is not a known field",
        ),
        (
            TILL.replace('["stripe"]', '["s", "manual"]'),
            "till #1 (line 1) providers #2: manual is no",
        ),
        (
            TILL.replace('["stripe"]', "[]"),
            "till #1 (line 1) providers: must have 1 or more entries",
        ),
        (TILL + TILL, "stated more than once: till till-1 from 2026-01-01T00:00:00Z"),
        (DESK + DESK, "stated more than once: desk desk-1 from 2026-01-01T00:00:00Z"),
        (TILL + DESK.replace("desk-1", "till-1"), "till-1: is both a till and a desk"),
        (
            TILL + "until = 2026-01-01T00:00:00Z\n",
            "till #1 (line 1): until must be later than from",
        ),
        (
            TILL + "until = 2026-01-01T00:30:00Z\n",
            "till #1 (line 1) until: must be the start of a clock",
        ),
        (
            TILL.replace('"100.00"', '"0.00"'),
            "till #1 (line 1) payment_max_usd: must be above zero",
        ),
        (
            TILL.replace('"100.00"', '"-1"'),
            "till #1 (line 1) payment_max_usd: must be dollars such as 12.50",
        ),
        (
            TILL.replace('"100.00"', "100"),
            "till #1 (line 1) payment_max_usd: must be text, in quotes",
        ),
        (TILL.replace("till-1", "Till"), "till #1 (line 1) node: must be 1 to 63 of a-z"),
        (
            TILL + 'consent_max_usd = "1.00"\n',
            "till #1 (line 1): till-1: consent_max_usd and consent_month_max_usd go together",
        ),
        (
            TILL.replace('unconfirmed_max_usd = "1000.00"\n', ""),
            "till #1 (line 1): till-1: payment_max_usd and unconfirmed_max_usd go together",
        ),
        (
            CHARGER.replace("topups_hour_max = 20\n", ""),
            "till #1 (line 1): charger-1: topups_hour_max and topup_usd_hour_max go together",
        ),
        (
            TILL[: TILL.index("payment_max_usd")],
            "till #1 (line 1): till-1: either takes payments (payment_max_usd and",
        ),
        (
            TILL + 'topups_hour_max = 20\ntopup_usd_hour_max = "1.00"\n',
            "till #1 (line 1): till-1: either takes payments (payment_max_usd and",
        ),
        (
            CHARGER + CONSENTS,
            "till #1 (line 1): charger-1: either takes payments (payment_max_usd and",
        ),
        (
            CHARGER.replace("max = 20", "max = 0"),
            "till #1 (line 1) topups_hour_max: must be at least 1",
        ),
        (
            CHARGER.replace("max = 20", "max = 100001"),
            "till #1 (line 1) topups_hour_max: must be at most 100000",
        ),
        (
            CHARGER.replace("max = 20", 'max = "20"'),
            "till #1 (line 1) topups_hour_max: must be a whole number",
        ),
        (
            CHARGER.replace('"500.00"', '"0"'),
            "till #1 (line 1) topup_usd_hour_max: must be above zero",
        ),
        (
            TILL + CONSENTS.replace('"100.00"', '"0.00"'),
            "till #1 (line 1) consent_max_usd: must be above zero",
        ),
        (DESK + 'fees_day_usd = "0"\n', "desk #1 (line 1) fees_day_usd: must be above zero"),
        (GRANT + GRANT, "stated more than once: grant signup from 2026-01-01T00:00:00Z"),
        (
            GRANT + 'scope = ["b", "a"]\n',
            "grant #1 (line 1) scope: must be sorted, each entry once",
        ),
        (GRANT.replace("50", "1001"), "grant #1 (line 1) priority: must be at most 1000"),
        (GRANT + "days = 0\n", "grant #1 (line 1) days: must be at least 1"),
        (ADJUST + ADJUST, "stated more than once: adjust goodwill from 2026-01-01T00:00:00Z"),
        (ADJUST.replace('"support"', '"a b"'), "adjust #1 (line 1) role: must be 1 to 32 of a-z"),
        ("[provider]\n", "provider: must be a list"),
    ],
)
def test_what_writers_toml_may_not_state(text: str, fault: str) -> None:
    """The fault names the table."""
    (told,) = faults(text)
    assert told.startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            RATE + RATE,
            "stated more than once: rate of TZS from 2026-01-01T00:00:00Z (lines 1 and 5)",
        ),
        (RATE.replace("0.0004", "0.000"), "rate #1 (line 1) usd: must be above zero"),
        (RATE.replace('"0.0004"', "0.0004"), "rate #1 (line 1) usd: must be text, in quotes"),
        (
            RATE.replace("TZS", "USD"),
            "rate #1 (line 1) currency: must be a code of ISO 4217 other than USD",
        ),
        (
            RATE.replace("TZS", "ZZZ"),
            "rate #1 (line 1) currency: must be a code of ISO 4217 other than USD",
        ),
    ],
)
def test_what_fx_toml_may_not_state(text: str, fault: str) -> None:
    assert faults(fx_toml=text) == [fault]


def test_a_till_may_name_an_account_that_is_not_stated() -> None:
    found = writers(TILL)
    assert not found.providers
    assert found.has_till("stripe")
    assert not found.has_till("clickpesa-tz")


HOURS_US = st.integers(0, 6).map(lambda hour: hour * DAY_US)


@given(
    versions=st.lists(
        st.tuples(HOURS_US, st.none() | st.integers(1, 3)), unique_by=lambda version: version[0]
    ),
    at_us=st.integers(-1, 8 * DAY_US),
)
def test_in_force_is_the_version_that_began_last_unless_it_has_ended(
    versions: list[tuple[int, int | None]], at_us: int
) -> None:
    tills = tuple(
        TillRules(
            "t", start, None if days is None else start + days * DAY_US, frozenset(), n, 1, None
        )
        for n, (start, days) in enumerate(versions)
    )
    found = Writers(tills=tills).till_at("t", at_us)
    begun = sorted((till.from_us, till) for till in tills if till.from_us <= at_us)
    expected = begun[-1][1] if begun else None
    if expected is not None and expected.until_us is not None and expected.until_us <= at_us:
        expected = None
    assert found == expected
    assert Writers(tills=tills).till_at("u", at_us) is None


RATES = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 9)), unique_by=lambda rate: rate[0], max_size=5
)


@given(rates=RATES, day=st.integers(0, 120))
def test_the_best_rate_is_the_highest_of_any_instant_in_the_35_days_before(
    rates: list[tuple[int, int]], day: int
) -> None:
    """Against the rate of each single day; no rate changes within a day here."""
    fx = Fx(tuple(FxRate("TZS", usd, start * DAY_US) for start, usd in rates))
    daily = []
    for each in range(day - 35, day + 1):
        begun = [rate for rate in rates if rate[0] <= each]
        daily += [max(begun)[1]] if begun else []
    best = fx.best_rate("TZS", day * DAY_US)
    assert (None if best is None else best.usd_scaled) == max(daily, default=None)


def test_a_credit_is_at_most_what_the_best_rate_gives_and_two_percent() -> None:
    fx = parse_rule_book(None, None, fx_toml=RATE.encode()).fx
    at_us = AT_US + DAY_US
    assert fx.credit_max_nano(26_000 * 10**9, "TZS", at_us) == 10_608_000_000
    assert fx.credit_max_nano(1, "TZS", at_us) == 0
    assert fx.credit_max_nano(10**9, "KES", at_us) is None
    assert fx.credit_max_nano(10**9, "TZS", AT_US - 1) is None
    assert fx.credit_max_nano(10**9, "USD", 0) == 10**9
    assert fx.rates[0].usd_scaled == PRICE_SCALE * 4 // 10_000


def test_the_decimals_of_currencies_are_those_of_the_standard() -> None:
    decimals = {"USD": 2, "EUR": 2, "TZS": 2, "JPY": 0, "ISK": 0, "UGX": 0, "MGA": 2, "BHD": 3}
    assert {code: DECIMALS[code] for code in decimals} == decimals
    assert not {"XXX", "XTS", "XAU", "usd", ""} & {*DECIMALS}


def test_a_rule_book_with_writers_is_equal_to_itself_read_again() -> None:
    text = PROVIDER + TILL + CONSENTS + CHARGER
    files = (b"", None, None, text.encode(), RATE.encode())
    assert parse_rule_book(*files) == parse_rule_book(*files)
