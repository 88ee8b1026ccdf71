"""Small stories with worked answers: one rule about money each."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.money_story import Story


class Told(NamedTuple):
    """A story, and what comes of it at its end.

    Attributes:
        story: who wrote what.
        counts, waits: `node:seq` of the lines that count, and of those that wait.
        pool: what each user has, in nano-dollars.
    """

    story: Story
    counts: set[str]
    waits: set[str]
    pool: dict[str, int]


USD = 1_000_000_000


def what_a_till_may_state() -> Told:
    """The most of its limit, and nothing of another version, kind, provider, time or writer."""
    since = {"since": "2026-11-01T00:00:00Z", "providers": ["stripe"]}
    s = Story({"till-1": since}, desks=("desk-1",))
    s.pay("till-1", "pi_1", "100.00", 2)
    s.pay("till-1", "pi_2", "1", 2, v=1)
    s.pay("till-1", "pi_3", "4", 2, ts="2026-10-31T23:59:59Z")
    s.pay("till-1", "pi_4", "100.01", 3)
    s.pay("till-1", "cash", "8", 4, provider="manual")
    s.pay("till-1", "CP1", "8", 4, provider="clickpesa-tz")
    grant = {"category": "paid", "priority": 5, "from": "2026-11-04T00:00:00Z"}
    s.pay("till-1", "g", "8", 4, kind="grant", provider="manual", **grant)
    s.pay("till-1", "pi_5", "8", 2, committed=37.5)
    s.pay("till-9", "pi_6", "8", 2)
    s.pay("desk-1", "pi_7", "8", 2)
    s.pay("n1", "pi_8", "8", 2)
    s.pay("till-1", "pi_9", "1", 3, committed=38)
    return Told(s, {"till-1:1", "till-1:9"}, set(), {"alice": 101 * USD})


def what_charges_cards_writes_its_attempts_alone() -> Told:
    """A line that its place does not allow has no number: what else has that number counts."""
    s = Story({"till-1": {}})
    charger = {"node": "till-9", "from": "2026-11-01T00:00:00Z", "providers": ["stripe"]}
    s.writers["tills"].append(charger | {"topups_hour_max": 2, "topup_usd_hour_max": "50"})
    attempts = {"till-1": "topup:alice:1", "till-9": "auto:alice:1"}
    about: dict[str, Any] = {"user": "alice", "provider": "stripe", "kind": "pending"}
    about |= {"amount": "20", "currency": "USD"}
    for node, other in (("till-1", "till-9"), ("till-9", "till-1")):
        s.line(node, 5, **{**about, "attempt": attempts[other]})
        s.line(node, 5, **{**about, "attempt": attempts[node]})
        s.pay(node, f"pi_{node}", "1", 6)
        s.about("refund", node, f"re_{node}", f"pi_{node}", "0.5", 6)
        s.line(node, 6, type="account", user="alice", kind="consent", amount_usd="20")
        # what is allowed has its number, and what leaves more does not stand under it
        s.pay(node, f"pi_{node}-1", "8", 7, seq=1)
        s.pay(node, f"pi_{node}-2", "8", 7, seq=2)
    counts = {"till-1:1", "till-1:3", "till-1:4", "till-1:5"}
    return Told(s, counts, set(), {"alice": 8_500_000_000})


def consents_within_limits() -> Told:
    """Of the version at the commit; one that limits them asks for a month's limit."""
    limited = {"consent_max_usd": "20", "consent_month_max_usd": "100"}
    s = Story({"till-1": limited, "till-2": {}})
    older = s.writers["tills"][0]
    s.writers["tills"].append(older | {"from": "2026-11-10T00:00:00Z", "consent_max_usd": "30"})
    month: dict[str, Any] = {"month_usd": "100"}
    of: dict[str, Any] = {"type": "account", "user": "alice", "kind": "consent"}
    s.line("till-1", 5, **of, amount_usd="20", **month, of_provider="stripe", of_ref="pi_1")
    s.line("till-1", 5, **of, amount_usd="20.01", **month)
    s.line("till-1", 5, **of, amount_usd="20", month_usd="100.000000001")
    s.line("till-1", 5, **of, amount_usd="20")
    s.line("till-1", 9, committed=10, **of, amount_usd="30", **month)
    s.line("till-1", 9, **of, amount_usd="30", **month, repo="till-1-b")
    s.line("till-2", 5, **of, amount_usd="99999")
    return Told(s, {"till-1:1", "till-1:5", "till-2:1"}, set(), {"alice": 0})


