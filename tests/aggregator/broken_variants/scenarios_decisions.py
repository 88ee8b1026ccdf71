"""Small worlds in which the operator's decisions decide what the ledger says. See `scenarios`."""

from hashlib import sha256
from itertools import chain

from tests.aggregator.broken_variants.scenarios import TEN_DAYS_LATER, expect
from tests.aggregator.broken_variants.scenarios_corrections import correction
from tests.support.ledger.world import BOOKS, World, decision_line, money_line, usage_line
from tests.support.reference import Ledger

LINES = [usage_line(seq=seq, units=seq, ts=f"2025-01-01T00:3{seq}:00Z") for seq in range(1, 6)]
LESS, MORE, MOST = (usage_line(seq=1, units=units) for units in (3, 5, 9))
TS = "2025-01-01T00:30:00Z"


def exclude(seq: int, of_seq: int, *, of: str = "node-1", **values: object) -> bytes:
    """The decision that lines do not count."""
    return decision_line(**{"seq": seq, "kind": "exclude", "of": of, "of_seq": of_seq, **values})


def choose(seq: int, line: bytes) -> bytes:
    """The decision that one of the lines of record 1 counts."""
    chosen = sha256(line).hexdigest()
    return decision_line(
        seq=seq, kind="choose", of="node-1", of_seq=1, of_ts=TS, line_sha256=chosen
    )


def withdraw(seq: int, refers_to: int) -> bytes:
    """The decision that an earlier one is no longer in force."""
    return decision_line(seq=seq, kind="withdraw", refers_to=refers_to)


def _delivered(
    world: World, usage: list[list[bytes]], decisions: list[list[bytes]], *, decided_first: bool
) -> Ledger:
    """Deliver each inner list in a commit and a pull of its own."""
    world.rules()
    deliveries = [(world.usage, usage), (world.decide, decisions)]
    for push, segments in reversed(deliveries) if decided_first else deliveries:
        for lines in segments:
            push(*lines)
            world.pull()
    return expect({*chain.from_iterable(usage)}, decisions={*chain.from_iterable(decisions)})


def exclude_after(world: World) -> Ledger:
    """One record, charged long ago."""
    return _delivered(world, [LINES], [[exclude(1, 2)]], decided_first=False)


def exclude_before(world: World) -> Ledger:
    """One record that is still to come, in a segment with others."""
    return _delivered(world, [LINES], [[exclude(1, 2)]], decided_first=True)


def exclude_range(world: World) -> Ledger:
    """A range half of which has come; it is longer than all there will ever be."""
    world.rules()
    decision = exclude(1, 2, to_seq=10**9)
    world.usage(*LINES[:3])
    world.pull()
    world.decide(decision)
    world.pull()
    world.usage(*LINES[3:])
    world.pull()
    return expect({*LINES}, decisions={decision})


def exclude_one_of_two_times(world: World) -> Ledger:
    """A number was given twice, and one of the records is wrong."""
    again = usage_line(seq=1, units=7, ts="2025-01-01T00:59:00Z")
    decision = exclude(1, 1, of_ts="2025-01-01T00:59:00Z")
    return _delivered(world, [LINES, [again]], [[decision]], decided_first=False)


def exclude_a_conflict(world: World) -> Ledger:
    """Every rival under the key is excluded, also one that comes later."""
    world.rules()
    world.usage(LESS)
    world.usage(MORE)
    world.pull()
    world.decide(exclude(1, 1))
    world.pull()
    world.usage(MOST)
    world.pull()
    return expect({LESS, MORE, MOST}, decisions={exclude(1, 1)})


def exclude_a_corrected_record(world: World) -> Ledger:
    """The correction of an excluded record does not count either."""
    lines = [usage_line(seq=1, units=9), correction(2, 4)]
    return _delivered(world, [lines], [[exclude(1, 1)]], decided_first=False)


def exclude_of_every_record(world: World) -> Ledger:
    """The charge of the hour is gone, and its user has no account left."""
    return _delivered(world, [LINES], [[exclude(1, 1, to_seq=5)]], decided_first=False)


def withdraw_exclude(world: World) -> Ledger:
    """What was decided is taken back in a later pull; the lines come back."""
    decisions = [[exclude(1, 1, to_seq=3)], [exclude(2, 4)], [withdraw(3, 1)]]
    return _delivered(world, [LINES], decisions, decided_first=False)


def withdraw_one_of_two(world: World) -> Ledger:
    """Two decisions exclude the same line; one of them is still in force."""
    decisions = [[exclude(1, 1), exclude(2, 1, to_seq=2)], [withdraw(3, 2)]]
    return _delivered(world, [LINES], decisions, decided_first=False)


def withdraw_comes_first(world: World) -> Ledger:
    """The segment with the withdrawal is delivered before what it takes back."""
    return _delivered(world, [LINES], [[withdraw(2, 1)], [exclude(1, 1)]], decided_first=False)


def choose_after(world: World) -> Ledger:
    """The larger line is the true one; a third comes later and changes nothing."""
    world.rules()
    world.usage(LESS)
    world.usage(MORE)
    world.pull()
    world.decide(choose(1, MORE))
    world.pull()
    world.usage(usage_line(seq=1, units=1))
    world.pull()
    return expect({LESS, MORE, usage_line(seq=1, units=1)}, decisions={choose(1, MORE)})


