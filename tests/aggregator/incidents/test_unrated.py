"""Nothing is free in silence: usage that is not billed in full is told, counted, and mended."""

import json
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.sections import NotifyConfig
from aggregator.incidents.unrated import INCIDENTS_MAX, REST
from aggregator.notices.notifier import Notifier
from aggregator.store.outbox.outbox import NOTICES_NAME, Outbox
from tests.aggregator.broken_variants.scenarios_limits import MILLION
from tests.support.ledger.world import PRICES, World, decision_line, usage_line

USED = "2025-01-01T00:30:00Z"
DATED = "llm/openai/gpt-4o-mini-2024-07-18/output_tokens"
KINDS = {"unpriced usage", "category mismatch", "overflow"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.rules()
    made.pull()
    return made


def price(resource: str, usd: str = "1", **values: str) -> bytes:
    stated = {"resource": resource, "usd": usd, **values}
    lines = [f'{key} = "{value}"' for key, value in stated.items()]
    return "\n".join(
        ["", "[[price]]", *lines, "per = 1", "from = 2020-01-01T00:00:00Z", ""]
    ).encode()


def told(world: World) -> dict[tuple[str, str], str]:
    """What the open incidents about charges say, by kind and subject."""
    return {
        (row["kind"], row["subject"]): row["detail"]
        for row in world.incidents()
        if row["kind"] in KINDS
    }


def test_each_resource_and_category_is_told_once_with_charges_users_units_and_since_when(
    world: World,
) -> None:
    """However many charges it has; the incident counts them as they are now."""
    mystery = {"resource": "mystery/units", "applies_to": "llm"}
    world.usage(usage_line(seq=1, units=3, ts=USED, **mystery))
    world.pull()
    assert told(world) == {
        (
            "unpriced usage",
            "mystery/units (llm)",
        ): "mystery/units (llm): 1 charge of 1 user, 3 units"
        " in all, since 2025-01-01T00:00:00Z: cost nothing so far"
    }
    world.usage(
        usage_line(seq=2, units=4, ts="2024-12-31T23:00:00Z", **mystery),
        usage_line(seq=3, units=5, ts=USED, user="b:2", **mystery),
        usage_line(seq=4, units=6, ts=USED, **mystery | {"applies_to": "vm"}),
    )
    world.pull()
    assert told(world)["unpriced usage", "mystery/units (llm)"] == (
        "mystery/units (llm): 3 charges of 2 users, 12 units in all, since 2024-12-31T23:00:00Z:"
        " cost nothing so far"
    )
    assert set(told(world)) == {
        ("unpriced usage", "mystery/units (llm)"),
        ("unpriced usage", "mystery/units (vm)"),
    }
    assert [row["unrated"]["units"] for row in world.incidents()] == [12, 6]


def test_each_state_has_its_kind_and_ends_with_its_cause(world: World) -> None:
    """A price for the category, a price at all, and a limit that is not reached any more."""
    world.usage(
        usage_line(seq=1, units=1, resource="mystery/units"),
        usage_line(seq=2, units=1, resource="bound", applies_to="llm"),
        usage_line(seq=3, units=MILLION),
        usage_line(seq=4, units=1),
    )
    world.rules(PRICES + price("bound", applies_to="vm"))
    world.pull()
    assert {kind for kind, _ in told(world)} == KINDS
    world.rules(PRICES.replace(b"3.60", b"3.59") + price("bound") + price("mystery/units"))
    world.pull()
    assert told(world) == {}
    assert {row["kind"] for row in world.incidents(closed=True)} == KINDS
    world.rules()
    world.pull()
    assert {kind for kind, _ in told(world)} == {"unpriced usage", "overflow"}


def test_a_charge_without_records_is_not_told_any_more(world: World) -> None:
    """The operator excluded the line."""
    world.usage(usage_line(seq=1, resource="mystery/units"))
    assert world.pull()["node-1"].noticed == ("unpriced usage",)
    world.decide(decision_line(kind="exclude", of="node-1", of_seq=1))
    world.pull()
    assert told(world) == {}


def test_the_number_of_incidents_is_bounded_and_the_same_after_a_rebuild(world: World) -> None:
    """Anyone who can push can invent resources: the first by name are told, the rest counted."""
    names = [f"invented/{number:03d}" for number in range(INCIDENTS_MAX + 7)]
    for turn, some in enumerate((names[30:], names[:30])):
        world.usage(
            *(usage_line(seq=100 * turn + n, resource=name) for n, name in enumerate(some, 1))
        )
        world.pull()
    subjects = {subject for _, subject in told(world)}
    assert subjects == {f"{name} (hero_os_hourly)" for name in names[:INCIDENTS_MAX]} | {REST}
    assert told(world)["unpriced usage", REST].startswith("7 more of this kind")
    before = told(world)
    world.forget()
    world.pull()
    assert told(world) == before
    world.rules(PRICES + b"".join(map(price, names[:9])))
    world.pull()
    assert {subject for _, subject in told(world)} == {
        f"{name} (hero_os_hourly)" for name in names[9:]
    }


def test_a_notice_is_sent_once_for_each(world: World) -> None:
    """More charges of the same resource and category are no crossing."""
    notifier = Notifier(
        NotifyConfig(url="http://127.0.0.1:9/events"), world.config.state, lambda: world.now
    )
    with world.ledger() as ledger:
        notifier.compare(ledger.store)
        for seq in (1, 2, 3):
            ts = f"2025-01-01T0{seq}:30:00Z"
            world.usage(usage_line(seq=seq, ts=ts, resource="mystery/units", units=7))
            world.pull_into(ledger)
            notifier.compare(ledger.store)
    with closing(Outbox(world.config.state / NOTICES_NAME)) as outbox:
        bodies = [json.loads(row.body) for row in outbox.queue.rows(undelivered=False)]
    opened = [body for body in bodies if body["event"] == "incident_opened"]
    assert [(body["kind"], body["repo"], body["subject"]) for body in opened] == [
        ("unpriced usage", None, "mystery/units (hero_os_hourly)")
    ]
    assert "1 charge of 1 user, 7 units" in opened[0]["detail"]


def test_the_answer_about_one_user_says_what_it_does_not_include(world: World) -> None:
    """As text and as JSON; of a user whose usage is all billed it says nothing."""
    world.usage(
        usage_line(seq=1, ts=USED, resource=DATED, applies_to="llm", units=10**6),
        usage_line(seq=2, ts=USED, user="b:2"),
    )
    world.pull()
    said = world.run("balance", "alice").out
    assert "1 charge is unpriced and costs nothing so far\n" in said
    assert "see `aggregator unpriced alice`" in said
    found = world.run("balance", "alice", "--json").json
    assert (found["unrated_charges"], found["unrated"]) == (
        1,
        [
            {
                "state": "unpriced",
                "resource": DATED,
                "applies_to": "llm",
                "charges": 1,
                "users": 1,
                "units": 10**6,
                "since": "2025-01-01T00:00:00Z",
            }
        ],
    )
    assert [row["unrated_charges"] for row in world.run("balance", "--json").json] == [1, 0]
    assert "unpriced" not in world.run("balance", "b:2").out
    assert world.run("unpriced", "b:2").out == "none: all usage is billed in full\n"
    assert [row["resource"] for row in world.run("unpriced", "alice", "--json").json] == [DATED]
    assert world.run("unpriced", "nobody").code == 1


def mended(world: World, row: dict[str, Any]) -> bytes:
    """The rule book with the price that is shown, at some amount."""
    text = str(row["price_toml"]).replace("...", "0.5")
    assert tomllib.loads(text)["price"]
    return PRICES + b"\n" + text.encode() + b"\n"


@pytest.mark.parametrize("resource", [DATED, "vm/small/seconds", "mystery/units"])
def test_the_price_that_is_shown_mends_it(world: World, resource: str) -> None:
    """All of the usage is billed, from its first hour on."""
    for seq, hour in ((1, "03"), (2, "01")):
        ts = f"2025-01-01T{hour}:30:00Z"
        world.usage(usage_line(seq=seq, ts=ts, resource=resource, applies_to="vm", units=2))
    world.pull()
    (row,) = world.run("unpriced", "--json").json
    text = world.run("unpriced").out
    assert all(f"    {line}\n" in text for line in row["price_toml"].splitlines())
    world.rules(mended(world, row))
    world.pull()
    assert world.run("unpriced", "--json").json == []
    assert world.balance("alice")["billed_cost_nano"] == 2 * 10**9
    assert row["command"] == (
        "books prices import-llm --model openai:gpt-4o-mini-2024-07-18"
        if resource == DATED
        else None
    )


def test_a_charge_at_the_limit_leads_to_its_lines(world: World) -> None:
    """The command that is shown explains it."""
    world.usage(*(usage_line(seq=seq, ts=USED, units=MILLION) for seq in (1, 2)))
    world.pull()
    (row,) = world.run("unpriced", "--json").json
    assert (row["state"], row["price_toml"]) == ("overflow", None)
    program, *arguments = row["command"].split()
    assert program == "aggregator"
    assert f"{2 * MILLION} in 2 records" in world.run(*arguments).out
    assert "1 charge is overflow and costs the limit" in world.run("balance", "alice").out


def test_units_beyond_64_bits_are_added_up_exactly(world: World) -> None:
    lines = [
        usage_line(seq=seq, resource="mystery/units", units=2**53 - 1) for seq in range(1, 2100)
    ]
    world.usage(*lines, usage_line(seq=2100, resource="mystery/units", user="b:2", units=1))
    world.pull()
    (row,) = world.run("unpriced", "--json").json
    assert row["units"] == 2099 * (2**53 - 1) + 1


def test_records_beyond_the_limit_are_told_of_their_node_until_they_are_corrected(
    world: World,
) -> None:
    """One incident for a node, however many there are."""
    world.usage(*(usage_line(seq=seq, ts=USED, units=2**53 - 1) for seq in (1, 2)))
    assert world.pull()["node-1"].noticed == ("record beyond limit",)
    (row,) = world.incidents()
    assert (row["subject"], row["kind"]) == ("node-1", "record beyond limit")
    assert row["detail"].startswith("node node-1: 2 lines held")
    world.forget()
    world.pull()
    assert [row["subject"] for row in world.incidents()] == ["node-1"]
    correction = {"units": -(2**53 - 2), "corrects": 1, "reason": "miscount"}
    world.usage(usage_line(seq=3, ts=USED, **correction))
    world.pull()
    assert [row["kind"] for row in world.incidents()] == ["record beyond limit"]
    world.decide(decision_line(kind="exclude", of="node-1", of_seq=2))
    world.pull()
    assert world.incidents() == []
    assert world.charges()[0]["quantity"] == 1