def limits_change_over_time() -> Told:
    """The version at the commit counts, an ended one leaves nothing, a later commit helps."""
    s = Story({"till-2": {"from": "2026-11-08T00:00:00Z"}})
    ten = {"node": "till-1", "from": "2026-01-01T00:00:00Z", "providers": ["stripe"]}
    ten |= {"payment_max_usd": "10", "unconfirmed_max_usd": "1000"}
    five = {**ten, "payment_max_usd": "5", "from": "2026-11-10T00:00:00Z"}
    s.writers["tills"] += [ten, {**five, "until": "2026-11-20T00:00:00Z"}]
    s.pay("till-1", "pi_1", "9", 9)
    s.pay("till-1", "pi_2", "9", 9.5, committed=10)
    s.pay("till-1", "pi_3", "4", 12)
    s.pay("till-1", "pi_4", "1", 19, committed=20)
    s.pay("till-2", "pi_5", "7", 7)
    again = s.commit("till-2", 9)
    s.lines.append({**s.lines[-1], "commit": again, "commit_ts": s.commits[again]["ts"]})
    return Told(s, {"till-1:1", "till-1:3", "till-2:1"}, set(), {"alice": 20 * USD})


def a_copy_takes_nothing_back() -> Told:
    """A line that was allowed stays, in whatever commits it is again."""
    s = Story({"till-1": {"until": "2026-11-20T00:00:00Z"}, "till-2": {}})
    for node in ("till-1", "till-2"):
        s.pay(node, f"pi_{node}", "3", 2)
    tip = s.tip("till-2")
    for line in list(s.lines):
        again = s.commit(line["node"], 25)
        s.lines.append({**line, "commit": again, "commit_ts": s.commits[again]["ts"]})
    s.decide("only", 26, of="till-2", tip=tip)
    return Told(s, {"till-1:1", "till-2:1"}, set(), {"alice": 6 * USD})


def a_commit_dated_back_holds_its_repo() -> Told:
    """It, and all above it; the line counts where a later repo has it."""
    s = Story()
    s.pay("till-1", "pi_1", "1", 10)
    s.pay("till-1", "pi_2", "2", 9)
    line = s.lines[-1]
    s.pay("till-1", "pi_3", "4", 11)
    again = s.commit("till-1-next", 11)
    more = {"repo": "till-1-next", "commit": again, "commit_ts": s.commits[again]["ts"]}
    s.lines.append(line | more)
    return Told(s, {"till-1:1", "till-1:2"}, set(), {"alice": 3 * USD})


def an_idle_writer_cannot_write_the_past() -> Told:
    """A commit that was not there when its day was seen; a day of delay is allowed."""
    s = Story()
    s.pay("till-1", "pi_1", "1", 1)
    s.decide("seen", 5, of="till-1", tip=s.tip("till-1"))
    s.pay("till-1", "pi_2", "2", 3.9)
    s.pay("till-1", "pi_3", "4", 4)
    return Told(s, {"till-1:1", "till-1:3"}, set(), {"alice": 5 * USD})


def the_way_out_after_a_theft() -> Told:
    """Nothing above the commit counts, nor in an older repo; a repo begun later does."""
    s = Story()
    s.pay("till-1", "pi_0", "64", 1, repo="till-1-old")
    s.pay("till-1", "pi_1", "1", 2)
    tip = s.tip("till-1")
    s.pay("till-1", "pi_2", "2", 3)
    s.pay("till-1", "pi_3", "4", 5, repo="till-1-new")
    s.decide("only", 6, of="till-1", tip=tip)
    return Told(s, {"till-1:2", "till-1:4"}, set(), {"alice": 5 * USD})


def a_way_out_that_was_withdrawn() -> Told:
    """Everything counts again."""
    s = Story()
    s.pay("till-1", "pi_1", "1", 2)
    tip = s.tip("till-1")
    s.pay("till-1", "pi_2", "2", 3)
    seq = s.decide("only", 6, of="till-1", tip=tip)
    s.decide("withdraw", 7, refers_to=seq)
    return Told(s, {"till-1:1", "till-1:2"}, set(), {"alice": 3 * USD})


