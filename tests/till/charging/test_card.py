"""Which card may be charged, and what at the provider stands in the way."""

from typing import Any

import pytest

from gitmeter.money.topups.settled import AutoTopup
from providers.cards import CardCharge, ChargeStatus
from providers.consents import CardOwner, ConsentTerms
from providers.interface import Fact, Truth
from providers.tag import Promise
from tests.till.place import START
from till.charging.card import CardCase, card_fault, look_at

PAID = Fact("payment", "pi_1", None, "20.00", "USD", START, "tag", "topup:alice:1", True)  # noqa: FBT003
TRUTH = Truth(
    object_id="pi_1",
    facts=(PAID,),
    open=(),
    mode="live",
    is_tagged=True,
    tag="tag",
    attempt="topup:alice:1",
    in_time_s=3600,
    failed=None,
    is_by_customer=True,
    consent=ConsentTerms("20.00", "5.00", "100.00"),
    card=CardOwner("cus_1", "pm_1"),
)
PROMISE = Promise("alice", "20.00", "USD", "20.00", START, "0" * 16)
CASE = CardCase(
    user="alice",
    wanted=AutoTopup.of_texts("20.00", "5.00", "100.00"),
    mode="live",
    payment="pi_1",
    truth=TRUTH,
    promise=PROMISE,
    owner="alice",
)


def test_a_card_that_may_be_charged() -> None:
    assert card_fault(CASE) == ""


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"truth": None}, "knows no such payment"),
        ({"truth": TRUTH._replace(mode="test")}, "knows no such payment"),
        ({"truth": TRUTH._replace(object_id="pi_2")}, "knows no such payment"),
        ({"truth": TRUTH._replace(facts=())}, "has not succeeded"),
        ({"promise": None}, "no till promised"),
        ({"promise": PROMISE._replace(user="mallory")}, "no till promised"),
        ({"promise": PROMISE._replace(amount="2.00")}, "is not what was promised"),
        ({"promise": PROMISE._replace(currency="EUR")}, "is not what was promised"),
        (
            {"truth": TRUTH._replace(facts=(PAID, PAID._replace(kind="refund", of_ref="pi_1")))},
            "was taken back",
        ),
        (
            {"truth": TRUTH._replace(facts=(PAID, PAID._replace(kind="dispute", of_ref="pi_1")))},
            "was taken back",
        ),
        ({"truth": TRUTH._replace(is_by_customer=False)}, "by the customer himself"),
        ({"truth": TRUTH._replace(consent=None)}, "no card was saved"),
        ({"truth": TRUTH._replace(card=None)}, "no card was saved"),
        ({"wanted": AutoTopup.of_texts("20.01", "5.00", "100.00")}, "does not cover"),
        ({"wanted": AutoTopup.of_texts("20.00", "5.01", "100.00")}, "does not cover"),
        ({"wanted": AutoTopup.of_texts("20.00", "5.00", "100.01")}, "does not cover"),
        ({"owner": None}, "not this account's"),
        ({"owner": "mallory"}, "not this account's"),
    ],
)
def test_a_card_that_may_not(changed: dict[str, Any], fault: str) -> None:
    assert fault in card_fault(CASE._replace(**changed))


def charge(
    status: ChargeStatus, attempt: str | None = "auto:alice:1", *, is_tagged: bool = True
) -> CardCharge:
    return CardCharge("pi_9", attempt, status, "", None, is_tagged, START)


@pytest.mark.parametrize(
    ("found", "is_in_question", "strays"),
    [
        ([], False, 0),
        ([charge(ChargeStatus.CANCELED)], False, 0),
        ([charge(ChargeStatus.PAID)], True, 0),
        ([charge(ChargeStatus.PAID, "topup:alice:1")], True, 0),
        ([charge(ChargeStatus.PAID, None, is_tagged=False)], False, 0),
        ([charge(ChargeStatus.PAID)._replace(object_id="pi_1")], False, 0),
        ([charge(ChargeStatus.PROCESSING)], True, 0),
        ([charge(ChargeStatus.PROCESSING, "topup:alice:1")], True, 0),
        ([charge(ChargeStatus.NEEDS_CUSTOMER, None)], True, 0),
        ([charge(ChargeStatus.NEEDS_CUSTOMER)], True, 1),
        ([charge(ChargeStatus.NEW)], True, 1),
        ([charge(ChargeStatus.DECLINED)], True, 1),
        ([charge(ChargeStatus.NEW, "topup:alice:1")], False, 0),
        ([charge(ChargeStatus.DECLINED, None)], False, 0),
    ],
)
def test_what_the_provider_has_against_another_charge(
    found: list[CardCharge],
    is_in_question: bool,  # noqa: FBT001
    strays: int,
) -> None:
    seen = look_at(found, ["pi_1"])
    assert (seen.is_in_question, len(seen.strays)) == (is_in_question, strays)
