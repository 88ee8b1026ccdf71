"""Nobody sees or changes what is another account's, whatever is asked."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from gitmeter.keys.secret import NewKey
from portal.api.route import Route
from portal.api.routes import ROUTES
from tests.portal.automatic.till import LocalTill
from tests.portal.place import EVERYTHING, PortalPlace

ALL: Final = (*EVERYTHING, "settings:write", "topups:write", "plan:write")
ACCOUNTS: Final = ("alice-1", "bob-2222", "carol-33")
MARKS: Final = {user: f"only-{user}" for user in ACCOUNTS}
"""A word for each account that is in its lines alone."""


class Asking:
    """A portal with a till, and the keys of those who ask it."""

    def __init__(self, place: PortalPlace, till: LocalTill) -> None:
        self.place = place
        self.till = till
        self.keys: dict[str, NewKey | None] = {"nobody": None}
        for number, user in enumerate(ACCOUNTS):
            place.world.pay_in(f"{number + 20}.00", user=user)
            place.world.use(number + 5, f"search/{MARKS[user]}", user=user)
            place.world.grant(f"{MARKS[user]}", "1.00", user=user)
            till.save(user, MARKS[user])
            till.wait_for(user, f"auto:{MARKS[user]}")
            self.keys[user] = place.key(user, *ALL)
        place.world.settle("suspend", "carol-33", reason="abuse")
        self.keys["pretender"] = place.key("bob-2222", "s*", *ALL)
        place.world.later(hours=1)
        place.pull()

    def of_another(self, asker: str) -> set[str]:
        """What may be in no answer to somebody: names and marks of all other accounts."""
        others = set(ACCOUNTS) - {owner_of(asker)}
        keys = {key.key_id for name, key in self.keys.items() if key and name in others}
        return others | {MARKS[user] for user in others} | keys


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder: Path = tmp_path_factory.mktemp("isolated")
    many = {"rpm": 1_000_000, "guesses_per_minute": 1_000_000}
    with LocalTill() as till:
        place = PortalPlace(folder, till={"url": till.url}, **many)
        place.world.later(minutes=5)
        found = Asking(place, till)
        with place.serving():
            yield found


def owner_of(asker: str) -> str:
    """Whose key somebody shows."""
    return "bob-2222" if asker == "pretender" else asker


def paths_of(
    route: Route, drawn: random.Random, keys: list[str], charges: list[str], cards: list[str]
) -> Iterator[tuple[str, str]]:
    """Paths of a route with things of whomever, each with the account that is named in it."""
    for user in (*ACCOUNTS, "nobody-44", "", "%2e%2e"):
        parts = {
            "user": user,
            "key_id": drawn.choice(keys),
            "id": drawn.choice(charges),
            "period": drawn.choice(["2026-11", "2026-Q4", "never"]),
            "account": "stripe",
            "method": drawn.choice(cards),
        }
        path = route.path
        for name, part in parts.items():
            path = path.replace(f"{{{name}}}", part)
        yield user, path


def charge_ids(place: PortalPlace, key: NewKey) -> list[str]:
    """The ids of charges, where they are served."""
    found = place.client(key).get("/v1/charges")
    return [each["id"] for each in found.json()["charges"]] if found.ok else []


def test_no_answer_has_anything_of_another_account(asking: Asking) -> None:
    """Of every route, asked by two customers, one who is suspended, a pretender and nobody.

    Names of others in the path, ids of their keys and charges, and what they would send.
    """
    place, drawn = asking.place, random.Random(20261129)
    customers = [key for name, key in asking.keys.items() if name in ACCOUNTS and key]
    charges = [each for key in customers for each in charge_ids(place, key)] or ["x"]
    good = 0
    for route in ROUTES:
        for asker, key in asking.keys.items():
            own = owner_of(asker)
            others = [k.key_id for name, k in asking.keys.items() if k and owner_of(name) != own]
            cards = [mark for user, mark in MARKS.items() if user != own]
            for user, path in paths_of(route, drawn, others, charges, cards):
                found = ask(place, route, key, path)
                assert found.status_code < 500, (route.path, found.text)
                good += found.ok
                if asker == "nobody" or route.roles or ("{user}" in route.path and user != own):
                    assert found.status_code in {401, 404}, (asker, path, found.text)
                said = found.text if found.ok else json.dumps(found.json())
                for secret in asking.of_another(asker):
                    assert secret not in said, (asker, route.path, said)
    assert good > len(ROUTES) // 2
    for key in filter(None, asking.keys.values()):
        assert place.client(key).get("/v1/me").ok  # nobody revoked it
    kept = {user: [each["method"] for each in cards] for user, cards in asking.till.cards.items()}
    assert kept == {user: [mark] for user, mark in MARKS.items()}


def test_what_one_account_settles_moves_no_other(asking: Asking) -> None:
    """Every line that was written by customers is about the account of the key that wrote it."""
    place = asking.place
    place.pushed()
    place.pull()
    written = place.world.repo("desk-1")
    lines = [
        json.loads(line)
        for path, data in written.files(written.tip() or "").items()
        if path.endswith(".jsonl")
        for line in data.splitlines()
    ]
    owners = {key.key_id: name for name, key in asking.keys.items() if key}
    for line in lines:
        made_by = owners[line["by"].removeprefix("customer:")]
        assert line["user"] == owner_of(made_by)
        assert line["user"] != "carol-33"


def ask(place: PortalPlace, route: Route, key: NewKey | None, path: str) -> requests.Response:
    """A request to a route, with something to send where it takes anything."""
    body: Any = {"scopes": ["usage:read"]} if route.path.endswith("/keys") else {}
    query = "?resource=search/web" if route.path.endswith("/allowed") else ""
    more = {"json": body} if route.body is not None else {}
    return place.client(key).ask(route.method, path + query, **more)
