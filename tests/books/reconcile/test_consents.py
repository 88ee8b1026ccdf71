"""Lines of consents: when two are one, and whether the provider knows of one."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from books.reconcile.judging.charges import AutomaticCharges, consents_to_ask, topup_grounds
from books.reconcile.judging.lines import clashing_numbers
from books.reconcile.report import ReportedTerms, ReportedTopups
from providers.consents import CardOwner, ConsentTerms
from providers.interface import Truth
from tests.books.reconcile.test_judging import AT, PROMISE, TIP, basis, fact, line, truth
from wire_format.writers import ConsentLimits, TillRules, TopupLimits, Writers


@pytest.mark.parametrize(
    ("changes", "clashes"),
    [
        ({}, False),
        ({"repo": "till-1-b", "state": "repeats"}, False),
        ({"path": "accounts/2026/11/2.jsonl"}, True),
        ({"line_no": 2}, True),
        ({"commit": TIP[::-1]}, True),
    ],
)
def test_two_consents_under_one_number_clash(changes: dict[str, Any], *, clashes: bool) -> None:
    """An older answer does not say to what; one line in two repos of a writer is one."""
    consent = {"kind": "consent", "path": "accounts/2026/11/1.jsonl", "line_no": 1}
    found = clashing_numbers([line(**consent), line(**consent | changes)])
    assert found == ({("till-1", 1)} if clashes else set())


@pytest.mark.parametrize(
    ("changes", "clashes"),
    [
        ({"path": "accounts/2026/11/2.jsonl", "line_no": 2, "commit": TIP[::-1]}, False),
        ({"amount_usd": "30.00"}, True),
        ({"below_usd": "6.00"}, True),
        ({"month_usd": None}, True),
        ({"of_provider": "stripe-eu"}, True),
        ({"of_ref": "pi_2"}, True),
        ({"user": "bob"}, True),
    ],
)
def test_consents_clash_in_what_they_state(changes: dict[str, Any], *, clashes: bool) -> None:
    """Wherever they are."""
    stated = {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"}
    consent = {"kind": "consent", "of_provider": "stripe", "of_ref": "pi_1", **stated}
    found = clashing_numbers([line(**consent), line(**consent | changes)])
    assert found == ({("till-1", 1)} if clashes else set())


CARD = CardOwner("cus_1", "pm_1")
CHARGED = truth(
    fact(currency="USD", amount="20.00", attempt="auto:1"), is_by_customer=False, card=CARD
)
SAVED = truth(
    fact(external_ref="pi_0"),
    object_id="pi_0",
    consent=ConsentTerms("20.00", "5.00", "100.00"),
    card=CARD,
)
TERMS = (
    {"node": "till-1", "kind": "consent", "amount_usd": "20.00", "below_usd": "5.00"}
    | {"month_usd": "100.00", "of_provider": "stripe", "of_ref": "pi_0"},
    {"node": "desk-1", "kind": "setting", "auto_topup_usd": "20.00"}
    | {"auto_topup_below_usd": "5.00", "auto_topup_month_usd": "100.00"},
)
CHARGES_CARDS = Writers(
    tills=(
        TillRules(
            "till-1", 0, None, frozenset({"stripe"}), 1, 1, None, ConsentLimits(10**12, 10**12)
        ),
        TillRules(
            "till-9", 0, None, frozenset({"stripe"}), 0, 0, None, topups=TopupLimits(9, 10**12)
        ),
    )
)


@pytest.mark.parametrize(
    ("saved", "says"),
    [
        (SAVED, None),
        (SAVED._replace(is_by_customer=False), "the provider knows of no consent with pi_0"),
        (SAVED._replace(consent=None), "the provider knows of no consent with pi_0"),
        (SAVED._replace(card=None), "another card"),
        (SAVED._replace(card=CardOwner("cus_1", "pm_2")), "another card"),
        (SAVED._replace(card=CardOwner("cus_2", "pm_1")), "another card"),
        (None, "the provider knows of no consent with pi_0"),
    ],
)
def test_a_consent_is_what_its_own_payment_says(saved: Truth | None, says: str | None) -> None:
    """Paid by the customer himself, with the same card."""
    early = AT - timedelta(days=1)
    stated = [
        msgspec.convert(
            {"seq": 1, "ts": early, "committed_at": early, "user": "alice", **each}, ReportedTerms
        )
        for each in TERMS
    ]
    grounds = topup_grounds(ReportedTopups(terms=stated, covered=[]), (), CHARGES_CARDS)
    charge = line(currency="USD", amount="20.00", credited_usd=None, attempt="auto:1")
    judge = AutomaticCharges(
        {charge: basis(truth=CHARGED)}, {"pi_0": PROMISE}, {"pi_0": saved}, grounds
    )
    found = judge.why_not(charge)
    assert found is None if says is None else says in (found or "")
    assert consents_to_ask(charge, grounds) == ["pi_0"]
    assert consents_to_ask(line(currency="USD", attempt="topup:1"), grounds) == []
