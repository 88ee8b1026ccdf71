"""The carried data is whole, and the demo's rule book prices it as the bill itself does."""

import json
from collections import Counter, defaultdict
from fractions import Fraction

import pytest

from fixtures import data
from fixtures.make_demo_rules import PRICES_FILE, demo_prices
from tests.support.reference import reckon
from tests.support.repos import usage_line
from tests.support.strategies import DEFAULT_LADDER
from wire_format.lines import Folder
from wire_format.rule_book import parse_rule_book
from wire_format.segment import decode_segment

HALF_NANO = Fraction(1, 2 * 10**9)


@pytest.mark.parametrize(
    ("name", "lines"), [(data.CODE, 17_638), (data.CONV, 38_732), (data.AWS, 925)]
)
def test_usage_equals_its_totals(name: str, lines: int) -> None:
    """Lines and units of every user and resource, as counted apart from this project."""
    counted: Counter[tuple[str, str]] = Counter()
    units: Counter[tuple[str, str]] = Counter()
    for line in data.usage(name):
        values = json.loads(line)
        counted[values["user"], values["resource"]] += 1
        units[values["user"], values["resource"]] += values["units"]
    assert {key: (counted[key], units[key]) for key in counted} == data.totals(name)
    assert counted.total() == lines


@pytest.mark.parametrize("name", data.USAGE)
def test_usage_is_what_a_node_may_write(name: str) -> None:
    """Users, resources, times and units fit the wire format as they are, and time ascends."""
    values = [json.loads(line) for line in data.usage(name)]
    lines = [usage_line(seq=seq, **value) for seq, value in enumerate(values, start=1)]
    segment = decode_segment(b"".join(lines), Folder.USAGE)
    assert not segment.rejects
    instants = [record.ts for record in segment.records]
    assert instants == sorted(instants)


def test_llm_prices_are_whole() -> None:
    rows = [json.loads(line) for line in data.llm_priced()]
    assert len(rows) == 3_474
    assert all(
        {"provider", "model", "usage", "input_price", "output_price"} <= set(row) for row in rows
    )


def test_the_demo_rule_book_is_the_one_its_script_writes() -> None:
    """And a rule book it is, with one price for each resource of the demo; its plans are read."""
    assert PRICES_FILE.read_text() == demo_prices()
    plans = (PRICES_FILE.parent / "plans.toml").read_bytes()
    book = parse_rule_book(PRICES_FILE.read_bytes(), None, plans_toml=plans)
    assert book.plans.default == "free"
    used = {resource for name in data.USAGE for _, resource in data.totals(name)} | {"search/web"}
    assert sorted(price.resource for price in book.prices) == sorted(used)


def test_the_aws_bill_comes_out_at_its_own_list_cost() -> None:
    """The reference, the demo's prices and a bill that none of us wrote agree on 900 charges."""
    book = parse_rule_book(PRICES_FILE.read_bytes(), None)
    prices = [price.model_dump(by_alias=True) for price in book.prices]
    lines = {
        usage_line(seq=seq, **json.loads(line))
        for seq, line in enumerate(data.usage(data.AWS), start=1)
    }
    ledger = reckon(lines, set(), prices, [DEFAULT_LADDER])
    bill: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for row in data.focus_expected():
        exact = Fraction(row["ListCost"])
        assert (
            abs(Fraction(row["PricingQuantity"]) * Fraction(row["ListUnitPrice"]) - exact)
            <= HALF_NANO
        )
        bill[row["ts"][:13] + ":00:00Z", row["user"], row["resource"]] += exact
    assert {key[:3] for key in ledger.charges} == set(bill)
    assert len(ledger.charges) == 900
    assert sum(bill.values()) == Fraction("20.76301764060")
    for key, (_, _, state, list_cost_nano, _) in ledger.charges.items():
        assert state == "rated"
        assert abs(Fraction(list_cost_nano, 10**9) - bill[key[:3]]) <= HALF_NANO