def numbers_used_twice() -> Told:
    """The reconciled line stands, else the one that leaves less; a refund leaves least."""
    s = Story()
    s.pay("till-1", "pi_1", "5", 2, seq=1)
    s.pay("till-1", "pi_2", "3", 3, seq=1)
    s.pay("till-2", "pi_3", "10", 2, seq=1)
    s.pay("till-2", "pi_4", "20", 2, seq=2)
    s.about("refund", "till-2", "re_1", "pi_3", "1", 3, seq=2)
    s.pay("till-3", "pi_5", "7", 2, seq=1)
    s.reconcile("till-3", 1, 1, 3)
    s.pay("till-3", "pi_6", "6", 4, seq=1)
    return Told(s, {"till-1:1", "till-2:1", "till-2:2", "till-3:1"}, set(), {"alice": 19 * USD})


def what_nobody_confirmed() -> Told:
    """The sum goes by number; what is reconciled or a repeat is not in it, what waits is."""
    s = Story({"till-1": {"unconfirmed_max_usd": "15"}})
    first = s.commit("till-1", 9)
    s.pay("till-1", "pi_1", "10", 9, commit=first)
    s.pay("till-1", "pi_2", "10", 8, commit=first)
    s.reconcile("till-1", 2, 2, 20)
    s.pay("till-1", "pi_3", "4", 7, committed=9.5)
    s.pay("till-1", "pi_3", "4", 6, committed=10)
    s.pay("till-1", "pi_5", "3", 5, committed=10)
    s.reconcile("till-1", 6, 6, 20, tip=s.tip("till-1"))
    s.pay("till-1", "pi_6", "0.5", 10)
    s.pay("till-1", "pi_7", "2", 11)
    s.reconcile("till-1", 7, 7, 20)
    counts = {"till-1:1", "till-1:2", "till-1:3", "till-1:7"}
    return Told(s, counts, {"till-1:5", "till-1:6"}, {"alice": 26 * USD})


def refunds_that_nobody_confirmed() -> Told:
    """They are a sum of their own, in the payment's credit; reversals are with the payments."""
    s = Story({"till-1": {"unconfirmed_max_usd": "10"}})
    tzs = {"provider": "clickpesa-tz", "currency": "TZS"}
    s.pay("till-1", "CP1", "26000", 1, credited_usd="10", **tzs)
    s.about("refund", "till-1", "CR1", "CP1", "13000", 2, **tzs)
    s.about("dispute", "till-1", "CD1", "CP1", "15600", 3, **tzs)
    s.about("refund_reversal", "till-1", "CR1", "CP1", "2600", 4, **tzs)
    return Told(s, {"till-1:1", "till-1:2"}, {"till-1:3", "till-1:4"}, {"alice": 5 * USD})


def what_waits_rivals_nobody() -> Told:
    """Nor does what waited when it was committed, until it is reconciled itself."""
    s = Story(
        {
            "till-1": {},
            "till-2": {"unconfirmed_max_usd": "5"},
            "till-3": {"unconfirmed_max_usd": "5"},
        }
    )
    s.pay("till-1", "pi_1", "20", 3)
    s.pay("till-1", "pi_2", "5", 3)
    s.pay("till-2", "pi_1", "19", 1, user="bob")
    s.pay("till-3", "pi_3", "4", 1, user="carol")
    s.pay("till-3", "pi_2", "3", 2, user="bob")
    s.reconcile("till-3", 1, 1, 4)
    pool = {"alice": 25 * USD, "bob": 0, "carol": 4 * USD}
    return Told(s, {"till-1:1", "till-1:2", "till-3:1"}, {"till-2:1"}, pool)


def rivals() -> Told:
    """Who counts where writers agree, disagree, are reconciled, excluded or of the books."""
    s = Story()
    s.pay("till-1", "pi_1", "10", 2)
    s.pay("till-2", "pi_1", "12", 3)
    s.pay("till-1", "pi_2", "10", 2)
    s.pay("till-3", "pi_2", "11", 1)
    s.pay("books", "pi_2", "11.0", 4)
    s.pay("till-1", "pi_3", "20.0", 2)
    s.pay("till-2", "pi_3", "20.00", 1, committed=3)
    s.pay("till-1", "pi_4", "40", 3)
    s.decide("exclude", 6, of="till-2", of_seq=s.pay("till-2", "pi_4", "41", 3))
    s.pay("till-1", "pi_5", "5", 5)
    s.pay("till-1", "pi_5", "6", 1, committed=5)
    s.pay("books", "pi_6", "10", 5)
    s.pay("books", "pi_6", "20", 1, committed=5)
    s.pay("books", "pi_7", "100", 6)
    s.pay("till-3", "pi_7", "50", 6)
    s.reconcile("till-3", 2, 2, 7)
    counts = {"till-3:1", "till-2:2", "till-1:4", "till-1:5", "books:4", "till-3:2"}
    return Told(s, counts, set(), {"alice": 146 * USD})


