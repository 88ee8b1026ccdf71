"""Lists come in pages as Forgejo's do, and every way that a page can be wrong can be had."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.forge_support.calling import Client
from tests.support.forge import ForgeServer
from tests.support.forge.api import Request, link_header, page_of
from tests.support.forge.views import Places

LIST = "/orgs/ops/repos?limit=50"


def pages(client: Client, path: str = LIST) -> list[requests.Response]:
    """Every page, following `Link`."""
    found = [client.ask("GET", path)]
    while url := found[-1].links.get("next", {}).get("url"):
        found.append(client.ask("GET", url))
        assert len(found) < 50, "it does not end"
    return found


def names(answers: list[requests.Response]) -> list[str]:
    return [repo["name"] for answer in answers for repo in answer.json()]


def fill(forge: ForgeServer, count: int) -> list[str]:
    """Make repos until there are so many; the first is there."""
    made = ["billing-a", *(f"billing-{number}" for number in range(1, count))]
    for name in made[1:]:
        forge.create(name)
    return made


def test_pages_follow_each_other_by_id(forge: ForgeServer, client: Client) -> None:
    expected = fill(forge, 123)
    found = pages(client)
    assert names(found) == expected
    assert [len(answer.json()) for answer in found] == [50, 50, 23]
    assert {answer.headers["X-Total-Count"] for answer in found} == {"123"}
    ids = [repo["id"] for answer in found for repo in answer.json()]
    assert ids == sorted(set(ids))
    second = found[1].links
    numbers = {rel: link["url"].rpartition("page=")[2] for rel, link in second.items()}
    assert numbers == {"next": "3", "last": "3", "first": "1", "prev": "1"}
    assert "next" not in found[2].links
    assert "last" not in found[2].links


@pytest.mark.parametrize(
    ("query", "length"),
    [("", 30), ("?limit=7", 7), ("?limit=0", 30), ("?limit=1000", 50), ("?page=3&limit=25", 10)],
)
def test_a_page_is_30_long_and_never_over_50(
    forge: ForgeServer, client: Client, query: str, length: int
) -> None:
    fill(forge, 60)
    assert len(client.get(f"/orgs/ops/repos{query}")) == length


def test_one_page_has_no_link(client: Client) -> None:
    answer = client.ask("GET", LIST)
    assert "Link" not in answer.headers
    assert answer.headers["X-Total-Count"] == "1"


def test_lists_of_keys_have_pages_but_no_link(forge: ForgeServer, client: Client) -> None:
    answer = client.ask("GET", "/repos/ops/billing-a/keys")
    assert answer.headers["X-Total-Count"] == "0"
    assert "Link" not in answer.headers


def test_what_a_user_may_not_see_is_counted_and_left_out(forge: ForgeServer) -> None:
    fill(forge, 55)
    limited = Client(forge, forge.add_token("read", sees={"billing-a", "billing-52"}))
    found = pages(limited)
    assert names(found) == ["billing-a", "billing-52"]
    assert found[0].headers["X-Total-Count"] == "55"
    limited.close()


@given(count=st.integers(0, 170), limit=st.integers(-1, 60))
def test_following_links_finds_each_repo_once(count: int, limit: int) -> None:
    """However many there are and however long a page is; and the first page has no `prev`."""
    places = Places("http://forge.invalid/", "", "ops")
    items, found, query = list(range(count)), list[int](), {"limit": str(limit)}
    rels: set[str] = {"next"}
    while "next" in rels:
        request = Request("GET", "/orgs/ops/repos", query, {}, None, {})
        page, number, size = page_of(request, items)
        links = requests.utils.parse_header_links(
            link_header(places, request, count).get("Link", "")
        )
        rels = {link["rel"] for link in links}
        assert ("prev" in rels) == ("first" in rels) == (number > 1)
        assert ("next" in rels) == ("last" in rels) == (number * size < count)
        found += page
        following = [link["url"] for link in links if link["rel"] == "next"]
        query = dict(parse_qsl(urlsplit(following[0]).query)) if following else query
    assert found == items


def test_a_repo_can_vanish_between_two_pages(forge: ForgeServer, client: Client) -> None:
    """What comes after it moves up, so one repo is on no page at all."""
    expected = fill(forge, 100)

    def between(request: str) -> None:
        if "page=2" in request:
            forge.before = None
            forge.delete("billing-3")

    forge.before = between
    found = pages(client)
    assert set(expected) - set(names(found)) == {"billing-50"}
    assert [answer.headers["X-Total-Count"] for answer in found] == ["100", "99"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("wrong_total", "61"),
        ("no_total", None),
    ],
)
def test_a_wrong_count(forge: ForgeServer, client: Client, fault: str, seen: str | None) -> None:
    fill(forge, 60)
    forge.misbehave(fault)
    assert client.ask("GET", LIST).headers.get("X-Total-Count") == seen


def test_links_that_lead_nowhere(forge: ForgeServer, client: Client) -> None:
    fill(forge, 60)
    asked = f"{forge.base_url}/api/v1{LIST}"

    def next_page() -> str | None:
        return client.ask("GET", LIST).links.get("next", {}).get("url")

    forge.misbehave("no_link")
    assert next_page() is None
    forge.misbehave("link_loop")
    assert next_page() == asked
    forge.elsewhere = "http://127.0.0.1:1"
    forge.misbehave("link_elsewhere")
    assert next_page() == "http://127.0.0.1:1/api/v1/orgs/ops/repos?page=2"
    forge.misbehave("endless")
    seen: set[str] = set()
    url: str | None = asked
    for _ in range(5):
        assert url is not None
        assert url not in seen
        seen.add(url)
        url = client.ask("GET", url).links.get("next", {}).get("url")


def test_calls_are_counted_by_what_they_are(forge: ForgeServer, client: Client) -> None:
    fill(forge, 60)
    pages(client)
    client.get("/repos/ops/billing-a")
    client.get("/repos/ops/billing-1")
    assert forge.api_counts() == {
        "GET /orgs/{org}/repos": 2,
        "GET /repos/{org}/{repo}": 2,
    }


def test_times_are_the_forges_own(tmp_path: Path) -> None:
    """Its clock may be wrong, its zone is not ours, and there are whole seconds only."""
    moment = datetime(2026, 11, 21, 13, 5, 0, 999999, tzinfo=UTC)
    zone = timezone(timedelta(hours=5, minutes=30))
    with ForgeServer(tmp_path / "f", clock=lambda: moment, zone=zone) as forge:
        forge.create("billing-a")
        client = Client(forge)
        answer = client.ask("GET", "/repos/ops/billing-a")
        assert answer.headers["Date"] == "Sat, 21 Nov 2026 13:05:00 GMT"
        assert answer.json()["updated_at"] == "2026-11-21T18:35:00+05:30"
        client.close()


def test_a_thousand_repos_are_listed_in_twenty_requests(forge: ForgeServer, client: Client) -> None:
    expected = fill(forge, 1000)
    forge.commit("billing-17", {"a": b"1"})
    assert names(pages(client)) == expected
    assert forge.count("/orgs/ops/repos") == 20
    assert [repo["name"] for repo in client.get(LIST) if not repo["empty"]] == ["billing-17"]
