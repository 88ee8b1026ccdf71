"""What staff see of automatic payments: one account, and all of them."""

import pytest

from portal.access.scopes import ROLES
from portal.api.automatic import listing
from portal.pages.staff import automatic
from tests.portal.automatic.purse import Purse
from tests.portal.automatic.test_standing import ahead, on
from tests.portal.pages.test_pages import text_of
from tests.portal.pages.visitor import signed_in
from tests.portal.place import problem
from tests.portal.test_staff import member


def told(wallet: Purse) -> None:
    """Alice is on, bob was refused three times, carol has not agreed, and dave is off."""
    world = wallet.place.world
    for user in ("bob", "carol", "dave"):
        world.pay_in("1.00", user=user)
    on(wallet)
    on(wallet, "bob")
    for number in range(3):
        world.later(days=2)
        wallet.fail(str(number), "bob", "expired_card")
    wallet.settle(wallet.client("carol"))
    dave = wallet.client("dave")
    wallet.settle(dave)
    dave.ask("DELETE", "/v1/auto-topup")
    ahead(wallet, minutes=1)


@pytest.mark.parametrize("role", ROLES)
def test_staff_see_who_is_charged_who_is_not_and_why(wallet: Purse, role: str) -> None:
    told(wallet)
    key = member(wallet.place, role)
    wallet.place.pull()
    client = wallet.place.client(key)
    found = client.json("/v1/auto-topups")["accounts"]
    assert [(each["user"], each["state"], each["stop"]) for each in found] == [
        ("alice", "on", "enough"),
        ("bob", "stopped", "failed_too_often"),
        ("carol", "needs_consent", "no_consent"),
    ]
    assert (found[1]["failures"], found[1]["last"]["reason"]) == (3, "expired_card")
    stopped = client.json("/v1/auto-topups?state=stopped")["accounts"]
    assert [each["user"] for each in stopped] == ["bob"]
    off = client.json("/v1/auto-topups?state=off")["accounts"]
    assert [(each["user"], each["settled"]) for each in off] == [("dave", None)]
    one = client.json("/v1/accounts/bob/auto-topup")
    assert {each["reason"] for each in one["attempts"]} == {"expired_card"}
    staff = signed_in(wallet.place.url, key)
    page = text_of(staff.page("/house/automatic"))
    assert "bob stopped: they were switched off after three payments that failed" in page
    assert "dave" not in page
    page = text_of(staff.page("/house/accounts/bob"))
    assert "Automatic payments Stopped: they were switched off after three" in page
    assert "failed: the card is no longer good" in page


def test_pages_of_accounts_have_each_of_them_once(
    wallet: Purse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where few accounts are looked at for one page."""
    told(wallet)
    key = member(wallet.place, "support")
    wallet.place.pull()
    client = wallet.place.client(key)
    for looked_at in (1, 2, 500):
        monkeypatch.setattr(listing, "LOOKED_AT_MAX", looked_at)
        users: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            found = client.json(f"/v1/auto-topups?limit=1&cursor={cursor}")
            assert len(found["accounts"]) <= 1
            users += [each["user"] for each in found["accounts"]]
            cursor = found["cursor"]
        assert users == ["alice", "bob", "carol"]
    monkeypatch.setattr(automatic, "ROWS", 2)
    staff = signed_in(wallet.place.url, key)
    assert "/house/automatic?cursor=bob" in staff.page("/house/automatic")
    assert "carol" in staff.page("/house/automatic?cursor=bob")
    assert "state=stopped&amp;cursor=" not in staff.page("/house/automatic?state=stopped")


def test_to_a_customer_none_of_it_is_there(wallet: Purse) -> None:
    client = on(wallet)
    for path in ("/v1/auto-topups", "/v1/accounts/alice/auto-topup"):
        assert problem(client.get(path)) == (404, "not-found")
    alice = signed_in(wallet.place.url, wallet.key())
    assert alice.get("/house/automatic").status_code == 404


def test_staff_are_told_no_link_of_a_customers_bank(wallet: Purse) -> None:
    on(wallet)
    wallet.till.wait_for("alice", wallet.begin("1"))
    ahead(wallet, minutes=1)
    key = member(wallet.place, "admin")
    wallet.place.pull()
    found = wallet.place.client(key).json("/v1/accounts/alice/auto-topup")
    assert [(each["state"], each["confirm_url"]) for each in found["attempts"]] == [("open", None)]
