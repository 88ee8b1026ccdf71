"""The comparison alone, apart from anything that answers."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.reconcile.judging.compare import Basis, why_not
from books.reconcile.judging.lines import Need, clashing_numbers, need, object_of
from books.reconcile.judging.memory import AccountMemory, Memory, UsedTag, forget_old
from books.reconcile.judging.promises import tags_used
from books.reconcile.judging.runs import agreeing_runs
from books.reconcile.report import ReportedLine
from providers.interface import Fact, Open, Truth
from providers.tag import Promise
from wire_format.writers import Fx, FxRate, ProviderAccount

AT = datetime(2026, 11, 21, 13, tzinfo=UTC)
TIP = "4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c"
ACCOUNT = ProviderAccount("stripe", "stripe", "acct_1", "live")
PROMISE = Promise("alice", "20.00", "EUR", "18.50", AT - timedelta(minutes=1), "0" * 16)
FX = Fx((FxRate("EUR", 11 * 10**14, 0),))


def fact(**changes: object) -> Fact:
    values: dict[str, Any] = {
        "kind": "payment",
        "external_ref": "pi_1",
        "of_ref": None,
        "amount": "18.50",
        "currency": "EUR",
        "at": AT,
        "tag": "v1|...",
        "attempt": None,
        "is_final": True,
    }
    return Fact(**values | changes)


def truth(*facts: Fact, **changes: object) -> Truth:
    values: dict[str, Any] = {
        "object_id": "pi_1",
        "facts": facts or (fact(),),
        "open": (),
        "mode": "live",
        "is_tagged": True,
        "tag": "v1|...",
        "attempt": None,
        "in_time_s": 3600,
        "failed": None,
    }
    return Truth(**values | changes)


def line(**changes: object) -> ReportedLine:
    values: dict[str, Any] = {
        "node": "till-1",
        "seq": 1,
        "ts": AT,
        "user": "alice",
        "kind": "payment",
        "provider": "stripe",
        "external_ref": "pi_1",
        "amount": "18.50",
        "currency": "EUR",
        "credited_usd": "20.00",
        "status": "succeeded",
        "state": "counted",
        "repo": "till-1",
        "commit": TIP,
        "committed_at": AT + timedelta(seconds=1),
    }
    return ReportedLine(**values | changes)


def basis(**changes: object) -> Basis:
    values: dict[str, Any] = {
        "account": ACCOUNT,
        "truth": truth(),
        "promise": PROMISE,
        "payer": None,
        "is_tag_used": False,
        "is_contested": False,
    }
    return Basis(**values | changes)


REFUND = fact(kind="refund", external_ref="re_1", of_ref="pi_1", amount="5.00")
REFUND_LINE: dict[str, Any] = {
    "kind": "refund",
    "external_ref": "re_1",
    "of_ref": "pi_1",
    "amount": "5.00",
    "credited_usd": None,
}


@pytest.mark.parametrize(
    ("stated", "compared", "says"),
    [
        ({}, {}, None),
        ({"amount": "18.5"}, {}, None),
        ({"amount": "18.500000001"}, {}, "amount: 18.500000001 here, 18.50 there"),
        ({"credited_usd": "20"}, {}, None),
        ({"credited_usd": "20.01"}, {}, "credited_usd: 20.01 here, 20.00 there"),
        ({"credited_usd": None}, {}, "credited_usd: nothing here, 20.00 there"),
        ({"currency": "USD"}, {}, "currency: USD here, EUR there"),
        ({"user": "bob"}, {}, "user: bob here, alice there"),
        ({"ts": AT + timedelta(seconds=1)}, {}, "ts: 2026-11-21T13:00:01Z here"),
        ({"external_ref": "pi_2"}, {}, "that payment has no such payment"),
        ({}, {"truth": None}, "stripe has no such payment"),
        ({}, {"truth": truth(mode="test")}, "it is a payment of test mode"),
        ({}, {"truth": truth(tag=None)}, "the payment has no tag of a till"),
        ({}, {"promise": None}, "is not signed by a till of this account"),
        ({}, {"is_tag_used": True}, "counts for another payment"),
        (
            {},
            {"promise": PROMISE._replace(amount="18.49")},
            "what was paid is not what was promised for",
        ),
        (
            {},
            {"promise": PROMISE._replace(at=AT - timedelta(hours=2))},
            "it was paid before it was promised, or too late after that",
        ),
        (
            {},
            {"truth": truth()._replace(facts=(), open=(Open("pi_1", "intent processing"),))},
            "no such payment has moved money yet: intent processing",
        ),
        (
            {},
            {"truth": truth()._replace(facts=(), failed="card_declined")},
            "nothing was paid: card_declined",
        ),
        (
            {"credited_usd": "21.00"},
            {"promise": PROMISE._replace(credited_usd="21.00")},
            "credited_usd: 21.00 is more than 20.757, the most by rules/fx.toml",
        ),
        (
            {"committed_at": datetime(1969, 1, 1, tzinfo=UTC)},
            {},
            "rules/fx.toml has no rate of EUR for that time",
        ),
        (REFUND_LINE, {"truth": truth(fact(), REFUND)}, None),
        (REFUND_LINE, {}, "that payment has no such refund"),
        (
            REFUND_LINE | {"kind": "dispute"},
            {"truth": truth(fact(), REFUND)},
            "that payment has no such dispute",
        ),
        (
            REFUND_LINE | {"user": "bob"},
            {"truth": truth(fact(), REFUND), "payer": "alice"},
            "user: bob here, alice there",
        ),
        (
            REFUND_LINE | {"amount": "6.00"},
            {"truth": truth(fact(), REFUND), "promise": None},
            "amount: 6.00 here, 5.00 there",
        ),
    ],
)
def test_a_line_agrees_or_it_is_said_why_not(
    stated: dict[str, Any], compared: dict[str, Any], says: str | None
) -> None:
    found = why_not(line(**stated), basis(**compared), FX)
    assert found is None if says is None else says in (found or "")


@pytest.mark.parametrize(
    ("stated", "needed"),
    [
        ({}, Need.PROVIDER),
        ({"state": "waits"}, Need.PROVIDER),
        ({"state": "rivals"}, Need.PROVIDER),
        ({"state": "not_allowed"}, Need.NEVER),
        ({"committed_at": None}, Need.NEVER),
        ({"state": "a reason nobody knows yet"}, Need.NEVER),
        ({"status": "undecided"}, Need.NEVER),
        ({"state": "undecided"}, Need.DECISION),
        ({"kind": "pending", "external_ref": None}, Need.NOTHING),
        ({"kind": "pending", "state": "not_allowed"}, Need.NEVER),
        ({"kind": "consent", "provider": None}, Need.NOTHING),
        ({"kind": "consent", "state": "not_allowed"}, Need.NEVER),
        ({"kind": "grant"}, Need.NEVER),
        ({"external_ref": None}, Need.NEVER),
        ({"kind": "refund", "of_ref": None}, Need.NEVER),
    ],
)
def test_what_a_line_needs(stated: dict[str, Any], needed: Need) -> None:
    assert need(line(**stated)) is needed


def test_a_provider_is_asked_about_the_payment() -> None:
    assert object_of(line(attempt="topup:7"), "stripe") == "pi_1"
    assert object_of(line(**REFUND_LINE), "stripe") == "pi_1"
    assert object_of(line(attempt="A1"), "clickpesa") == "A1"


LINES = st.lists(
    st.builds(
        lambda node, repo, seq, user: line(node=node, repo=f"{node}{repo}", seq=seq, user=user),
        st.sampled_from(["till-1", "till-2"]),
        st.sampled_from(["", "-b"]),
        st.integers(1, 9),
        st.sampled_from(["alice", "bob"]),
    ),
    unique=True,
    max_size=20,
)


@given(LINES, st.data())
def test_runs_are_the_longest_of_numbers_that_agree_and_no_others(
    lines: list[ReportedLine], data: st.DataObject
) -> None:
    """Whatever order the lines are in."""
    agreed = {each for each in lines if data.draw(st.booleans())}
    clashing = clashing_numbers(lines)
    runs = agreeing_runs(lines, agreed, clashing)
    by_number: dict[tuple[str, int], list[ReportedLine]] = defaultdict(list)
    for each in lines:
        by_number[each.node, each.seq].append(each)
    good = {
        (each.node, each.repo, each.seq)
        for each in lines
        if all(
            other in agreed and other.user == each.user for other in by_number[each.node, each.seq]
        )
    }
    covered = [
        (run.node, run.repo, seq) for run in runs for seq in range(run.first_seq, run.last_seq + 1)
    ]
    assert sorted(covered) == sorted(good)
    assert all((run.node, run.repo, run.last_seq + 1) not in good for run in runs)
    random.Random(1).shuffle(lines)
    assert agreeing_runs(lines, agreed, clashing_numbers(lines)) == runs


@given(st.permutations([("pi_1", 0), ("pi_2", 5), ("pi_3", 5)]))
def test_a_tag_counts_for_the_earliest_payment_unless_another_is_remembered(
    order: list[tuple[str, int]],
) -> None:
    truths = [
        (truth(fact(external_ref=ref, at=AT + timedelta(seconds=late))), PROMISE)
        for ref, late in order
    ]
    assert tags_used(truths, {})[PROMISE.nonce].payment == "pi_1"
    assert tags_used(truths[1:] + truths[:1], {PROMISE.nonce: UsedTag(AT, "pi_0")}) == {
        PROMISE.nonce: UsedTag(AT, "pi_0")
    }


def test_what_cannot_matter_any_more_is_forgotten() -> None:
    account = AccountMemory(None, tags={"old": UsedTag(AT, "pi_1")})
    memory = Memory(accounts={"stripe": account})
    forget_old(memory, AT + timedelta(days=40))
    assert account.tags.keys() == {"old"}
    forget_old(memory, AT + timedelta(days=41))
    assert account.tags == {}
