"""Real data with known answers from other sources: a cloud bill, line by line, and traces."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from aggregator.rating.rating import ChargeState, Rater
from aggregator.reports import accounts as reports
from fixtures import data
from fixtures.make_demo_rules import PRICES_FILE
from tests.support.ledger.world import World
from tests.support.repos import segment_path, usage_line
from wire_format.instants import hour_of, parse_ts
from wire_format.money import NANO
from wire_format.rule_book import parse_rule_book

HALF_NANO = Fraction(1, 2 * NANO)
SEGMENT_LINES = 5_000
BILL_TOTAL_NANO = 20_763_017_640


def deliver(world: World, node: str, name: str) -> None:
    """Push a trace as a node would: numbered, in segments within a day, each in its own commit."""
    writer = world.repo(node)
    values = (json.loads(line) for line in data.usage(name))
    for first, lines in _segments(node, values):
        day = parse_ts(json.loads(lines[-1])["ts"]).date() + timedelta(days=1)
        writer.commit({segment_path(day, first): b"".join(lines)}, when=_midnight(day))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _segments(node: str, values: Iterator[dict[str, Any]]) -> Iterator[tuple[int, list[bytes]]]:
    numbered = enumerate(values, start=1)
    while part := list(islice(numbered, SEGMENT_LINES)):
        by_day: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for seq, value in part:
            by_day[value["ts"][:10]].append((seq, usage_line(node=node, seq=seq, **value)))
        for lines in by_day.values():
            yield lines[0][0], [line for _, line in lines]


def all_charges(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    with world.reading() as store:
        users = [row["user"] for row in reports.balances(store, world.now)]
    for user in users:
        for charge in world.charges(user):
            yield user, charge


def test_each_line_of_the_bill_is_rated_at_its_own_list_cost() -> None:
    """925 lines, each within half a nano-dollar."""
    rater = Rater(parse_rule_book(PRICES_FILE.read_bytes(), None))
    rows = data.focus_expected()
    assert len(rows) == 925
    for row in rows:
        hour = hour_of(parse_ts(row["ts"]))
        units = int(row["units_e11"])
        rating = rater.rate(units, row["resource"], "hero_os_hourly", hour, None)
        assert rating.state is ChargeState.RATED
        assert abs(Fraction(rating.list_cost_nano, NANO) - Fraction(row["ListCost"])) <= HALF_NANO


def test_the_bill_through_a_pull_is_the_bill(tmp_path: Path) -> None:
    """900 charges, each within half a nano of the sum of its lines, and the bill's own total."""
    world = World(tmp_path)
    world.rules(PRICES_FILE.read_bytes())
    deliver(world, "aws", data.AWS)
    report = world.pull()["aws"]
    assert (report.admitted, report.held, report.rejected) == (925, 0, 0)
    bill: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for row in data.focus_expected():
        bill[row["ts"][:13] + ":00:00Z", row["user"], row["resource"]] += Fraction(row["ListCost"])
    found = {
        (charge["hour"], user, charge["resource"]): charge for user, charge in all_charges(world)
    }
    assert len(found) == 900
    assert set(found) == set(bill)
    for key, charge in found.items():
        assert charge["state"] == "rated"
        assert abs(Fraction(charge["list_cost_nano"], NANO) - bill[key]) <= HALF_NANO
    total = sum(charge["list_cost_nano"] for charge in found.values())
    assert total == BILL_TOTAL_NANO
    assert abs(Fraction(total, NANO) - sum(bill.values())) <= len(found) * HALF_NANO
    with world.reading() as store:
        accounts = list(reports.balances(store, world.now))
    assert sum(row["list_cost_nano"] for row in accounts) == total
    assert world.verify().matches


@pytest.mark.parametrize("name", [data.CODE, data.CONV])
def test_a_trace_through_a_pull_has_the_totals_that_others_counted(
    name: str, tmp_path: Path
) -> None:
    """Lines and units of every user and resource."""
    world = World(tmp_path)
    node = "llm-code" if name == data.CODE else "llm-conv"
    deliver(world, node, name)
    report = world.pull()[node]
    totals = data.totals(name)
    assert report.admitted == sum(lines for lines, _ in totals.values())
    assert (report.duplicates, report.held, report.rejected) == (0, 0, 0)
    lines, units = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for user, charge in all_charges(world):
        lines[user, charge["resource"]] += charge["records"]
        units[user, charge["resource"]] += charge["quantity"]
    assert {key: (lines[key], units[key]) for key in lines} == totals
    assert world.node(node)["gaps"] == []
