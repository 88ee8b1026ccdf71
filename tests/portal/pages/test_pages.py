"""What pages show, and that it is what the interface says."""

import csv
import json
import re
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from portal.pages.customers import chart, usage
from portal.pages.table import PAGES
from tests.portal.pages.story import DAYS, key_of, tell
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace

READ = ["/", "/usage", "/usage?by=week", "/usage?by=month", "/charges", "/payments", "/plan"]
READ += ["/automatic", "/settings", "/keys", "/statements", "/statements/2026-11"]


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def said(place: PortalPlace, path: str) -> Any:  # noqa: ANN401
    """What the interface says to alice."""
    return place.client(key_of(place)).json(path)


@pytest.mark.parametrize("path", READ)
def test_each_page_is_shown(alice: Visitor, path: str) -> None:
    page = alice.page(path)
    assert page.startswith("<!DOCTYPE html>")
    assert "None" not in text_of(page)


def test_the_overview_says_what_the_interface_says(place: PortalPlace, alice: Visitor) -> None:
    found, page = said(place, "/v1/balance"), text_of(alice.page("/"))
    assert f"{found['balance_usd']} of {found['granted_usd']} USD left" in page
    assert "Everything up to 9 Nov 2026, 00:05 is counted" in page
    grant = next(each for each in found["grants"] if each["grant"].endswith("welcome"))
    assert f"Welcome for llm/* {grant['left_usd']} of 2.00 1 Jan 2027, 00:00" in page
    meter = said(place, "/v1/entitlements")["plan"]["meters"][0]
    assert f"Search: {meter['used']} of 20 0 left" in page


def test_usage_has_every_number_of_the_chart_in_tables(place: PortalPlace, alice: Visitor) -> None:
    found = said(place, "/v1/usage")
    html = alice.page("/usage")
    page = text_of(html)
    for row in found["rows"]:
        assert (
            f"{row['resource']} {row['quantity']:,} {row['included']:,} {row['billed_usd']}" in page
        )
    for each in found["resources"]:
        assert f"{each['of']} {each['billed_usd']} {each['granted_usd']}" in page
    assert html.count("<g><title>") == len(found["periods"]) == DAYS
    assert 'role="img" aria-labelledby="usage-title usage-desc"' in html


