"""Each table of the page about prices is what the price above it makes of that usage."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from aggregator.rating.rating import Rater
from aggregator.rating.series import Payer, SeriesRater
from aggregator.rating.windows import Use
from gitmeter.money.tenure import BEFORE_ALL_HOURS, TenureStep
from tests.conftest import ROOT
from tests.docs.guide import missing
from tests.support.ledger.world import World
from tests.support.priced import hour_at
from tests.support.repos import usage_line
from wire_format.fields import APPLIES_TO, AppliesTo
from wire_format.instants import HOUR_US
from wire_format.money import format_usd, parse_nano
from wire_format.rule_book import RuleBook, parse_rule_book

PAGE: Final = (ROOT / "docs" / "pricing.md").read_text()
_PART: Final = re.compile(
    r"^## (?P<section>.+)$|^```toml\n(?P<toml>(?s:.*?))^```$|^<!-- first paid: (?P<paid>\S+) -->$"
    r"|^(?P<table>\| hour \|.*\n\|[-|]+\n(?:\|.*\n)+)",
    re.MULTILINE,
)
_PRICED_FOR: Final = "acme"
"""Whose usage a table without a column `account` shows."""

Row = Mapping[str, str]


class Example(NamedTuple):
    """A table of the page.

    Attributes:
        line_no: where it begins.
        prices: the block above it.
        paid: the hour of the account's first payment; None without one.
        rows: by the names of the columns.
    """

    line_no: int
    prices: str
    paid: str | None
    rows: tuple[Row, ...]


def examples() -> Iterator[Example]:
    """All tables of usage."""
    prices, paid = "", None
    for part in _PART.finditer(PAGE):
        if part["section"]:
            paid = None
        prices, paid = part["toml"] or prices, part["paid"] or paid
        if part["table"]:
            head, _, *lines = part["table"].splitlines()
            names = cells(head)
            rows = tuple(dict(zip(names, cells(line), strict=True)) for line in lines)
            yield Example(PAGE.count("\n", 0, part.start()) + 1, prices, paid, rows)


def cells(line: str) -> list[str]:
    """The cells of a row."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def stated(example: Example) -> RuleBook:
    """The prices of an example, with the default discounts."""
    return parse_rule_book(example.prices.encode(), None)


def rated(example: Example) -> list[dict[str, str]]:
    """The rows as they should be, in the order of the table."""
    rater = Rater(stated(example))
    (resource,) = {price.resource for price in rater.rule_book.prices}
    paid_us = None if example.paid is None else hour_at(example.paid) * HOUR_US
    tenure = (TenureStep(BEFORE_ALL_HOURS, paid_us),)
    series: dict[tuple[str, AppliesTo], list[Use]] = defaultdict(list)
    for row in example.rows:
        series[_whose(row)].append(Use(hour_at(row["hour"]), int(row["units"])))
    found = {
        (user, category, each.use.hour): each
        for (user, category), uses in series.items()
        for each in SeriesRater(
            rater, Payer(user, tenure, rater.no_plans), resource, category
        ).rate(sorted(uses))
    }
    rows = []
    for row in example.rows:
        each = found[*_whose(row), hour_at(row["hour"])]
        costs = {"list cost": each.rating.list_cost_nano, "billed": each.rating.billed_cost_nano}
        shown = {name: format_usd(nano) for name, nano in costs.items() if name in row}
        rows.append({**row, "before": str(each.before), **shown})
    return rows


def _whose(row: Row) -> tuple[str, AppliesTo]:
    category = row.get("category", "llm")
    return row.get("account", _PRICED_FOR), APPLIES_TO[APPLIES_TO.index(category)]


EXAMPLES: Final = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"line {example.line_no}")
def test_the_usage_of_a_table_costs_what_it_says(example: Example) -> None:
    """Units counted before it, list cost, and what is billed where that is shown."""
    costs = {"list cost", "billed"}
    rows = [
        {
            name: format_usd(parse_nano(cell)) if name in costs else cell
            for name, cell in row.items()
        }
        for row in example.rows
    ]
    assert rated(example) == rows


def test_every_block_of_prices_has_a_table() -> None:
    """And there are as many as the page needs for each form, window and change."""
    blocks = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert {example.prices for example in EXAMPLES} == set(blocks)
    assert len(EXAMPLES) >= 14


def test_the_explanation_is_that_of_the_example_of_tiers(tmp_path: Path) -> None:
    """As the program prints it."""
    example = next(each for each in EXAMPLES if "flat_usd" in each.prices)
    world = World(tmp_path)
    world.now = when = datetime(2026, 12, 2, tzinfo=UTC)
    world.repo("books").commit({"rules/prices.toml": example.prices.encode()}, when=when)
    (resource,) = {price.resource for price in stated(example).prices}
    lines = [
        usage_line(
            seq=seq,
            ts=f"{row['hour']}:00:00Z",
            units=int(row["units"]),
            user=_PRICED_FOR,
            resource=resource,
            applies_to="llm",
        )
        for seq, row in enumerate(example.rows, start=1)
    ]
    world.usage(*lines, when=when)
    world.pull()
    (shown,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    user, of, hour = shown.partition("\n")[0].split()
    said = world.run("explain", user, of, hour[:13]).ok().out
    assert missing(shown, said) == []
    assert hour in said


def test_the_sums_that_the_text_states_are_those_of_its_tables() -> None:
    """Before and after the late record."""
    late = [each for each in EXAMPLES if _section_of(each) == "Late records"]
    sums = [format_usd(sum(parse_nano(row["list cost"]) for row in each.rows)) for each in late]
    assert len(sums) == 2
    text = PAGE.partition("## Late records")[2].partition("\n## ")[0]
    assert f"{sums[0]} before, and {sums[1]} as the cost" in text.replace("\n", " ")


def _section_of(example: Example) -> str:
    above = "\n".join(PAGE.splitlines()[: example.line_no])
    return str(re.findall(r"^## (.+)$", above, re.MULTILINE)[-1])
