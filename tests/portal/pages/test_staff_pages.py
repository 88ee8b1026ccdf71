"""What the pages of the house show, to each role, and that it is what the interface says."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
import requests

from portal.access.scopes import ROLES
from portal.pages.staff import accounts, feed, fleet, money
from tests.portal.pages.house import (
    HOSTILE,
    HOSTILE_DETAIL,
    HOSTILE_REASON,
    House,
    tell_house,
)
from tests.portal.pages.visitor import Visitor
from tests.portal.place import PortalPlace
from wire_format.money import format_cents, parse_nano

ALICE = "/house/accounts/alice"
READ = [
    *("/house", "/house/running-out", "/house/accounts", "/house/accounts?below_usd=0", ALICE),
    *(f"{ALICE}/payments", f"{ALICE}/charges", f"{ALICE}/credit", "/house/fleet", "/house/prices"),
    *("/house/prices?file=plans.toml", "/house/automatic", "/house/automatic?state=stopped"),
]
FOR_FINANCE = ["/house/feed", "/house/feed?which=acts&period=all"]
FOR_ADMIN = [f"{ALICE}/keys/new", "/house/open"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that nothing changes."""
    place = PortalPlace(tmp_path_factory.mktemp("house"), rpm=1_000_000)
    place.world.later(minutes=5)
    with place.serving():
        yield tell_house(place)


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def said(house: House, path: str, role: str = "admin") -> Any:  # noqa: ANN401
    """What the interface says to staff."""
    return house.place.client(house.keys[role]).json(path)


def opened(house: House, role: str) -> Iterator[tuple[str, requests.Response]]:
    visitor = house.visitor(role)
    for path in (*READ, *FOR_FINANCE, *FOR_ADMIN):
        yield path, visitor.get(path)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_its_pages_and_a_menu_of_them(house: House, role: str) -> None:
    closed = {"support": [*FOR_FINANCE, *FOR_ADMIN], "finance": FOR_ADMIN, "admin": []}[role]
    for path, found in opened(house, role):
        assert found.status_code == (404 if path in closed else 200), (path, found.text)
        assert "None" not in text_of(found.text), path
        assert ('<a href="/house/feed"' in found.text) is (role != "support")
        assert '<a href="/house/accounts"' in found.text


def test_a_customer_has_no_menu_of_the_house(house: House) -> None:
    page = house.visitor("customer").page("/")
    assert "/house" not in page
    assert "staff.css" not in page


def test_the_house_says_what_the_interface_says(house: House) -> None:
    page = text_of(house.visitor("finance").page("/house"))
    revenue = said(house, "/v1/revenue?period=this-month")["total"]
    today = said(house, "/v1/revenue?period=today")["total"]
    assert f"Revenue {today['revenue_usd']} {revenue['revenue_usd']}" in page
    assert f"Billed usage {today['billed_cost_usd']} {revenue['billed_cost_usd']}" in page
    assert "Payment 1.00 86.00" in page
    assert "Credit given 0.00 5.00" in page
    assert "Money given back (1 waiting or in question) 0.00 0.00" in page
    owed = said(house, "/v1/liability")
    assert f"Liability {owed['total']['amount_usd']}" in page
    for row in (*owed["rows"], *owed["beside"]):
        assert f"{row['what'].capitalize()} {row['accounts']} {row['amount_usd']}" in page
    ended = said(house, "/v1/breakage?period=this-month")["total"]
    assert ended["promotional_usd"] != "0.00"
    assert f"Promotional 0.00 {ended['promotional_usd']}" in page
    assert "2 open incidents" in page
    (bob,) = said(house, "/v1/running-out")["rows"]
    a_day = format_cents(parse_nano(bob["burn_day_usd"]))
    assert f"bob {bob['balance_usd']} {a_day} {bob['days_left']}" in page


def test_support_sees_who_runs_out_and_no_money_of_the_house(house: House) -> None:
    page = text_of(house.visitor("support").page("/house"))
    assert "bob -0.10" in page
    assert "2 open incidents" in page
    assert "Revenue" not in page
    assert "Liability" not in page


def test_accounts_are_found_by_their_ids_and_by_what_they_have(house: House) -> None:
    visitor = house.visitor("support")
    found = text_of(visitor.page("/house/accounts?search=ali"))
    assert "alice 51.75 49.75 5.80 80.00" in found
    assert "bob" not in found
    assert "debtor -1.00" in text_of(visitor.page("/house/accounts?below_usd=0"))
    assert "There is no such account" in visitor.page("/house/accounts?search=nobody")
    assert visitor.get("/house/accounts?below_usd=x").status_code == 422


