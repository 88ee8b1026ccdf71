"""What lines and rule files come to, by two naive references that share no code with the product.

`tests.support.reference` says which lines count: rivals, decisions, corrections, the limit. Those
that do are told to `tests.support.naive` as a case, which says what they cost by windows and plans,
what grants pay and which plan lines count.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from tests.simulation.forge import ACCOUNT_KINDS
from tests.simulation.rated import Discount, Prices, Rating, as_text
from tests.simulation.telling import Telling
from tests.support.naive.answers import NaiveReading
from tests.support.naive.basics import written
from tests.support.naive.facts import NaiveFacts
from tests.support.naive.pool import everything
from tests.support.reference import (
    Row,
    admit,
    affordable,
    category_of,
    counted_money,
    first_paid,
    hour_text,
    in_force,
)
from tests.support.strategies import ts_text

ChargeKey = tuple[str, str, str, str]
"""Hour, user, resource and category."""


class Rules(NamedTuple):
    """A rule book: the tables of its files."""

    prices: list[Row]
    ladders: list[Row]
    plans: list[Row]


class Charge(NamedTuple):
    """What the ledger must say of one charge; `before` is None without a price."""

    quantity: int
    records: int
    state: str
    list_nano: int
    billed_nano: int
    included: int
    before: int | None


class Reckoned(NamedTuple):
    """What the ledger must say.

    Attributes:
        charges: the charges.
        accounts: by user the sums of each account.
        drawn: user, hour, resource, category, grant, and what that paid.
        grants: by user the grants with terms that count, each as it must be known.
        plans: by user the plan lines that count, in the order in which they are judged.
        settled: by user the settings, and whether the account is suspended.
        held: lines that do not count, with the reasons in words of the references.
        answer: to the instants that were asked about.
    """

    charges: dict[ChargeKey, Charge]
    accounts: dict[str, Row]
    drawn: set[tuple[str, str, str, str, str, int]]
    grants: dict[str, set[tuple[object, ...]]]
    plans: dict[str, list[bytes]]
    settled: dict[str, tuple[Row, bool]]
    held: dict[bytes, str]
    answer: Row


class Lines(NamedTuple):
    """The lines that claim their keys.

    Attributes:
        usage: of the nodes.
        books: of money and accounts, each with the time of the commit by which it is judged.
        decisions: of the operator.
    """

    usage: set[bytes]
    books: Mapping[bytes, datetime]
    decisions: set[bytes]


def reckon(lines: Lines, rules: Rules, now: datetime, ask: Iterable[datetime] = ()) -> Reckoned:
    """Reckon what the ledger must say at an instant, and at earlier ones.

    Args:
        lines: those that claim their keys.
        rules: the rule book in force.
        now: the instant.
        ask: instants of which the whole answer is wanted.
    """
    held: dict[bytes, str] = {}
    decided = in_force(lines.decisions, held)
    accounts = {line for line in lines.books if json.loads(line)["kind"] in ACCOUNT_KINDS}
    admitted = admit({*lines.books} - accounts, held, decided)
    settled = admit(accounts, held, decided)
    counted = counted_money(admitted, held)
    voids = [row for row in admitted if row["kind"] == "void"]
    prices, discount = Prices(rules.prices), Discount(counted, rules.ladders)
    usage = affordable(admit(lines.usage, held, decided), held, prices.listed)
    told = Telling(lines.books)
    told.tell_books([*_movements(counted), *voids, *settled])
    told.tell_usage(usage)
    plans = [{**as_text(table), "meters": table.get("meter", [])} for table in rules.plans]
    case = told.case(prices.tables, plans, sorted(map(ts_text, ask)))
    reading = NaiveReading(NaiveFacts(case), partial(Rating, discount, prices))
    held |= {told.by_name[name]["line"]: why for name, why in reading.plans.refused.items()}
    stand = {line.name for line in reading.grant_lines.voids}
    held |= {row["line"]: "no_grant" for row in voids if told.name_of(row) not in stand}
    return Reckoned(
        charges=_charges(reading, usage),
        accounts=_accounts(reading, discount, counted, _rounded_up(now)),
        drawn={
            (u.user, written(u.hour), u.resource, u.category, grant.name, nano)
            for u, grant, nano in reading.drawing.drawn
        },
        grants=_grants(reading),
        plans=_plans(reading, told),
        settled={
            user: (
                reading.accounts.setting(user, _rounded_up(now)),
                reading.accounts.suspended(user, _rounded_up(now)),
            )
            for user in reading.facts.users
        },
        held=held,
        answer=reading.answer() if case["ask"] else {},
    )


def _rounded_up(now: datetime) -> int:
    """In whole seconds, in which cases are told, what was before an instant still is."""
    whole = now.replace(microsecond=0)
    return int((whole if whole == now else whole + timedelta(seconds=1)).timestamp())


def _movements(counted: list[Row]) -> Iterator[Row]:
    """The lines that count, refunds one by one."""
    for row in counted:
        if row["kind"] != "refund":
            yield row
            yield from row["refunds"]


def _charges(reading: NaiveReading, usage: list[Row]) -> dict[ChargeKey, Charge]:
    rating = reading.rating
    assert isinstance(rating, Rating)
    records: dict[ChargeKey, int] = defaultdict(int)
    for row in usage:
        records[hour_text(row), row["user"], row["resource"], category_of(row)] += 1
    found = {}
    for units in rating.units:
        key = written(units.hour), units.user, units.resource, units.category
        found[key] = Charge(
            units.quantity,
            records[key],
            rating.state(units),
            units.list_nano or 0,
            units.billed_nano or 0,
            units.included,
            None if units.list_nano is None else units.before,
        )
    return found


def _accounts(
    reading: NaiveReading, discount: Discount, counted: list[Row], asked: int
) -> dict[str, Row]:
    """The sums as the ledger is; only which grants are in force depends on the instant."""
    found = {}
    for user in reading.facts.users:
        units = reading.rating.of(user)
        fees = sum(period.fee_nano for period in reading.plans.periods if period.user == user)
        pool = reading.pool.of(user, everything)
        assert pool == _pool(counted, user), "the references disagree about payments"
        credit = pool - round(fees)
        own = [grant for grant in reading.drawing.grants if grant.user == user]
        drawn = {
            id(grant): sum(n for _, one, n in reading.drawing.drawn if one is grant)
            for grant in own
        }
        granted = sum(
            grant.amount_nano - drawn[id(grant)]
            for grant in own
            if reading.drawing.state(grant, asked) == "in force"
        )
        billed = sum(one.billed_nano or 0 for one in units)
        paid = [row for row in counted if (row["kind"], row["user"]) == ("payment", user)]
        found[user] = {
            "first_paid_at": first_paid(discount.paid[user], None),
            "list_cost_nano": sum(one.list_nano or 0 for one in units),
            "billed_cost_nano": billed,
            "lifetime_paid_nano": sum(row["size"] for row in paid),
            "credit_nano": credit,
            "granted_nano": granted,
            "balance_nano": credit - billed + sum(drawn.values()) + granted,
        }
    return found


def _pool(counted: list[Row], user: str) -> int:
    """What payments, adjustments and grants without terms come to, by the other reference."""
    own = [row for row in counted if row["user"] == user and "priority" not in row]
    return sum(row["size"] * (-1 if row["kind"] == "refund" else 1) for row in own)


def _grants(reading: NaiveReading) -> dict[str, set[tuple[object, ...]]]:
    found: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for grant in reading.grant_lines.grants():
        terms = grant.category, grant.priority, grant.start, grant.until
        scope = None if grant.scope is None else tuple(grant.scope)
        void = grant.void_from
        if void is not None and grant.until is not None and grant.until <= void:
            void = None  # it ended before
        found[grant.user].add((grant.name, grant.amount_nano, *terms, scope, void))
    return found


def _plans(reading: NaiveReading, told: Telling) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    for period in reading.plans.periods:
        found[period.user].append(told.by_name[period.line.name]["line"])
    return found
