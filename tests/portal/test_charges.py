"""Charges of an account one by one."""

from typing import Any

import pytest

from tests.portal.place import Client, PortalPlace, problem
from wire_format.money import format_usd


def walk(client: Client, query: str = "", then: Any = None) -> list[dict[str, Any]]:  # noqa: ANN401
    """The charges of all pages; something may happen after each of them."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.json(f"/v1/charges?{query}{cursor}")
        found += page["charges"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"
        if then is not None:
            then()


def use_much(place: PortalPlace) -> None:
    """Alice uses four things, in hours that are near each other and far apart; bob too."""
    place.world.plan("pro", fee="5.00")
    for wait in (0, 1, 1, 70, 1, 500, 900, 1):
        place.world.later(hours=wait)
        for resource in ("search/web", "llm/tokens", "llm:x", "vm/unknown"):
            place.world.use(2, resource)
        place.world.use(3, user="bob")


def test_charges_are_those_of_the_aggregator(place: PortalPlace) -> None:
    """Each with its discount and what grants paid, the newest first."""
    key = place.key()
    use_much(place)
    place.pull()
    said = place.client(key).json("/v1/charges?limit=1000")
    own = place.world.charges()
    assert [
        (
            *(each["hour"], each["resource"], each["applies_to"], each["quantity"]),
            *(each["included"], each["records"], each["tier"], each["multiplier"], each["state"]),
            *(each["list_usd"], each["billed_usd"], each["rest_usd"]),
            [(grant["grant"], grant["usd"]) for grant in each["grants"]],
        )
        for each in said["charges"]
    ] == [
        (
            *(each["hour"], each["resource"], each["applies_to"], each["quantity"]),
            *(each["included"], each["records"], each["tier"], each["multiplier"], each["state"]),
            *(
                format_usd(each[f"{name}_nano"])
                for name in ("list_cost", "billed_cost", "uncovered")
            ),
            [(grant["grant"], format_usd(grant["nano"])) for grant in each["drawn"]],
        )
        for each in reversed(own)
    ]
    assert said["next"] is None
    assert {each["state"] for each in said["charges"]} == {"rated", "unpriced"}
    assert any(each["grants"] for each in said["charges"])


@pytest.mark.parametrize("limit", [1, 3, 4, 7])
def test_pages_have_each_charge_once_also_while_others_are_added(
    place: PortalPlace, limit: int
) -> None:
    """Whether those that are added are newer or older than the page."""
    key = place.key()
    use_much(place)
    place.pull()
    client = place.client(key)
    before = [each["id"] for each in walk(client, "limit=1000")]
    added = iter(range(100))

    def add() -> None:
        at = next(added)
        if at < 3:
            place.world.later(hours=1)
            place.world.use(1)
            place.world.use(1, f"llm/new{at}")
            place.pull()

    found = [each["id"] for each in walk(client, f"limit={limit}", add)]
    assert len(found) == len({*found})
    assert [each for each in found if each in before] == before


def test_a_time_limits_them(place: PortalPlace) -> None:
    """Its first hour is in it, and its last one is not."""
    key = place.key()
    use_much(place)
    place.pull()
    client = place.client(key)
    every = walk(client, "limit=1000")
    hours = sorted({each["hour"] for each in every})
    first, end = hours[1], hours[4]
    found = walk(client, f"from={first}&until={end}&limit=2")
    assert found == [each for each in every if first <= each["hour"] < end]


def test_a_cursor_is_for_its_account_and_its_answer_alone(place: PortalPlace) -> None:
    keys = place.key(), place.key("bob")
    use_much(place)
    place.pull()
    alice, bob = (place.client(key) for key in keys)
    cursor = alice.json("/v1/charges?limit=1")["next"]
    other = cursor[:-1] + ("0" if cursor[-1] != "0" else "1")
    payments = bob.json("/v1/charges?limit=1")["next"]
    for client, path, shown in (
        (bob, "charges", cursor),
        (alice, "payments", cursor),
        (alice, "charges", other),
        (alice, "charges", payments),
        (alice, "charges", "x"),
        (alice, "charges", ".%C3%A9"),
    ):
        assert problem(client.get(f"/v1/{path}?cursor={shown}")) == (422, "invalid")


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_a_limit_beyond_the_bounds_is_refused(place: PortalPlace, limit: str) -> None:
    key = place.key()
    place.pull()
    for path in ("charges", "payments"):
        found = place.client(key).get(f"/v1/{path}?limit={limit}")
        assert problem(found) == (422, "invalid")
        assert found.json()["faults"][0].startswith("limit: ")
