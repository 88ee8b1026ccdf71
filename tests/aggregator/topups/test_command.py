"""`aggregator topups`: who is due, and what stands in the way of everybody else."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

from aggregator.reports.topups import COLUMNS
from tests.support.ledger.topups_world import ATTEMPT, DESK, TopupsWorld
from wire_format.instants import format_ts
from wire_format.lines import Folder


def test_the_state_of_an_account_has_all_that_its_page_shows(world: TopupsWorld) -> None:
    world.begin()
    world.later(minutes=1)
    world.pay("pi_auto", "20.00", attempt=ATTEMPT)
    world.pull()
    began = world.state_of()["attempts"][0]["began_at"]
    assert world.state_of() == {
        "user": "alice",
        "wanted": {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"},
        "settled_at": "2026-11-02T01:00:00Z",
        "consent": {
            "amount_usd": "20.00",
            "below_usd": "5.00",
            "month_usd": "100.00",
            "provider": "stripe",
            "payment": "pi_alice",
            "at": "2026-11-02T01:00:00Z",
            "allows": True,
        },
        "stop": "within 24 hours",
        "needs_customer": False,
        "failures": 0,
        "balance_usd": "24.00",
        "spent_month_usd": "20.00",
        "attempts": [
            {
                "attempt": ATTEMPT,
                "provider": "stripe",
                "amount_usd": "20.00",
                "state": "paid",
                "began_at": began,
                "ended_at": format_ts(world.now),
                "reason": None,
            }
        ],
        "as_of": format_ts(world.now),
    }


def test_an_account_that_nobody_knows_is_off(world: TopupsWorld) -> None:
    world.pull()
    found = world.state_of("nobody")
    assert (found["stop"], found["wanted"], found["balance_usd"]) == ("off", None, "0.00")
    assert (found["consent"], found["attempts"], found["settled_at"]) == (None, [], None)


def test_a_table_names_everybody_and_why(world: TopupsWorld) -> None:
    """Also who only settled something, and not who has no part in it."""
    world.let_be_due("bob")
    world.begin()
    world.set_topup("carol")
    world.write(DESK, Folder.ACCOUNTS, user="dave", kind="setting", cap_usd="9.00")
    world.pull()
    text = world.run("topups").ok().out
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert ATTEMPT in lines["alice"]
    assert "attempt open" in lines["alice"]
    assert "due" in lines["bob"]
    assert "no consent" in lines["carol"]
    assert "dave" not in lines
    assert text.splitlines()[-1] == "USD, rounded to cents; attempt open 1, due 1, no consent 1"


def test_json_and_csv_say_the_same(world: TopupsWorld) -> None:
    world.let_be_due("bob")
    world.begin()
    world.pull()
    listed = json.loads(world.run("topups", "--json").ok().out)
    assert [each["user"] for each in listed] == ["alice", "bob"]
    one = json.loads(world.run("topups", "alice", "--json").ok().out)
    del one["as_of"]
    assert one["attempts"] == listed[0]["attempts"]
    assert one["stop"] == "attempt open"
    rows = list(csv.DictReader(io.StringIO(world.run("topups", "--csv").ok().out)))
    assert [tuple(row) for row in rows] == [COLUMNS] * 2
    assert rows[0]["attempt"] == ATTEMPT
    assert rows[1] | {"user": "bob", "state": "due", "balance_usd": "4.00"} == rows[1]
    assert rows[1]["consent_payment"] == "pi_bob"


def test_settle_h_is_that_of_the_configuration(world: TopupsWorld) -> None:
    world.now = datetime.now(UTC)  # as the program
    world.pay("pi_more", "30.00")
    world.pull()
    world.tell_use("node-9", 66_000, back=timedelta(0))
    world.pull()
    assert "enough" in world.run("topups", "alice").ok().out
    secret = world.folder / "secret"
    secret.write_text("a-secret-of-some-length\n")
    secret.chmod(0o600)
    world.settings["topup"] = {
        "url": "http://127.0.0.1:8762/due", "secret_file": str(secret), "settle_h": 0
    }  # fmt: skip
    assert "due" in world.run("topups", "alice").ok().out


def test_without_any_it_says_so(world: TopupsWorld) -> None:
    world.pull()
    empty = TopupsWorld(world.folder / "empty")
    empty.pull()
    assert empty.run("topups").ok().out.startswith("no account has settled")
