"""Of all lines of the books only those that concern a new one are looked at, and none is missed."""

from hypothesis import given
from hypothesis import strategies as st

from books.checks import payment_named, refuse
from books.errors import MoneyError
from books.known_money import KnownMoney, MoneyIndex, judged_money
from gitmeter.counting.decisions import NodeDecisions
from gitmeter.counting.grounds import Grounds, NoLimit
from node_pusher.spool.drafts import UNNUMBERED
from tests.support.repos import decision_line, money_line
from wire_format.lines import Decision, Folder, Money
from wire_format.segment import decode_segment

REFERENCES = st.sampled_from([None, "r1", "r2", "r3"])


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
