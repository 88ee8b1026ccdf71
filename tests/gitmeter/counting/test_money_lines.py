"""Which money lines move a balance: a function of the set of lines."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.counting.money_lines import MoneyState, credit, judge
from tests.support.repos import money_line
from tests.support.strategies import money_lines
from wire_format.lines import Folder, Money
from wire_format.segment import decode_segment

COUNTED, TWIN, UNPAID, PENDING = (
    MoneyState.COUNTED,
    MoneyState.SAME_MOVEMENT,
    MoneyState.NO_PAYMENT,
    MoneyState.NOT_SUCCEEDED,
)


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
        return {record: state for record, state in judge(money(b"".join(some)))}  # noqa: C416 - tuples

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
            [COUNTED, TWIN, UNPAID],
            id="a refund of a payment that was a twin",
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
    states = {record.seq: state for record, state in judge(money(text))}
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
    found = credit(money(text))
    assert found.credit_nano == 3 * 10**9 + 7 * 10**9 + 2 * 10**8 - 15 * 10**8 - 1
    assert found.lifetime_paid_nano == 72 * 10**8
    assert found.first_paid_us == 1_735_776_000_000_000
    assert credit([]) == (0, 0, None)
