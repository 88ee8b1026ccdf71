"""Which money lines move a balance: a function of the set of lines."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.pool import Credit, credits_of, payments_of
from gitmeter.money.rivals import Contender, Judged, MoneyState, judge
from tests.support.repos import money_line
from tests.support.strategies import money_lines
from wire_format.lines import Folder, Money
from wire_format.segment import decode_segment

COUNTED, TWIN, UNPAID, PENDING, DENIED = (
    MoneyState.COUNTED,
    MoneyState.SAME_MOVEMENT,
    MoneyState.NO_PAYMENT,
    MoneyState.NOT_SUCCEEDED,
    MoneyState.CONTRADICTS,
)


def judged_of(lines: bytes) -> list[Judged]:
    return judge(map(Contender, money(lines)))


def credits_in(judged: list[Judged]) -> dict[str, Credit]:
    return credits_of(judged, payments_of(judged))


def money(lines: bytes) -> list[Money]:
    segment = decode_segment(lines, Folder.PAYMENTS)
    assert not segment.rejects
    return [record for record in segment.records if isinstance(record, Money)]


@given(money_lines().flatmap(lambda lines: st.permutations(sorted(lines))))
def test_the_order_of_the_lines_does_not_matter(order: list[bytes]) -> None:
    """One line for each (seq, ts), as admission leaves them."""
    kept = {(row["seq"], row["ts"]): line for line in order for row in [json.loads(line)]}
    lines = [line for line in order if line in kept.values()]

    def states(some: list[bytes]) -> dict[Money, MoneyState]:
        return {line.record: line.state for line in judged_of(b"".join(some))}

    assert _by_key(states(lines)) == _by_key(states(sorted(lines)))


def _by_key(states: dict[Money, MoneyState]) -> dict[tuple[int, str], MoneyState]:
    return {(record.seq, str(record.ts)): state for record, state in states.items()}


T0, T1 = "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([{}], [COUNTED], id="a payment"),
        pytest.param([{"status": "pending"}], [PENDING], id="pending"),
        pytest.param([{"status": "failed"}], [PENDING], id="failed"),
        pytest.param(
            [{"external_ref": "x"}, {"external_ref": "x"}], [COUNTED, TWIN], id="entered twice"
        ),
        pytest.param(
            [{"external_ref": "x", "ts": T1}, {"external_ref": "x", "ts": T0}],
            [TWIN, COUNTED],
            id="the earliest counts, whatever its number",
        ),
        pytest.param([{}, {}], [COUNTED, COUNTED], id="without a reference each is its own"),
        pytest.param(
            [{"external_ref": "x"}, {"external_ref": "x", "provider": "stripe"}],
            [COUNTED, COUNTED],
            id="the same reference at two providers",
        ),
        pytest.param(
            [{"external_ref": "x", "status": "failed"}, {"external_ref": "x"}],
            [PENDING, COUNTED],
            id="a failed attempt does not take the reference",
        ),
        pytest.param(
            [{"external_ref": "x"}, {"external_ref": "x", "user": "b:2"}],
            [COUNTED, TWIN],
            id="one movement cannot pay two users",
        ),
        pytest.param([{}, {"kind": "refund", "refers_to": 1}], [COUNTED, COUNTED], id="a refund"),
        pytest.param(
            [{"status": "failed"}, {"kind": "refund", "refers_to": 1}],
            [PENDING, UNPAID],
            id="a refund of a failed payment",
        ),
        pytest.param(
            [{"kind": "grant"}, {"kind": "refund", "refers_to": 1}],
            [COUNTED, UNPAID],
            id="a refund of a grant",
        ),
        pytest.param(
            [{}, {"kind": "refund", "refers_to": 1, "user": "b:2"}],
            [COUNTED, UNPAID],
            id="a refund to another user",
        ),
        pytest.param(
            [{"ts": T1}, {"kind": "refund", "refers_to": 1, "ts": T0}],
            [COUNTED, COUNTED],
            id="a refund dated before its payment",
        ),
        pytest.param(
            [
                {"external_ref": "x"},
                {"external_ref": "x"},
                {"kind": "refund", "refers_to": 2, "external_ref": "y"},
            ],
            [COUNTED, TWIN, COUNTED],
            id="a refund that names a twin means the payment that counts",
        ),
        pytest.param(
            [
                {"external_ref": "x", "user": "b:2"},
                {"external_ref": "x"},
                {"kind": "refund", "refers_to": 2, "external_ref": "y"},
            ],
            [COUNTED, TWIN, UNPAID],
            id="a refund that names a twin of another user's payment",
        ),
        pytest.param(
            [{"external_ref": "x"}, {"external_ref": "x", "status": "failed"}],
            [COUNTED, DENIED],
            id="failed after it succeeded",
        ),
        pytest.param(
            [{"external_ref": "x", "ts": T1}, {"external_ref": "x", "status": "failed", "ts": T0}],
            [COUNTED, PENDING],
            id="failed before it succeeded, whatever its number",
        ),
        pytest.param(
            [{"external_ref": "x"}, {"external_ref": "x", "status": "pending"}],
            [COUNTED, PENDING],
            id="a late word that it is pending contradicts nothing",
        ),
        pytest.param(
            [{"external_ref": "x"}, {"kind": "refund", "refers_to": 1, "external_ref": "x"}],
            [COUNTED, COUNTED],
            id="kinds have references of their own",
        ),
    ],
)
def test_what_becomes_of_lines(lines: list[dict[str, Any]], expected: list[MoneyState]) -> None:
    text = b"".join(money_line(seq=seq, **values) for seq, values in enumerate(lines, start=1))
    states = {line.record.seq: line.state for line in judged_of(text)}
    assert [states[seq] for seq in range(1, len(lines) + 1)] == expected


def test_what_the_counted_lines_come_to() -> None:
    """Only payments are lifetime paid and start tenure; what is credited is in USD."""
    text = b"".join(
        [
            money_line(seq=1, kind="grant", amount="3", ts=T0),
            money_line(seq=2, amount="7", ts=T1),
            money_line(seq=3, amount="500", currency="TZS", credited_usd="0.2", ts=T1),
            money_line(seq=4, kind="refund", refers_to=2, amount="1.5"),
            money_line(seq=5, kind="adjustment", amount="-0.000000001", reason="why"),
        ]
    )
    found = credits_in(judged_of(text))["alice"]
    assert found.credit_nano == 3 * 10**9 + 7 * 10**9 + 2 * 10**8 - 15 * 10**8 - 1
    assert found.lifetime_paid_nano == 72 * 10**8
    assert found.first_paid_us == 1_735_776_000_000_000
    assert credits_in([]) == {}


_REFUNDS = st.lists(st.integers(1, 12), min_size=1, max_size=6)


@given(_REFUNDS, st.randoms(use_true_random=False))
def test_refunds_take_their_sum_back_and_never_more_than_was_paid(
    dollars: list[int], random: Random
) -> None:
    """Whatever their order and however the sum is split; the rest is reported."""
    lines = [money_line(seq=1, amount="20", ts=T0)]
    lines += [
        money_line(seq=seq, kind="refund", refers_to=1, amount=str(amount), ts=T1)
        for seq, amount in enumerate(dollars, start=2)
    ]
    random.shuffle(lines)
    judged = judged_of(b"".join(lines))
    random.shuffle(judged)
    assert credits_in(judged)["alice"].credit_nano == max(0, 20 - sum(dollars)) * 10**9
    (payment,) = payments_of(judged).values()
    assert payment.beyond_nano() == max(0, sum(dollars) - 20) * 10**9
    assert payment.asked_nano() == sum(dollars) * 10**9
