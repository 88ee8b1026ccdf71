"""What must be written, given what a provider says: the table, in the order of precedence."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from providers.expected import Expectation, ExpectedLine, Remark, expected
from providers.interface import Fact, FactKind, Truth
from providers.tag import Promise

AT = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
PROMISE = Promise("alice", "20.00", "EUR", "18.50", AT, "0" * 16)
HOUR_S = 3600


PAID: Final = Fact(
    kind="payment",
    external_ref="pi_1",
    of_ref=None,
    amount="18.50",
    currency="EUR",
    at=AT + timedelta(minutes=5),
    tag="tag",
    attempt="a1",
    is_final=True,
)


def fact(kind: FactKind, ref: str) -> Fact:
    return PAID._replace(kind=kind, external_ref=ref, of_ref="pi_1")


def truth(*facts: Fact, tag: str | None = "tag") -> Truth:
    return Truth(
        object_id="pi_1",
        facts=tuple(each._replace(tag=tag) for each in facts),
        open=(),
        mode="live",
        is_tagged=True,
        tag=tag,
        attempt="a1",
        in_time_s=HOUR_S,
        failed=None,
    )


def shown(found: Expectation) -> list[tuple[str, str, str, str, str | None]]:
    return [
        (line.kind, line.external_ref, line.user, line.status, line.credited_usd)
        for line in found.lines
    ]


GOOD = ("payment", "pi_1", "alice", "succeeded", "20.00")
UNDECIDED = ("payment", "pi_1", "alice", "undecided", None)
REFUND = ("refund", "re_1", "alice", "succeeded", None)


def test_a_payment_as_promised_has_the_promised_credit() -> None:
    assert expected(truth(PAID), PROMISE) == Expectation(
        (
            ExpectedLine(
                kind="payment",
                user="alice",
                external_ref="pi_1",
                of_ref=None,
                amount="18.50",
                currency="EUR",
                credited_usd="20.00",
                status="succeeded",
                attempt="a1",
                at=AT + timedelta(minutes=5),
            ),
        ),
        None,
    )


def test_dollars_state_no_credit() -> None:
    dollars = PROMISE._replace(currency="USD", amount="20.00")
    found = expected(truth(PAID._replace(currency="USD", amount="20")), dollars)
    assert shown(found) == [("payment", "pi_1", "alice", "succeeded", None)]


@pytest.mark.parametrize(
    ("said", "promise", "given", "lines", "remark"),
    [
        (truth(), PROMISE, {}, [], None),
        (truth(), None, {}, [], None),
        (truth(PAID, tag=None), None, {}, [], Remark.NOT_OURS),
        (truth(PAID, tag=None), PROMISE, {}, [], Remark.NOT_OURS),
        (truth(PAID), None, {}, [], Remark.FORGED),
        (truth(PAID), PROMISE, {"is_tag_used": True}, [], Remark.TAG_USED),
        (truth(PAID._replace(amount="18.49")), PROMISE, {}, [UNDECIDED], Remark.OTHER_AMOUNT),
        (truth(PAID._replace(amount="18.51")), PROMISE, {}, [UNDECIDED], Remark.OTHER_AMOUNT),
        (truth(PAID._replace(currency="USD")), PROMISE, {}, [UNDECIDED], Remark.OTHER_AMOUNT),
        (
            truth(PAID._replace(amount="1", at=AT + timedelta(days=1))),
            PROMISE,
            {},
            [UNDECIDED],
            Remark.OTHER_AMOUNT,
        ),
        (
            truth(PAID._replace(at=AT + timedelta(minutes=66))),
            PROMISE,
            {},
            [UNDECIDED],
            Remark.OUT_OF_TIME,
        ),
        (
            truth(PAID._replace(at=AT - timedelta(minutes=6))),
            PROMISE,
            {},
            [UNDECIDED],
            Remark.OUT_OF_TIME,
        ),
        (truth(PAID._replace(at=AT + timedelta(minutes=65))), PROMISE, {}, [GOOD], None),
        (truth(PAID._replace(at=AT - timedelta(minutes=5))), PROMISE, {}, [GOOD], None),
        (
            truth(PAID._replace(at=AT + timedelta(days=13)))._replace(in_time_s=14 * 24 * HOUR_S),
            PROMISE,
            {},
            [GOOD],
            None,
        ),
        (truth(PAID, fact("refund", "re_1")), PROMISE, {}, [GOOD, REFUND], None),
        (truth(PAID, fact("refund", "re_1"), tag=None), None, {}, [], Remark.NOT_OURS),
        (truth(PAID, fact("refund", "re_1")), None, {}, [], Remark.FORGED),
        (
            truth(PAID, fact("refund", "re_1"), tag=None),
            None,
            {"payer": "alice"},
            [REFUND],
            Remark.NOT_OURS,
        ),
        (
            truth(PAID, fact("refund", "re_1")),
            None,
            {"payer": "alice"},
            [REFUND],
            Remark.FORGED,
        ),
        (
            truth(PAID, fact("refund", "re_1")),
            PROMISE._replace(user="eve"),
            {"payer": "alice"},
            [("payment", "pi_1", "eve", "succeeded", "20.00"), REFUND],
            None,
        ),
        (
            truth(
                PAID,
                fact("refund", "re_1"),
                fact("refund_reversal", "re_1"),
                fact("dispute", "txn_1"),
                fact("dispute_reversal", "txn_2"),
            ),
            PROMISE,
            {},
            [
                GOOD,
                REFUND,
                ("refund_reversal", "re_1", "alice", "succeeded", None),
                ("dispute", "txn_1", "alice", "succeeded", None),
                ("dispute_reversal", "txn_2", "alice", "succeeded", None),
            ],
            None,
        ),
    ],
)
def test_the_table_of_a_provider_with_tags(
    said: Truth,
    promise: Promise | None,
    given: dict[str, Any],
    lines: list[tuple[str, str, str, str, str | None]],
    remark: Remark | None,
) -> None:
    found = expected(said, promise, **given)
    assert shown(found) == lines
    assert found.remark == remark


@pytest.mark.parametrize(
    ("changed", "promise", "line", "remark"),
    [
        ({}, PROMISE, GOOD, None),
        ({}, None, ("payment", "pi_1", "", "undecided", None), Remark.NO_PROMISE),
        ({"amount": "18"}, PROMISE, UNDECIDED, Remark.OTHER_AMOUNT),
        ({"at": AT}, PROMISE, GOOD, None),
        ({"at": AT - timedelta(seconds=1)}, PROMISE, UNDECIDED, Remark.OUT_OF_TIME),
        ({"at": AT + timedelta(hours=24)}, PROMISE, GOOD, None),
        ({"at": AT + timedelta(hours=24, seconds=1)}, PROMISE, UNDECIDED, Remark.OUT_OF_TIME),
    ],
)
def test_the_table_of_a_provider_without_tags(
    changed: dict[str, Any], promise: Promise | None, line: tuple[Any, ...], remark: Remark | None
) -> None:
    """The promise is a pending line, which was pushed before anything could be paid."""
    said = truth(PAID._replace(**changed), tag=None)._replace(
        is_tagged=False, in_time_s=24 * HOUR_S
    )
    found = expected(said, promise)
    assert shown(found) == [line]
    assert found.remark == remark


def test_a_link_that_is_paid_twice_is_two_payments_judged_apart() -> None:
    said = truth(PAID, PAID._replace(external_ref="pi_2", amount="1"), tag=None)._replace(
        is_tagged=False
    )
    found = expected(said, PROMISE)
    assert shown(found) == [GOOD, ("payment", "pi_2", "alice", "undecided", None)]
    assert found.remark is Remark.OTHER_AMOUNT


def test_only_what_is_not_ours_needs_no_person() -> None:
    assert [remark for remark in Remark if not remark.is_incident] == [Remark.NOT_OURS]