def test_long_usage_is_told_by_period_alone(
    place: PortalPlace, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page is of bounded size, whatever was used."""
    monkeypatch.setattr(usage, "ROWS_MAX", 5)
    monkeypatch.setattr(chart, "STACKED_MAX", 5)
    html = alice.page("/usage")
    assert "too many lines" in html
    assert html.count("<rect class=") == DAYS
    page = text_of(html)
    for each in said(place, "/v1/usage")["periods"]:
        assert f"{int(each['of'][-2:])} Nov 2026 {each['billed_usd']}" in page


def test_sums_of_usage_are_those_of_its_rows(place: PortalPlace) -> None:
    tell(place)
    found = said(place, "/v1/usage")
    for sums, name in (("periods", "period"), ("resources", "resource")):
        for each in found[sums]:
            rows = [row for row in found["rows"] if row[name] == each["of"]]
            for cost in ("list_usd", "billed_usd", "granted_usd"):
                cents = sum(round(float(row[cost]) * 1e9) for row in rows)
                assert cents == round(float(each[cost]) * 1e9)
    billed = [float(each["billed_usd"]) for each in found["resources"]]
    assert billed == sorted(billed, reverse=True)


def test_a_charge_is_opened_down_to_the_commit(place: PortalPlace, alice: Visitor) -> None:
    path = re.search(r'href="(/charges/[^"]+)"', alice.page("/charges"))
    assert path is not None
    page = text_of(alice.page(path[1]))
    found = said(place, f"/v1{path[1]}/explain")
    line = found["lines"][0]
    where = (
        f"entry in the public log {line['commit'][:12]} , {line['path']} , line {line['line_no']}"
    )
    assert where in page
    assert "they add up to this charge" in page


def test_long_lists_come_in_pages(place: PortalPlace) -> None:
    for _ in range(60):
        place.world.use(1)
        place.world.later(hours=1)
    visitor = signed_in(place.url, key_of(place))
    first = visitor.page("/charges")
    older = re.search(r'href="(/charges\?cursor=[^"]+)"', first)
    assert older is not None
    seen = re.findall(r'href="(/charges/[^"]+)"', first + visitor.page(older[1]))
    assert len(seen) == len({*seen}) == 60


@pytest.mark.parametrize(
    ("left", "words"),
    [("0.50", "used up"), ("0.55", "running low"), ("20.00", "")],
)
def test_an_exhausted_and_a_low_balance_are_told(place: PortalPlace, left: str, words: str) -> None:
    place.world.pay_in(left, user="carol")
    place.world.use(8, user="carol")
    visitor = signed_in(place.url, key_of(place, "carol"))
    page = text_of(visitor.page("/"))
    assert [word in page for word in ("used up", "running low")] == [
        words == "used up",
        words == "running low",
    ]


def test_a_statement_can_be_kept(place: PortalPlace, alice: Visitor) -> None:
    found = said(place, "/v1/statements/2026-11")
    kept = alice.get("/statements/2026-11/file?form=json")
    assert kept.headers["Content-Disposition"] == 'attachment; filename="statement-2026-11.json"'
    assert json.loads(kept.text) == found
    page = alice.get("/statements/2026-11/file?form=html")
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert "Statement of alice" in page.text
    assert "node-1" not in page.text
    table = alice.get("/statements/2026-11/file?form=csv")
    rows = [*csv.DictReader(StringIO(table.text))]
    assert rows[0]["balance_usd"] == found["opening_balance_usd"]
    assert rows[-1]["balance_usd"] == found["closing_balance_usd"]
    billed = [row["billed_usd"] for row in rows if row["what"] == "usage"]
    assert billed == [each["billed_cost_usd"] for each in found["usage"]]


def test_a_spreadsheet_takes_no_text_for_a_formula(place: PortalPlace) -> None:
    place.world.use(1, "@SUM")
    place.world.use(1, "-1+1")
    visitor = signed_in(place.url, key_of(place))
    found = visitor.get("/statements/2026-11/file?form=csv").text
    names = [row["name"] for row in csv.DictReader(StringIO(found)) if row["what"] == "usage"]
    assert {"'@SUM", "'-1+1"} < {*names}


def test_texts_are_text_and_nothing_else(tmp_path: Path) -> None:
    place = PortalPlace(tmp_path, pages={"brand": "<script>x</script> & <b>"})
    with place.serving():
        place.world.pay_in("1.00")
        page = signed_in(place.url, key_of(place)).page("/")
    assert "<script>x" not in page
    assert "&lt;script&gt;x&lt;/script&gt; &amp; &lt;b&gt;" in page


@pytest.mark.parametrize("path", [path for path in READ if path not in {"/", "/keys"}])
def test_a_key_opens_no_page_that_it_opens_no_answer_of(place: PortalPlace, path: str) -> None:
    visitor = signed_in(place.url, place_key(place))
    found = visitor.get(path)
    assert found.status_code == 403
    assert "Your key does not open this" in found.text
    assert path not in re.findall(r'href="([^"]+)"', visitor.page("/"))


def place_key(place: PortalPlace) -> str:
    """A key that may do nothing but see keys."""
    key = place.key("alice", "keys:write")
    place.pull()
    return key.secret


def test_two_accounts_see_nothing_of_each_other(place: PortalPlace, alice: Visitor) -> None:
    bob = signed_in(place.url, key_of(place, "bob"))
    charge = re.search(r'href="(/charges/[^"]+)"', alice.page("/charges"))
    assert charge is not None
    theirs = {"alice": ("welcome", "crawler-1", "chat-2", "llm/tokens"), "bob": ("bobs-secret",)}
    for path in READ:
        assert not [word for word in theirs["bob"] if word in alice.page(path)], path
        assert not [word for word in theirs["alice"] if word in bob.page(path)], path
    tokens = re.search(r'href="(/charges/[^"]+bGxtL3Rva2Vucw)"', alice.page("/charges"))
    assert tokens is not None
    assert bob.get(tokens[1]).status_code == 404
    # a cursor of one is none of the other, and neither is the token of a form
    assert (
        bob.get("/charges?cursor=20261109T00-llm-c2VhcmNoL3dlYg.0000000000000000").status_code
        == 422
    )
    stolen = {"form_token": alice.token("/settings"), "cap_usd": "1.00"}
    assert bob.post("/settings", stolen).status_code == 403


def test_every_page_that_changes_something_is_a_form() -> None:
    assert {page.method for page in PAGES if page.changes is not None} == {"POST"}


def test_an_unknown_question_is_refused_with_what_to_do(alice: Visitor) -> None:
    for path in ("/usage?by=year", "/usage?from=x", "/?x=1", "/charges?cursor=x", "/payments?a=b"):
        found = alice.get(path)
        assert found.status_code == 422, path
        assert "Go back" in found.text
    for path in ("/charges/x", "/nothing", "/statements"):
        assert alice.get(path).status_code == (200 if path == "/statements" else 404)
    assert alice.get("/statements/never").status_code == 422
