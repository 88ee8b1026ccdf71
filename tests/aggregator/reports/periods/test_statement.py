"""A statement leads from the opening to the closing balance, line by line."""

import csv
import io
import json
import re
from copy import deepcopy
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.proof.past import made_from
from aggregator.reports.statements.page import statement_page
from aggregator.reports.statements.totals import totals
from tests.support.alphabet import ids
from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.terms_world import TermsWorld
from tests.support.ledger.tiers_world import tiers_world
from tests.support.ledger.world import BOOKS, World
from wire_format.money import NANO, format_cents, parse_nano


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TermsWorld:
    return reports_world(tmp_path_factory.mktemp("statement"))


def json_of(world: World, *arguments: str) -> Any:  # noqa: ANN401 - whatever it is
    return world.run("statement", *arguments, "--json").ok().json


def test_the_rows_add_up_to_the_closing_balance(world: TermsWorld) -> None:
    """In CSV, with the commit and line of each payment and fee."""
    said = world.run("statement", "alice", "2026-11-02", "--csv").ok().out
    *rows, closing = csv.DictReader(io.StringIO(said))
    amounts = [parse_nano(row["amount_usd"]) for row in rows]
    assert sum(amounts) == parse_nano(closing["amount_usd"])
    assert [(row["section"], row["what"]) for row in rows] == [
        ("opening", "balance"),
        ("money", "payment"),
        ("fee", "pro"),
        ("usage", "llm/tokens"),
        ("usage", "search/web"),
        ("usage", "search/web"),
        ("grant", "begun"),
        ("grant", "begun"),
        ("grant", "begun"),
    ]
    assert [row["reference"] for row in rows if row["section"] == "usage"] == [
        "llm x1, 1 per 1000",
        "llm x1, included",
        "llm x1, 0.10 per 1",
    ]
    at = world.run("balance", "alice", "--at", "2026-11-03", "--json").ok().json
    assert parse_nano(closing["amount_usd"]) == at["balance_nano"]
    for row in rows[1:3]:
        files = world.repo(BOOKS).files(row["commit"])
        line = files[row["path"]].splitlines()[int(row["line_no"]) - 1]
        assert b'"user":"alice"' in line


def test_usage_is_told_by_tier_and_package(tmp_path: Path) -> None:
    """Of two hours together, and of the same name and price in one row each."""
    world = tiers_world(tmp_path)
    found = json_of(world, "alice", "2025-01")
    told = [
        (used["resource"], part["what"], part["units"], part["billed_cost_nano"] / NANO)
        for used in found["usage"]
        for part in used["parts"]
    ]
    assert told == [
        ("a/graduated", "tier 1: 2.00 per 10", 100, 20),
        ("a/graduated", "tier 2: 5.00 once", 0, 5),
        ("a/graduated", "tier 2: 1.00 per 10", 30, 3),
        ("b/volume", "tier 2: 0.30 per 1", 12, 3.6),
        ("c/package", "packages of 1000: 0.40 each", 1000, 0.4),
        ("d/unpriced", "unpriced", 3, 0),
    ]
    text = world.run("statement", "alice", "2025-01").ok().out
    page = world.run("statement", "alice", "2025-01", "--html").ok().out
    for _, what, units, _ in told:
        assert re.search(rf"{re.escape(what)} +{units} ", text)
        assert f'<td>{what}</td><td class="n">{units}</td>' in page


def test_lines_of_one_instant_are_told_apart(tmp_path: Path) -> None:
    """A payment and what was given back of it in two parts, the second more than was left."""
    world = TermsWorld(tmp_path)
    world.pay_in("9.00")
    world.refund("4.00", of_seq=1)
    world.refund("7.00", of_seq=1)
    world.pull()
    told = [(line["kind"], line["nano"]) for line in json_of(world, "alice", "2026-11-02")["money"]]
    assert told == [("payment", 9 * NANO), ("refund", -4 * NANO), ("refund", -5 * NANO)]


