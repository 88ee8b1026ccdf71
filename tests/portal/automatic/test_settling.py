"""What may be settled about automatic payments, by whom, and switching them off."""

import pytest

from tests.portal.automatic.purse import SCOPES, TERMS, Purse
from tests.portal.place import Client, problem
from tests.portal.test_settings import lines
from tests.support.writers import DESK_TEXT, account_text


def change(client: Client, **body: str) -> tuple[int, str]:
    """Try to settle something; the status, and the first fault or the kind of problem."""
    found = client.ask("PATCH", "/v1/settings", json=body)
    if found.ok:
        return found.status_code, found.json()["auto_topup"]["state"]
    said = found.json()
    return found.status_code, said.get("faults", [problem(found)[1]])[0]


def test_what_is_settled_within_a_consent_is_on_at_once(wallet: Purse) -> None:
    """And still, once the ledger has it."""
    wallet.consent()
    client = wallet.client()
    found = wallet.settle(client)
    assert TERMS.items() <= found.items()
    assert found["auto_topup"] == {"state": "on", "needs_consent": False}
    assert client.json("/v1/settings") == found
    wallet.place.world.later(minutes=1)
    wallet.place.pushed()
    wallet.place.pull()
    assert client.json("/v1/settings") == found


@pytest.mark.parametrize(
    "beyond",
    [
        {"auto_topup_usd": "20.01"},
        {"auto_topup_below_usd": "5.01"},
        {"auto_topup_month_usd": "100.01"},
    ],
)
def test_what_is_beyond_the_consent_needs_another_one(
    wallet: Purse, beyond: dict[str, str]
) -> None:
    """Here and in the ledger: a desk, or a portal that was stolen, widens nothing."""
    wallet.consent()
    client = wallet.client()
    wallet.settle(client)
    found = wallet.settle(client, **beyond)
    assert found["auto_topup"] == {"state": "needs_consent", "needs_consent": True}
    for _ in range(2):
        state = client.json("/v1/auto-topup")
        assert (state["state"], state["stop"]) == ("needs_consent", "beyond_consent")
        assert state["consented"]["amount_usd"] == "20.00"
        wallet.place.world.later(minutes=1)
        wallet.place.pushed()
        wallet.place.pull()
    wallet.settle(client)
    assert client.json("/v1/auto-topup")["state"] == "on"


def test_without_a_consent_nothing_is_on(wallet: Purse) -> None:
    found = wallet.settle(wallet.client())
    assert found["auto_topup"] == {"state": "needs_consent", "needs_consent": True}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"auto_topup_usd": "20.00"}, "auto_topup_below_usd: goes with the other two"),
        ({"auto_topup_month_usd": "20.00"}, "auto_topup_usd: goes with the other two"),
        ({**TERMS, "auto_topup_usd": "9.995"}, "auto_topup_usd: must be a whole number of cents"),
        ({**TERMS, "auto_topup_usd": "0"}, "auto_topup_usd: must be more than 0"),
        ({**TERMS, "auto_topup_usd": "100.01"}, "auto_topup_usd: must be more than 0, and at most"),
        ({**TERMS, "auto_topup_month_usd": "19.99"}, "auto_topup_month_usd: must be at least"),
        ({**TERMS, "auto_topup_month_usd": "500.01"}, "auto_topup_month_usd: must be at most"),
        ({**TERMS, "auto_topup_below_usd": "-1"}, "auto_topup_below_usd: must be"),
        ({**TERMS, "next_plan": "nothing"}, "next_plan: nothing is not sold here"),
    ],
)
def test_what_makes_no_sense_is_refused(wallet: Purse, body: dict[str, str], fault: str) -> None:
    """And nothing else that was asked for with it is settled."""
    status, said = change(wallet.client(), cap_usd="7.00", **body)
    assert (status, said[: len(fault)]) == (422, fault)
    assert lines(wallet.place) == 0


def test_where_no_till_may_let_anybody_agree_they_are_not_offered(wallet: Purse) -> None:
    writers = account_text("stripe", "acct_1") + DESK_TEXT
    wallet.place.world.rule_files({"rules/writers.toml": writers.encode()})
    assert change(wallet.client(), **TERMS) == (422, "not-offered")
    assert lines(wallet.place) == 0


def test_only_a_key_that_opens_payments_switches_them_on(wallet: Purse) -> None:
    """One that changes settings may switch them off."""
    client = wallet.client("alice", "settings:write", "balance:read")
    assert change(client, **TERMS) == (403, "forbidden")
    wallet.settle(wallet.client())
    assert change(client, auto_topup_usd="0") == (200, "off")


def test_the_same_again_writes_nothing(wallet: Purse) -> None:
    client = wallet.client()
    for amount in ("20", "20.0", "20.00"):
        wallet.settle(client, auto_topup_usd=amount)
    assert lines(wallet.place) == 1
    for _ in range(2):
        assert change(client, auto_topup_usd="0.00") == (200, "off")
    assert lines(wallet.place) == 2


def test_what_was_never_on_is_not_switched_off(wallet: Purse) -> None:
    assert change(wallet.client(), auto_topup_usd="0") == (200, "off")
    assert lines(wallet.place) == 0


def test_after_three_failures_the_same_again_is_a_new_start(wallet: Purse) -> None:
    wallet.consent()
    client = wallet.client()
    wallet.settle(client)
    wallet.place.pushed()  # a desk's line counts in a commit of its own day
    for number in range(3):
        wallet.place.world.later(days=1, hours=1)
        wallet.fail(str(number))
    wallet.place.pushed()
    wallet.place.pull()
    state = client.json("/v1/auto-topup")
    assert (state["state"], state["stop"], state["failures"]) == ("stopped", "failed_too_often", 3)
    for _ in range(2):
        assert wallet.settle(client)["auto_topup"]["state"] == "on"
    assert lines(wallet.place) == 2
    wallet.place.world.later(days=1)
    wallet.place.pushed()
    wallet.place.pull()
    assert client.json("/v1/auto-topup")["failures"] == 0


def test_they_are_switched_off_in_one_request(wallet: Purse) -> None:
    """Without the till, by an old ledger, and again without a line."""
    client = wallet.client()
    assert client.ask("DELETE", "/v1/auto-topup").status_code == 204
    assert lines(wallet.place) == 0
    wallet.settle(client)
    wallet.till.is_down = True
    wallet.place.world.later(hours=3)
    assert problem(client.ask("PATCH", "/v1/settings", json=TERMS)) == (503, "ledger-too-old")
    for _ in range(2):
        assert client.ask("DELETE", "/v1/auto-topup").status_code == 204
        assert client.json("/v1/settings")["auto_topup"]["state"] == "off"
    assert lines(wallet.place) == 2


def test_a_suspended_account_switches_them_off_and_not_on(wallet: Purse) -> None:
    client = wallet.client()
    wallet.settle(client)
    wallet.place.world.settle("suspend", reason="abuse")
    wallet.place.pull()
    assert change(client, **TERMS) == (403, "suspended")
    assert client.json("/v1/auto-topup")["state"] == "needs_consent"
    assert client.ask("DELETE", "/v1/auto-topup").status_code == 204
    assert client.json("/v1/auto-topup")["state"] == "off"


@pytest.mark.parametrize("scope", SCOPES)
def test_switching_off_asks_for_the_scope_of_settings(wallet: Purse, scope: str) -> None:
    found = wallet.client("alice", scope).ask("DELETE", "/v1/auto-topup")
    assert found.status_code == (204 if scope == "settings:write" else 403)
