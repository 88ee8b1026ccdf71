"""`aggregator explain` as people and scripts meet it: first the sums, then the lines."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.ledger.counted_account import CountedAccount
from tests.support.ledger.world import World, money_line, usage_line
from tests.support.priced import RESOURCE, Form, package, price, tiers

ASKED = ("explain", "alice", "hero_os/seconds", "2025-01-11T00")
USED = "2025-01-11T00:30:00Z"


def used(seq: int, **values: object) -> bytes:
    return usage_line(seq=seq, ts=USED, **values)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A user whose hour is 40 lines of 30 segments, 24 instances and two nodes, amid others'."""
    world = World(tmp_path)
    world.rules()
    world.pay(money_line())
    world.usage(
        *(used(seq, units=seq, user="alice" if seq % 2 else "bob") for seq in range(1, 21)),
        used(21, units=-3, corrects=5, reason="counted twice"),
    )
    for seq in range(22, 51):
        node = f"node-{1 + seq % 2}"
        world.usage(used(seq, units=seq, node=node, instance=f"vm-{seq % 24}"), repo=node)
    world.usage(used(1, units=1), used(24, units=24, instance="vm-0"))
    world.pull()
    return world


def section(text: str, name: str) -> str:
    """The lines below a heading, up to the next one."""
    found = re.search(rf"^  {name}\n((?:    .*\n)+)", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def printed(command: str) -> str:
    return subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout


SUMS = re.compile(r"^    .*: (-?\d+) in (\d+) lines?\b", re.MULTILINE)


def test_every_summary_adds_up_to_the_charge(world: World) -> None:
    """Also where only the first rows are shown; all of them are with `--lines`."""
    said = world.run(*ASKED).ok().out
    quantity = 100 - 3 + sum(range(22, 51))
    assert f"quantity    {quantity} in 40 records" in said
    whole = world.run(*ASKED, "--lines").ok().out
    for name, rows, shown in (("nodes", 2, 2), ("instances", 25, 20), ("segments", 30, 20)):
        for text, most, more in ((said, shown, rows > shown), (whole, rows, False)):
            sums = [tuple(map(int, found)) for found in SUMS.findall(section(text, name))]
            assert len(sums) == most + more
            assert [sum(column) for column in zip(*sums, strict=True)] == [quantity, 40]
    assert "and 5 more instances: " in said
    assert "and 10 more segments: " in said
    assert "more segments" not in whole


def test_a_segment_is_shown_with_the_command_that_prints_it(world: World) -> None:
    """From the first line that counts to the last, with others' lines between them."""
    rows = re.findall(
        r"^    node-\d, lines? (\d+)(?: to (\d+))?: (-?\d+) in (\d+) lines?.*\n +(git .*)$",
        section(world.run(*ASKED, "--lines").ok().out, "segments"),
        re.MULTILINE,
    )
    assert len(rows) == 30
    for first, last, units, count, command in rows:
        lines = printed(command).splitlines()
        assert len(lines) == int(last or first) - int(first) + 1
        own = [line for line in lines if '"user":"alice"' in line]
        assert own[0] == lines[0]
        assert own[-1] == lines[-1]
        assert len(own) == int(count)
        assert sum(int(re.findall(r'"units":(-?\d+)', line)[0]) for line in own) == int(units)


def test_corrections_and_repeats_are_counted_where_they_are(world: World) -> None:
    said = world.run(*ASKED).ok().out
    assert re.search(r"node-1: \d+ in \d+ lines, 1 correction among them, 2 repeats\n", said)
    assert re.search(r"node-2: \d+ in \d+ lines\n", said)
    assert "no instance: 97 in 11 lines, 1 correction among them, 1 repeat\n" in said
    assert "node-1, lines 1 to 21: 97 in 11 lines, 1 correction among them, 1 repeat\n" in said


def test_many_lines_are_shown_when_they_are_asked_for(world: World) -> None:
    """Each as ever: what it says, and the command that prints it."""
    said = world.run(*ASKED).ok().out
    assert said.endswith("  lines       40: --lines shows them\n")
    whole = world.run(*ASKED, "--lines").ok().out
    (charge,) = world.run(*ASKED, "--lines", "--json").ok().json
    shown = whole.partition("  lines\n")[2]
    assert shown.count("\n") == 2 * 40 + 1
    assert "    correction of seq 5: counted twice\n    -3 at" in shown
    for line in charge["lines"]:
        again = ", delivered 1 more time" if line["seq"] in {1, 24} else ""
        place = f"{line['repo']}.git show {line['commit']}:{line['path']}"
        assert (
            f"    {line['units']} at {line['ts']}, {line['node']} seq {line['seq']}{again}\n"
            f"      git -C {world.config.mirrors_path}/{place} | sed -n {line['line_no']}p\n"
        ) in shown


def test_a_charge_of_few_lines_shows_them_and_no_sum_that_is_a_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.usage(used(1, instance="vm-1"), used(2, instance="vm-2"))
    world.pull()
    said = world.run(*ASKED).ok().out
    assert section(said, "nodes") == "    node-1: 2 in 2 lines\n"
    assert "instances" not in said
    assert section(said, "lines").count("\n") == 4
    world.usage(usage_line(seq=3, ts="2025-01-11T01:00:00Z"))
    world.pull()
    said = world.run("explain", "alice", "hero_os/seconds", "2025-01-11T01").ok().out
    assert re.findall(r"^  (\w+)", said, re.MULTILINE)[-2:] == ["billed", "lines"]


def test_the_json_has_the_sums_and_keeps_its_keys(world: World) -> None:
    (charge,) = world.run(*ASKED, "--json").ok().json
    assert list(charge) == [
        *("user", "hour", "resource", "applies_to", "quantity", "records", "tier", "multiplier"),
        *("list_cost_nano", "discount_nano", "billed_cost_nano", "state", "first_paid_at"),
        *("price", "window", "summary", "lines", "adds_up"),
        *("meter", "included", "drawn", "drawn_nano", "uncovered_nano"),
    ]
    sums = ["units", "lines", "corrections", "repeats"]
    keys = {way: {tuple(row) for row in rows} for way, rows in charge["summary"].items()}
    assert keys == {
        "nodes": {("node", *sums)},
        "instances": {("instance", *sums)},
        "segments": {
            ("repo", "node", "commit", "path", "first_line_no", "last_line_no", *sums),
        },
    }
    assert charge["lines"] is None
    units = [row["units"] for row in charge["summary"]["instances"]]
    assert units == sorted(units, reverse=True)
    assert {row["instance"] for row in charge["summary"]["instances"]} >= {None, "vm-0"}


TIERS = tiers("graduated", (10, "10", "0"), (20, "5.50", "2"), (None, "1", "3"), per=2)
MONTH = "window      month, from 2025-03-01T00:00:00Z until 2025-04-01T00:00:00Z"


def explained(folder: Path, *prices: Form) -> tuple[str, dict[str, Any]]:
    """What is said of 20 units after 6 of the same month and before 4, as text and as JSON."""
    account = CountedAccount(World(folder), *prices)
    account.use({"2025-03-01T00": 6, "2025-03-10T05": 20, "2025-03-31T23": 4, "2025-04-01T00": 9})
    asked = ("explain", "alice", RESOURCE, "2025-03-10T05")
    (charge,) = account.world.run(*asked, "--json").ok().json
    return account.world.run(*asked).ok().out, charge


def test_the_tiers_that_a_charge_pays_are_shown_with_their_units(tmp_path: Path) -> None:
    """With what the window counted before, and the flat fees that are due here."""
    said, charge = explained(tmp_path, price(**TIERS, window="month"))
    assert "  price       graduated, 3 tiers, from 2020-01-01T00:00:00Z\n" in said
    assert (
        f"""
  {MONTH}
  counted     20 after 6, 0 included in the plan; 30 in the window so far
    tier 1, up to 10: 4 at 10 USD per 2
    tier 2, up to 20: 10 at 5.50 USD per 2 and 2 USD once
    tier 3: 6 at 1 USD per 2 and 3 USD once
  list cost   {20 + 27.5 + 2 + 3 + 3:.2f} USD
"""
        in said
    )
    assert charge["window"] == {
        "from": "2025-03-01T00:00:00Z",
        "until": "2025-04-01T00:00:00Z",
        "included": 0,
        "before": 6,
        "counted": 20,
        "total": 30,
        "tiers": [
            {"tier": 1, "units": 4, "flat": False},
            {"tier": 2, "units": 10, "flat": True},
            {"tier": 3, "units": 6, "flat": True},
        ],
    }
    stated = {key: charge["price"][key] for key in ("usd", "per", "mode", "package", "window")}
    assert stated == {
        "usd": None,
        "per": 2,
        "mode": "graduated",
        "package": None,
        "window": "month",
    }


def test_under_a_price_by_volume_all_units_are_of_one_tier(tmp_path: Path) -> None:
    """That of the total so far; its flat fee is due in the window's first hour."""
    said, _ = explained(tmp_path, price(**{**TIERS, "mode": "volume"}, window="month"))
    assert "  price       volume, 3 tiers, from" in said
    assert "30 in the window so far\n    tier 3: 20 at 1 USD per 2\n  list cost   10.00 USD" in said


def test_of_a_package_the_window_is_shown_and_no_tier(tmp_path: Path) -> None:
    """26 units are 3 packages of 10, of which one was begun before."""
    said, charge = explained(tmp_path, price(**package(10, "7"), window="month"))
    assert (
        """
  price       7 USD per package of 10, from 2020-01-01T00:00:00Z
"""
        in said
    )
    assert (
        f"""
  {MONTH}
  counted     20 after 6, 0 included in the plan; 30 in the window so far
  list cost   14.00 USD
"""
        in said
    )
    assert (charge["price"]["package"], charge["price"]["per"]) == ({"size": 10, "usd": "7"}, None)


def test_a_price_of_one_account_is_shown_with_its_name_and_its_end(tmp_path: Path) -> None:
    """And with the line of the file that states it; a plain price by the hour has no window."""
    own = price(usd="2", user="alice", until="2025-03-20T00:00:00Z")
    said, charge = explained(tmp_path, price(usd="10"), own)
    begin = "  price       2 USD per 1, from 2020-01-01T00:00:00Z until 2025-03-20T00:00:00Z, "
    assert f"{begin}for alice alone\n" in said
    assert "window" not in said
    assert (charge["window"], charge["price"]["user"]) == (None, "alice")
    ((command, line_no),) = re.findall(r"\n      (git .*prices.toml)  # line (\d+)\n", said)
    table = printed(command).splitlines()[int(line_no) - 1 :]
    assert table[0] == "[[price]]"
    assert 'user = "alice"' in table