def rivals_about_one_payment() -> Told:
    """The larger of two refunds; of different payments both; of reversals neither."""
    s = Story()
    s.pay("till-1", "pi_1", "10", 1)
    s.pay("till-1", "pi_2", "10", 1)
    s.about("refund", "till-1", "re_1", "pi_1", "2", 2)
    s.about("refund", "till-2", "re_1", "pi_1", "3", 2)
    s.about("refund", "till-1", "re_2", "pi_1", "1", 3)
    s.about("refund", "till-2", "re_2", "pi_2", "1", 3)
    s.about("refund_reversal", "till-1", "re_1", "pi_1", "3", 4)
    s.about("refund_reversal", "till-2", "re_1", "pi_1", "2", 4)
    counts = {"till-1:1", "till-1:2", "till-2:1", "till-1:4", "till-2:2"}
    return Told(s, counts, set(), {"alice": 15 * USD})


def one_name_for_a_movement() -> Told:
    """Other forms claim nothing in version 2; version 1 keeps them; tests mint nothing."""
    s = Story()
    s.pay("till-1", "cs_1", "1", 1)
    s.pay("till-1", "pi_1", "10", 1)
    s.about("refund", "till-1", "ch_1", "pi_1", "1", 2)
    s.about("refund", "till-1", "pyr_1", "pi_1", "2", 2)
    s.about("dispute", "till-1", "dp_1", "pi_1", "1", 2)
    s.about("dispute", "till-1", "txn_1", "pi_1", "3", 2)
    s.about("dispute_reversal", "till-1", "txn_2", "pi_1", "1", 3)
    s.pay("till-1", "pi_2", "20", 1, credited_usd="20")
    s.pay("till-1", "pi_3", "5", 3, status="failed")
    s.pay("till-1", "pi_4", "5", 3, provider="stripe-test")
    s.pay("till-1", "CP1", "26000", 3, provider="clickpesa-tz", currency="TZS")
    s.pay("books", "cs_9", "40", 1)
    s.pay("books", "cs_8", "80", 1, v=2)
    counts = {"till-1:2", "till-1:4", "till-1:6", "till-1:7", "books:1"}
    return Told(s, counts, set(), {"alice": 46 * USD})


def undecided_and_pending() -> Told:
    """They are never money; an undecided payment claims its name until the books decide."""
    s = Story(tests_count=True)
    tzs = {"provider": "clickpesa-tz", "currency": "TZS"}
    attempt: dict[str, Any] = {"user": "alice", "provider": "clickpesa-tz"}
    attempt["attempt"] = "topup:1"
    s.line("till-1", 1, kind="pending", amount="5", currency="USD", **attempt)
    s.line("till-1", 1, kind="ended", reason="declined", **attempt)
    for number in (1, 2, 3):
        s.pay("till-1", f"CP{number}", "26000", 2, status="undecided", user=None, **tzs)
    s.pay("till-2", "CP2", "26000", 3, credited_usd="10", **tzs)
    s.pay("books", "CP1", "26000", 5, v=2, user="bob", credited_usd="10", **tzs)
    s.about("refund", "till-1", "CR1", "CP3", "100", 6, **tzs)
    s.pay("till-1", "pi_1", "1", 6, provider="stripe-test", user="bob")
    return Told(s, {"books:1", "till-1:7"}, set(), {"alice": 0, "bob": 11 * USD})


def taken_and_given_back() -> Told:
    """By sums: beyond the payment is the payment, and a reversal too many gives no more."""
    s = Story()
    s.about("refund", "till-1", "re_1", "pi_1", "4", 1)
    s.pay("till-1", "pi_1", "10", 3)
    s.about("dispute", "till-1", "txn_1", "pi_1", "99", 4)
    s.about("dispute_reversal", "till-2", "txn_2", "pi_1", "10", 5)
    s.about("refund", "till-1", "re_2", "pi_1", "9", 6)
    s.about("refund_reversal", "till-1", "re_2", "pi_1", "9", 7)
    counts = {"till-1:1", "till-1:2", "till-1:3", "till-2:1", "till-1:4", "till-1:5"}
    return Told(s, counts, set(), {"alice": 6 * USD})


