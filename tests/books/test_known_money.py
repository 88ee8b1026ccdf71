"""Of all lines of the books only those that concern a new one are looked at, and none is missed."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.account_money import refuse_wrong_line
from books.checks import payment_named, refuse
from books.errors import MoneyError
from books.known import money
from books.known.money import KnownMoney, MoneyIndex, judged_money
from gitmeter.counting.decisions import NodeDecisions
from gitmeter.counting.grounds import Grounds, NoLimit
from node_pusher.spool.drafts import UNNUMBERED
from tests.support.repos import decision_line, money_line
from wire_format.lines import Decision, Folder, Money
from wire_format.segment import decode_segment
from wire_format.writers import ProviderAccount

REFERENCES = st.sampled_from([None, "r1", "r2", "r3"])
STRIPE = ProviderAccount("stripe-1", "stripe", "acct_1", "live")


@st.composite
def lines(draw: st.DrawFn, seqs: st.SearchStrategy[int]) -> bytes:
    seq = draw(seqs)
    kind = draw(
        st.sampled_from(["payment", "payment", "grant", "refund"] if seq > 1 else ["grant"])
    )
    return money_line(
        seq=seq,
        ts=f"2025-01-0{draw(st.integers(1, 3))}T00:00:00Z",
        user=draw(st.sampled_from(["alice", "bob"])),
        kind=kind,
        provider=draw(st.sampled_from(["manual", "stripe"])),
        external_ref=draw(REFERENCES),
        refers_to=draw(st.integers(1, min(seq - 1, 6))) if kind == "refund" else None,
        amount=draw(st.sampled_from(["5", "6", "10"])),
        status=draw(st.sampled_from(["succeeded", "succeeded", "pending", "failed"])),
    )


@st.composite
def exclusions(draw: st.DrawFn) -> NodeDecisions:
    decisions = [
        decision_line(seq=100 + seq, kind="exclude", of="books", of_seq=seq)
        for seq in draw(st.sets(st.integers(1, 6), max_size=2))
    ]
    records = decode_segment(b"".join(decisions), Folder.DECISIONS).records
    return NodeDecisions(record for record in records if isinstance(record, Decision))


def decoded(line: bytes) -> Money:
    (record,) = decode_segment(line, Folder.PAYMENTS).records
    assert isinstance(record, Money)
    return record


def answer(line: Money, known: KnownMoney, *, is_dated: bool) -> str:
    """What is said of a new line; empty when it is taken."""
    try:
        if line.refers_to is not None:
            payment_named(line.refers_to, line.user, known)
        if line.v == 2:
            refuse_wrong_line(line, STRIPE, known.admitted)
        refuse(line, known, is_new_movement=False, is_dated=is_dated)
    except MoneyError as error:
        # which of several rivals, or of several lines that say the same, is named may differ
        return str(error).partition(" is a ")[0]
    return ""


@given(
    st.lists(lines(st.integers(1, 6)), max_size=12),
    lines(st.just(UNNUMBERED)),
    exclusions(),
    st.booleans(),
)
def test_a_line_is_judged_as_if_all_lines_had_been_looked_at(
    earlier: list[bytes],
    typed: bytes,
    decisions: NodeDecisions,
    is_dated: bool,  # noqa: FBT001 - drawn
) -> None:
    new = decoded(typed)
    index = MoneyIndex(decisions, earlier)
    known = index.concerning([new.external_ref], new.refers_to)
    whole = judged_money(earlier, Grounds(decisions, NoLimit()))
    assert answer(new, known, is_dated=is_dated) == answer(new, whole, is_dated=is_dated)
    assert set(index.users()) == {decoded(line).user for line in earlier}


PAID: dict[int, dict[str, object]] = {
    2: {"provider": "manual", "external_ref": "cash"},
    1: {"v": 2, "provider": "stripe-1", "external_ref": "pi_1"},
}
"""A payment of version 1 under number 2, and one of version 2 under number 1."""


@st.composite
def refunds(draw: st.DrawFn, seqs: st.SearchStrategy[int]) -> bytes:
    """Of one of two payments, nearly always; with a reference of its own, mostly."""
    seq = draw(seqs)
    is_first = draw(st.booleans())
    payment = PAID[2 if is_first else draw(st.sampled_from([1, 1, 1, 2]))]
    own = draw(st.sampled_from([str(seq), str(seq), "1", "2", "9"]))
    stated: dict[str, object] = {"refers_to": draw(st.sampled_from([1, 2, 2, 2, 4]))}
    if not is_first:
        stated = {"v": 2, "of_ref": payment["external_ref"]}
    has_reference = not is_first or draw(st.booleans())
    currency = draw(st.sampled_from(["USD", "USD", "USD", "EUR"]))
    return money_line(
        seq=seq,
        ts=f"2025-01-0{draw(st.integers(4, 5))}T00:00:00Z",
        user=draw(st.sampled_from(["alice", "alice", "alice", "bob"])),
        kind="refund",
        provider=payment["provider"],
        external_ref=f"re_{own}" if has_reference else None,
        amount=draw(st.sampled_from(["1", "1", "2", "3", "0.5", "11"])),
        currency=currency,
        credited_usd="1.5" if is_first and currency == "EUR" else None,
        status="succeeded"
        if not is_first
        else draw(st.sampled_from(["succeeded"] * 3 + ["failed"])),
        **stated,
    )


@st.composite
def told(draw: st.DrawFn) -> list[bytes]:
    """The two payments, told at some time, and refunds."""
    found = [draw(refunds(st.integers(3, 9))) for _ in range(draw(st.integers(0, 12)))]
    for seq, stated in PAID.items():
        amount = draw(st.sampled_from(["5", "10"]))
        found.insert(draw(st.integers(0, len(found))), money_line(seq=seq, amount=amount, **stated))
    return found


@given(told(), st.lists(refunds(st.just(UNNUMBERED)), min_size=2, max_size=4), exclusions())
def test_refunds_that_are_added_up_are_judged_as_if_each_had_been_looked_at(
    earlier: list[bytes], typed: list[bytes], decisions: NodeDecisions
) -> None:
    """Whatever was asked after each line that was told."""
    index = MoneyIndex(decisions)
    whole = judged_money(earlier, Grounds(decisions, NoLimit()))
    with patch.object(money, "_SUMMED_FROM", 1):
        for line in dict.fromkeys(earlier):
            index.add(line)
            for new in map(decoded, typed):
                index.concerning([new.external_ref, new.of_ref], new.refers_to)
        for new in map(decoded, typed):
            known = index.concerning([new.external_ref, new.of_ref], new.refers_to)
            assert answer(new, known, is_dated=True) == answer(new, whole, is_dated=True)


def test_a_refund_looks_at_few_lines_however_many_its_payment_has() -> None:
    """They are one line, but for the one that it repeats, and what is excluded is in none."""
    paid = money_line(seq=1, external_ref="pi_1", amount="1000")
    back = {"kind": "refund", "refers_to": 1, "amount": "0.50"}
    given_back = [money_line(seq=seq, external_ref=f"re_{seq}", **back) for seq in range(2, 1002)]
    (exclude,) = decode_segment(
        decision_line(seq=2000, kind="exclude", of="books", of_seq=7), Folder.DECISIONS
    ).records
    assert isinstance(exclude, Decision)
    index = MoneyIndex(NodeDecisions([exclude]), [paid, *given_back])
    known = index.concerning(["re_new"], 1)
    assert [(line.seq, line.amount) for line in known.admitted] == [(1, "1000"), (2, "499.50")]
    known = index.concerning(["re_3"], 1)
    told = [(line.seq, line.amount) for line in known.admitted]
    assert told == [(1, "1000"), (2, "499.00"), (3, "0.50")]


RIVAL = money_line(seq=5, kind="grant", amount="0.10")
LATE = money_line(seq=40, amount="5", **PAID[1])


@pytest.mark.parametrize(
    ("payment", "later"),
    [(PAID[2], RIVAL), (PAID[1], LATE)],
    ids=["a rival of one of them", "their payment"],
)
def test_what_comes_after_refunds_were_added_up_is_looked_at(
    payment: dict[str, object], later: bytes
) -> None:
    """A refund may lose its number to a rival, and a payment is less than was given back."""
    about = {"refers_to": 1} if payment is PAID[2] else {"v": 2, "of_ref": "pi_1"}
    about |= {"kind": "refund", "provider": payment["provider"], "amount": "1"}
    earlier = [money_line(seq=seq, external_ref=f"re_{seq}", **about) for seq in range(2, 32)]
    if payment is PAID[2]:
        earlier.insert(0, money_line(seq=1, amount="50", **payment))
    index = MoneyIndex(NodeDecisions(), earlier)
    paid = 1 if payment is PAID[2] else 40
    new = decoded(money_line(seq=UNNUMBERED, kind="refund", refers_to=paid, amount="50"))
    index.concerning(["pi_1"], paid)
    index.add(later)
    known = index.concerning([], paid)
    whole = judged_money([*earlier, later], Grounds(NodeDecisions(), NoLimit()))
    said = answer(new, known, is_dated=False)
    assert said == answer(new, whole, is_dated=False)
    assert said.startswith("the refund of 50.00 USD after ")
    assert len(known.admitted) < 10


def test_a_refund_finds_its_payment_among_lines_that_have_a_seq_in_common() -> None:
    """Books that were copied, and written on, may have that; whichever line is read first."""
    paid = money_line(seq=2, ts="2025-01-01T00:00:00Z", external_ref="pi_1", amount="5")
    back = {"kind": "refund", "refers_to": 2, "amount": "5"}
    earlier = money_line(seq=2, ts="2025-01-02T00:00:00Z", **(back | {"refers_to": 1}))
    new = decoded(money_line(seq=UNNUMBERED, external_ref="re_1", **back))
    for lines_read in ([paid, earlier], [earlier, paid]):
        known = MoneyIndex(NodeDecisions(), lines_read).concerning(["re_1"], 2)
        assert payment_named(2, new.user or "", known) == decoded(paid)
        assert answer(new, known, is_dated=False) == ""


def test_what_concerns_a_line_does_not_grow_with_the_others() -> None:
    """A user's other payments are not among it: an account may have ten thousand."""
    paid = [money_line(seq=seq, external_ref=f"pi_{seq}") for seq in range(1, 1001)]
    back = money_line(seq=1001, kind="refund", refers_to=7, external_ref="re_1", amount="1")
    index = MoneyIndex(NodeDecisions(), [*paid, back])
    assert index.concerning(["pi_new"], None).admitted == []
    assert index.concerning(["re_2"], 7).admitted == [decoded(paid[6]), decoded(back)]
    assert index.concerning(["pi_7"], None).admitted == [decoded(paid[6]), decoded(back)]
