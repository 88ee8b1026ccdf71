"""What its place lets a till write about saved cards: who attempts, and who hears a consent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gitmeter.counting.held import HeldReason
from gitmeter.money.places import MoneyLimits, place_fault
from wire_format.instants import DAY_US, to_us
from wire_format.lines import Account, Money
from wire_format.writers import (
    ConsentLimits,
    ProviderAccount,
    TillRules,
    TopupLimits,
    Writers,
)

AT = datetime(2026, 11, 10, tzinfo=UTC)
AT_US = to_us(AT)
USD = 10**9
FRONT = TillRules("front", 0, None, frozenset({"stripe"}), 100 * USD, 1000 * USD, None)
SAVES = FRONT._replace(node="saves", consents=ConsentLimits(20 * USD, 100 * USD))
CHARGER = TillRules(
    *("charger", 0, None, frozenset({"stripe"}), 0, 0, None), topups=TopupLimits(20, 500 * USD)
)
ACCOUNTS = (
    ProviderAccount("stripe", "stripe", "acct_1", "live"),
    ProviderAccount("stripe-eu", "stripe", "acct_2", "live"),
)
LIMITS = MoneyLimits(Writers(ACCOUNTS, (FRONT, SAVES, CHARGER)))


def money(node: str, kind: str, attempt: str | None, **more: Any) -> Money:  # noqa: ANN401
    values: dict[str, Any] = {"v": 2, "node": node, "seq": 1, "ts": AT, "user": "alice"}
    values |= {"provider": "stripe", "kind": kind, "attempt": attempt, "reason": "x"}
    if kind != "ended":
        values |= {"amount": "20.00", "currency": "USD"}
    if kind not in {"pending", "ended"}:
        values |= {"external_ref": "pi_1", "status": "succeeded"}
    return Money(**values | more)


@pytest.mark.parametrize(
    ("node", "kind", "attempt", "is_allowed"),
    [
        ("charger", "pending", "auto:alice:1", True),
        ("charger", "ended", "auto:alice:1", True),
        ("charger", "pending", "topup:alice:1", False),
        ("charger", "ended", "topup:alice:1", False),
        ("charger", "ended", "auto", False),
        ("charger", "payment", "auto:alice:1", False),
        ("charger", "payment", None, False),
        ("front", "pending", "topup:alice:1", True),
        ("front", "ended", "topup:alice:1", True),
        ("front", "pending", "auto:alice:1", False),
        ("front", "ended", "auto:alice:1", False),
        ("saves", "ended", "auto:alice:1", False),
        # what was paid is written by whoever records, and repeats the attempt
        ("front", "payment", "auto:alice:1", True),
        ("unknown", "pending", "auto:alice:1", False),
    ],
)
def test_automatic_attempts_are_written_by_what_charges_cards_and_it_writes_nothing_else(
    node: str, kind: str, attempt: str | None, *, is_allowed: bool
) -> None:
    found = place_fault(money(node, kind, attempt), "till", AT_US, LIMITS)
    assert found is (None if is_allowed else HeldReason.NOT_ALLOWED)


def test_what_charges_takes_back_nothing_and_knows_its_own_accounts_alone() -> None:
    refund = money("charger", "refund", None, external_ref="re_1", of_ref="pi_1")
    elsewhere = money("charger", "pending", "auto:alice:1", provider="stripe-eu")
    for line in (refund, elsewhere):
        assert place_fault(line, "till", AT_US, LIMITS) is HeldReason.NOT_ALLOWED


@pytest.mark.parametrize(
    ("node", "amount", "month", "is_allowed"),
    [
        ("saves", "20.00", "100.00", True),
        ("saves", "20.000000001", "100.00", False),
        ("saves", "20.00", "100.000000001", False),
        ("saves", "20.00", None, False),
        ("saves", "0", "0", True),
        ("front", "99999.00", None, True),
        ("charger", "1.00", "1.00", False),
    ],
)
def test_a_consent_is_within_the_limits_of_its_till(
    node: str, amount: str, month: str | None, *, is_allowed: bool
) -> None:
    """A till that states none may write any, which let nothing be charged."""
    line = Account(
        v=2, node=node, seq=1, ts=AT, user="alice", kind="consent", amount_usd=amount,
        below_usd="5.00", month_usd=month, of_provider="stripe", of_ref="pi_1",
    )  # fmt: skip
    found = place_fault(line, "till", AT_US, LIMITS)
    assert found is (None if is_allowed else HeldReason.NOT_ALLOWED)
    assert place_fault(line, "desk", AT_US, LIMITS) is HeldReason.NOT_ALLOWED


@pytest.mark.parametrize("committed_days", [0, 1, 2])
def test_the_version_in_force_at_the_commit_says_what_a_till_is(committed_days: int) -> None:
    """A till that took payments and charges cards from the next day on."""
    earlier = FRONT._replace(node="charger")
    later = CHARGER._replace(from_us=AT_US + DAY_US)
    limits = MoneyLimits(Writers(ACCOUNTS, (earlier, later)))
    charges = committed_days >= 1
    for line, is_allowed in (
        (money("charger", "pending", "auto:alice:1"), charges),
        (money("charger", "payment", None), not charges),
    ):
        found = place_fault(line, "till", AT_US + committed_days * DAY_US, limits)
        assert (found is None) is is_allowed
