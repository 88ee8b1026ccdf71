"""Small worlds in which one rule each decides what the ledger says.

Each function pushes lines in a world and pulls in between, and returns the reference's ledger of
these lines. The reference is independent of the product's code.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.ledger import ingest
from aggregator.store.line_rows import LineRows
from tests.support.ledger.world import DAY, PRICES, DeathError, World, money_line, usage_line
from tests.support.reference import Ledger, reckon
from tests.support.repos import segment_path
from tests.support.strategies import DEFAULT_LADDER

PRICE = {
    "resource": "hero_os/seconds",
    "usd": "3.60",
    "per": 3600,
    "from": datetime(2020, 1, 1, tzinfo=UTC),
}
PAID_AT = "2025-01-01T00:00:00Z"
TEN_DAYS_LATER = "2025-01-11T00:30:00Z"
"""Ten days after the payment that `money_line` makes by default."""


def expect(
    usage: set[bytes],
    money: set[bytes] = frozenset(),  # type: ignore[assignment]
    prices: list[dict[str, Any]] | None = None,
    decisions: set[bytes] = frozenset(),  # type: ignore[assignment]
) -> Ledger:
    """The reference's ledger of these lines, under `PRICES` unless other prices are given."""
    in_force = [PRICE] if prices is None else prices
    return reckon(set(usage), set(money), in_force, [DEFAULT_LADDER], set(decisions))


def redelivered(world: World) -> Ledger:
    """Lines come again in later commits, in other segments."""
    lines = [usage_line(seq=seq, units=seq) for seq in range(1, 6)]
    world.rules()
    world.usage(*lines[:3])
    world.pull()
    world.usage(*lines[1:5])
    world.pull()
    world.usage(*lines)
    world.pull()
    return expect(set(lines))


def alike(world: World) -> Ledger:
    """Honest lines that differ in nothing but their number."""
    lines = [usage_line(seq=seq, units=7) for seq in (1, 2, 3)]
    world.rules()
    world.usage(*lines)
    world.pull()
    return expect(set(lines))


def reused_number(world: World) -> Ledger:
    """A spool restored from a backup gives a number twice, at another time."""
    lines = [usage_line(seq=1, units=3), usage_line(seq=1, units=5, ts="2025-01-01T00:31:00Z")]
    world.rules()
    world.usage(lines[0])
    world.pull()
    world.usage(lines[1])
    world.pull()
    return expect(set(lines))


def _conflict(world: World, units: tuple[int, ...], *, at_once: bool) -> Ledger:
    lines = [usage_line(seq=1, units=count) for count in units]
    world.rules()
    for line in lines:
        world.usage(line)
        if not at_once:
            world.pull()
    world.pull()
    return expect(set(lines))


def smaller_last(world: World) -> Ledger:
    """A conflict: the line that counts comes last, in a pull of its own."""
    return _conflict(world, (9, 5, 3), at_once=False)


def smaller_first(world: World) -> Ledger:
    """A conflict: the line that counts comes first, in a pull of its own."""
    return _conflict(world, (3, 9, 5), at_once=False)


def smaller_last_at_once(world: World) -> Ledger:
    """A conflict within one batch."""
    return _conflict(world, (9, 5, 3), at_once=True)


def ahead_then_fine(world: World) -> Ledger:
    """A segment comes with a commit dated long before its lines, then again with a later one."""
    lines = [usage_line(seq=seq) for seq in (1, 2)]
    world.rules()
    files = {segment_path(DAY, 1): b"".join(lines)}
    world.repo("node-1").commit(files, when=datetime(2024, 6, 1, tzinfo=UTC))
    world.pull()
    files = {segment_path(DAY, 2): b"".join(lines)}
    world.repo("node-1").commit(files, when=datetime(2025, 6, 1, tzinfo=UTC))
    world.pull()
    return expect(set(lines))


def of_another_node(world: World) -> Ledger:
    """A node bills in another's name."""
    honest, forged = usage_line(seq=1), usage_line(seq=2, node="node-2")
    world.rules()
    world.usage(honest, forged)
    world.pull()
    expected = expect({honest})
    expected.held[forged] = "wrong_node"
    return expected


def late_payment(world: World) -> Ledger:
    """The first payment is known only after the usage that it makes cheaper."""
    line, payment = usage_line(ts=TEN_DAYS_LATER, units=10), money_line()
    world.rules()
    world.usage(line)
    world.pull()
    world.pay(payment)
    world.pull()
    return expect({line}, {payment})


def late_price(world: World) -> Ledger:
    """The price is known only after the usage."""
    line = usage_line(units=10)
    world.usage(line)
    world.pull()
    world.rules()
    world.pull()
    return expect({line})


def changed_price(world: World) -> Ledger:
    """The price of usage that is charged already is replaced by another."""
    line = usage_line(units=10)
    world.rules()
    world.usage(line)
    world.pull()
    world.rules(PRICES.replace(b"3.60", b"7.20"))
    world.pull()
    return expect({line}, prices=[{**PRICE, "usd": "7.20"}])


def only_a_grant(world: World) -> Ledger:
    """A grant pays for usage, and starts no tenure."""
    line, grant = usage_line(ts=TEN_DAYS_LATER, units=10), money_line(kind="grant")
    world.rules()
    world.pay(grant)
    world.usage(line)
    world.pull()
    return expect({line}, {grant})


def repeated_payment(world: World) -> Ledger:
    """One payment is entered twice, under one reference of its provider."""
    lines = [money_line(seq=seq, provider="stripe", external_ref="pi_1") for seq in (1, 2)]
    for line in lines:
        world.pay(line)
        world.pull()
    return expect(set(), set(lines))