def test_a_period_closes_as_the_next_one_opens(world: TermsWorld) -> None:
    """Days, and the month that they are in."""
    days = [json_of(world, "alice", f"2026-11-{day:02d}") for day in range(1, 9)]
    for before, after in pairwise(days):
        assert before["closing_balance_nano"] == after["opening_balance_nano"]
    whole = json_of(world, "alice", "2026-11-01..2026-11-08")
    assert whole["opening_balance_nano"] == 0
    assert whole["closing_balance_nano"] == days[-1]["closing_balance_nano"]
    for name, nano in whole["sums"].items():
        assert nano == sum(day["sums"][name] for day in days)


def test_what_grants_had_left_ends_in_its_day(world: TermsWorld) -> None:
    """The welcome ends after five days; the other one has no end."""
    found = json_of(world, "alice", "2026-11-07")
    changes = {each["grant"]: each for each in found["grants"]}
    welcome = changes["manual:welcome"]
    assert welcome["ended_nano"] == welcome["opening_nano"] - welcome["drawn_nano"]
    assert welcome["closing_nano"] == 0
    assert found["sums"]["grants_ended_nano"] == welcome["ended_nano"]


def test_a_refund_takes_from_its_payment_when_it_is_dated(tmp_path: Path) -> None:
    """More than the payment was is not taken."""
    world = TermsWorld(tmp_path)
    world.pay_in("10.00")
    world.later(days=1)
    world.refund("12.00", of_seq=1)
    world.pull()
    first, second = (json_of(world, "alice", f"2026-11-0{day}") for day in (2, 3))
    assert [(line["kind"], line["nano"]) for line in first["money"]] == [("payment", 10 * NANO)]
    assert [(line["kind"], line["nano"]) for line in second["money"]] == [("refund", -10 * NANO)]
    assert second["closing_balance_nano"] == 0


def test_it_says_from_what_it_was_made(world: TermsWorld) -> None:
    """The commits and the digest; the same ledger gives the same hash, whatever is asked."""
    found = json_of(world, "alice", "2026-11")["made_from"]
    assert found["tips"][BOOKS]["cursor"] == world.repo(BOOKS).tip()
    assert found["digest"] == world.digest()
    assert json_of(world, "bob", "2026-10")["made_from"] == found
    with world.reading() as store:
        assert made_from(store) == found


def test_what_changed_since_an_earlier_one_has_its_commits(tmp_path: Path) -> None:
    """A late payment and late usage, but not what came for somebody else."""
    world = reports_world(tmp_path / "world")
    asked = ("alice", "2026-11-02..2026-11-05")
    file = tmp_path / "then.json"
    file.write_text(json.dumps(json_of(world, *asked)))
    since = json_of(world, *asked, "--since", str(file))["since"]
    assert (since["changes"], since["commits"]) == ([], [])
    said = world.run("statement", *asked, "--since", str(file)).ok().out
    assert said.endswith("nothing changed since the earlier statement\n")
    world.pay_in("9.00", user="bob")
    world.now = world.now.replace(hour=20)
    world.pay_in("7.00")
    paid = world.repo(BOOKS).tip()
    world.use(50)
    used = world.repo("node-1").tip()
    world.use(1, user="bob")
    world.pull()
    since = json_of(world, *asked, "--since", str(file))["since"]
    commits = {each["commit"]: each for each in since["commits"]}
    assert list(commits) == [paid, used]
    assert (commits[paid]["payments"], commits[used]["usage"]) == (1, 1)
    changed = {(each["part"], each["what"].partition(" ")[0]): each for each in since["changes"]}
    closing = changed["balance", "closing"]
    # seven dollars more, and fifty searches for ten cents each, whoever pays them
    assert closing["after_nano"] - closing["before_nano"] == 2 * NANO
    assert ("usage", "search/web") in changed
    assert any(part == "money" for part, _ in changed)
    said = world.run("statement", *asked, "--since", str(file)).ok().out
    assert f"books {paid}: 1 money line\n" in said
    assert f"node-1 {used}: 1 usage line\n" in said