def test_an_account_is_shown_with_everything(house: House) -> None:
    page = text_of(house.visitor("support").page(ALICE))
    file = said(house, "/v1/accounts/alice")
    balance = file["balance"]
    assert f"{balance['balance_usd']} of {balance['granted_usd']} USD left" in page
    assert "pro; this period ends 12 Nov 2026" in page
    for grant in balance["grants"]:
        assert grant["grant"] in page
    for key in file["keys"]:
        assert key["key_id"] in page
    for row in said(house, "/v1/accounts/alice/usage")["resources"]:
        assert f"{row['of']} {row['billed_usd']} {row['granted_usd']}" in page
    for row in said(house, "/v1/accounts/alice/payments")["payments"]:
        assert f"{row['amount']} {row['currency']}" in page
    assert house.visitor("support").get("/house/accounts/nobody").status_code == 404


def test_a_charge_of_an_account_is_opened_down_to_its_records(house: House) -> None:
    visitor = house.visitor("support")
    path = re.search(rf'href="({ALICE}/charges/[^"]+)"', visitor.page(f"{ALICE}/charges"))
    assert path is not None
    page = visitor.page(path[1])
    assert "they add up to this charge" in page
    assert f'<a href="{ALICE}/charges">' in page
    assert visitor.get(path[1].replace("alice", "debtor")).status_code == 404


def test_the_fleet_says_what_is_missing_and_what_ends_an_incident(house: House) -> None:
    html = house.visitor("support").page("/house/fleet")
    page = text_of(html)
    assert "node-2 usage 10 Nov 2026, 00:05 10 Nov 2026, 00:05 0 2 to 3 0 0 2" in page
    for incident in said(house, "/v1/incidents")["found"]:
        assert incident["detail"] in page
        for command in incident["commands"]:
            assert f"<pre><code>{command}</code></pre>" in html
    assert "<pre><code>aggregator unpriced</code></pre>" in html
    searched = text_of(house.visitor("support").page("/house/fleet?search=node-1"))
    assert "node-1" in searched
    assert "node-2" not in searched


def test_commands_of_an_incident_begin_with_the_one_that_ends_it(house: House) -> None:
    for incident in said(house, "/v1/incidents")["found"]:
        if incident["kind"] == "unpriced usage":
            assert incident["commands"] == ["aggregator unpriced"]


def test_prices_are_in_force_by_a_commit_of_the_books(house: House) -> None:
    page = house.visitor("support").page("/house/prices")
    rules = said(house, "/v1/rules")
    assert rules["commit"][:12] in page
    assert "search/web" in page
    assert "<textarea" not in page
    assert "<textarea" in house.visitor("finance").page("/house/prices")


def test_a_rule_file_is_tried_and_what_would_change_is_shown(house: House) -> None:
    visitor, rules = house.visitor("finance"), said(house, "/v1/rules")
    (text,) = [each["text"] for each in rules["files"] if each["name"] == "prices.toml"]
    dearer = text.replace('usd = "', 'usd = "1')
    asked = {"json": {"file": "prices.toml", "text": dearer}}
    trial = house.place.client(house.keys["finance"]).ask("POST", "/v1/rules/trial", **asked).json()
    path = "/house/prices/trial"
    sent = {"file": "prices.toml", "text": dearer.replace("\n", "\r\n")}
    page = text_of(visitor.send("/house/prices", path, **sent).text)
    assert f"Nothing was changed. Of {trial['charges']} charges so far" in page
    assert f"{trial['difference_usd']} USD all together" in page
    for row in trial["accounts"]:
        amounts = [row[name] for name in ("billed_usd", "proposed_billed_usd")]
        assert " ".join([row["user"], *amounts]) in page
    assert dearer.split("\n")[2] in page
    assert said(house, "/v1/rules") == rules
    same = text_of(visitor.send("/house/prices", path, file="prices.toml", text=text).text)
    assert "would cost anything else" in same


