"""Settings of an account."""

import pytest

from tests.portal.place import PortalPlace, problem
from tests.support.ledger.terms_world import PLANS

SCOPES = ("balance:read", "settings:write")


def sell(place: PortalPlace) -> None:
    """Let desks sell the plan `pro`."""
    sold = PLANS.replace(b'name = "pro"\n', b'name = "pro"\nsold_by = ["desk"]\n')
    place.world.rule_files({"rules/plans.toml": sold})


def lines(place: PortalPlace) -> int:
    """How many lines the desk has."""
    assert place.desk is not None
    return place.desk.spool.store.state().next_seq - 1


def test_what_is_settled_holds_at_once_and_then_in_the_ledger(place: PortalPlace) -> None:
    """Field by field: what is not stated stays as it was."""
    key = place.key("alice", *SCOPES)
    sell(place)
    place.pull()
    client = place.client(key)
    before = client.json("/v1/settings")
    assert before.pop("auto_topup") == {"state": "off", "needs_consent": False}
    assert set(before.values()) == {None}
    found = client.ask("PATCH", "/v1/settings", json={"cap_usd": "50", "next_plan": None})
    assert (found.status_code, found.json()["cap_usd"]) == (200, "50.00")
    found = client.ask("PATCH", "/v1/settings", json={"next_plan": "pro"})
    expected = {"cap_usd": "50.00", "next_plan": "pro"}
    for _ in range(2):
        assert expected.items() <= found.json().items()
        assert client.json("/v1/settings") == found.json()
        assert expected.items() <= client.json("/v1/entitlements").items()
        place.world.later(minutes=1)
        place.pushed()
        place.pull()


def test_the_same_value_again_writes_nothing(place: PortalPlace) -> None:
    """However it is spelled."""
    key = place.key("alice", *SCOPES)
    place.pull()
    client = place.client(key)
    for cap in ("50", "50.0", "50.00", "50"):
        assert client.ask("PATCH", "/v1/settings", json={"cap_usd": cap}).status_code == 200
    assert client.ask("PATCH", "/v1/settings", json={}).status_code == 200
    assert lines(place) == 1
    client.ask("PATCH", "/v1/settings", json={"cap_usd": "50.01", "next_plan": "none"})
    assert lines(place) == 2
    client.ask("PATCH", "/v1/settings", json={"cap_usd": "50.01", "next_plan": "none"})
    assert lines(place) == 2


def test_what_the_books_settled_is_shown_in_one_spelling(place: PortalPlace) -> None:
    key = place.key("alice", *SCOPES)
    place.world.settle("setting", cap_usd="7", auto_topup_usd="20")
    place.pull()
    said = place.client(key).json("/v1/settings")
    assert (said["cap_usd"], said["auto_topup_usd"]) == ("7.00", "20.00")
    for path in ("balance", "entitlements"):
        assert place.client(key).json(f"/v1/{path}")["cap_usd"] == "7.00"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"next_plan": "nothing"}, "next_plan: nothing is not sold here"),
        ({"next_plan": "flat"}, "next_plan: flat is not sold here"),
        ({"next_plan": "A b"}, "next_plan: must be"),
        ({"cap_usd": "-1"}, "cap_usd: must be"),
        ({"cap_usd": 5}, "cap_usd: must be text"),
        ({"cap": "5.00"}, "cap: is not a known field"),
    ],
)
def test_what_cannot_be_settled_is_refused(
    place: PortalPlace, body: dict[str, object], fault: str
) -> None:
    """Plans without a fee among it that the operator alone gives."""
    key = place.key("alice", *SCOPES)
    sell(place)
    place.pull()
    found = place.client(key).ask("PATCH", "/v1/settings", json=body)
    assert problem(found) == (422, "invalid")
    assert found.json()["faults"][0].startswith(fault)
    assert lines(place) == 0


def test_the_running_plan_may_go_on(place: PortalPlace) -> None:
    """Also one that desks do not sell."""
    key = place.key("alice", *SCOPES)
    place.world.plan("starter", fee="20.00")
    place.pull()
    found = place.client(key).ask("PATCH", "/v1/settings", json={"next_plan": "starter"})
    assert found.status_code == 200


def test_with_an_old_ledger_nothing_is_settled_and_all_is_read(place: PortalPlace) -> None:
    key = place.key("alice", *SCOPES, "usage:read", "payments:read")
    place.pull()
    client = place.client(key)
    place.world.later(minutes=16)
    found = client.ask("PATCH", "/v1/settings", json={"cap_usd": "5.00"})
    assert problem(found) == (503, "ledger-too-old")
    assert lines(place) == 0
    for path in ("settings", "usage", "charges", "payments", "statements/2026-11"):
        assert client.get(f"/v1/{path}").status_code == 200


def test_a_suspended_account_settles_nothing(place: PortalPlace) -> None:
    key = place.key("alice", *SCOPES)
    place.world.settle("suspend", by="staff:7", reason="abuse")
    place.pull()
    found = place.client(key).ask("PATCH", "/v1/settings", json={"cap_usd": "5.00"})
    assert problem(found) == (403, "suspended")
