"""Hypothesis strategies for facts: lines and rules, with what the reference makes of them.

    given = data.draw(facts())
    expected = given.reckoned()
    delivery = data.draw(deliveries(given))  # tests.support.deliveries

Alphabets are small, so that conflicts, reused numbers, repeated references and shared charges are
the rule; hours lie on both sides of the first payments and of the 7 and 30 days after them.
All lines are valid and in the repo of their own node. All times are in the first half of 2025.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.support.reference import Ledger, reckon
from tests.support.repos import decision_line, money_line, usage_line

BOOKS = "books"
NODES = ("node-1", "node-2")
USERS = ("alice", "b:2")
RESOURCES = ("hero_os/seconds", "llm/acme/m1/tokens", "vm/small/seconds", "mystery/units")
CATEGORIES = ("hero_os_hourly", "llm", "vm")
EPOCH = 1_000_000_000
SEQS = (*range(1, 10), EPOCH + 1, EPOCH + 2, 7 * EPOCH + 1, 2**53 - 1)
UNITS = (0, 1, 2, 3, 5, 1000, 3599, 999_999, 2**53 - 1)

PAID_AT = datetime(2025, 1, 6, 12, tzinfo=UTC)
"""The hour of most first payments."""

_HOUR, _DAY, _MICROSECOND = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
HOURS = tuple(PAID_AT + d * _DAY + h * _HOUR for d in (0, 7, 30) for h in (-1, 0, 1, 2))
WITHIN_HOUR = (timedelta(0), _MICROSECOND, _HOUR / 2, _HOUR - _MICROSECOND)

PRICES_USD = ("0.0000000005", "0.0000000015", "0.333333333333333", "10.00", "0", "999999999")
PRICES_PER = (1, 2, 3, 3600, 1_000_000)
DEAR = (("333333", 1), ("200000", 1), ("999999999", 1_000_000))
"""Prices at which a record of some of `UNITS` is within the limit, and two of them are not."""
RULES_FROM = (*(PAID_AT + days * _DAY for days in (-300, -200, 0, 7, 30)), PAID_AT + _HOUR)
AMOUNTS = ("0.000000001", "1", "5.25", "10", "999999999.999999999")
DEFAULT_LADDER: dict[str, Any] = {
    "from": datetime(2020, 1, 1, tzinfo=UTC),
    "tiers": [
        {
            "name": name,
            "after_days": days,
            "multiplier": multiplier,
            "applies_to": ["hero_os_hourly", "llm"],
        }
        for name, days, multiplier in (("week", 7, "0.5"), ("month", 30, "0.25"))
    ],
}


def ts_text(instant: datetime) -> str:
    """An instant as a line states it."""
    return instant.replace(tzinfo=None).isoformat() + "Z"


class Rules(NamedTuple):
    """A rule book.

    Attributes:
        prices, ladders: as dicts with the keys of the TOML files, `from` an instant in UTC.
        prices_toml, discounts_toml: the files; None where the default ladder goes without one.
    """

    prices: list[dict[str, Any]]
    ladders: list[dict[str, Any]]
    prices_toml: bytes
    discounts_toml: bytes | None

    def files(self) -> dict[str, bytes | None]:
        """Path in the books repo to content; None: not there."""
        return {
            "rules/prices.toml": self.prices_toml,
            "rules/discounts.toml": self.discounts_toml,
        }


@dataclass(frozen=True)
class Facts:
    """What happened, apart from how it was told.

    Attributes:
        usage: the usage lines of each node.
        money: the lines of the books.
        rules: the rule book that is in force in the end.
        decisions: the decision lines of the books.
    """

    usage: Mapping[str, frozenset[bytes]]
    money: frozenset[bytes]
    rules: Rules
    decisions: frozenset[bytes] = frozenset()

    def reckoned(self) -> Ledger:
        """What the reference makes of it."""
        lines = {line for of_node in self.usage.values() for line in of_node}
        prices, ladders = self.rules.prices, self.rules.ladders
        return reckon(lines, set(self.money), prices, ladders, set(self.decisions))


def instants() -> st.SearchStrategy[datetime]:
    """Around the first payments and around 7 and 30 days after them."""
    return st.builds(datetime.__add__, st.sampled_from(HOURS), st.sampled_from(WITHIN_HOUR))


def _usage_values() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "ts": instants().map(ts_text),
            "user": st.sampled_from(USERS),
            "resource": st.sampled_from(RESOURCES),
            "applies_to": st.sampled_from(CATEGORIES),
            "units": st.sampled_from(UNITS),
        },
        optional={"meta": st.just({"k": 1}), "instance": st.just("i-1")},
    )


_TWISTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "": st.just({}),
    "conflict": st.sampled_from(UNITS).map(lambda units: {"units": units}),
    "conflict of equals": st.sampled_from(USERS).map(lambda user: {"user": user}),
    "reused number": instants().map(lambda ts: {"ts": ts_text(ts)}),
}
_twist = st.sampled_from(sorted(_TWISTS))
_CORRECTIONS = st.fixed_dictionaries(
    {"units": st.sampled_from((-1, -2, -1000, 1, -(2**53 - 1)))},
    optional={
        "user": st.sampled_from(USERS),
        "resource": st.sampled_from(RESOURCES),
        "ts": instants().map(ts_text),
    },
)


@st.composite
def usage_lines(
    draw: st.DrawFn, node: str, *, max_size: int = 12, corrections: bool = True
) -> frozenset[bytes]:
    """Usage lines of one node: conflicting, with reused numbers and with corrections among them."""
    lines = set()
    originals: list[tuple[int, dict[str, Any]]] = []
    for seq in draw(st.lists(st.sampled_from(SEQS), unique=True, max_size=max_size)):
        again = bool(originals) and draw(st.booleans())  # as charged as the one before
        values = originals[-1][1] if again else draw(_usage_values())
        lines.add(usage_line(node=node, seq=seq, **values))
        lines.add(usage_line(node=node, seq=seq, **values | draw(_TWISTS[draw(_twist)])))
        originals.append((seq, values))
    if corrections and originals:
        for _ in range(draw(st.integers(0, 4))):
            seq, values = draw(st.sampled_from(originals))
            values = values | draw(_CORRECTIONS) | {"corrects": seq, "reason": "miscount"}
            later = [other for other in SEQS if other > seq]
            if later:
                own_seq = draw(st.sampled_from(later))
                lines.add(usage_line(node=node, seq=own_seq, **values))
                originals.append((own_seq, values))
    return frozenset(lines)


@st.composite
def decision_lines(
    draw: st.DrawFn, lines: Iterable[bytes], *, max_size: int = 5
) -> frozenset[bytes]:
    """Decisions about some of these lines: ranges and keys excluded, rivals chosen, withdrawals."""
    ordered = sorted(lines)
    keys = Counter(map(_key, ordered))
    rivals = [line for line in ordered if keys[_key(line)] > 1]
    found = set()
    for seq in range(101, 101 + draw(st.integers(0, max_size if ordered else 0))):
        line = draw(st.sampled_from(ordered))
        node, number, ts = _key(line)
        last = min(SEQS[-1], number + draw(st.integers(0, 3)))
        rival = draw(st.sampled_from(rivals or ordered))
        values = draw(
            st.sampled_from(
                [
                    {"kind": "exclude", "of": node, "of_seq": number, "to_seq": last},
                    {"kind": "exclude", "of": node, "of_seq": number, "of_ts": ts},
                    _choice(rival),
                    {"kind": "withdraw", "refers_to": draw(st.integers(100, seq - 1))},
                ]
            )
        )
        found.add(decision_line(seq=seq, **values))
        if draw(st.integers(0, 9)) == 0:
            found.add(decision_line(seq=seq, **values | {"by": "other"}))
    return frozenset(found)


def _key(line: bytes) -> tuple[str, int, str]:
    row = json.loads(line)
    return row["node"], row["seq"], row["ts"]


def _choice(line: bytes) -> dict[str, Any]:
    node, seq, ts = _key(line)
    sha256 = hashlib.sha256(line).hexdigest()
    return {"kind": "choose", "of": node, "of_seq": seq, "of_ts": ts, "line_sha256": sha256}


@st.composite
def money_lines(draw: st.DrawFn, node: str = BOOKS, *, max_size: int = 8) -> frozenset[bytes]:
    """Money lines: every kind and status, shared references, refunds good and bad, conflicts."""
    lines = set()
    for seq in draw(st.lists(st.sampled_from(range(1, 13)), unique=True, max_size=max_size)):
        kinds = ["payment", "payment", "grant", "adjustment", *(["refund"] if seq > 1 else [])]
        kind = draw(st.sampled_from(kinds))
        values = {
            "ts": ts_text(draw(st.sampled_from([PAID_AT, PAID_AT + _MICROSECOND]) | instants())),
            "user": draw(st.sampled_from(USERS)),
            "kind": kind,
            "provider": draw(st.sampled_from(["manual", "manual", "stripe"])),
            "external_ref": draw(st.sampled_from([None, "ref-1", "ref-1", "ref-2"])),
            "refers_to": draw(st.integers(1, seq - 1)) if kind == "refund" else None,
            "amount": draw(st.sampled_from(AMOUNTS)),
            "status": draw(st.sampled_from(["succeeded"] * 4 + ["pending", "failed"])),
            "reason": "a reason" if kind == "adjustment" else None,
        }
        if kind == "adjustment" and draw(st.booleans()):
            values["amount"] = f"-{values['amount']}"
        elif draw(st.booleans()):
            values |= {"currency": "TZS", "credited_usd": draw(st.sampled_from(AMOUNTS))}
            values["amount"] = draw(st.sampled_from(AMOUNTS))
        lines.add(money_line(node=node, seq=seq, **values))
        if draw(st.integers(0, 3)) == 0:
            other = {"status": "succeeded", "user": draw(st.sampled_from(USERS))}
            lines.add(money_line(node=node, seq=seq, **values | other))
    return frozenset(lines)


_PRICED = st.tuples(st.sampled_from(PRICES_USD), st.sampled_from(PRICES_PER))


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """A rule book: several prices over time, bound and free, ties in rounding, overflow."""
    bindings = st.sampled_from((None, None, None, *CATEGORIES))
    keys = st.tuples(st.sampled_from(RESOURCES[:-1]), bindings, st.sampled_from(RULES_FROM))
    prices = []
    for resource, applies_to, from_ in draw(st.lists(keys, unique=True, min_size=1, max_size=8)):
        if resource.startswith("vm/") and applies_to is None:
            continue
        usd, per = draw(st.sampled_from(DEAR) | _PRICED)
        price = {
            "resource": resource,
            "usd": usd,
            "per": per,
            "from": from_,
        }
        prices.append(price | ({"applies_to": applies_to} if applies_to else {}))
    if draw(st.booleans()):
        return Rules(prices, [DEFAULT_LADDER], prices_toml(prices), None)
    ladders = draw(st.lists(_ladders(), max_size=2, unique_by=lambda ladder: ladder["from"]))
    return Rules(prices, ladders, prices_toml(prices), discounts_toml(ladders))


@st.composite
def _ladders(draw: st.DrawFn) -> dict[str, Any]:
    days = sorted(draw(st.sets(st.sampled_from([1, 7, 23, 30]), max_size=3)))
    categories = st.lists(st.sampled_from(CATEGORIES), min_size=1, unique=True)
    multipliers = st.sampled_from(["0", "0.000000001", "0.25", "0.333333333", "0.5", "1"])
    tiers = [
        {
            "name": f"after_{day}",
            "after_days": day,
            "multiplier": draw(multipliers),
            "applies_to": draw(categories),
        }
        for day in days
    ]
    return {"from": draw(st.sampled_from(RULES_FROM)), "tiers": tiers}


def prices_toml(prices: Iterable[Mapping[str, Any]]) -> bytes:
    """`rules/prices.toml` that states these prices."""
    tables = [_toml_pairs(price, "\n") for price in prices]
    return "".join(f"[[price]]\n{table}\n\n" for table in tables).encode()


def plans_toml(plans: Iterable[Mapping[str, Any]]) -> bytes:
    """`rules/plans.toml` that states these versions of plans."""
    tables = [_toml_pairs(plan, "\n") for plan in plans]
    return "".join(f"[[plan]]\n{table}\n\n" for table in tables).encode()


def discounts_toml(ladders: Iterable[Mapping[str, Any]]) -> bytes:
    """`rules/discounts.toml` that states these ladder versions."""
    tables = []
    for ladder in ladders:
        tiers = "".join(f"  {{ {_toml_pairs(tier, ', ')} }},\n" for tier in ladder["tiers"])
        tables.append(f"[[ladder]]\nfrom = {_toml(ladder['from'])}\ntiers = [\n{tiers}]\n\n")
    return "".join(tables).encode()


def _toml_pairs(values: Mapping[str, Any], between: str) -> str:
    return between.join(f"{key} = {_toml(value)}" for key, value in values.items())


def _toml(value: object) -> str:
    if isinstance(value, datetime):
        return ts_text(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return f"{{ {_toml_pairs(value, ', ')} }}"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


@st.composite
def facts(draw: st.DrawFn, *, nodes: Sequence[str] = NODES, corrections: bool = True) -> Facts:
    """Lines of every node, money lines, a rule book, and decisions about the lines."""
    usage = {node: draw(usage_lines(node, corrections=corrections)) for node in nodes}
    money = draw(money_lines())
    lines = {line for of_node in usage.values() for line in of_node} | money
    return Facts(usage, money, draw(rules()), draw(decision_lines(lines)))