def refund_of_nothing(world: World) -> Ledger:
    """A refund names a payment that failed."""
    lines = [
        money_line(seq=1, status="failed"),
        money_line(seq=2, kind="refund", refers_to=1, amount="4"),
    ]
    world.pay(*lines)
    world.pull()
    return expect(set(), set(lines))


def refunds_beyond_the_payment(world: World) -> Ledger:
    """Two refunds, neither more than the payment and both together more; each in its own pull."""
    lines = [
        money_line(seq=1, amount="10"),
        money_line(seq=2, kind="refund", refers_to=1, amount="6"),
        money_line(seq=3, kind="refund", refers_to=1, amount="6"),
    ]
    for line in reversed(lines):
        world.pay(line)
        world.pull()
    return expect(set(), set(lines))


def refund_of_another_user(world: World) -> Ledger:
    """A refund shares its reference with one of a user who then pays again.

    Judging the second user's lines again must not change the states of the first user's lines.
    """
    lines = [
        money_line(seq=1),
        money_line(seq=2, user="b:2"),
        money_line(seq=3, kind="refund", refers_to=1, amount="4", external_ref="re_1"),
        money_line(seq=4, kind="refund", refers_to=2, amount="4", external_ref="re_1", user="b:2"),
        money_line(seq=5, user="b:2"),
    ]
    world.pay(*lines[:4])
    world.pull()
    world.pay(lines[4])
    world.pull()
    return expect(set(), set(lines))


def earlier_line_of_another_user(world: World) -> Ledger:
    """A line of one movement takes its place from another user's, because it is earlier."""
    lines = [
        money_line(seq=seq, provider="stripe", external_ref="pi_1", user=user, ts=ts)
        for seq, user, ts in ((1, "alice", "2025-01-02T00:00:00Z"), (2, "b:2", PAID_AT))
    ]
    for line in lines:
        world.pay(line)
        world.pull()
    return expect(set(), set(lines))


def refunded_in_full(world: World) -> Ledger:
    """Usage before and after the only payment is refunded: the first keeps its discount."""
    usage = [
        usage_line(seq=1, ts=TEN_DAYS_LATER, units=10),
        usage_line(seq=2, ts="2025-02-11T00:30:00Z", units=10),
    ]
    money = [
        money_line(seq=1, amount="10", ts=PAID_AT),
        money_line(seq=2, kind="refund", refers_to=1, amount="10", ts="2025-02-01T00:30:00Z"),
    ]
    world.rules()
    world.usage(*usage)
    for line in money:
        world.pay(line)
        world.pull()
    return expect(set(usage), set(money))


def a_tie(world: World) -> Ledger:
    """A cost of two and a half nano-dollars, and one of three and a half."""
    lines = [
        usage_line(seq=seq, units=units, user=f"user-{seq}") for seq, units in ((1, 5), (2, 7))
    ]
    world.rules(PRICES.replace(b"3.60", b"0.0000000005").replace(b"3600", b"1"))
    world.usage(*lines)
    world.pull()
    return expect(set(lines), prices=[{**PRICE, "usd": "0.0000000005", "per": 1}])


def below_a_nano(world: World) -> Ledger:
    """A thousand records of a tenth of a nano-dollar each."""
    lines = [usage_line(seq=seq, units=1) for seq in range(1, 1001)]
    world.rules(PRICES.replace(b"3.60", b"0.0000000001").replace(b"3600", b"1"))
    world.usage(*lines)
    world.pull()
    return expect(set(lines), prices=[{**PRICE, "usd": "0.0000000001", "per": 1}])


def dies_at_the_last_step(world: World) -> Ledger:
    """The process dies twice, just before a transaction would be committed."""
    lines = [usage_line(seq=seq) for seq in (1, 2)]
    world.rules()
    world.pull()
    world.usage(*lines)

    def die(*_: object) -> None:
        raise DeathError

    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch, suppress(DeathError):
            patch.setattr(LineRows, "add_counts", die)
            world.pull()
    world.pull()
    return expect(set(lines))


def in_many_batches(world: World) -> Ledger:
    """Each commit is a batch of its own, with lines that come again in the next."""
    lines = [usage_line(seq=seq, ts=f"2025-01-01T00:3{seq}:00Z") for seq in range(1, 7)]
    smaller = usage_line(seq=2, ts="2025-01-01T00:32:00Z", units=0)
    world.rules()
    for at in range(0, 6, 2):
        world.usage(*lines[max(0, at - 1) : at + 2])
    world.usage(smaller)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "BATCH_WEIGHT", 1)
        world.pull()
    return expect({*lines, smaller})


def two_repos_of_one_node(world: World) -> Ledger:
    """The node moved to another repo and sent the end of the old one again."""
    lines = [usage_line(seq=seq, ts=_minute(seq)) for seq in range(1, 9)]
    world.rules()
    world.usage(*lines[:5], repo="node-1")
    world.pull()
    world.repo("node-1-new", node="node-1")
    world.usage(*lines[3:], repo="node-1-new")
    world.pull()
    return expect(set(lines))


def _minute(number: int) -> str:
    instant = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


ALL = (
    *(redelivered, alike, reused_number, smaller_last, smaller_first, smaller_last_at_once),
    *(ahead_then_fine, of_another_node, late_payment, late_price, changed_price, only_a_grant),
    *(repeated_payment, refund_of_nothing, refunds_beyond_the_payment, refund_of_another_user),
    *(earlier_line_of_another_user, refunded_in_full),
    *(a_tie, below_a_nano),
    *(dies_at_the_last_step, in_many_batches, two_repos_of_one_node),
)
