"""The naive reference, against examples worked by hand."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.reference import Ledger, reckon
from tests.support.repos import decision_line, money_line, usage_line
from tests.support.strategies import DEFAULT_LADDER

HOUR = "2025-03-01T10:00:00Z"
TOKENS = "llm/acme/m1/tokens"


def price(**values: object) -> dict[str, Any]:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return {"resource": "hero_os/seconds", "usd": "1", "per": 1, "from": start, **values}


def ledger(usage: list[bytes], money: list[bytes], prices: list[dict[str, Any]]) -> Ledger:
    return reckon(set(usage), set(money), prices, [DEFAULT_LADDER])


def only_charge(found: Ledger) -> tuple[int, int, str, int, int]:
    (charge,) = found.charges.values()
    return charge


def test_a_charge_sums_its_hour_and_rounds_once_half_to_even() -> None:
    """Three records of one unit at half a nano-dollar: 1.5 rounds to 2, not three times to 0."""
    usage = [usage_line(seq=seq, ts=f"2025-03-01T10:00:0{seq}Z") for seq in (1, 2, 3)]
    found = ledger(usage, [], [price(usd="0.0000000005")])
    assert found.charges == {
        (HOUR, "alice", "hero_os/seconds", "hero_os_hourly"): (3, 3, "rated", 2, 2)
    }
    half = ledger(usage[:1], [], [price(usd="0.0000000005")])
    assert only_charge(half) == (1, 1, "rated", 0, 0)


def test_conflicts_reused_numbers_and_corrections() -> None:
    """Fewer units win, then smaller bytes; another `ts` is another record; corrections net out."""
    at = "2025-03-01T10:30:00Z"
    more, less = (usage_line(ts=at, units=units) for units in (7, 5))
    twin = usage_line(ts=at, units=5, user="bob")
    reused = usage_line(ts="2025-03-01T11:30:00Z", units=9)
    correction = usage_line(ts=at, units=-1, seq=2, corrects=1, reason="miscount")
    found = ledger([more, less, twin, reused, correction], [], [])
    assert {key[:2]: charge[:3] for key, charge in found.charges.items()} == {
        (HOUR, "alice"): (4, 2, "unpriced"),
        ("2025-03-01T11:00:00Z", "alice"): (9, 1, "unpriced"),
    }
    assert found.held == {more: "conflict", twin: "conflict"}


@pytest.mark.parametrize(
    ("paid_at", "billed"),
    [
        (None, 1000),
        ("2025-03-01T10:00:01Z", 1000),
        ("2025-02-22T10:00:00.000001Z", 1000),
        ("2025-02-22T10:00:00Z", 500),
        ("2025-01-30T10:00:00.000001Z", 500),
        ("2025-01-30T10:00:00Z", 250),
    ],
)
def test_tiers_begin_exactly_7_and_30_days_after_the_first_payment(
    paid_at: str | None, billed: int
) -> None:
    """Tenure is measured at the start of the hour, the border included."""
    money = (
        []
        if paid_at is None
        else [money_line(ts=paid_at), money_line(seq=2, ts="2025-03-05T00:00:00Z")]
    )
    usage = [usage_line(ts="2025-03-01T10:59:59Z", units=1000)]
    assert only_charge(ledger(usage, money, [price(usd="0.000000001")]))[3:] == (1000, billed)


def test_prices_bound_to_a_category_come_first_and_others_are_a_mismatch() -> None:
    """A bound price beats a later free one; only prices of other categories: a mismatch."""
    usage = [usage_line(ts=HOUR, resource=TOKENS, applies_to="llm")]
    bound = price(resource=TOKENS, usd="3", applies_to="llm")
    later = price(resource=TOKENS, usd="4", **{"from": datetime(2025, 2, 1, tzinfo=UTC)})
    other = price(resource=TOKENS, usd="5", applies_to="vm")
    assert only_charge(ledger(usage, [], [bound, later, other]))[3] == 3 * 10**9
    assert only_charge(ledger(usage, [], [later, other]))[3] == 4 * 10**9
    assert only_charge(ledger(usage, [], [other]))[2:] == ("category_mismatch", 0, 0)
    assert only_charge(ledger(usage, [], []))[2:] == ("unpriced", 0, 0)


def test_a_price_holds_from_its_hour_on() -> None:
    starts = price(**{"from": datetime(2025, 3, 1, 10, tzinfo=UTC)})
    for ts, state in (("2025-03-01T09:59:59.999999Z", "unpriced"), (HOUR, "rated")):
        assert only_charge(ledger([usage_line(ts=ts)], [], [starts]))[2] == state


def test_beyond_a_million_dollars_a_line_is_held_and_a_charge_costs_a_million() -> None:
    """A million dollars is a cost; a nano-dollar more is not."""
    at_most = [usage_line(ts=HOUR, units=10**15)]
    above = [usage_line(ts=HOUR, units=10**15 + 1)]
    nano = [price(usd="0.000000001")]
    assert only_charge(ledger(at_most, [], nano))[2:] == ("rated", 10**15, 10**15)
    assert ledger(above, [], nano).charges == {}
    assert ledger(above, [], nano).held == {above[0]: "beyond_limit"}
    many = [*at_most, usage_line(seq=2, ts=HOUR, units=1)]
    assert only_charge(ledger(many, [], nano))[2:] == ("overflow", 10**15, 10**15)
    taken_off = usage_line(seq=2, ts=HOUR, units=-1, corrects=1, reason="miscount")
    assert only_charge(ledger([*above, taken_off], [], nano))[2:] == ("rated", 10**15, 10**15)


def test_the_balance_adds_every_kind_of_money_once() -> None:
    """Payments, grants and adjustments less refunds and usage; grants start no tenure."""
    refund = money_line(seq=5, kind="refund", refers_to=2, amount="1", ts="2025-03-03T00:00:00Z")
    money = [
        money_line(seq=1, kind="grant", amount="100"),
        money_line(
            seq=2, amount="26000", currency="TZS", credited_usd="10", ts="2025-03-02T00:00:00Z"
        ),
        money_line(seq=3, status="pending"),
        money_line(seq=4, kind="adjustment", amount="-0.5", reason="goodwill"),
        refund,
    ]
    found = ledger([usage_line(ts=HOUR, units=2)], money, [price()])
    assert found.accounts == {
        "alice": {
            "first_paid_at": "2025-03-02T00:00:00Z",
            "list_cost_nano": 2 * 10**9,
            "billed_cost_nano": 2 * 10**9,
            "lifetime_paid_nano": 10 * 10**9,
            "balance_nano": (1000 + 100 - 5 - 10 - 20) * 10**8,
        }
    }
    assert found.held == {}


def test_a_reference_counts_once_and_a_refund_needs_its_payment() -> None:
    """The earliest line of a reference counts, as time and not as text; kinds do not share one."""
    first = money_line(seq=2, external_ref="r", ts="2025-03-02T00:00:00Z")
    again = money_line(seq=1, external_ref="r", ts="2025-03-02T00:00:00.500000Z")
    grant = money_line(seq=3, external_ref="r", kind="grant")
    good = money_line(seq=4, kind="refund", refers_to=2)
    by_the_other_line = money_line(seq=5, kind="refund", refers_to=1, amount="4")
    of_a_grant = money_line(seq=6, kind="refund", refers_to=3)
    of_another = money_line(seq=7, kind="refund", refers_to=2, user="bob")
    failed = money_line(seq=8, external_ref="r", status="failed", ts="2025-03-03T00:00:00Z")
    lines = [first, again, grant, good, by_the_other_line, of_a_grant, of_another, failed]
    found = ledger([], lines, [])
    assert found.held == {
        again: "repeated reference",
        of_a_grant: "refund of no counted payment",
        of_another: "refund of no counted payment",
        failed: "failed after it succeeded",
    }
    assert set(found.accounts) == {"alice"}
    # 14 were given back of the 10 that were paid; the grant is left
    assert found.accounts["alice"]["balance_nano"] == 10 * 10**9


CORRECTED_AT = "2025-03-01T10:30:00Z"


def correction(seq: int, units: int, **values: object) -> bytes:
    defaults = {"ts": CORRECTED_AT, "corrects": 1, "reason": "miscount"}
    return usage_line(seq=seq, units=units, **{**defaults, **values})


def test_corrections_of_one_record_count_together_or_not_at_all() -> None:
    """Five less three less three is below zero; one more makes it four of them that count."""
    original = usage_line(ts=CORRECTED_AT, units=5)
    both = [correction(2, -3), correction(3, -3)]
    assert only_charge(ledger([original, *both], [], []))[:2] == (5, 1)
    assert ledger([original, *both], [], []).held == dict.fromkeys(both, "below_zero")
    assert only_charge(ledger([original, *both, correction(4, 1)], [], []))[:2] == (0, 4)


def test_what_a_correction_must_share_with_its_record() -> None:
    """The whole key, user, resource and category; and the record is no correction itself."""
    original = usage_line(ts=CORRECTED_AT, units=5)
    elsewhen = correction(2, -1, ts="2025-03-01T10:31:00Z")
    elsewho = correction(3, -1, user="bob")
    elsewhat = correction(4, -1, applies_to="llm")
    counted = correction(5, -1)
    of_counted = correction(6, 1, corrects=5)
    found = ledger([original, elsewhen, elsewho, elsewhat, counted, of_counted], [], [])
    assert only_charge(found)[:2] == (4, 2)
    assert found.held == {
        elsewhen: "no_original",
        of_counted: "no_original",
        elsewho: "unlike_original",
        elsewhat: "unlike_original",
    }


def decided(usage: list[bytes], money: list[bytes], *decisions: bytes) -> Ledger:
    return reckon(set(usage), set(money), [], [DEFAULT_LADDER], set(decisions))


def test_the_operator_excludes_chooses_and_takes_it_back() -> None:
    """A key or a range counts nothing, another rival than the smaller counts, or not any more."""
    less, more = (usage_line(ts=HOUR, units=units) for units in (3, 4))
    other = usage_line(seq=2, ts=HOUR, units=10)
    about = {"of": "node-1", "of_seq": 1}
    key = decision_line(seq=1, kind="exclude", **about, of_ts=HOUR)
    elsewhen = decision_line(seq=1, kind="exclude", **about, of_ts="2025-03-01T10:00:01Z")
    span = decision_line(seq=2, kind="exclude", **about, to_seq=2)
    sha256 = hashlib.sha256(more).hexdigest()
    choice = decision_line(seq=3, kind="choose", **about, of_ts=HOUR, line_sha256=sha256)
    undone = decision_line(seq=4, kind="withdraw", refers_to=3)
    usage = [less, more, other]
    assert only_charge(decided(usage, []))[:2] == (13, 2)
    assert decided(usage, [], elsewhen) == decided(usage, [])
    assert only_charge(decided(usage, [], key))[:2] == (10, 1)
    assert decided(usage, [], span).held == dict.fromkeys(usage, "excluded")
    assert only_charge(decided(usage, [], choice))[:2] == (14, 2)
    assert decided(usage, [], choice).held == {less: "conflict"}
    assert decided(usage, [], choice, undone) == decided(usage, [])


def test_an_excluded_payment_starts_no_tenure_and_can_not_be_given_back() -> None:
    first, second = money_line(seq=1), money_line(seq=2, ts="2025-02-01T00:00:00Z")
    refund = money_line(seq=3, kind="refund", refers_to=1, amount="4")
    away = decision_line(seq=4, kind="exclude", of="books", of_seq=1)
    found = decided([], [first, second, refund], away)
    assert found.accounts["alice"]["first_paid_at"] == "2025-02-01T00:00:00Z"
    assert found.accounts["alice"]["balance_nano"] == 10 * 10**9
    assert found.held == {first: "excluded", refund: "refund of no counted payment"}