def test_a_rule_file_with_a_mistake_is_shown_again_with_it(house: House) -> None:
    visitor = house.visitor("admin")
    wrong = "[[price]]\nusd = 3\n# </textarea><script>alert(4)</script>"
    found = visitor.send("/house/prices", "/house/prices/trial", file="prices.toml", text=wrong)
    assert found.status_code == 422
    assert "This file cannot be used" in found.text
    assert wrong in unescape(found.text)
    assert "<script>alert" not in found.text
    other = visitor.send("/house/prices", "/house/prices/trial", file="../x", text="y")
    assert (other.status_code, "cannot be used" in other.text) == (422, True)


def test_the_feed_has_every_line_with_where_it_stands(house: House) -> None:
    visitor = house.visitor("finance")
    for which in ("all", "payments", "unconfirmed", "in_question", "disputes", "acts"):
        lines = said(house, f"/v1/feed?which={which}&period=all", "finance")["lines"]
        page = text_of(visitor.page(f"/house/feed?which={which}&period=all"))
        for line in lines:
            where = f"{line['commit'][:12]} of {line['repo']}, {line['path']}, line"
            assert where in page
            assert f"{where} {line['line_no']}" in page
            assert line["state"] == "counted" or f"no: {line['why']}" in page
    assert "There is none" in visitor.page("/house/feed?period=2025-01")
    assert visitor.get("/house/feed?period=never").status_code == 422
    assert visitor.get("/house/feed?which=never").status_code == 422


def test_texts_of_others_stay_texts(house: House) -> None:
    """Ids of accounts, reasons in lines, and details of incidents that would be scripts."""
    visitor = house.visitor("admin")
    own = f"/house/accounts/{quote(HOSTILE, safe='')}"
    searched = f"/house/accounts?search={quote(HOSTILE)}"
    paths = [*READ, *FOR_FINANCE, *FOR_ADMIN, own, searched, f"{own}/credit", f"{own}/keys/new"]
    pages = {path: visitor.page(path) for path in (*paths, "/house/feed?period=all")}
    for path, page in pages.items():
        assert re.findall(r"<script[^>]*>", page) == re.findall(r"<script src=[^>]*>", page), path
        for text in (HOSTILE, HOSTILE_REASON, HOSTILE_DETAIL, "repos/<b>"):
            assert text not in page, path
        assert " style=" not in page
        assert not re.search(r"<[^>]* on\w+=", page)
    assert HOSTILE in unescape(pages[own])
    assert HOSTILE_REASON in unescape(pages["/house/feed?period=all"])
    assert HOSTILE_DETAIL in unescape(pages["/house/fleet"])
    assert f'href="{own}"' in pages["/house/accounts"]


def rows_of(page: str) -> int:
    return page.count("<tr>") + page.count("<tr class=") - page.count("<thead>")


def all_pages(visitor: Visitor, path: str, word: str) -> list[str]:
    """A page and those after it."""
    found = [visitor.page(path)]
    while link := re.search(rf'<a href="([^"]+)">{word}</a>', found[-1]):
        found.append(visitor.page(unescape(link[1])))
    return found


def test_long_lists_come_in_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row once, over as many pages as it takes, with the same search on each."""
    visitor = house.visitor("admin")
    everything = rows_of(visitor.page("/house/accounts"))
    monkeypatch.setattr(accounts, "ROWS", 2)
    monkeypatch.setattr(feed, "ROWS", 4)
    monkeypatch.setattr(fleet, "ROWS", 3)
    monkeypatch.setattr(fleet, "INCIDENTS_SHOWN", 1)
    monkeypatch.setattr(money, "RUNNING_OUT_SHOWN", 0)
    pages = all_pages(visitor, "/house/accounts", "Next")
    assert [rows_of(page) for page in pages] == [2] * (everything // 2) + [1] * (everything % 2)
    found = all_pages(visitor, "/house/accounts?search=-1", "Next")
    assert [rows_of(page) for page in found] == [2, 1]  # the three members of staff
    lines = all_pages(visitor, "/house/feed?period=all", "Older")
    assert len(lines) == 4
    assert all(rows_of(page) <= 4 for page in lines)
    nodes = all_pages(visitor, "/house/fleet?search=-", "Next")
    assert [page.count('<th scope="row">') for page in nodes] == [3]
    assert [
        page.count('<th scope="row">') for page in all_pages(visitor, "/house/fleet", "Next")
    ] == [3, 1]
    assert "And 1 more" in nodes[0]
    assert "And 1 more" in visitor.page("/house/running-out")