@pytest.mark.parametrize("part", ["user", "until", "sums"])
def test_another_statement_is_no_earlier_one(part: str, world: TermsWorld, tmp_path: Path) -> None:
    file = tmp_path / "then.json"
    then = json_of(world, "alice", "2026-11-02")
    del then[part]
    file.write_text(json.dumps(then | ({part: "x"} if part != "sums" else {})))
    said = world.run("statement", "alice", "2026-11-02", "--since", str(file))
    assert (said.code, said.out) == (1, "")
    assert "the file is not a statement of alice from 2026-11-02T00:00:00Z until" in said.err


class _Cells(HTMLParser):
    """The texts of a page, and the names of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as declared
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


def test_the_page_says_what_the_text_says(world: TermsWorld) -> None:
    """Every payment, fee, resource and grant, and how the balance comes about; loading nothing."""
    page = world.run("statement", "alice", "2026-11-02", "--html").ok().out
    found = json_of(world, "alice", "2026-11-02")
    cells = _Cells(page)
    for name, nano in totals(found):
        at = cells.texts.index(name)
        assert cells.texts[at + 1] == format_cents(nano)
    told = [line["ts"] for line in (*found["money"], *found["fees"])]
    told += [used["resource"] for used in found["usage"]]
    told += [grant["grant"] for grant in found["grants"]]
    assert set(told) <= set(cells.texts)
    assert found["made_from"]["sha256"] in page
    assert not {"script", "img", "link", "iframe", "a"} & cells.elements
    assert "default-src 'none'" in page


@pytest.fixture(scope="module")
def told(world: TermsWorld) -> dict[str, Any]:
    found: dict[str, Any] = json_of(world, "alice", "2026-11-02")
    return found


@given(st.tuples(ids(), ids(), ids(), ids()))
@example(("</td><script>alert(1)</script>&amp;<b>\"'{{ 7*7 }}",) * 4)
@settings(max_examples=30)
def test_no_text_becomes_a_part_of_the_page(
    told: dict[str, Any], texts: tuple[str, str, str, str]
) -> None:
    """Whatever is in an id or a reference, it is read as it was written."""
    found = deepcopy(told)
    plain = _Cells(statement_page(found)).elements
    found["user"] = texts[0]
    found["money"][0]["external_ref"] = texts[1]
    found["usage"][0]["resource"] = texts[2]
    found["grants"][0]["grant"] = texts[3]
    cells = _Cells(statement_page(found))
    assert cells.elements == plain
    for text in texts:
        assert any(text.strip() in cell for cell in cells.texts)


def test_people_read_sums_and_what_is_missing(world: TermsWorld) -> None:
    said = world.run("statement", "bob", "2026-11-01..2026-11-10").ok().out
    assert said.startswith("bob, 2026-11-01..2026-11-10: from 2026-11-01T00:00:00Z until 2026")
    for words in ("opening balance", "money in and out    0.50", "usage              -1.00"):
        assert words in said
    assert "closing balance    -0.50" in said
    assert "charges that are not billed in full: 1" in said
    assert "made from 2 repos: " in said


def test_a_period_that_is_not_over_is_told_up_to_now(world: TermsWorld) -> None:
    said = world.run("statement", "alice", "2026-11..2100").ok().out
    assert "the period is not over yet" in said
    assert json_of(world, "alice", "2026-11..2100")["is_over"] is False
    assert "not over" not in world.run("statement", "alice", "2026-11-03").ok().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("carol", "2026-11"), 1, "no account of 'carol'"),
        (("alice", "november"), 2, "is no period such as"),
        (("alice",), 2, "Missing argument"),
        (("alice", "2026-11", "--csv", "--json"), 2, "two forms of one answer"),
        (("alice", "2026-11", "--html", "--json"), 2, "state one of them"),
    ],
)
def test_wrong_words_are_refused(
    world: TermsWorld, words: tuple[str, ...], code: int, says: str
) -> None:
    said = world.run("statement", *words)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
