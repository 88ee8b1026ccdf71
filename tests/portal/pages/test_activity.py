"""What was settled lately is told to the account: at the interface, and on its first page."""

from datetime import timedelta

from tests.portal.pages.visitor import signed_in
from tests.portal.place import PortalPlace
from tests.portal.test_staff import WHY, member, post


def test_the_account_sees_what_was_settled_and_by_whom(place: PortalPlace) -> None:
    """Before the ledger has it and afterwards, and nobody else sees it."""
    key, bobs, support = place.key(), place.key("bob"), member(place, "support")
    place.pull()
    client = place.client(key)
    made = client.ask("POST", "/v1/keys", json={"scopes": ["balance:read"]}).json()
    place.world.later(seconds=1)
    given = {"template": "goodwill", "amount_usd": "1.00"} | WHY
    post(place.client(support), "/v1/accounts/alice/adjustments", **given)
    for _ in range(2):
        acts = client.json("/v1/activity")["acts"]
        told = [(act["kind"], act["by"], act["key"], act["reason"]) for act in acts]
        assert told[:2] == [
            ("adjustment", "staff", None, "goodwill T-4711"),
            ("key", "account", key.key_id, None),
        ]
        assert acts[1]["key_id"] == made["key_id"]
        assert acts[0]["amount_usd"] == "1.00"
        assert told[2:] == [("key", "operator", None, None)]
        place.pushed()
        place.pull()
    others = place.client(bobs).json("/v1/activity")["acts"]
    assert [act["key_id"] for act in others] == [bobs.key_id]


def test_the_first_page_tells_what_is_new(place: PortalPlace) -> None:
    """For a week; what was settled longer than 90 days ago is not told at all."""
    key = place.key()
    place.world.later(days=8)
    place.pull()
    visitor = signed_in(place.url, key)
    assert "was made" not in visitor.page("/")
    assert place.client(key).ask("POST", "/v1/keys", json={"scopes": ["balance:read"]}).ok
    assert f"by this account ({key.key_id})" in visitor.page("/")
    assert "opens balance:read" in visitor.page("/activity")
    place.pushed()
    place.world.now += timedelta(days=91)
    place.pull()
    assert place.client(key).json("/v1/activity")["acts"] == []
    assert "Nothing was settled" in signed_in(place.url, key).page("/activity")
