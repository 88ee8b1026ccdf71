"""How a charge is made, down to its lines in git."""

import json
import re
from base64 import urlsafe_b64encode

import pytest

from portal.api.customers import explained
from portal.api.customers.lines import JUDGED_MAX
from tests.portal.place import PortalPlace, problem
from tests.support.ledger.world import BOOKS


def test_the_lines_are_those_in_git(place: PortalPlace) -> None:
    """Commit, path and number name a line of this account, and all together are the charge."""
    keys = place.key(), place.key("bob")
    for units in (3, 4):
        place.world.use(units)
        place.world.use(9, user="bob")
    place.world.use(2, "llm/tokens")
    place.pull()
    client, writer = place.client(keys[0]), place.world.repo("node-1")
    (charge,) = (
        each for each in client.json("/v1/charges")["charges"] if each["resource"] == "search/web"
    )
    said = client.json(f"/v1/charges/{charge['id']}/explain")
    assert said["charge"] == charge
    assert said["adds_up"]
    assert sum(line["units"] for line in said["lines"]) == charge["quantity"] == 12
    assert (said["more_lines"], said["more_segments"], said["more_instances"]) == (0, 0, 0)
    for line in said["lines"]:
        stated = writer.files(line["commit"])[line["path"]].splitlines()[line["line_no"] - 1]
        record = json.loads(stated)
        assert (record["user"], record["units"], record["seq"], record["ts"]) == (
            *("alice", line["units"], line["seq"]),
            line["ts"],
        )
    assert said["price"]["usd"] == "0.10"
    price = place.world.repo(BOOKS).files(said["price"]["commit"])[said["price"]["path"]]
    assert price.splitlines()[said["price"]["line_no"] - 1] == b"[[price]]"
    assert said["meter"]["meter"] == "search"


def test_no_name_of_a_node_or_repo_is_told(place: PortalPlace) -> None:
    """A node has one alias for an account, and another one for another account."""
    keys = place.key(), place.key("bob")
    place.world.use(1, user="bob")
    place.pull()
    aliases = []
    for key in keys:
        client = place.client(key)
        (charge,) = client.json("/v1/charges")["charges"]
        found = client.get(f"/v1/charges/{charge['id']}/explain")
        assert not re.search("node-1(?![0-9a-f])", found.text)  # the beginning of an alias is none
        assert all(name not in found.text for name in (BOOKS, "desk-1", "remotes"))
        said = found.json()
        aliases += [{line["node"] for line in said["lines"]}]
        assert {each["node"] for each in said["segments"]} == aliases[-1]
    assert aliases[0] != aliases[1]


def test_a_charge_that_is_not_the_accounts_is_not_there(place: PortalPlace) -> None:
    """Nor one that nobody has, nor a name that is none."""
    keys = place.key(), place.key("bob")
    place.world.use(1, "llm/tokens", user="bob")
    place.pull()
    alice, bob = (place.client(key) for key in keys)
    (own,) = bob.json("/v1/charges")["charges"]
    assert bob.get(f"/v1/charges/{own['id']}/explain").status_code == 200
    resource = urlsafe_b64encode(b"llm/tokens").decode().rstrip("=")
    for name in (
        own["id"],
        f"20261102T01-llm-{resource}",
        f"20261102T00-vm-{resource}",
        f"20261102T24-llm-{resource}",
        f"20261102T00-llm-{resource}=",
        "20261102T00-llm-A",
        "20261102T00-llm-__8",
        "x",
    ):
        assert problem(alice.get(f"/v1/charges/{name}/explain")) == (404, "not-found")


def test_of_many_lines_the_first_are_shown(
    place: PortalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how many more there are; the sum of all of them is compared."""
    monkeypatch.setattr(explained, "LINES_MAX", 2)
    key = place.key()
    for _ in range(4):
        place.world.use(1)
    place.pull()
    client = place.client(key)
    (charge,) = client.json("/v1/charges")["charges"]
    said = client.json(f"/v1/charges/{charge['id']}/explain")
    assert (len(said["lines"]), said["more_lines"]) == (2, 3)
    assert (len(said["segments"]), said["more_segments"]) == (2, 3)
    assert said["adds_up"]


@pytest.mark.parametrize("name", ["JUDGED_MAX", "LOOKED_THROUGH_MAX"])
def test_too_many_lines_are_not_read(
    place: PortalPlace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The price is told all the same, and that nobody added them up."""
    monkeypatch.setattr(explained, name, 0)
    key = place.key()
    place.pull()
    client = place.client(key)
    (charge,) = client.json("/v1/charges")["charges"]
    said = client.json(f"/v1/charges/{charge['id']}/explain")
    assert (said["lines"], said["more_lines"], said["adds_up"]) == ([], 1, None)
    assert said["price"]["usd"] == "0.10"
    assert JUDGED_MAX > 0


def test_without_the_mirror_it_is_answered_later(place: PortalPlace) -> None:
    """What is in the ledger is answered all the same."""
    key = place.key()
    place.pull()
    client = place.client(key)
    (charge,) = client.json("/v1/charges")["charges"]
    place.world.move_mirror_away("node-1")
    found = client.get(f"/v1/charges/{charge['id']}/explain")
    assert problem(found) == (503, "not-now")
    assert "cannot be read from git" in found.json()["detail"]
    assert str(place.world.folder) not in found.text
    place.world.bring_back("node-1")
    assert client.get(f"/v1/charges/{charge['id']}/explain").status_code == 200
