"""What the operator keeps in the books: payments, grants, refunds, corrections of them, rules."""

from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from books.errors import MoneyError
from books.money import Movement, record
from books.rule_book.change import change_rules, propose_file
from books.rule_book.rule_changes import Act
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from node_pusher.spool.outcomes import Recorded
from tests.simulation.boundaries import End, Plan
from tests.simulation.clients import RESOURCES, USERS
from tests.simulation.clock import START
from tests.simulation.site import Site
from tests.simulation.witness import content
from tests.support.repos import money_line
from tests.support.strategies import (
    DEFAULT_LADDER,
    PRICES_PER,
    PRICES_USD,
    discounts_toml,
    prices_toml,
    ts_text,
)
from wire_format.lines import Folder
from wire_format.segment import decode_segment

_KINDS: Final = ("payment", "payment", "payment", "grant", "refund", "adjustment")
_AMOUNTS: Final = ("0.000000001", "1", "5.25", "10", "100")
_PRICES_FROM: Final = tuple(START + timedelta(days=days) for days in (-30, -1, 0, 3, 7, 30))


class Operator:
    """The person at the books.

    Args:
        site: where the books are kept.
        random: decides what is done.
    """

    def __init__(self, site: Site, random: Random) -> None:
        self._site = site
        self._random = random
        self._prices: list[dict[str, Any]] = []
        self._paid: dict[bytes, tuple[int, str]] = {}

    def move_money(self, plan: Plan) -> End:
        """Record one movement; what the call returned is witnessed."""
        movement = self._movement()
        now = self._site.clock()
        witness = self._site.witness
        witness.said[content(self._line(movement, 1, movement.ts or now))] += 1
        unnumbered = self._line(movement, UNNUMBERED, movement.ts or now)
        returned: list[int] = []

        def action() -> int:
            with Spool.open(self._site.home.path, role="books", clock=lambda: now) as spool:
                try:
                    returned.append(record(spool, movement).line.seq)
                except MoneyError:  # another copy of the books would not know, and write it
                    returned.append(_written_unasked(spool, unnumbered))
            return returned[0]

        end = self._site.run(plan, action)
        for seq in returned:
            line = self._line(movement, seq, movement.ts or now)
            witness.acknowledge(seq, line)
            if movement.kind == "payment":
                self._paid[line] = (seq, movement.user)
        return end

    def _movement(self) -> Movement:
        random = self._random
        kind = random.choice(_KINDS)
        user = random.choice(USERS)
        refers_to = None
        lost = self._site.witness.excused
        paid = [payment for line, payment in self._paid.items() if line not in lost]
        if kind == "refund" and not paid:
            kind = "payment"
        if kind == "refund":
            refers_to, user = random.choice(paid)
        late = timedelta(hours=random.choice((0, 0, 1, 30, 200, 900)))
        in_shillings = random.random() < 0.2
        amount = random.choice(_AMOUNTS)
        return Movement(
            kind=kind,  # type: ignore[arg-type] # one of its values
            user=user,
            amount=f"-{amount}" if kind == "adjustment" and random.random() < 0.5 else amount,
            provider=random.choice(("manual", "stripe")),
            external_ref=random.choice((None, None, "ref-1", "ref-2", f"ref-{random.random()}")),
            refers_to=refers_to,
            currency="TZS" if in_shillings and kind != "adjustment" else "USD",
            credited_usd=(
                random.choice(_AMOUNTS) if in_shillings and kind != "adjustment" else None
            ),
            status=random.choice(("succeeded", "succeeded", "succeeded", "pending", "failed")),
            reason="a reason" if kind == "adjustment" else None,
            ts=self._site.clock() - late if late else None,
        )

    def _line(self, movement: Movement, seq: int, ts: datetime) -> bytes:
        return money_line(
            node=self._site.name,
            seq=seq,
            ts=ts_text(ts),
            user=movement.user,
            kind=movement.kind,
            provider=movement.provider,
            external_ref=movement.external_ref,
            refers_to=movement.refers_to,
            amount=movement.amount,
            currency=movement.currency,
            credited_usd=movement.credited_usd,
            status=movement.status,
            reason=movement.reason,
        )

    def change_rules(self, plan: Plan) -> End:
        """Set a price, or the discount ladder."""
        now = self._site.clock()
        if self._random.random() < 0.2:
            path, data = "rules/discounts.toml", self._ladders()
        else:
            path, data = "rules/prices.toml", self._with_a_price()
        propose, act = propose_file(path, data), Act("the operator", "as it comes")
        return self._site.run(plan, lambda: change_rules(self._site.home, propose, act, now))

    def _with_a_price(self) -> bytes:
        for resource, category in () if self._prices else RESOURCES[:3]:
            self._set_price(resource, category)
        self._set_price(*self._random.choice(RESOURCES[:3]))
        return prices_toml(self._prices)

    def _set_price(self, resource: str, category: str) -> None:
        random = self._random
        price: dict[str, Any] = {
            "resource": resource,
            "usd": random.choice(PRICES_USD),
            "per": random.choice(PRICES_PER),
            "from": random.choice(_PRICES_FROM),
        }
        if category == "vm" or random.random() < 0.2:
            price["applies_to"] = category
        others = [row for row in self._prices if _key(row) != _key(price)]
        self._prices = [*others, price]

    def _ladders(self) -> bytes:
        random = self._random
        tier = {
            "name": "later",
            "after_days": random.choice((1, 7, 20)),
            "multiplier": random.choice(("0", "0.25", "0.333333333")),
            "applies_to": ["hero_os_hourly", "vm"],
        }
        changed = {"from": random.choice(_PRICES_FROM[2:]), "tiers": [tier]}
        return discounts_toml([DEFAULT_LADDER, changed])


def _key(price: dict[str, Any]) -> tuple[object, ...]:
    return price["resource"], price.get("applies_to"), price["from"]


def _written_unasked(spool: Spool, line: bytes) -> int:
    """Record a money line without asking whether it would count; returns its seq."""
    records = decode_segment(line, Folder.PAYMENTS).records
    outcome = spool.append(Folder.PAYMENTS, records)[0]
    assert isinstance(outcome, Recorded), outcome
    return outcome.seq