def choose_before(world: World) -> Ledger:
    """The decision waits for the lines that it is about."""
    return _delivered(world, [[LESS], [MORE], [MOST]], [[choose(1, MORE)]], decided_first=True)


def choose_what_never_comes(world: World) -> Ledger:
    """The chosen line never arrives: the rule decides."""
    decision = choose(1, usage_line(seq=1, units=77))
    return _delivered(world, [[LESS], [MORE]], [[decision]], decided_first=True)


def last_choice_holds(world: World) -> Ledger:
    """The operator chooses twice: the later choice is in force."""
    decisions = [[choose(1, MORE)], [choose(2, MOST)]]
    return _delivered(world, [[LESS], [MORE], [MOST]], decisions, decided_first=False)


def later_choice_comes_first(world: World) -> Ledger:
    """The number says which choice is the later one, not the order of arrival."""
    decisions = [[choose(2, MOST)], [choose(1, MORE)]]
    return _delivered(world, [[LESS], [MORE], [MOST]], decisions, decided_first=False)


def withdraw_choose(world: World) -> Ledger:
    """Without the later choice the earlier one is in force again."""
    decisions = [[choose(1, MORE)], [choose(2, MOST)], [withdraw(3, 2)]]
    return _delivered(world, [[LESS], [MORE], [MOST]], decisions, decided_first=False)


def choose_then_exclude(world: World) -> Ledger:
    """Excluded is excluded, chosen or not."""
    decisions = [[choose(1, MORE)], [exclude(2, 1)]]
    return _delivered(world, [[LESS], [MORE]], decisions, decided_first=False)


def exclude_own_payment(world: World) -> Ledger:
    """A payment that was charged back: it starts no tenure, so usage costs its full price again."""
    payment, decision = money_line(), exclude(2, 1, of=BOOKS)
    usage = usage_line(ts=TEN_DAYS_LATER, units=10)
    world.rules()
    world.pay(payment)
    world.usage(usage)
    world.pull()
    world.decide(decision)
    world.pull()
    return expect({usage}, {payment}, decisions={decision})


def exclude_the_first_of_two_payments(world: World) -> Ledger:
    """Tenure starts with the next one, half a week later."""
    payments = [money_line(), money_line(seq=2, ts="2025-01-05T00:00:00Z")]
    usage = [
        usage_line(ts=TEN_DAYS_LATER, units=10),
        usage_line(seq=2, ts="2025-01-13T00:30:00Z", units=10),
    ]
    decision = exclude(3, 1, of=BOOKS)
    world.rules()
    world.pay(payments[0])
    world.pay(payments[1])
    world.usage(usage[0])
    world.usage(usage[1])
    world.pull()
    world.decide(decision)
    world.pull()
    return expect({*usage}, {*payments}, decisions={decision})


def exclude_a_payment_given_back(world: World) -> Ledger:
    """Its refund has no payment left to refund."""
    lines = [money_line(seq=1), money_line(seq=2, kind="refund", refers_to=1, amount="4")]
    world.pay(*lines)
    world.pull()
    world.decide(exclude(3, 1, of=BOOKS))
    world.pull()
    return expect(set(), {*lines}, decisions={exclude(3, 1, of=BOOKS)})


def decided_in_the_commit_of_the_payment(world: World) -> Ledger:
    """Payments and what is decided about them and about usage come in one commit of the books."""
    from tests.support.ledger.world import DAY, segment_path

    payments = [money_line(seq=1), money_line(seq=2)]
    decisions = [exclude(3, 1, of=BOOKS), exclude(4, 2)]
    world.rules()
    world.usage(*LINES)
    world.pull()
    files = {
        segment_path(DAY, 1, folder="payments"): b"".join(payments),
        segment_path(DAY, 3, folder="decisions"): b"".join(decisions),
    }
    world.repo(BOOKS).commit(files)
    world.pull()
    return expect({*LINES}, {*payments}, decisions={*decisions})


def decisions_redelivered(world: World) -> Ledger:
    """The same decisions come again in later commits, in other segments."""
    decisions = [exclude(1, 1), exclude(2, 2), withdraw(3, 1)]
    segments = [decisions[:2], decisions[1:], decisions]
    return _delivered(world, [LINES], segments, decided_first=False) and expect(
        {*LINES}, decisions={*decisions}
    )


def decisions_in_conflict(world: World) -> Ledger:
    """Decisions under one number: the one with the smallest bytes counts, whichever came first."""
    decisions = [[exclude(1, 3)], [exclude(1, 2)], [exclude(1, 4)]]
    return _delivered(world, [LINES], decisions, decided_first=False)


ALL = (
    *(exclude_after, exclude_before, exclude_range, exclude_one_of_two_times, exclude_a_conflict),
    *(exclude_a_corrected_record, exclude_of_every_record, withdraw_exclude, withdraw_one_of_two),
    *(withdraw_comes_first, choose_after, choose_before, choose_what_never_comes),
    *(last_choice_holds, later_choice_comes_first, withdraw_choose, choose_then_exclude),
    *(exclude_own_payment, exclude_the_first_of_two_payments, exclude_a_payment_given_back),
    *(decided_in_the_commit_of_the_payment, decisions_redelivered, decisions_in_conflict),
)
