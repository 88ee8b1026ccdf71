"""A consent follows from what is true of a payment, and is worth nothing where that is wrong."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.settled import AutoTopup
from providers.consents import ConsentTerms
from providers.expected import ExpectedLine
from providers.interface import Truth
from tests.till.place import START
from till.config.tables import CardsTable
from till.intake.consents import consent_of, is_within
from till.intake.missing import LATE_MAX
from till.records.lines import KnownLine, LineKey
from wire_format.instants import to_us
from wire_format.money import NANO

CARDS: Final = CardsTable(consent_max_usd="100.00", consent_month_max_usd="500.00")
TERMS: Final = ConsentTerms("20.00", "5.00", "100.00")
PAYMENT: Final = ExpectedLine(
    "payment", "alice", "pi_1", None, "20.00", "USD", None, "succeeded", "topup:alice:1", START
)
TRUTH: Final = Truth(
    object_id="pi_1",
    facts=(),
    open=(),
    mode="test",
    is_tagged=True,
    tag="tag",
    attempt="topup:alice:1",
    in_time_s=3600,
    failed=None,
    is_by_customer=True,
    consent=TERMS,
)


def known(kind: str = "payment", user: str = "alice", status: str = "succeeded") -> KnownLine:
    key = LineKey("stripe", kind, "pi_1")
    return KnownLine(key, 1, to_us(START), user, "", "", "20.00", "USD", None, status)


def found(
    *,
    truth: Truth = TRUTH,
    payment: ExpectedLine = PAYMENT,
    lines: Mapping[LineKey, KnownLine] | None = None,
    cards: CardsTable | None = CARDS,
    late: timedelta = timedelta(),
) -> tuple[bool, bool]:
    """Whether the line has to be written, and whether a person has to look at it."""
    refund = payment._replace(kind="refund", external_ref="re_1", of_ref="pi_1")
    consented = consent_of("stripe", truth, [payment, refund], lines or {}, cards)
    if consented is None:
        return False, False
    return consented.to_write(START + late) is not None, consented.is_beyond


NOTHING: Final = (False, False)


def of(line: KnownLine) -> dict[LineKey, KnownLine]:
    return {line.key: line}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({}, (True, False)),
        ({"lines": of(known())}, (True, False)),
        ({"lines": of(known("consent"))}, NOTHING),
        ({"late": LATE_MAX}, (True, False)),
        ({"late": LATE_MAX + timedelta(seconds=1)}, NOTHING),
        ({"cards": None}, NOTHING),
        ({"truth": TRUTH._replace(consent=None)}, NOTHING),
        ({"truth": TRUTH._replace(is_by_customer=False)}, NOTHING),
        ({"truth": TRUTH._replace(attempt="auto:alice:1")}, NOTHING),
        ({"payment": PAYMENT._replace(status="undecided")}, NOTHING),
        ({"payment": PAYMENT._replace(kind="dispute", of_ref="pi_0")}, NOTHING),
        ({"lines": of(known(user="bob"))}, NOTHING),
        ({"lines": of(known(status="undecided"))}, NOTHING),
        ({"truth": TRUTH._replace(consent=TERMS._replace(amount_usd="100.01"))}, (False, True)),
        ({"truth": TRUTH._replace(consent=TERMS._replace(month_usd="500.01"))}, (False, True)),
        ({"truth": TRUTH._replace(consent=TERMS._replace(amount_usd="much"))}, (False, True)),
        ({"truth": TRUTH._replace(consent=TERMS._replace(below_usd="-0.01"))}, (False, True)),
    ],
)
def test_when_a_consent_is_a_line(stated: dict[str, Any], expected: tuple[bool, bool]) -> None:
    assert found(**stated) == expected


def test_a_consent_that_is_a_line_is_not_beyond_limits_that_were_lowered_since() -> None:
    lower = CardsTable(consent_max_usd="10.00", consent_month_max_usd="10.00")
    assert found(lines=of(known("consent")), cards=lower) == NOTHING
    assert found(cards=lower) == (False, True)


NANOS: Final = st.integers(-NANO, 1000 * NANO)


@given(wanted=st.builds(AutoTopup, NANOS, NANOS, NANOS))
def test_what_is_within_is_a_payment_that_the_month_allows(wanted: AutoTopup) -> None:
    within = is_within(wanted, CARDS)
    highest = AutoTopup(100 * NANO, max(wanted.below_nano, 0), 500 * NANO)
    assert within == (
        highest.covers(wanted)
        and wanted.amount_nano > 0
        and wanted.below_nano >= 0
        and wanted.month_nano >= wanted.amount_nano
    )