def refunds_that_agree() -> Told:
    """Lines about a payment are one whoever they name: the user is the payment's."""
    s = Story()
    s.pay("till-1", "pi_1", "10", 1)
    s.about("refund", "till-1", "re_1", "pi_1", "4", 2)
    s.about("refund_reversal", "till-1", "re_1", "pi_1", "4", 3)
    s.about("refund_reversal", "till-2", "re_1", "pi_1", "4.00", 3, user="bob")
    counts = {"till-1:1", "till-1:2", "till-1:3"}
    return Told(s, counts, set(), {"alice": 10 * USD, "bob": 0})


def all_taken_twice() -> Told:
    """Given back and disputed too: only what was paid is taken."""
    s = Story()
    s.pay("till-1", "pi_1", "10", 1)
    s.pay("till-1", "pi_2", "5", 1)
    s.about("refund", "till-1", "re_1", "pi_1", "10", 2)
    s.about("dispute", "till-1", "txn_1", "pi_1", "10", 3)
    counts = {"till-1:1", "till-1:2", "till-1:3", "till-1:4"}
    return Told(s, counts, set(), {"alice": 5 * USD})


def more_given_back_than_taken() -> Told:
    """What is given back of disputes gives back no refund, and a payment gives no more than it."""
    s = Story()
    s.pay("till-1", "pi_1", "10", 1)
    s.about("refund", "till-1", "re_1", "pi_1", "4", 2)
    s.about("dispute_reversal", "till-1", "txn_1", "pi_1", "10", 3)
    s.pay("till-1", "pi_2", "7", 4, user="bob")
    s.about("refund_reversal", "till-1", "re_2", "pi_2", "5", 5, user="bob")
    counts = {f"till-1:{seq}" for seq in range(1, 6)}
    return Told(s, counts, set(), {"alice": 6 * USD, "bob": 7 * USD})


def in_another_currency() -> Told:
    """A share of the credit, rounded once; the payment's user; a line in dollars is held."""
    s = Story()
    tzs = {"provider": "clickpesa-tz", "currency": "TZS"}
    s.pay("till-1", "CP1", "26000", 1, credited_usd="10", **tzs)
    s.about("refund", "till-2", "CR1", "CP1", "8666.67", 2, user="bob", **tzs)
    s.about("refund", "till-1", "CR2", "CP1", "1", 3, provider="clickpesa-tz")
    s.pay("till-1", "CP2", "3", 3, user="carol", credited_usd="1", **tzs)
    s.about("refund", "till-1", "CR3", "CP2", "1", 3, user="carol", **tzs)
    counts = {"till-1:1", "till-2:1", "till-1:3", "till-1:4"}
    pool = {"alice": 6_666_665_385, "bob": 0, "carol": 666_666_667}
    return Told(s, counts, set(), pool)


def refunds_of_version_1() -> Told:
    """They name a line, and mean its movement, whichever line of it stands."""
    s = Story()
    s.pay("books", "pi_1", "10", 1)
    s.pay("till-1", "pi_1", "10", 0.5 + 1)
    s.about("refund", "till-1", "re_2", "pi_1", "4", 2)
    old = {"kind": "refund", "refers_to": 1}
    s.pay("books", "re_1", "5", 3, **old)
    s.pay("books", "re_3", "3", 4, **old)
    s.pay("books", "re_4", "1", 4, user="bob", **old)
    counts = {"books:1", "till-1:2", "books:2", "books:3"}
    return Told(s, counts, set(), {"alice": 0, "bob": 0})


STORIES: tuple[Callable[[], Told], ...] = (
    *(what_a_till_may_state, limits_change_over_time, a_copy_takes_nothing_back),
    *(what_charges_cards_writes_its_attempts_alone, consents_within_limits),
    *(
        a_commit_dated_back_holds_its_repo,
        an_idle_writer_cannot_write_the_past,
        the_way_out_after_a_theft,
    ),
    *(a_way_out_that_was_withdrawn, numbers_used_twice, what_nobody_confirmed),
    *(refunds_that_nobody_confirmed, what_waits_rivals_nobody, rivals),
    *(rivals_about_one_payment, one_name_for_a_movement, undecided_and_pending),
    *(taken_and_given_back, refunds_that_agree, all_taken_twice, more_given_back_than_taken),
    *(in_another_currency, refunds_of_version_1),
)
